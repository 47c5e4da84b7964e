"""Clinical variables by their codebook: text to numbers and ordered levels, and to columns of a model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from radstudy.protocol.sections import ClinicalVariable
from radstudy.table import CLINICAL


def code_clinical(
    codebook: Mapping[str, ClinicalVariable], rows: pd.DataFrame, *, comma_decimal: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """Code the clinical variables.

    Parameters
    ----------
    codebook : the variables.
    rows : the table's rows as text, indexed (patient, lesion).
    comma_decimal : whether a decimal comma is how this table writes numbers.

    Returns
    -------
    coded : one column a variable: float, or an ordered category; missing where the cell is empty.
    problems : values that are no number, or not in the codebook.
    """
    coded = pd.DataFrame(index=rows.index)
    problems: list[str] = []
    for name, variable in codebook.items():
        column = rows[variable.column or name]
        if variable.levels is None:
            coded[name], found = _numbers(column, name, comma_decimal)
        else:
            coded[name], found = _levels(column, name, variable.levels)
        problems += found
    return coded, problems


def _numbers(column: pd.Series[str], name: str, comma_decimal: bool) -> tuple[pd.Series[float], list[str]]:
    text = column.str.replace(",", ".", regex=False) if comma_decimal else column
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    problems = [
        f"Patient {row[0]}: {name} is '{column.loc[row]}', which is not a number. "
        f"To do: write it with a decimal point, or leave it empty"
        for row in column.index[column.notna() & ~np.isfinite(numbers)]
    ]
    return numbers, problems


def _levels(column: pd.Series[str], name: str, levels: tuple[str, ...]) -> tuple[pd.Series[str], list[str]]:
    problems = []
    for row in column.index[column.notna() & ~column.isin(levels)]:
        near = difflib.get_close_matches(str(column.loc[row]), levels, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"levels: {', '.join(levels)}."
        problems.append(
            f"Patient {row[0]}: {name} is '{column.loc[row]}', which is not in the codebook; {hint} "
            f"To do: correct the table, or add the level to cohort.clinical.{name}"
        )
    known = column.where(column.isin(levels))
    return pd.Series(pd.Categorical(known, categories=list(levels), ordered=True), index=column.index), problems


def design_columns(codebook: Mapping[str, ClinicalVariable], coded: pd.DataFrame) -> pd.DataFrame:
    """Clinical variables as the columns of a model.

    A number stays one column, ``clinical:age``. Levels become one indicator for each level but the first,
    ``clinical:margin=not circumscribed``. A missing value is NaN in all its columns.
    """
    columns: dict[str, pd.Series[float]] = {}
    for name, variable in codebook.items():
        values = coded[name]
        if variable.levels is None:
            columns[f"{CLINICAL}{name}"] = values.astype(float)
            continue
        for level in variable.levels[1:]:
            columns[f"{CLINICAL}{name}={level}"] = (values == level).astype(float).mask(values.isna())
    return pd.DataFrame(columns, index=coded.index)

"""Coding of clinical variables by the codebook: text to numbers and ordered levels, and to columns of a model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from radstudy.cohort.plausible import implausible, patients_of, suspicious
from radstudy.cohort.rows import as_named
from radstudy.errors import TableProblem
from radstudy.protocol.sections import ClinicalVariable
from radstudy.statistics.outcome import LARGEST
from radstudy.table import CLINICAL


@dataclass(frozen=True, eq=False)
class Coded:
    """Clinical variables as numbers and levels.

    Parameters
    ----------
    values : one column per variable: float, or an ordered category; missing if the cell is empty.
    problems : for the user to resolve: values that are not a number, not in the codebook or not possible, and
        variables without any value.
    notes : values to check: numbers that often stand for a missing value, and outliers by orders of magnitude.
    """

    values: pd.DataFrame
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def code_clinical(codebook: Mapping[str, ClinicalVariable], rows: pd.DataFrame) -> Coded:
    """Code the clinical variables.

    Parameters
    ----------
    codebook : the variables.
    rows : the table's rows as text, indexed (patient, lesion); numbers with a decimal point.
    """
    coded = pd.DataFrame(index=rows.index)
    problems: list[str] = []
    notes: list[str] = []
    for name, variable in codebook.items():
        column = rows[variable.column or name]
        if len(column) and column.isna().all():
            text = (
                f"{name} has no value at all: the column '{column.name}' is empty. To do: fill it in, or remove {name} "
                "from cohort.clinical"
            )
            problems.append(TableProblem(text, column=str(column.name)))
        if variable.levels is None:
            coded[name], faults = _numbers(column, name)
            faults += [
                TableProblem(fault, rows=fault.rows, column=str(column.name))
                for fault in implausible(coded[name], name, variable)
            ]
            notes += [] if faults else suspicious(coded[name], name, variable)
        else:
            coded[name], faults = _levels(column, name, variable.levels)
        problems += faults
    return Coded(coded, tuple(problems), tuple(notes))


def _numbers(column: pd.Series[str], name: str) -> tuple[pd.Series[float], list[str]]:
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = column[column.notna() & ~(numbers.abs() <= LARGEST)]
    problems: list[str] = [
        TableProblem(
            f"{patients_of(cells)}: {name} is '{value}', which is not a number. To do: write it with a decimal point, "
            "or leave it empty",
            rows=cells.index,
            column=str(column.name),
        )
        for value, cells in wrong.groupby(wrong, sort=False)
    ]
    return numbers, problems


def _levels(column: pd.Series[str], name: str, levels: tuple[str, ...]) -> tuple[pd.Series[str], list[str]]:
    column = as_named(column, levels)
    problems: list[str] = []
    unknown = column[column.notna() & ~column.isin(levels)]
    for value, cells in unknown.groupby(unknown, sort=False):
        near = difflib.get_close_matches(str(value), levels, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"levels: {', '.join(levels)}."
        text = (
            f"{patients_of(cells)}: {name} is '{value}', which is not in the codebook; {hint} "
            f"To do: correct the table, or add the level to cohort.clinical.{name}"
        )
        problems.append(TableProblem(text, rows=cells.index, column=str(column.name)))
    known = column.where(column.isin(levels))
    return pd.Series(pd.Categorical(known, categories=list(levels), ordered=True), index=column.index), problems


def design_columns(codebook: Mapping[str, ClinicalVariable], coded: pd.DataFrame) -> pd.DataFrame:
    """Convert clinical variables to the columns of a model.

    A number is one column, ``clinical:age``. Levels become one indicator for each level but the first,
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

"""Tables 1 and 2: comparison of the two outcome groups, variable by variable.

Each patient counts once, and is positive if any of the lesions is. A variable whose known values differ between the
lesions of some patient (a size, a margin) belongs to the lesion: it is counted per lesion, and its test treats lesions
as independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from radstudy.artefacts.evaluate import TABLE1
from radstudy.protocol.sections import ClinicalVariable
from radstudy.statistics import categorical_test, continuous_test, smd_categorical, smd_continuous

Test = Literal["student", "welch", "mann-whitney", "auto-spss"]


def comparison_table(
    rows: pd.DataFrame,
    codebook: Mapping[str, ClinicalVariable],
    *,
    table: str,
    continuous: Test = "student",
    sets: Sequence[str] = ("training", "testing", "all"),
) -> pd.DataFrame:
    """Compare the outcome groups in the training set, the testing set and the whole cohort.

    Parameters
    ----------
    rows : the rows analysed, indexed (patient, lesion): ``set``, ``outcome`` and the coded clinical variables.
    codebook : the variables.
    table : "clinical" (Table 1) or "imaging" (Table 2).
    continuous : test of continuous variables; categorical ones follow the rule of `categorical_test`.
    sets : sets to compare the groups in; "all" is the whole cohort.

    Returns
    -------
    Long table: one row per set and variable (continuous), or per set, variable and level (categorical), with counts,
    percentage of the group's known values, mean and SD, missing counts, standardised mean difference, p-value, test
    and note. ``counted`` is "patients", or "lesions" for a variable of the lesion.
    """
    records: list[dict[str, Any]] = []
    patients = _patients(rows)
    for name, variable in codebook.items():
        if variable.table != table:
            continue
        own = _of_lesions(rows, name)
        counted = rows if own else patients
        for which in sets:
            part = counted if which == "all" else counted[counted["set"] == which]
            head = {"set": which, "variable": name, "label": variable.label or name, "unit": variable.unit,
                    "counted": "lesions" if own else "patients"}  # fmt: skip
            records += (
                _continuous(part, name, head, continuous)
                if variable.levels is None
                else _categorical(part, name, head, variable.levels)
            )
    return TABLE1.frame(records)


def _patients(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per patient: positive if any lesion is; each variable is the first known value of the lesions."""
    grouped = rows.groupby(level="patient", sort=False, observed=True)
    return grouped.first().assign(outcome=grouped["outcome"].max())


def _of_lesions(rows: pd.DataFrame, name: str) -> bool:
    """True if a variable's known values differ between the lesions of a patient."""
    return bool((rows[name].groupby(rows.index.get_level_values("patient")).nunique() > 1).any())


def _continuous(part: pd.DataFrame, name: str, head: dict[str, Any], test: Test) -> list[dict[str, Any]]:
    groups = [part.loc[part["outcome"] == value, name].to_numpy(dtype=float) for value in (0, 1)]
    known = [group[~np.isnan(group)] for group in groups]
    result = continuous_test(known[0], known[1], method=test)
    record = {**head, "kind": "continuous", "level": "", "p_value": result.p_value, "test": result.test}
    record["note"] = result.note
    record["smd"] = smd_continuous(known[1], known[0]).value
    for word, group, values in zip(("negative", "positive"), groups, known, strict=True):
        record[f"{word}_n"] = len(values)
        record[f"{word}_mean"] = values.mean() if len(values) else np.nan
        record[f"{word}_sd"] = values.std(ddof=1) if len(values) > 1 else np.nan
        record[f"{word}_missing"] = len(group) - len(values)
    return [record]


def _categorical(part: pd.DataFrame, name: str, head: dict[str, Any], levels: tuple[str, ...]) -> list[dict[str, Any]]:
    groups = [part.loc[part["outcome"] == value, name] for value in (0, 1)]
    counts = np.array([[int((group == level).sum()) for level in levels] for group in groups])
    result = categorical_test(counts)
    difference = smd_categorical(counts).value
    totals = counts.sum(axis=1)
    records = []
    for index, level in enumerate(levels):
        record = {**head, "kind": "categorical", "level": level, "p_value": result.p_value, "test": result.test}
        record |= {"note": result.note, "smd": difference}
        for word, row in (("negative", 0), ("positive", 1)):
            record[f"{word}_n"] = int(counts[row, index])
            record[f"{word}_percent"] = 100 * counts[row, index] / totals[row] if totals[row] else np.nan
            record[f"{word}_missing"] = int(groups[row].isna().sum())
        records.append(record)
    return records

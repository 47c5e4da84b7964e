"""Rows of the cohort table: identifiers, reason for exclusion, outcome, and the sequences that show the lesion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.errors import CohortError, TableProblem
from radstudy.protocol.sections import CohortSection

ROW = ("patient", "lesion")
_UNFIT_FOR_FILES = set('/\\:*?"<>|')


def require_columns(section: CohortSection, table: pd.DataFrame, file: Path, elsewhere: Collection[str] = ()) -> None:
    """Refuse a table that lacks a column named in the study file.

    Parameters
    ----------
    section, table : of the study file; the cohort table.
    file : of the table, for the message.
    elsewhere : columns that another table has.

    Raises
    ------
    CohortError : states which setting names it.
    """
    missing = [
        TableProblem(f"cohort.{setting} names the column '{column}', which the table does not have", column=column)
        for setting, column in named_columns(section).items()
        if column not in table.columns and column not in elsewhere
    ]
    if missing:
        have = ", ".join(str(column) for column in table.columns)
        raise CohortError(f"{file}: columns are missing (the table has: {have})", missing)


def named_columns(section: CohortSection) -> dict[str, str]:
    """Map each setting to the column of the cohort table that it names."""
    wanted = {
        "patient": section.patient,
        "lesion": section.lesion,
        "side": section.side,
        "site": section.site_column,
        "outcome.column": section.outcome.column,
        "exclude": section.exclude,
        "visible": section.visible,
        "split.column": section.split.column,
    }
    wanted |= {f"clinical.{name}": variable.column or name for name, variable in section.clinical.items()}
    return {setting: column for setting, column in wanted.items() if column is not None}


def words_of(section: CohortSection) -> dict[str, tuple[str, ...]]:
    """Map columns to the values named in the study file, which count even if they look like a missing value."""
    words = {variable.column or name: variable.levels for name, variable in section.clinical.items() if variable.levels}
    outcome = section.outcome
    return {
        **words,
        outcome.column: tuple(value for value in (outcome.positive, outcome.negative) if value is not None),
    }


def identified_rows(section: CohortSection, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Index the table by (patient, lesion), and list rows without a patient and duplicate rows."""
    problems: list[str] = []
    patients = table[section.patient]
    for number in table.index[patients.isna()]:
        text = f"line {number + 2}: the patient's identifier is empty. To do: fill it in or delete the row"
        problems.append(TableProblem(text, lines=(number + 2,), column=section.patient))
    lesions = table[section.lesion].fillna("1") if section.lesion else pd.Series("1", index=table.index)
    identified = table.assign(_line=table.index + 2)
    identified.index = pd.MultiIndex.from_arrays([patients.fillna(""), lesions], names=list(ROW))
    for patient, lesion in identified.index[identified.index.duplicated()].unique():
        lines = identified["_line"].loc[[(patient, lesion)]].tolist()
        if patient:
            text = (
                f"Patient {patient}, lesion {lesion}: is on lines {', '.join(map(str, lines))}. "
                f"To do: keep one row per lesion, or give each lesion its own identifier (cohort.lesion)"
            )
            problems.append(TableProblem(text, lines=lines, column=section.patient))
    columns = {"patient": section.patient, "lesion": section.lesion or ""}
    for name, values in (("patient", patients.dropna()), ("lesion", lesions)):
        unfit = [value for value in values.unique() if set(value) & _UNFIT_FOR_FILES or value in ("", ".", "..")]
        for value in unfit:
            text = (
                f"the {name} identifier '{value}' cannot be part of a file's name. To do: use letters, digits, - and _"
            )
            problems.append(TableProblem(text, lines=values.index[values == value] + 2, column=columns[name]))
    return identified, problems


def excluded_rows(section: CohortSection, table: pd.DataFrame) -> pd.DataFrame:
    """The rows for which the table gives a reason for exclusion, with the reason."""
    if section.exclude is None:
        return pd.DataFrame({"reason": pd.Series(dtype=object)}, index=table.index[:0])
    reasons = table[section.exclude].dropna()
    return pd.DataFrame({"reason": reasons})


def outcome_of(section: CohortSection, kept: pd.DataFrame) -> tuple[pd.Series[int], list[str]]:
    """The outcome, 0 or 1, of the rows kept, and the problems that the user must resolve."""
    spec = section.outcome
    values = as_named(kept[spec.column], [value for value in (spec.positive, spec.negative) if value is not None])
    problems: list[str] = [
        TableProblem(
            f"{_who(row)}: the outcome ('{spec.column}') is empty. To do: fill it in, or give a reason for exclusion",
            rows=[row],
            column=spec.column,
        )
        for row in kept.index[values.isna()]
    ]
    values_present = sorted(set(values.dropna()))
    others = [value for value in values_present if value != spec.positive]
    negative = spec.negative if spec.negative is not None else (others[0] if len(others) == 1 else None)
    allowed = {spec.positive, negative}
    if negative is None and len(others) > 1:
        listed = ", ".join(f"'{value}'" for value in values_present)
        problems.append(
            f"the outcome '{spec.column}' has {len(values_present)} values ({listed}); it must have two. "
            f"To do: correct the table, or name cohort.outcome.negative and exclude the rest"
        )
    elif negative is not None:
        for row in kept.index[values.notna() & ~values.isin(allowed)]:
            text = (
                f"{_who(row)}: the outcome '{values.loc[row]}' is neither '{spec.positive}' nor '{negative}'. "
                f"To do: correct it, or give a reason for exclusion"
            )
            problems.append(TableProblem(text, rows=[row], column=spec.column))
    for value in (spec.positive, negative):
        if values_present and value is not None and value not in values_present:
            problems.append(
                f"the outcome '{spec.column}' is never '{value}' (found: {', '.join(values_present)}). "
                f"To do: correct cohort.outcome or the table; a study needs both classes"
            )
    if len(values_present) == 1 and negative is None:
        problems.append(
            f"the outcome '{spec.column}' has only one value ('{values_present[0]}'); a study needs both classes"
        )
    return (values == spec.positive).astype(int), problems


def as_named(column: pd.Series[str], named: Sequence[str]) -> pd.Series[str]:
    """Write each number of a column as in the study file: 1.0 becomes 1 if the study file names 1.

    Some programs write 1 as 1.0 in a column with empty cells.

    Examples
    --------
    >>> as_named(pd.Series(["1.0", "0.0", "2.5", "01"]), ["1", "0"]).tolist()
    ['1', '0', '2.5', '01']
    """
    known = {f"{value}{zeros}": value for value in named if value.lstrip("+-").isdigit() for zeros in (".0", ".00")}
    known |= {f"{value}.": value for value in named if value.lstrip("+-").isdigit()}
    return column.map(lambda cell: cell if cell in named else known.get(cell, cell), na_action="ignore")


def without_site(section: CohortSection, kept: pd.DataFrame) -> list[str]:
    """List the rows whose site is not given, if the study names a column of it."""
    if (column := section.site_column) is None:
        return []
    return [
        TableProblem(
            f"{_who(row)}: the site ('{column}') is empty. To do: fill it in, or give a reason for exclusion",
            rows=[row],
            column=column,
        )
        for row in kept.index[kept[column].isna()]
    ]


def visible_on(section: CohortSection, row: pd.Series[Any]) -> set[str] | None:
    """The sequences on which the lesion is visible according to the table; None if it does not say."""
    if section.visible is None or pd.isna(row[section.visible]):
        return None
    return {part.strip() for part in str(row[section.visible]).split(";") if part.strip()}


def shown_lesion(section: CohortSection, lesion: str) -> str:
    """The lesion for messages: "" if each patient has only one."""
    return lesion if section.lesion else ""


def _who(row: Any) -> str:
    patient, lesion = row
    return f"Patient {patient}, lesion {lesion}" if lesion != "1" else f"Patient {patient}"

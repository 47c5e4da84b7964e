"""Joining of outcomes by PatientID to an import's pseudonyms, in memory: no PatientID leaves this module."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from radstudy.cells import unguarded
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CohortError, DataError, UsageError


@dataclass(frozen=True, eq=False)
class Joined:
    """The cohort table with its outcomes.

    Parameters
    ----------
    table : the import's rows and columns, with the joined columns.
    outcome : name of the outcome column.
    taken : names of all joined columns.
    values : the outcome's values, sorted.
    notes : rows of either table without a match, by line or by pseudonym.
    """

    table: pd.DataFrame
    outcome: str
    taken: tuple[str, ...]
    values: tuple[str, ...]
    notes: tuple[str, ...]


def join_outcomes(
    cohort: Path,
    outcomes: Path,
    key: Path,
    *,
    identifier: str,
    outcome: str | None = None,
    clinical: Sequence[str] = (),
) -> Joined:
    """Add outcomes and other named columns to the rows of an import's cohort table.

    Parameters
    ----------
    cohort : the import's cohort.csv; it is not changed.
    outcomes : CSV or XLSX with the PatientID as the hospital writes it.
    key : the import's pseudonyms.csv, in its private folder.
    identifier : the column of `outcomes` with the PatientID.
    outcome : the column with the outcome; None: the only one with two values.
    clinical : further columns to take. No others are taken, because they may identify the patient.

    Raises
    ------
    DataError, CohortError : no row matches, a patient has two rows that differ, or a column repeats the PatientID.
    UsageError : the tables have no such columns.
    """
    known = read_pseudonyms(key)
    given, _ = read_table(outcomes)
    column = _outcome_column(given, outcomes, identifier, outcome)
    taken = [column, *(name for name in clinical if name != column)]
    missing = [name for name in (identifier, *taken) if name not in given.columns]
    if missing:
        have = ", ".join(map(str, given.columns))
        raise UsageError(f"{outcomes} has no column '{missing[0]}'. To do: choose from its columns: {have}")
    if identifier in taken:
        raise UsageError(
            f"'{identifier}' is the column with the PatientID: it cannot be an outcome or clinical variable"
        )
    _refuse_identifiers(given, identifier, taken, outcomes)
    table, _ = read_table(cohort)
    patient = str(table.columns[0])
    matched = match_rows(given, identifier, known, taken)
    if matched.differing:
        raise CohortError(
            f"{outcomes}: patients have several rows. To do: keep one row of each:",
            [f"lines {_lines(rows)}: the same patient ({name}) with different values"
             for name, rows in matched.differing],
        )  # fmt: skip
    lines, strange = matched.lines, _strange(matched, identifier, outcomes)
    values = given.loc[[*lines.values()], taken].set_axis(pd.Index(list(lines)), axis=0)
    new = table[patient].map(lambda name: name in values.index)
    if not new.any():
        raise CohortError(
            f"no row of {outcomes} belongs to a patient of {cohort}:",
            [*strange, f"To do: name the column with the PatientID (--id-column, now '{identifier}'), or give the "
             f"private folder of this import (--private, now {key.parent})"],
        )  # fmt: skip
    joined = table.assign(**{name: table[patient].map(values[name].to_dict()) for name in taken})
    notes = list(strange)
    without = sorted(set(table.loc[~new, patient]))
    if without:
        notes.append(f"{len(without)} imported patient(s) have no row in {outcomes.name}: {', '.join(without)}")
    away = sorted(set(lines) - set(table[patient]))
    if away:
        notes.append(
            f"{len(away)} row(s) of {outcomes.name} are of patients without an imported volume: line(s) "
            f"{_lines(lines[name] for name in away)}"
        )
    return Joined(joined, column, tuple(taken), tuple(sorted(set(joined[column].dropna()))), tuple(notes))


def read_pseudonyms(key: Path) -> dict[str, str]:
    """Map each PatientID to its pseudonym.

    Parameters
    ----------
    key : the import's pseudonyms.csv, in its private folder.

    Raises
    ------
    UsageError, DataError : it does not exist, is not such a table, or gives one PatientID several pseudonyms.
    """
    if not key.is_file():
        raise UsageError(
            f"{key} does not exist: it lists the pseudonym of each PatientID. To do: give the private folder of the "
            "import (--private)"
        )
    with key.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"pseudonym", "patient_id"} <= set(rows[0]):
        raise DataError(f"{key} is not a table of pseudonyms: it needs the columns pseudonym and patient_id")
    pseudonyms: dict[str, str] = {}
    doubled = set()
    for row in rows:
        patient, pseudonym = (unguarded(row[name] or "") for name in ("patient_id", "pseudonym"))
        if patient in pseudonyms:
            doubled |= {pseudonyms[patient], pseudonym}
        pseudonyms[patient] = pseudonym
    if doubled:
        raise DataError(
            f"{key}: one PatientID, given by different issuers, has several pseudonyms ({', '.join(sorted(doubled))}). "
            "To do: fill in the outcomes of the import's cohort.csv by hand"
        )
    return pseudonyms


def _outcome_column(given: pd.DataFrame, file: Path, identifier: str, outcome: str | None) -> str:
    if outcome is not None:
        return outcome
    two = [str(name) for name in given.columns if name != identifier and given[name].nunique() == 2]
    if len(two) == 1:
        return two[0]
    have = ", ".join(str(name) for name in given.columns if name != identifier)
    raise UsageError(
        f"{file}: {len(two)} columns have two values, so the outcome column is not clear. To do: name it (--outcome "
        f"COLUMN); choose from {have}"
    )


def _refuse_identifiers(given: pd.DataFrame, identifier: str, taken: list[str], file: Path) -> None:
    for name in taken:
        same = given[name].notna() & (given[name] == given[identifier])
        if 5 * same.sum() > len(given):
            raise DataError(
                f"{file}: the column '{name}' repeats the PatientID in {same.sum()} row(s) and would bring it into the "
                "study. To do: choose another column"
            )


@dataclass(frozen=True)
class MatchedRows:
    """Rows of a table of outcomes, matched to the patients of an import.

    Parameters
    ----------
    lines : pseudonym to the index of its row.
    empty, near, unknown : indexes of rows without a PatientID, with one that differs from a known one only in leading
        zeros, capitals or blanks, and with one that no patient has.
    differing : pseudonym and indexes of two rows of one patient whose values differ.
    """

    lines: dict[str, int]
    empty: tuple[int, ...]
    near: tuple[int, ...]
    unknown: tuple[int, ...]
    differing: tuple[tuple[str, tuple[int, int]], ...]


def match_rows(given: pd.DataFrame, identifier: str, known: dict[str, str], taken: list[str]) -> MatchedRows:
    """Match the rows of a table to patients, in memory.

    Parameters
    ----------
    given : the table, every cell as text.
    identifier : its column with the PatientID.
    known : PatientID to pseudonym.
    taken : columns in which several rows of one patient must agree.
    """
    plain = {_plain(patient) for patient in known}
    lines: dict[str, int] = {}
    unknown: list[int] = []
    near: list[int] = []
    empty: list[int] = []
    differing: list[tuple[str, tuple[int, int]]] = []
    for row, text in zip(map(int, given.index), given[identifier], strict=True):
        if pd.isna(text):
            empty.append(row)
        elif (name := known.get(str(text))) is None:
            (near if _plain(str(text)) in plain else unknown).append(row)
        elif name in lines and not _alike(given, taken, row, lines[name]):
            differing.append((name, (lines[name], row)))
        else:
            lines.setdefault(name, row)
    return MatchedRows(lines, tuple(empty), tuple(near), tuple(unknown), tuple(differing))


def _strange(matched: MatchedRows, identifier: str, file: Path) -> list[str]:
    """Notes on rows that match no patient."""
    return [
        f"{len(rows)} row(s) of {file.name} {what}: line(s) {_lines(rows)}"
        for rows, what in (
            (matched.empty, f"have no {identifier}"),
            (matched.near, "differ from an imported PatientID only in leading zeros, capitals or blanks, and were not "
             "joined"),
            (matched.unknown, "match no imported patient"),
        )
        if rows
    ]  # fmt: skip


def _alike(given: pd.DataFrame, taken: list[str], one: int, other: int) -> bool:
    """True if two rows have the same values in the columns that are taken."""
    first, second = (cast(pd.Series, given.loc[row, taken]) for row in (one, other))
    return first.equals(second)


def _lines(rows: Iterable[int]) -> str:
    """Row numbers as in a spreadsheet."""
    return ", ".join(str(row + 2) for row in rows)


def _plain(patient: str) -> str:
    return patient.strip().casefold().lstrip("0").replace(" ", "")

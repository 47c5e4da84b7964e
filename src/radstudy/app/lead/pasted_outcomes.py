"""Outcomes pasted by hospital number: matched in memory through the import's private key, written by pseudonym.

No PatientID leaves this module: the answers name rows of the pasted text and pseudonyms, an unexpected error is told
without its own words, and nothing is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from radstudy.app.lead.cohort_table import CohortSheet, SavedTable, read_table_sheet, save_cells
from radstudy.app.lead.projects import Project
from radstudy.cohort.changes import CellChange
from radstudy.cohort.outcomes import MatchedRows, match_rows, read_pseudonyms
from radstudy.cohort.rows import as_named
from radstudy.cohort.spreadsheet import csv_layout, sheet_of
from radstudy.errors import RadstudyError, UsageError
from radstudy.protocol import Protocol

Heading = Literal["auto", "yes", "no"]
KEY = "pseudonyms.csv"
_ID, _OUTCOME = "1", "2"
_NAMED = Path("the pasted rows")


@dataclass(frozen=True)
class GivenOutcomes:
    """Outcomes as they were pasted, or chosen as a file.

    Parameters
    ----------
    content : a text with two columns, or the bytes of a CSV or XLSX file.
    heading : whether the first row is a heading.
    meanings : pasted value to the table's value.
    """

    content: str | bytes = field(repr=False)
    heading: Heading = "auto"
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReplacedOutcome:
    """An outcome of the table that a pasted one would replace."""

    patient: str
    line: int
    before: str
    after: str


@dataclass(frozen=True)
class OutcomeMatch:
    """Pasted outcomes against the table.

    Parameters
    ----------
    rows : pasted, the heading left out.
    has_heading : True if the first row was taken for one.
    by : "hospital" if matched through the private key, "table" by the table's own identifiers.
    matched : patients of the table with an outcome.
    without : patients of the table without one.
    new, same : cells that would be filled, and that hold the same value.
    replaced : cells that hold another value.
    unmatched : row of the pasted text to the reason: empty, near, unknown, elsewhere.
    differing : pseudonym and rows of one patient with different outcomes.
    values : pasted values, each with the number of rows, that are none of the outcome's two.
    choices : the outcome's two values.
    """

    rows: int
    has_heading: bool
    by: Literal["hospital", "table"]
    matched: int
    without: tuple[str, ...]
    new: int
    same: int
    replaced: tuple[ReplacedOutcome, ...]
    unmatched: tuple[tuple[int, str], ...]
    differing: tuple[tuple[str, tuple[int, int]], ...]
    values: tuple[tuple[str, int], ...]
    choices: tuple[str, ...]
    changes: tuple[CellChange, ...] = field(repr=False, default=())

    @property
    def may_write(self) -> bool:
        """True if nothing is contradictory, and something changes."""
        return bool(self.changes) and not self.differing and not self.values


def match_outcomes(project: Project, protocol: Protocol, given: GivenOutcomes) -> OutcomeMatch:
    """Match pasted outcomes to the table; nothing is written.

    Parameters
    ----------
    project : the study; its private folder holds the key.
    protocol : its study file.
    given : what was pasted.

    Raises
    ------
    UsageError : there are not two columns, or the table has no column for the outcome.
    """
    return _matched(project, read_table_sheet(project, protocol), given)


def write_outcomes(project: Project, protocol: Protocol, version: str, given: GivenOutcomes) -> SavedTable:
    """Write pasted outcomes into the table, by pseudonym.

    Parameters
    ----------
    project, protocol, given : see `match_outcomes`.
    version : hash of the table's file that was read.

    Raises
    ------
    UsageError : outcomes contradict each other, or nothing would change.
    ChangedSinceError : the table was changed since.
    """
    match = match_outcomes(project, protocol, given)
    if not match.may_write:
        raise UsageError("nothing was written: settle what is listed first" if match.differing or match.values
                         else "nothing was written: the table has these outcomes already")  # fmt: skip
    return save_cells(project, protocol, version, match.changes)


def _matched(project: Project, sheet: CohortSheet, given: GivenOutcomes) -> OutcomeMatch:
    section = sheet.section
    for setting, name in (("cohort.patient", section.patient), ("cohort.outcome.column", section.outcome.column)):
        if name not in sheet.grid.columns:
            raise UsageError(f"the table has no column '{name}' ({setting}): add it first")
    known, by = _known(project, sheet)
    try:
        pasted = _pasted(given.content)
        has_heading = _has_heading(pasted, known, given.heading)
        return _against(sheet, pasted.iloc[1:] if has_heading else pasted, has_heading, known, by, given.meanings)
    except UsageError:
        raise
    except Exception as error:  # its own words may hold a PatientID: they go nowhere
        raise UsageError(
            f"the pasted rows could not be read ({type(error).__name__}). To do: paste two columns from Excel, the "
            "hospital number and the outcome"
        ) from None


def _known(project: Project, sheet: CohortSheet) -> tuple[dict[str, str], Literal["hospital", "table"]]:
    """Identifier to pseudonym: of the private key, or the table's own."""
    key = project.private / KEY
    if key.is_file():
        return read_pseudonyms(key), "hospital"
    column = sheet.grid.columns.index(sheet.section.patient)
    return {row.cells[column]: row.cells[column] for row in sheet.grid.rows if row.cells[column]}, "table"


def _pasted(content: str | bytes) -> pd.DataFrame:
    """The pasted rows as two columns of text, all rows: also the first."""
    raw = content.encode() if isinstance(content, str) else content
    try:
        table = _rows_of(raw)
    except RadstudyError as error:
        raise UsageError(
            f"the pasted rows are not a table ({type(error).__name__}). To do: paste two columns from Excel, the "
            "hospital number and the outcome"
        ) from None
    table = table.loc[:, table.notna().any()]
    if table.shape[1] != 2:
        raise UsageError(
            f"the pasted rows have {table.shape[1]} columns with content. To do: copy two columns, the hospital number "
            "and the outcome; others are not taken, because they may identify the patient"
        )
    table.columns = pd.Index([_ID, _OUTCOME])
    return table


def _rows_of(raw: bytes) -> pd.DataFrame:
    """All rows of a table, the first one, too; its index is the row's number minus 2."""
    if not raw.strip():
        raise UsageError("nothing was pasted")
    if raw.startswith(b"PK"):
        sheet = sheet_of(_NAMED, raw).table
        first = pd.DataFrame([list(sheet.columns)], columns=sheet.columns, index=[-1], dtype=object)
        return pd.concat([first, sheet])
    text = raw.decode("utf-8-sig") if _is_utf_8(raw) else raw.decode("utf-16" if raw[:2] in _UTF_16 else "cp1252")
    lines, skipped, separator = csv_layout(text)
    width = max((line.count(separator) for line in lines), default=0) + 1
    names = separator.join(f"column{n}" for n in range(width))
    body = "".join(line.rstrip("\n") + separator * (width - 1 - line.count(separator)) + "\n" for line in lines)
    table = sheet_of(_NAMED, f"{names}\n{body}".encode()).table
    table.index = table.index - 1 + skipped
    return table


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _has_heading(pasted: pd.DataFrame, known: Mapping[str, str], said: Heading) -> bool:
    """True if the first row is a heading: its first cell is no patient's, and no other row has its second."""
    if said != "auto" or len(pasted) == 0:
        return said == "yes"
    first, outcome = pasted.iloc[0][_ID], pasted.iloc[0][_OUTCOME]
    return str(first) not in known and outcome not in set(pasted.iloc[1:][_OUTCOME])


def _against(
    sheet: CohortSheet, pasted: pd.DataFrame, has_heading: bool, known: dict[str, str],
    by: Literal["hospital", "table"], meanings: Mapping[str, str],
) -> OutcomeMatch:  # fmt: skip
    choices = next(column.values for column in sheet.columns if column.role == "outcome.column")
    pasted = pasted.assign(**{_OUTCOME: as_named(pasted[_OUTCOME].map(lambda text: meanings.get(text, text)), choices)})
    filled = pasted[pasted[_OUTCOME].notna() | pasted[_ID].notna()]
    matched = match_rows(filled, _ID, known, [_OUTCOME])
    rows, places = sheet.grid.rows, sheet.grid.columns
    patient, outcome = places.index(sheet.section.patient), places.index(sheet.section.outcome.column)
    of_table = {row.cells[patient] for row in rows}
    given = {name: filled.loc[line, _OUTCOME] for name, line in matched.lines.items() if name in of_table}
    values: dict[str, str] = {name: value for name, value in given.items() if isinstance(value, str)}
    strange = filled[_OUTCOME].dropna().loc[lambda cells: ~cells.isin(choices)].value_counts()
    cells = [(row, values[row.cells[patient]]) for row in rows if values.get(row.cells[patient]) in choices]
    changed = [(row, value) for row, value in cells if row.cells[outcome] != value]
    return OutcomeMatch(
        rows=len(filled), has_heading=has_heading, by=by, matched=len(values),
        without=tuple(sorted(of_table - set(values) - {""})),
        new=sum(not row.cells[outcome] for row, _ in changed), same=len(cells) - len(changed),
        replaced=tuple(ReplacedOutcome(row.cells[patient], row.line, row.cells[outcome], value)
                       for row, value in changed if row.cells[outcome]),
        unmatched=_unmatched(matched, filled, of_table),
        differing=tuple((name, (one + 2, other + 2)) for name, (one, other) in matched.differing),
        values=_few(strange),
        choices=choices, changes=tuple(CellChange(row.line, outcome, value) for row, value in changed),
    )  # fmt: skip


_FEW = 12


def _few(strange: pd.Series[int]) -> tuple[tuple[str, int], ...]:
    """Values with the number of their rows; many different ones are no outcome, and may be names."""
    if len(strange) <= _FEW:
        return tuple((str(value), int(n)) for value, n in strange.items())
    raise UsageError(
        f"the second column has {len(strange)} different values that are none of the outcome's two. To do: paste the "
        "hospital number first, then the outcome"
    )


def _unmatched(matched: MatchedRows, filled: pd.DataFrame, of_table: set[str]) -> tuple[tuple[int, str], ...]:
    """Row of the pasted text, from 1, to the reason why it is not used."""
    reasons = {
        **dict.fromkeys(matched.empty, "empty"), **dict.fromkeys(matched.near, "near"),
        **dict.fromkeys(matched.unknown, "unknown"),
        **{line: "elsewhere" for name, line in matched.lines.items() if name not in of_table},
        **{line: "no_outcome" for name, line in matched.lines.items()
           if name in of_table and not isinstance(filled.loc[line, _OUTCOME], str)},
    }  # fmt: skip
    return tuple((line + 2, reasons[line]) for line in sorted(reasons))

"""The cohort table as a sheet to fill in: its cells by their columns' roles, written back cell by cell.

Nothing else of the file changes (`radstudy.cohort.table_file`), and nothing is written over a file that was changed
since it was read. The file as it was before the first change from a page is kept in the study's notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from radstudy.app.lead.projects import Project
from radstudy.cohort.changes import Added, CannotChangeError, CellChange, TableGrid
from radstudy.cohort.numbers import COMMA, POINT, plain_numbers, shown_mark
from radstudy.cohort.plausible import range_of
from radstudy.cohort.rows import named_columns, words_of
from radstudy.cohort.spreadsheet import Sheet
from radstudy.cohort.table_file import ChangedSinceError, TableOnDisk
from radstudy.errors import StorageError, UsageError
from radstudy.protocol import Protocol
from radstudy.protocol.sections import ClinicalVariable, CohortSection
from radstudy.store import content_hash, make_folders, write_bytes, write_text

CellKind = Literal["text", "choice", "number", "reason"]
_LOCK, _PATIENCE_S = "table.lock", 20.0
_FIRST = "first versions of tables"
_MOST_SUGGESTED = 40


@dataclass(frozen=True)
class SheetColumn:
    """A column of the sheet.

    Parameters
    ----------
    name : in the table.
    role : the setting of the study file that names it, such as patient or clinical.age; "" for none.
    kind : of its cells.
    values : to choose from, in their order; of a reason: those that occur.
    label, unit : of a clinical variable.
    range : smallest and largest possible number; None for any.
    """

    name: str
    role: str
    kind: CellKind = "text"
    values: tuple[str, ...] = ()
    label: str = ""
    unit: str = ""
    range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class CohortSheet:
    """The cohort table as it is shown.

    Parameters
    ----------
    table : its file.
    section : of the study file.
    columns : in the table's order.
    """

    table: TableOnDisk
    section: CohortSection
    columns: tuple[SheetColumn, ...]

    @property
    def grid(self) -> TableGrid:
        """Its cells."""
        return self.table.grid

    @property
    def content(self) -> Sheet:
        """The table as the study reads it."""
        return self.table.content


def table_path(project: Project, protocol: Protocol) -> Path:
    """The file of the cohort table."""
    return project.folder / protocol.cohort.table


def read_table_sheet(project: Project, protocol: Protocol) -> CohortSheet:
    """Read the cohort table to be shown.

    Parameters
    ----------
    project : the study.
    protocol : its study file.

    Raises
    ------
    DataError, CohortError : the table does not exist, or cannot be read.
    CannotChangeError : it cannot be changed cell by cell.
    """
    section = protocol.cohort
    table = TableOnDisk.read(table_path(project, protocol), section.sheet, words_of(section))
    return CohortSheet(table, section, columns_of(section, table.grid))


def columns_of(section: CohortSection, grid: TableGrid) -> tuple[SheetColumn, ...]:
    """The columns of a table by the roles that the study file gives them.

    Parameters
    ----------
    section : of the study file.
    grid : the table's cells.
    """
    roles = {column: setting for setting, column in reversed(named_columns(section).items())}
    return tuple(_column(section, grid, n, name, roles.get(name, "")) for n, name in enumerate(grid.columns))


def _column(section: CohortSection, grid: TableGrid, number: int, name: str, role: str) -> SheetColumn:
    if role == "outcome.column":
        return SheetColumn(name, role, "choice", _outcomes(section, grid, number), section.outcome.label or "")
    if role == "exclude":
        return SheetColumn(name, role, "reason", _occurring(grid, number))
    if role == "split.column":
        return SheetColumn(name, role, "choice", ("training", "testing"))
    if role.startswith("clinical."):
        return _clinical_column(name, role, section.clinical[role.removeprefix("clinical.")])
    if role in ("side", "site"):
        return SheetColumn(name, role, "reason", _occurring(grid, number))
    return SheetColumn(name, role)


def _clinical_column(name: str, role: str, variable: ClinicalVariable) -> SheetColumn:
    label = variable.label or ""
    if variable.levels is not None:
        return SheetColumn(name, role, "choice", variable.levels, label)
    return SheetColumn(name, role, "number", (), label, variable.unit, range_of(variable))


def _outcomes(section: CohortSection, grid: TableGrid, number: int) -> tuple[str, ...]:
    """The two values: those of the study file, and the other one that occurs if it names only the positive."""
    outcome = section.outcome
    others = [text for text in _occurring(grid, number) if text != outcome.positive]
    negative = outcome.negative or (others[0] if len(others) == 1 else None)
    return (*([negative] if negative else []), outcome.positive)


def _occurring(grid: TableGrid, column: int) -> tuple[str, ...]:
    """The texts of a column, those first that occur most often."""
    counts = pd.Series([row.cells[column] for row in grid.rows if row.cells[column]], dtype=object).value_counts()
    return tuple(map(str, counts.index[:_MOST_SUGGESTED]))


def missing_columns(protocol: Protocol, sheet: CohortSheet, problems: Sequence[str]) -> tuple[str, ...]:
    """Columns that the study file names, that a problem is about, and that the table lacks."""
    named = dict.fromkeys(named_columns(protocol.cohort).values())
    about = {getattr(problem, "column", "") for problem in problems}
    return tuple(name for name in named if name in about and name not in sheet.grid.columns)


@dataclass(frozen=True)
class SavedTable:
    """The outcome of saving.

    Parameters
    ----------
    table : the file as it is now.
    lines : line of each row before to its line now.
    added : lines of the rows that were added, those without content left out.
    changes : line and column of each cell whose text changed, with the text before and after.
    """

    table: TableOnDisk
    lines: Mapping[int, int]
    added: tuple[int, ...]
    changes: tuple[tuple[int, str, str, str], ...]


def save_cells(
    project: Project, protocol: Protocol, version: str, changes: Sequence[CellChange], added: Added = Added()  # noqa: B008
) -> SavedTable:  # fmt: skip
    """Write cells of the cohort table, if the file is still the one that was read.

    Parameters
    ----------
    project : the study.
    protocol : its study file.
    version : hash of the file that was read.
    changes : cells.
    added : rows and columns.

    Raises
    ------
    ChangedSinceError : the file was changed since.
    CannotChangeError : this cannot be done surely.
    StorageError : it cannot be written.
    """
    with _alone(project):
        before = TableOnDisk.read(table_path(project, protocol), protocol.cohort.sheet)
        if before.version != version:
            raise ChangedSinceError(f"{before.file.name} was changed elsewhere since this page read it")
        rows = tuple(row for row in added.rows if any(map(str.strip, row)))
        after = before.changed(changes, Added(added.columns, rows))
        keep_first(project, before)
        after.write(before)
    lines = before.lines_in(after)
    new = tuple(row.line for row in after.grid.rows[len(after.grid.rows) - len(rows) :]) if rows else ()
    return SavedTable(after, lines, new, _told(before, after, changes, lines))


def _told(
    before: TableOnDisk, after: TableOnDisk, changes: Sequence[CellChange], lines: Mapping[int, int]
) -> tuple[tuple[int, str, str, str], ...]:
    old = {row.line: row.cells for row in before.grid.rows}
    names = after.grid.columns
    told = [
        (lines.get(one.line, one.line), names[one.column], (*old.get(one.line, ()), *[""] * len(names))[one.column],
         one.text)
        for one in changes
    ]  # fmt: skip
    return tuple(one for one in told if one[2] != one[3])


def begin_table(project: Project, protocol: Protocol) -> Path:
    """Write a cohort table with the columns that the study file names, and no rows.

    Raises
    ------
    UsageError : there is one already, or it is to be a workbook.
    """
    file = table_path(project, protocol)
    if file.exists():
        raise UsageError(f"{file} exists already and is not overwritten")
    if file.suffix.lower() not in (".csv", ".txt", ".tsv"):
        raise UsageError(f"{file.name} is to be a workbook: make it in Excel, or name a .csv in cohort.table")
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    columns = dict.fromkeys(named_columns(protocol.cohort).values())
    quoted = [f'"{name}"' if separator in name or '"' in name else name for name in columns]
    write_text(file, separator.join(quoted) + "\n")
    return file


def keep_first(project: Project, table: TableOnDisk) -> Path:
    """Keep the file as it is now in the study's notes, unless an earlier version is kept there.

    Returns
    -------
    The kept file.
    """
    place = content_hash(str(table.file.resolve()))[:8]
    kept = project.notes / _FIRST / f"{place} {table.file.name}"
    if not kept.exists():
        write_bytes(kept, table.raw)
    return kept


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """Let one page at a time write the table."""
    from filelock import FileLock, Timeout

    make_folders(project.notes)
    try:
        with FileLock(str(project.notes / _LOCK), timeout=_PATIENCE_S):
            yield
    except Timeout:
        raise StorageError(project.notes / _LOCK, "another page is writing the table for long") from None


def understood(sheet: CohortSheet, columns: Sequence[int], cells: Sequence[Sequence[str]]) -> list[list[str]]:
    """A block of typed or pasted texts as it is to be written: its numbers with the decimal mark of the table.

    The block's own numbers show its decimal mark, by the rules of `radstudy.cohort.numbers`; where they do not, the
    table's mark counts. Nothing is changed in a table whose numbers show no mark.

    Parameters
    ----------
    sheet : the table.
    columns : numbers of the sheet's columns, those of the block's cells; one beyond the sheet is text.
    cells : the block's rows.

    Raises
    ------
    CannotChangeError : a number of the block can be read in two ways.
    """
    known = len(sheet.columns)
    numbers = [n for n, column in enumerate(columns) if column < known and sheet.columns[column].kind == "number"]
    if not numbers:
        return [list(row) for row in cells]
    block = pd.DataFrame([[str(text).strip() or None for text in row] for row in cells], dtype=object)
    block.columns = pd.Index([str(n) for n in range(block.shape[1])])
    own = [str(n) for n in numbers]
    mark = POINT if sheet.table.is_workbook else _mark_of(sheet)
    plain, _, problems = plain_numbers(block, own, separator="\t", setting="")
    if problems and shown_mark(block, own) is None and mark is not None:
        plain, _, problems = plain_numbers(block, own, separator="\t", decimal=mark, setting="")
    if problems:
        raise CannotChangeError(_without_place(problems[0]))
    given = shown_mark(block, own)
    written = [list(row) for row in cells]
    if not sheet.table.is_workbook and (mark is None or given in (None, mark)):
        return written
    for line, row in enumerate(written):
        for n in numbers:
            text = plain.iloc[line, n]
            if isinstance(text, str):
                row[n] = text.replace(".", ",") if mark == COMMA else text
    return written


def _mark_of(sheet: CohortSheet) -> str | None:
    """The decimal mark of the table's numbers."""
    section, content = sheet.section, sheet.content
    columns = [variable.column or name for name, variable in section.clinical.items() if variable.levels is None]
    return shown_mark(content.table, columns, typed=content.typed, decimal=section.decimal)


def _without_place(problem: str) -> str:
    """A problem of a block's number, without its place in the block."""
    return problem.partition("': ")[2] if problem.startswith("line ") and "': " in problem else problem

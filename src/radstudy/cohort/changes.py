"""Changes of a table's cells, and the table as a grid of texts that they refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.errors import DataError


class CannotChangeError(DataError):
    """The table's file cannot be changed in this way; nothing was written."""


@dataclass(frozen=True)
class CellChange:
    """A cell's new text.

    Parameters
    ----------
    line : of its row in the file, counted from 1.
    column : its number in the grid, from 0; beyond the grid: that of an added column.
    text : "" for an empty cell.
    """

    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Added:
    """Rows and columns to add at the end.

    Parameters
    ----------
    columns : names of new columns.
    rows : the texts of new rows: the grid's columns, then the new ones; missing ones at the end are empty.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.rows)


@dataclass(frozen=True)
class GridRow:
    """A row of a table as it is shown: its line in the file, and the text of each cell."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class TableGrid:
    """A table as it is shown.

    Parameters
    ----------
    columns : their names.
    places : their numbers in the file, from 0.
    rows : those with content.
    """

    columns: tuple[str, ...]
    places: tuple[int, ...]
    rows: tuple[GridRow, ...]

    def changed(self, changes: Sequence[CellChange], added: Added) -> list[tuple[str, ...]]:
        """The cells of each row after changes, rows without content left out."""
        width = len(self.columns) + len(added.columns)
        new = {(change.line, change.column): shown_cell(change.text) for change in changes}
        lines = {row.line for row in self.rows}
        rows = [(row.line, (*row.cells, *[""] * len(added.columns))) for row in self.rows] + [
            (line, ("",) * width) for line in sorted({change.line for change in changes} - lines)
        ]
        changed = [
            tuple(new.get((line, column), text) for column, text in enumerate(cells)) for line, cells in sorted(rows)
        ]
        more = [(*map(shown_cell, row), *[""] * (width - len(row))) for row in added.rows]
        return [cells for cells in (*changed, *more) if any(cells)]


def shown_cell(text: str) -> str:
    """A cell's text without blanks around it, its line breaks in one form."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()

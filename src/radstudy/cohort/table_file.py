"""The cohort table's file, changed cell by cell: only what changes is written anew, and never over a newer file."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from radstudy.cohort.changes import Added, CannotChangeError, CellChange, TableGrid
from radstudy.cohort.csv_text import CsvText
from radstudy.cohort.spreadsheet import Sheet, is_compressed, is_workbook, sheet_of, table_bytes, unpacked
from radstudy.cohort.xlsx_text import XlsxText
from radstudy.errors import RadstudyError
from radstudy.store import bytes_hash, write_bytes

_LONGEST, _MOST_COLUMNS = 32_000, 16_000


class ChangedSinceError(CannotChangeError):
    """The file was changed since it was read; nothing was written."""


class _Text(Protocol):
    """A table's content that can be changed."""

    @property
    def grid(self) -> TableGrid: ...
    @property
    def lines(self) -> tuple[int, ...]: ...
    @property
    def locked(self) -> Mapping[tuple[int, int], str]: ...
    def changed(self, changes: Sequence[CellChange], added: Added) -> bytes: ...


@dataclass(frozen=True, eq=False)
class TableOnDisk:
    """A table's file as it was read.

    Parameters
    ----------
    file : CSV (also .gz) or XLSX.
    sheet : of a workbook; None for the first.
    raw : the file's bytes.
    words : values that count although elsewhere they mean a missing one, see `read_sheet`.
    """

    file: Path
    sheet: str | None
    raw: bytes
    words: Mapping[str, Collection[str]] | None = None

    @classmethod
    def read(
        cls, file: Path, sheet: str | None = None, words: Mapping[str, Collection[str]] | None = None
    ) -> TableOnDisk:
        """Read a table's file.

        Parameters
        ----------
        file, sheet, words : see `read_sheet`.

        Raises
        ------
        DataError, CohortError : `read_sheet` cannot read it.
        CannotChangeError : it cannot be changed without changing more than single cells.
        """
        content = cls(file, sheet, table_bytes(file), words)
        content.require_sound()
        return content

    @cached_property
    def content(self) -> Sheet:
        """The table as the study reads it."""
        return sheet_of(self.file, self.raw, self.sheet, self.words)

    @cached_property
    def version(self) -> str:
        """A hash of the file's bytes."""
        return bytes_hash(self.raw)

    @property
    def is_workbook(self) -> bool:
        """True if it is XLSX."""
        return isinstance(self.text, XlsxText)

    @cached_property
    def text(self) -> _Text:
        """Its content."""
        raw = unpacked(self.file, self.raw)
        return XlsxText.of(self.file, raw, self.sheet) if is_workbook(self.file, raw) else CsvText.of(self.file, raw)

    @property
    def grid(self) -> TableGrid:
        """Its cells as they are shown."""
        return self.text.grid

    def require_sound(self) -> None:
        """Refuse a table whose cells are not those that the study reads."""
        sheet = self.content
        own = {row.line: row.cells for row in self.grid.rows}
        names = [str(name) for name in sheet.table.columns]
        is_same = names == list(self.grid.columns)
        for line, row in zip(sheet.table.index, sheet.table.itertuples(index=False, name=None), strict=True):
            cells = own.get(int(line) + 2, ())
            is_same &= len(cells) == len(row) and all(
                mine == theirs for mine, theirs in zip(cells, row, strict=True) if isinstance(theirs, str)
            )
        if not is_same:
            raise CannotChangeError(
                f"{self.file.name} is written in a form that cannot be changed cell by cell here. To do: change it in "
                "the program that wrote it, or save it as CSV UTF-8"
            )

    def changed(self, changes: Sequence[CellChange], added: Added = Added()) -> TableOnDisk:  # noqa: B008  (it is frozen)
        """The file with cells changed, and rows and columns added; nothing is written.

        Parameters
        ----------
        changes : of cells.
        added : rows and columns.

        Raises
        ------
        CannotChangeError : this cannot be done surely; says why.
        """
        self._require(changes, added)
        raw = self.text.changed(changes, added)
        if is_compressed(self.raw):
            raw = gzip.compress(raw, mtime=0)
        new = TableOnDisk(self.file, self.sheet, raw, self.words)
        try:
            new.require_sound()
            surely = [row.cells for row in new.grid.rows] == self.grid.changed(changes, added) and (
                new.grid.columns == (*self.grid.columns, *added.columns)
            )
        except RadstudyError:
            surely = False
        if not surely:
            raise CannotChangeError(
                "this change cannot be made surely here, so nothing was written. To do: make it in the program that "
                "wrote the table"
            )
        return new

    def lines_in(self, new: TableOnDisk) -> dict[int, int]:
        """The line that each row has in a changed file; a row that a workbook no longer holds is left out."""
        if self.is_workbook:
            return {line: line for line in self.text.lines if line in new.text.lines}
        return dict(zip(self.text.lines, new.text.lines, strict=False))

    def write(self, before: TableOnDisk) -> None:
        """Write the file whole.

        Parameters
        ----------
        before : what the file must still hold.

        Raises
        ------
        ChangedSinceError : it holds something else.
        StorageError : it cannot be written.
        """
        try:
            present = bytes_hash(self.file.read_bytes())
        except OSError:
            present = ""
        if present != before.version:
            raise ChangedSinceError(f"{self.file.name} was changed elsewhere since it was read")
        write_bytes(self.file.resolve(), self.raw)  # a link stays a link

    def _require(self, changes: Sequence[CellChange], added: Added) -> None:
        width = len(self.grid.columns) + len(added.columns)
        lines = set(self.text.lines)
        for change in changes:
            if change.line not in lines or not 0 <= change.column < width:
                raise CannotChangeError(f"the table has no cell on line {change.line} in column {change.column + 1}")
        names = [*self.grid.columns, *added.columns]
        doubled = [name for name in added.columns if not name.strip() or names.count(name) > 1]
        if doubled:
            raise CannotChangeError(f"a column cannot be called '{doubled[0]}': choose a name that the table lacks")
        if len(names) > _MOST_COLUMNS or any(len(row) > width for row in added.rows):
            raise CannotChangeError("a row has more cells than the table has columns")
        texts = [*(change.text for change in changes), *(text for row in added.rows for text in row), *added.columns]
        if any(len(text) > _LONGEST or "\0" in text for text in texts):
            raise CannotChangeError(f"a cell may hold at most {_LONGEST:,} characters, none of them a zero byte")

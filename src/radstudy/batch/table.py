"""The table of a batch: a CSV or XLSX with the columns Image, Mask and (optional) Label, as PyRadiomics reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.batch.cases import IMAGE, MASK, BatchCase, case_of, roles_of
from radstudy.cohort.spreadsheet import MISSING, sheet_of, table_bytes
from radstudy.errors import CaseError, DataError, UsageError

_PATIENT = re.compile(r"(patient|subject|case)?[ _-]*(id|name|number|no)?", re.IGNORECASE)
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class BatchTable:
    """The cases of a batch as they were given.

    Parameters
    ----------
    source : the table's file, or the folder.
    columns : all columns, in their order, Image and Mask among them.
    rows : the cells of each case, "" if empty.
    lines : line of each case in the file, counted from 1; () for a folder.
    folder : that relative paths start from.
    notes : remarks on how the file was read.
    problems : row's number to what is wrong with it, where that is known before any file is opened.
    """

    source: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    folder: Path
    notes: tuple[str, ...] = ()
    problems: tuple[tuple[int, CaseError], ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def cell(self, number: int, role: str) -> str:
        """The cell of a case in the column of a role; "" if there is none."""
        name = roles_of(self.columns).get(role)
        return "" if name is None else self.rows[number][self.columns.index(name)]

    def case(self, number: int) -> BatchCase | CaseError:
        """The case of a row, or what is wrong with it."""
        known = dict(self.problems).get(number)
        if known is not None:
            return known
        try:
            return case_of(dict(zip(self.columns, self.rows[number], strict=True)), self.folder)
        except CaseError as error:
            return error

    def patient(self, number: int) -> str:
        """The cell that names the patient: of the first column that is called like one; "" if there is none."""
        named = [name for name in self.columns if name.strip() and _PATIENT.fullmatch(name.strip())]
        return self.rows[number][self.columns.index(named[0])] if named else ""

    def typed(self, name: str) -> list[Any]:
        """The cells of a column as whole numbers, or as numbers, if all are written as such; else as text.

        An empty cell is None. A number with leading zeros, such as a patient's, stays text.
        """
        place = self.columns.index(name)
        cells = [row[place] for row in self.rows]
        for pattern, kind in ((_WHOLE, int), (_DECIMAL, float)):
            if any(cells) and all(pattern.fullmatch(cell) for cell in cells if cell):
                return [kind(cell) if cell else None for cell in cells]
        return [cell or None for cell in cells]


def read_batch_table(file: Path) -> BatchTable:
    """Read the table of a batch: CSV as any version of Excel writes it, also .gz, or XLSX.

    Parameters
    ----------
    file : with the columns Image and Mask, in any case, and Label if masks have several. All others are passed on.

    Raises
    ------
    UsageError : the file does not exist, or lacks a column.
    DataError, CohortError : it is not a table, has no rows, or has two columns of one name.
    """
    if not file.is_file():
        raise UsageError(f"--batch {file} does not exist. To do: correct the path")
    raw = table_bytes(file)
    names = [str(name) for name in sheet_of(file, raw).table.columns]
    roles = roles_of_file(names, file)
    others = {name: MISSING for name in names if name not in (roles[IMAGE], roles[MASK])}  # a cell "NA" is passed on
    sheet = sheet_of(file, raw, words=others)
    table = sheet.table
    if table.empty:
        raise DataError(f"{file} has no cases. To do: give it a row with Image and Mask for each lesion")
    rows = tuple(tuple("" if cell is None or cell != cell else str(cell) for cell in row)  # noqa: PLR0124 (NaN)
                 for row in table.itertuples(index=False, name=None))  # fmt: skip
    lines = tuple(int(line) + 2 for line in table.index)
    return BatchTable(file, tuple(names), rows, lines, file.parent, sheet.notes)


def roles_of_file(names: list[str], file: Path) -> dict[str, str]:
    """The columns of a file by their roles; see `roles_of`.

    Raises
    ------
    UsageError : names the file.
    """
    try:
        return roles_of(names)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None

"""Reading of a sheet of an XLSX workbook as text, with the cells that are numbers and the formulas without result."""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy import bounds
from radstudy.errors import CohortError, DataError

_SHOWN = 8
_STEP = 1 << 20
_LARGEST_PART, _MOST_TAGS = 50_000_000, 30_000_000  # bytes of styles, relations and so on; XML tags in all parts
_SPREAD, _SPARSE = 4_000_000, 100  # cells of a table that may be nearly empty; in a larger one, cells per filled cell


@dataclass(frozen=True, eq=False)
class Cells:
    """A sheet's cells.

    Parameters
    ----------
    text : as displayed, also errors such as #DIV/0!; rows numbered by line minus 2.
    typed : True if the file holds a number.
    columns : number of each column in the sheet, from 1.
    """

    text: pd.DataFrame
    typed: pd.DataFrame
    columns: tuple[int, ...]


def read_workbook(file: Path, raw: bytes, sheet: str | None) -> Cells:
    """Read a sheet, its first row the heading; columns without heading and content are left out.

    Parameters
    ----------
    file : named in messages.
    raw : bytes of the file.
    sheet : name of the sheet; None for the first.

    Raises
    ------
    DataError : the file is not a workbook, is empty, or has no such sheet.
    CohortError : formulas whose result is not stored, so that their cells would silently be empty.
    """
    import openpyxl

    try:
        formulas = _require_bounds(file, raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about extensions and styles that do not affect the cells
            values = _sheet(openpyxl.load_workbook(io.BytesIO(raw), data_only=True), sheet)
            pending = _without_result(values, raw, sheet) if formulas else []
            filled = {(cell.row, cell.column): cell for cell in _cells_of(values) if cell.value is not None}
    except _BeyondError:
        raise
    except DataError as error:
        raise DataError(f"{file} cannot be read: {error}. To do: correct cohort.sheet or save it again") from None
    except Exception as error:  # a damaged file can make the ZIP and XML libraries raise anything
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise DataError(f"{file} cannot be read: {reason}. To do: correct cohort.sheet or save it again") from None
    if pending:
        more = [f"and {len(pending) - _SHOWN} more cells"] if len(pending) > _SHOWN else []
        raise CohortError(
            f"{file}: formulas without a stored result (a program wrote them, and Excel never computed them). To do: "
            "open the file in Excel or LibreOffice, save it, and run the command again",
            [*(f"cell {cell}: '{formula}'" for cell, formula in pending[:_SHOWN]), *more],
        )
    if not filled:
        raise DataError(f"{file} is empty. To do: give the table a line of column names, and rows")
    return _table(file, filled)


def _table(file: Path, filled: dict[tuple[int, int], Any]) -> Cells:
    """Keep only rows and columns with content, so that empty space before a distant cell costs no memory."""
    columns = sorted({column for _, column in filled})
    lines = sorted({row for row, _ in filled if row > 1})
    bounds.CELLS.require_of(DataError, len(lines) * len(columns), file)
    if len(lines) * len(columns) > max(_SPREAD, _SPARSE * len(filled)):
        raise DataError(
            f"{file}: {len(filled):,} cells are spread over {len(lines):,} rows and {len(columns):,} columns, so "
            "nearly all of the table is empty. To do: look for cells far from the table, delete them, and save it again"
        )
    # the heading is read as an ordinary row: pandas would silently rename a second 'age' to 'age.1'
    names = [str(filled[1, column].value) if (1, column) in filled else f"Unnamed: {column - 1}" for column in columns]
    index = pd.Index([row - 2 for row in lines])
    cells = [[filled.get((row, column)) for column in columns] for row in lines]
    text = [[None if cell is None else _text(cell) for cell in row] for row in cells]
    typed = [[cell is not None and _is_number(cell) for cell in row] for row in cells]
    return Cells(
        pd.DataFrame(text, index=index, columns=range(len(columns)), dtype=object).set_axis(pd.Index(names), axis=1),
        pd.DataFrame(typed, index=index, columns=range(len(columns)), dtype=bool).set_axis(pd.Index(names), axis=1),
        tuple(columns),
    )


def _cells_of(sheet: Any) -> list[Any]:
    """The cells stored in the file; `iter_rows` would also create all cells between them, 17 billion for XFD1048576."""
    return list(sheet._cells.values())


class _BeyondError(DataError):
    """The workbook is larger than its bound."""


def _require_bounds(file: Path, raw: bytes) -> bool:
    """Refuse a workbook that unpacks to more than its bound, or is not Excel's; return True if it has formulas.

    A part that is larger than the archive states is cut off when read, and then its checksum does not fit.
    """
    formulas = False
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        bounds.WORKBOOK.require_of(_BeyondError, size, file)
        tags = 0
        for part in parts:
            sheet = part.filename.startswith("xl/worksheets/")
            if not part.filename.endswith((".xml", ".rels")):
                continue
            if not sheet and part.filename != "xl/sharedStrings.xml" and part.file_size > _LARGEST_PART:
                raise DataError(f"its part {part.filename} holds {part.file_size:,} bytes, which Excel never writes")
            with archive.open(part) as stream:
                while block := stream.read(_STEP):
                    tags += block.count(b"<")
                    formulas |= sheet and b"<f" in block
                    if b"<!DOCTYPE" in block or b"<!ENTITY" in block:
                        raise DataError(f"its part {part.filename} declares a document type, which Excel never does")
            if tags > _MOST_TAGS:
                raise _BeyondError(f"{file}: it holds more than {_MOST_TAGS:,} XML tags. To do: save the table as CSV")
    return formulas


def _sheet(book: Any, sheet: str | None) -> Any:
    if sheet is not None and sheet not in book.sheetnames:
        raise DataError(f"there is no sheet '{sheet}'; it has {', '.join(book.sheetnames)}")
    chosen = book[sheet] if sheet is not None else book.worksheets[0] if book.worksheets else None
    if chosen is None or not hasattr(chosen, "iter_rows"):
        raise DataError("it has no sheet with cells")
    return chosen


def _is_number(cell: Any) -> bool:
    return isinstance(cell.value, int | float) and not isinstance(cell.value, bool)


def _text(cell: Any) -> str | None:
    """Convert a cell to text: a whole number without a decimal point, an error as Excel shows it."""
    value = cell.value
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _without_result(values: Any, raw: bytes, sheet: str | None) -> list[tuple[str, str]]:
    """List cells with a formula but no result. An empty text is a result: its type is text."""
    import openpyxl

    formulas = _sheet(openpyxl.load_workbook(io.BytesIO(raw)), sheet)
    pending = []
    for cell in _cells_of(formulas):
        if cell.data_type == "f" and values[cell.coordinate].value is None:
            kind = values[cell.coordinate].data_type
            if kind not in ("str", "s"):
                formula = getattr(cell.value, "text", cell.value)
                pending.append((cell.coordinate, str(formula)))
    return pending

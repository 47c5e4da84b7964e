"""Read a sheet of an XLSX workbook as text, and tell which cells are numbers, and which formulas have no result."""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.errors import CohortError, DataError

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Cells:
    """A sheet's cells: `text` as it is shown (errors such as #DIV/0! too), `typed` where the file holds a number."""

    text: pd.DataFrame
    typed: pd.DataFrame


def read_workbook(file: Path, raw: bytes, sheet: str | None) -> Cells:
    """Read a sheet, its first row the heading; columns without heading and content are left out.

    Parameters
    ----------
    file : for messages.
    raw : its bytes.
    sheet : its name; None for the first.

    Raises
    ------
    DataError : the file is not a workbook, is empty, or has no such sheet.
    CohortError : formulas whose result is not stored: their cells would be empty without a word.
    """
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions and styles that say nothing about the cells
            values = _sheet(openpyxl.load_workbook(io.BytesIO(raw), data_only=True), sheet)
            rows = [[_text(cell) for cell in row] for row in values.iter_rows()]
            typed = [[_is_number(cell) for cell in row] for row in values.iter_rows()]
            pending = _without_result(values, raw, sheet) if _has_formulas(raw) else []
    except DataError as error:
        raise DataError(f"{file} cannot be read: {error}. To do: correct cohort.sheet or save it again") from None
    except Exception as error:  # a damaged file gives any error of the libraries that read ZIP and XML
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise DataError(f"{file} cannot be read: {reason}. To do: correct cohort.sheet or save it again") from None
    if pending:
        more = [f"and {len(pending) - _SHOWN} more cells"] if len(pending) > _SHOWN else []
        raise CohortError(
            f"{file}: formulas without a stored result (a program wrote them, and no Excel has computed them). To do: "
            "open the file in Excel or LibreOffice, save it, and run the command again",
            [*(f"cell {cell}: '{formula}'" for cell, formula in pending[:_SHOWN]), *more],
        )
    if not rows:
        raise DataError(f"{file} is empty. To do: give the table a line of column names, and its rows")
    # the heading is read as a row like the others: pandas would call a second 'age' 'age.1' without a word
    heading = pd.Series(rows[0], dtype=object)
    text = pd.DataFrame(rows[1:], columns=range(len(heading)), dtype=object)
    kept = (heading.notna() | text.notna().any()).to_numpy()
    names = [f"Unnamed: {number}" if name is None else str(name) for number, name in enumerate(rows[0])]
    flags = pd.DataFrame(typed[1:], columns=range(len(heading)), dtype=bool)
    return Cells(
        text.set_axis(pd.Index(names), axis=1).loc[:, kept], flags.set_axis(pd.Index(names), axis=1).loc[:, kept]
    )


def _sheet(book: Any, sheet: str | None) -> Any:
    if sheet is not None and sheet not in book.sheetnames:
        raise DataError(f"there is no sheet '{sheet}'; it has {', '.join(book.sheetnames)}")
    found = book[sheet] if sheet is not None else book.worksheets[0] if book.worksheets else None
    if found is None or not hasattr(found, "iter_rows"):
        raise DataError("it has no sheet with cells")
    return found


def _is_number(cell: Any) -> bool:
    return isinstance(cell.value, int | float) and not isinstance(cell.value, bool)


def _text(cell: Any) -> str | None:
    """The cell as text: a whole number without a point, an error as Excel shows it."""
    value = cell.value
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _has_formulas(raw: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        return any(b"<f" in parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/"))


def _without_result(values: Any, raw: bytes, sheet: str | None) -> list[tuple[str, str]]:
    """Cells with a formula and no result. A formula whose result is an empty text has one: its type is text."""
    import openpyxl

    formulas = _sheet(openpyxl.load_workbook(io.BytesIO(raw)), sheet)
    found = []
    for row in formulas.iter_rows():
        for cell in row:
            if cell.data_type == "f" and values[cell.coordinate].value is None:
                kind = values[cell.coordinate].data_type
                if kind not in ("str", "s"):
                    formula = getattr(cell.value, "text", cell.value)
                    found.append((cell.coordinate, str(formula)))
    return found

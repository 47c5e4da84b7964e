"""Writing of text rows as CSV, and reading them back even if a spreadsheet has saved the file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from radstudy.cells import unguarded
from radstudy.encoding import decoded
from radstudy.errors import DataError
from radstudy.store import csv_bytes, write_bytes
from radstudy.workbook import xlsx_bytes

_UNREAD = "\ufffd"  # replaces bytes that cannot be decoded


def write_rows(
    file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, private: bool = False
) -> None:
    """Write a CSV atomically: comma, decimal point, UTF-8; texts guarded (`radstudy.cells`), see `read_rows`.

    For `private` see `radstudy.store.written_whole`.
    """
    named = dict.fromkeys(columns)
    frame = pd.DataFrame([[row.get(name, "") for name in named] for row in rows], columns=list(named), dtype=object)
    write_bytes(file, csv_bytes(frame), private=private)


def write_listing(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a CSV, and next to it an XLSX in which Excel shows every identifier and letter unchanged."""
    write_rows(file, columns, rows)
    write_bytes(file.with_suffix(".xlsx"), xlsx_bytes(pd.DataFrame(list(rows), columns=list(columns))))


def read_rows(file: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV as text; comma, semicolon or tab, in any encoding that a spreadsheet may have used.

    Texts that `write_rows` has guarded are restored, whether or not the spreadsheet has kept the apostrophe.
    """
    header, *records = _records(file) or [[]]
    filled = ([*cells, *[""] * (len(header) - len(cells))] for cells in records)
    return [{name: cell for name, cell in zip(header, cells, strict=False) if name} for cells in filled]


def require_columns_of_all(file: Path) -> None:
    """Refuse a table that would lose content if its rows were written again by column name.

    Raises
    ------
    DataError : a cell has no column or its column no name, two columns have the same name, or a letter cannot be read.
    """
    header, *records = _records(file) or [[]]
    twice = [name for name, count in Counter(filter(None, header)).items() if count > 1]
    if twice:
        raise DataError(
            f"{file}: {len(twice)} name(s) are used for two columns ('{twice[0]}'), so one of them would be lost. "
            "To do: give each column its own name; nothing was imported"
        )
    for number, cells in enumerate(records, 2):
        for place, cell in enumerate(cells):
            if _UNREAD in cell:
                raise DataError(
                    f"{file}, row {number}: characters of '{cell}' cannot be read and would be lost. To do: save the "
                    "table as 'CSV UTF-8'; nothing was imported"
                )
            if cell.strip() and not (place < len(header) and header[place]):
                raise DataError(
                    f"{file}, row {number}: '{cell}' is in a column without a name and would be lost. To do: name "
                    "the column, or put text that contains the separator in double quotes; nothing was imported"
                )


def _records(file: Path) -> list[list[str]]:
    """The cells of every row that is not empty, the heading first; none if the file does not exist."""
    if not file.is_file():
        return []
    text, _ = decoded(file, file.read_bytes())
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    return [[unguarded(cell) for cell in cells] for cells in reader if cells]

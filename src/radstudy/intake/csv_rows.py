"""Rows of text to a CSV and back, as a spreadsheet may have saved it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from radstudy.errors import DataError
from radstudy.store import write_bytes, write_text
from radstudy.workbook import xlsx_bytes


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV atomically: comma, decimal point, UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(file, text.getvalue())


def write_listing(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a CSV, and beside it an XLSX that Excel opens with every identifier and letter as it is."""
    write_rows(file, columns, rows)
    write_bytes(file.with_suffix(".xlsx"), xlsx_bytes(pd.DataFrame(list(rows), columns=list(columns))))


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV, as text; comma, semicolon or tab, as a spreadsheet may have saved it.

    Raises
    ------
    DataError : it is not UTF-8.
    """
    if not file.is_file():
        return []
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: it is not UTF-8 text (byte {error.start + 1}); a spreadsheet may have saved it so. To do: save "
            "it as 'CSV UTF-8'"
        ) from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return [
        {key: value or "" for key, value in row.items() if key}
        for row in csv.DictReader(io.StringIO(text), delimiter=delimiter)
    ]

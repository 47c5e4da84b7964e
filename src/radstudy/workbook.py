"""Tables as XLSX, for people: Excel shows every identifier, accent and decimal unchanged, unlike those of a CSV."""

from __future__ import annotations

import io
import math
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from radstudy.cells import guarded_in_workbook, is_formula
from radstudy.printable import NOT_IN_XML
from radstudy.store import temporary_files

_ALWAYS = datetime(1980, 1, 1, tzinfo=UTC)  # so that equal tables give equal files


def xlsx_bytes(frame: pd.DataFrame) -> bytes:
    """A workbook of one sheet: the heading, then the rows; missing values are empty cells, texts as in `write_text`.

    Parameters
    ----------
    frame : any table; its index is left out.
    """
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row, values in enumerate([list(map(str, frame.columns)), *frame.itertuples(index=False)], 1):
        for column, value in enumerate(values, 1):
            plain = value.item() if hasattr(value, "item") else value
            if plain is None or plain is pd.NaT or plain is pd.NA or (isinstance(plain, float) and math.isnan(plain)):
                continue
            cell = sheet.cell(row, column)
            if isinstance(plain, bool | int) or (isinstance(plain, float) and abs(plain) < float("inf")):
                cell.value = plain
            else:
                write_text(cell, str(plain))
    sheet.freeze_panes = "A2"
    book.properties.created = book.properties.modified = _ALWAYS.replace(tzinfo=None)
    return saved(book)


def write_text(cell: Any, text: str) -> None:
    """Write a text into a cell so that it stays a text (007, =1+1), also when it is edited in Excel.

    A text that begins like a formula also gets Excel's mark of a text (`radstudy.cells`).
    """
    cell.value = NOT_IN_XML.sub("", guarded_in_workbook(text))
    cell.data_type, cell.number_format = "s", "@"
    if is_formula(text):
        cell.quotePrefix = True


def saved(book: Any) -> bytes:
    """A workbook as the bytes of its file; equal content gives equal bytes.

    Raises
    ------
    StorageError : the library has no room for the temporary files that it writes.
    """
    from lxml.etree import SerialisationError

    memory = io.BytesIO()
    with temporary_files():
        try:
            book.save(memory)
        except SerialisationError as error:  # lxml's form of the system's error
            raise OSError(str(error)) from error
    return _without_times(memory.getvalue())


def _without_times(content: bytes) -> bytes:
    """The same workbook without the time at which it was saved."""
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", part)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return memory.getvalue()

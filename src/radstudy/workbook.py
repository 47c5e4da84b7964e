"""Tables as XLSX, for people: Excel opens it with every identifier, accent and decimal as it is; of a CSV, not."""

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

_ALWAYS = datetime(1980, 1, 1, tzinfo=UTC)  # so that one table gives one file


def xlsx_bytes(frame: pd.DataFrame) -> bytes:
    """A workbook of one sheet: the heading, then the rows; missing values are empty cells, text as `write_text` has it.

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
    """Write a text into a cell so that it stays one (007, =1+1), for Excel and for whoever edits it there.

    A text that begins as a formula gets Excel's mark of a text besides (`radstudy.cells`).
    """
    cell.value = NOT_IN_XML.sub("", guarded_in_workbook(text))
    cell.data_type, cell.number_format = "s", "@"
    if is_formula(text):
        cell.quotePrefix = True


def saved(book: Any) -> bytes:
    """A workbook as the bytes of its file; one content gives one file.

    Raises
    ------
    StorageError : the library has no room for the temporary files that it writes.
    """
    from lxml.etree import SerialisationError

    memory = io.BytesIO()
    with temporary_files():
        try:
            book.save(memory)
        except SerialisationError as error:  # what lxml makes of the system's error
            raise OSError(str(error)) from error
    return _without_times(memory.getvalue())


def _without_times(content: bytes) -> bytes:
    """The same workbook without the moment at which it was saved."""
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", part)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return memory.getvalue()

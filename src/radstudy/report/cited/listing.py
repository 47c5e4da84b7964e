"""report_numbers.csv: every number that the report prints, with its cells; and the page with those sources in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from radstudy.report.cited.expression import CellRange, letter_of
from radstudy.report.cited.marks import MARK, Origin, origin, plain
from radstudy.report.cited.reader import CellError, CellReader

NUMBERS_FILE = "report/report_numbers.csv"
COLUMNS = ("number", "where", "shown", "formula", "cells", "file", "row", "row_key", "column", "value")
_TAG = re.compile(r"<[^<>]*>")
_ID = re.compile(r'\bid="([^"]+)"')


@dataclass(frozen=True)
class PrintedNumber:
    """A number as the report prints it.

    Parameters
    ----------
    where : its place in the report.
    shown : its text.
    origin : its source.
    """

    where: str
    shown: str
    origin: Origin


@dataclass
class Listing:
    """The numbers of a report in the order in which they are printed."""

    printed: list[PrintedNumber] = field(default_factory=list)

    def page(self, text: str) -> str:
        """The page with an element `data` around every number that has a source, which it adds to the listing.

        Parameters
        ----------
        text : HTML with marks; a mark within a tag, as in an alternative text, leaves its text alone.
        """
        parts: list[str] = []
        section, at = "", 0
        for tag in _TAG.finditer(text):
            parts.append(self._content(text[at : tag.start()], section))
            section = named[1] if (named := _ID.search(tag[0])) else section
            parts.append(plain(tag[0]))
            at = tag.end()
        return "".join([*parts, self._content(text[at:], section)])

    def text(self, where: str, text: str) -> str:
        """A text without marks; its numbers are added to the listing under a place."""
        for match in MARK.finditer(text):
            self.printed.append(PrintedNumber(where, match[2], origin(match[1])))
        return plain(text)

    def _content(self, text: str, section: str) -> str:
        return MARK.sub(lambda match: self._element(match[1], match[2], section), text)

    def _element(self, packed: str, shown: str, section: str) -> str:
        source = origin(html.unescape(packed))
        self.printed.append(PrintedNumber(f"report.html#{section}", html.unescape(shown), source))
        said = html.escape(_said(source), quote=True)
        return f'<data value="{len(self.printed)}" data-source="{said}">{shown}</data>'

    def frame(self, reader: CellReader) -> pd.DataFrame:
        """The listing as a table: one row for each cell, or for each range of cells of a column.

        Parameters
        ----------
        reader : reads the cells of the run.
        """
        return pd.DataFrame(self._rows(reader), columns=list(COLUMNS))

    def _rows(self, reader: CellReader) -> Iterator[Sequence[object]]:
        for place, one in enumerate(self.printed, 1):
            for index, cells in enumerate(one.origin.cells):
                try:
                    key, value = reader.key_of(cells), reader.recorded(cells)
                except CellError as error:  # the file was removed while the report was made: the check will tell
                    key, value = "", f"not read: {error}"
                yield (place, one.where, one.shown, one.origin.formula, letter_of(index), cells.file, cells.rows,
                       key, cells.column, value)  # fmt: skip


def _said(source: Origin) -> str:
    """A source in words, such as "evaluate/table3.csv, row 3, auc"."""
    cells = "; ".join(_cells_said(one) for one in source.cells)
    return cells if source.formula in ("A", "text(A)") else f"{source.formula}; {cells}"


def _cells_said(cells: CellRange) -> str:
    if cells.rows.startswith("/"):
        return f"{cells.file}, {cells.rows.rstrip('/')}/{cells.column}"
    return f"{cells.file}, row {cells.rows}, {cells.column}"

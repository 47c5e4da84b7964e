"""Sizes in the page that follow from the contents: of tables in print and on a phone, of captions, of figures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from radstudy.report.cited import plain
from radstudy.report.sections import Part
from radstudy.report.tables import Table
from radstudy.report.tables.structure import Cell

PRINTED_ALBUMS = 12  # patients whose pictures are printed, the first of the list: those with unusual warnings
_WORDY = 60  # characters of a cell from which on it is a text to be read rather than an entry
_PAGE_MM = 186.0  # between the margins of A4, style.css
_PRINT_SIZES = (("fits", 1.57, 2.6), ("fits small", 1.39, 1.6))  # class; digit and padding of a cell in print, mm
_SMALL = 0.92  # of a cell's second line
_CAPTION = 95  # characters of a caption on a printed line
_BREAK = re.compile(r"(?<=-)|\s+")
_WIDTH = re.compile(r"%3Csvg\b.*?\bwidth=%22([\d.]+)pt%22")
_HEAD = 2000  # letters of an SVG's address that hold its width


def wordy(table: Table) -> bool:
    """True if a table has texts beside its first column: on a phone its rows become blocks, one line per column."""
    return any(len(plain(f"{cell.whole_text} {cell.below}")) > _WORDY for row in table.rows for cell in row[1:])


def print_size(table: Table) -> str:
    """The classes of a table in print: "fits" if no number has to be broken, "fits small" in smaller letters, or "".

    The widest line of each column is counted: of numbers the whole line, of other cells the longest word, as they are
    wrapped.
    """
    rows = [row for row in (*table.header, *table.rows) if all(cell.span == 1 for cell in row)]
    columns = max((len(row) for row in rows), default=0)
    letters = sum(
        max((_widest(row[place]) for row in rows if place < len(row)), default=0.0) for place in range(columns)
    )
    return next((name for name, digit, pad in _PRINT_SIZES if letters * digit + columns * pad <= _PAGE_MM), "")


def _widest(cell: Cell) -> float:
    """The longest unbroken line of a cell, in letters of the table's size."""
    return max(*map(len, _lines(cell, cell.whole_text)), *(_SMALL * len(line) for line in _lines(cell, cell.below)))


def _lines(cell: Cell, text: str) -> Iterator[str]:
    text = plain(text)
    yield from [text] if "number" in cell.kind and any(map(str.isdigit, text)) else _BREAK.split(text)


def caption_lines(part: Part) -> int:
    """The printed lines of a figure's caption with its notes: what the picture must leave on its page."""
    text = plain(" ".join([part.number, part.caption, *part.content.notes]))
    return -(-len(text) // _CAPTION)


def svg_width(source: str) -> str:
    """The width of an SVG in points, from its address within the page; of one without a width, that of a column."""
    width = _WIDTH.search(source[:_HEAD])
    return width[1] if width else "396"

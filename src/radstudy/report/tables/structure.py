"""A table of the report, before it becomes HTML, CSV or Word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from radstudy.report.cited import plain


@dataclass(frozen=True)
class CellLink:
    """A text that links to a file of the run.

    Parameters
    ----------
    text : text of the link.
    target : path of the file from the run's folder, where the page lies; "" for a text without a link.
    """

    text: str
    target: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : text of the cell.
    below : a second line, in smaller print.
    span : number of columns.
    mark : footnote letter, printed as a superscript.
    kind : "number" (right-aligned), "level" (indented), "name" (not broken), "quiet", "strong", "group" (a heading), or
        several of these separated by blanks.
    links : texts after the cell's own, each with its link.
    """

    text: str
    below: str = ""
    span: int = 1
    mark: str = ""
    kind: str = ""
    links: tuple[CellLink, ...] = ()

    @property
    def whole_text(self) -> str:
        """The text of the cell with that of its links, for formats without links."""
        return "; ".join(filter(None, [self.text, *(link.text for link in self.links)]))

    def plain(self) -> Cell:
        """The cell without the sources of its numbers."""
        links = tuple(replace(link, text=plain(link.text)) for link in self.links)
        return replace(self, text=plain(self.text), below=plain(self.below), links=links)


Row = Sequence[Cell]


@dataclass(frozen=True, eq=False)
class Table:
    """One table.

    Parameters
    ----------
    header : rows of header cells.
    rows : rows of cells.
    frame : the same data in full precision, for the CSV file.
    footnotes : footnotes, in order.
    """

    header: Sequence[Row]
    rows: Sequence[Row]
    frame: pd.DataFrame
    footnotes: Sequence[str] = field(default=())

    def plain(self) -> Table:
        """The table without the sources of its numbers, as Word prints it."""
        header, rows = ([[cell.plain() for cell in row] for row in part] for part in (self.header, self.rows))
        return Table(header, rows, self.frame, [plain(line) for line in self.footnotes])

    def with_first_note(self, note: str) -> Table:
        """The table with one more footnote, above the others."""
        return replace(self, footnotes=[note, *self.footnotes])


class Footnotes:
    """Letters for footnotes, given in the order in which they are first needed."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._texts: list[str] = []

    def mark(self, text: str) -> str:
        """The letter of a footnote; the same text has the same letter."""
        own = plain(text)
        if own not in self._letters:
            self._letters[own] = letter(len(self._letters))
            self._texts.append(text)
        return self._letters[own]

    def lines(self) -> list[str]:
        """The footnotes, each after its letter."""
        return [f"{self._letters[plain(text)]}: {text}." for text in self._texts]


def letter(index: int) -> str:
    """The letter at a position: a to z, then aa and so on."""
    return chr(ord("a") + index) if index < 26 else f"a{letter(index - 26)}"


# Headings of the rows of one set: training values are always marked as apparent.
SET_HEADS = {"testing": "Testing set", "training": "Training set: apparent, selection ignored"}


def by_set(frame: pd.DataFrame, width: int, row: Callable[[Any], Row]) -> list[Row]:
    """The rows in one block per set, testing first, each block under its heading.

    Parameters
    ----------
    frame : table with a column ``set``.
    width : number of columns.
    row : function from a row of the frame to its cells.
    """
    rows: list[Row] = []
    for which, head in SET_HEADS.items():
        part = frame[frame["set"] == which] if len(frame) else frame
        if len(part):
            rows.append([Cell(head, span=width, kind="group")])
            rows += [row(record) for _, record in part.iterrows()]
    return rows


def heads(names: Iterable[str], numbers: bool = True) -> list[Cell]:
    """A header row: the first column left-aligned, the others as numbers."""
    return [Cell(name, kind="number" if numbers and index else "") for index, name in enumerate(names)]


def words(values: Iterable[str], kind: str = "") -> list[Cell]:
    """A row of text cells."""
    return [Cell(value, kind=kind) for value in values]


def numbers(values: Iterable[str]) -> list[Cell]:
    """A row of right-aligned cells."""
    return [Cell(value, kind="number") for value in values]

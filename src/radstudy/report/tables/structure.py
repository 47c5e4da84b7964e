"""A table of the report, before it becomes HTML, CSV or Word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : what it says.
    below : a second line, printed smaller.
    span : columns it covers.
    mark : footnote letter, printed raised.
    kind : "number" (set right), "level" (indented), "name" (not broken), "quiet", "strong", "group" (heads others), or
        several of these with blanks between.
    """

    text: str
    below: str = ""
    span: int = 1
    mark: str = ""
    kind: str = ""


Row = Sequence[Cell]


@dataclass(frozen=True, eq=False)
class Table:
    """One table as made.

    Parameters
    ----------
    header : rows of header cells.
    rows : rows of cells.
    frame : the same facts with all their digits, for the CSV file.
    footnotes : printed below, in order.
    """

    header: Sequence[Row]
    rows: Sequence[Row]
    frame: pd.DataFrame
    footnotes: Sequence[str] = field(default=())

    def with_first_note(self, note: str) -> Table:
        """The table with one more footnote, above the others."""
        return replace(self, footnotes=[note, *self.footnotes])


class Footnotes:
    """Letters for footnotes, given in the order in which they are first needed."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, text: str) -> str:
        """The letter of a footnote; the same text has the same letter."""
        return self._letters.setdefault(text, _letter(len(self._letters)))

    def lines(self) -> list[str]:
        """The footnotes, each after its letter."""
        return [f"{letter}: {text}." for text, letter in self._letters.items()]


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else f"a{_letter(index - 26)}"


# How a block of rows of one set is headed: never training values without what they are.
SET_HEADS = {"testing": "Testing set", "training": "Training set: apparent, selection ignored"}


def by_set(frame: pd.DataFrame, width: int, row: Callable[[Any], Row]) -> list[Row]:
    """Rows of cells in a block a set, testing first, each block under its heading.

    Parameters
    ----------
    frame : with a column ``set``.
    width : columns of the table.
    row : from a row of the frame to its cells.
    """
    made: list[Row] = []
    for which, head in SET_HEADS.items():
        part = frame[frame["set"] == which] if len(frame) else frame
        if len(part):
            made.append([Cell(head, span=width, kind="group")])
            made += [row(record) for _, record in part.iterrows()]
    return made


def heads(names: Iterable[str], numbers: bool = True) -> list[Cell]:
    """A header row: the first column set left, the others as numbers."""
    return [Cell(name, kind="number" if numbers and index else "") for index, name in enumerate(names)]


def words(values: Iterable[str], kind: str = "") -> list[Cell]:
    """A row of text cells."""
    return [Cell(value, kind=kind) for value in values]


def numbers(values: Iterable[str]) -> list[Cell]:
    """A row of cells set right."""
    return [Cell(value, kind="number") for value in values]

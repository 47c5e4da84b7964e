"""Marks in a text: where a printed number begins and ends, and where it comes from.

A mark uses noncharacters, which no text that is exchanged may contain, and survives joining, listing and escaping.

References
----------
The Unicode Standard, section 23.7, Noncharacters.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from radstudy.report.cited.expression import CellRange, Expression, formula_text, named_cells

_BEGIN, _MIDDLE, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_ANY = re.compile(f"[{_BEGIN}-{_END}]")
MARK = re.compile(f"{_BEGIN}([^{_BEGIN}-{_END}]*){_MIDDLE}([^{_BEGIN}-{_END}]*){_END}")


@dataclass(frozen=True)
class Origin:
    """The source of a printed text.

    Parameters
    ----------
    formula : formula of the cells; "A" for one cell printed as it is, "text(A)" for a text quoted from a cell.
    cells : the cells of the formula, A first.
    """

    formula: str
    cells: tuple[CellRange, ...]


def marked(text: str, formula: str, cells: tuple[CellRange, ...]) -> str:
    """A text with its origin around it."""
    packed = json.dumps([formula, [[one.file, one.rows, one.column] for one in cells]], ensure_ascii=False)
    return f"{_BEGIN}{_ANY.sub('', packed)}{_MIDDLE}{plain(text)}{_END}"


def cite(value: Any, text: str) -> str:
    """The text of a number, marked with its source if the number remembers one.

    Parameters
    ----------
    value : the number.
    text : the number as it is printed.
    """
    source: Expression | None = getattr(value, "source", None)
    return text if source is None else marked(text, formula_text(source), tuple(named_cells(source)))


def quoted(value: Any, text: str | None = None) -> str:
    """A text of a run's file, marked with its cell if it remembers one; its numbers are the file's.

    Parameters
    ----------
    value : the text.
    text : what is printed of it; None prints all of it.
    """
    source: Expression | None = getattr(value, "source", None)
    shown = str(value) if text is None else text
    if not isinstance(source, CellRange) or not shown:
        return shown
    return marked(shown, "text(A)", (source,))


def origin(packed: str) -> Origin:
    """The origin that a mark holds.

    Raises
    ------
    ValueError : it holds none.
    """
    formula, cells = json.loads(packed)
    return Origin(str(formula), tuple(CellRange(*map(str, one)) for one in cells))


def plain(text: str) -> str:
    r"""The text without marks.

    Examples
    --------
    >>> plain(marked("0.75", "A", (CellRange("a.csv", "1", "auc"),)))
    '0.75'
    """
    return _ANY.sub("", MARK.sub(r"\2", text)) if _ANY.search(text) else text

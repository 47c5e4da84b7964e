"""Pieces of Markdown that the generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A table; a bar in a cell is escaped, and lines are joined.

    Examples
    --------
    >>> print(table(["a", "b"], [[1, "x|y"]]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = [_row(head), "|" + "---|" * len(head), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", r"\|") for cell in cells) + " |"


def code(text: object) -> str:
    """Text as code; empty stays empty."""
    return f"`{text}`" if str(text) else ""


def contents(pages: Iterable[str], *, depth: int = 1, hidden: bool = False) -> str:
    """Links to pages, which also stand at the side.

    Parameters
    ----------
    pages : their places, without ending, as seen from this one.
    depth : of headings.
    hidden : True if they stand at the side alone.
    """
    options = [":hidden:"] if hidden else []
    return "\n".join(["```{toctree}", f":maxdepth: {depth}", *options, "", *pages, "```"])

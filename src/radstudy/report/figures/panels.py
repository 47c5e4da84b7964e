"""Figures of one panel a model: their grid, their letters, the key of the two sets."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radstudy.report.facts import TESTING, TRAINING
from radstudy.report.figures.style import SETS, figure

SET_LABELS = {TESTING: "testing", TRAINING: "training (apparent, selection ignored)"}


def panels(
    names: Sequence[str], *, width: float, height: float, columns: int, share: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure with one panel a name, lettered and titled.

    Parameters
    ----------
    names : titles, one a panel.
    width, height : of a panel, inches.
    columns : at most.
    share : whether the panels have the same axes.
    """
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    drawn = figure(width * columns, height * rows)
    grid = drawn.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).ravel()
    for letter, axes, name in zip(letters(), grid, names, strict=False):
        axes.set_title(f"{letter}  {name}")
    for index, axes in enumerate(grid):
        if index >= len(names):
            axes.remove()
            grid[index - columns].tick_params(labelbottom=True)  # now the lowest of its column
    return drawn, list(grid[: len(names)])


def letters() -> Iterator[str]:
    """The letters a to z, then aa to az."""
    yield from string.ascii_lowercase
    yield from (f"a{letter}" for letter in string.ascii_lowercase)


def set_key(drawn: Figure, *more: Line2D) -> None:
    """The key of the two sets, above everything.

    Parameters
    ----------
    drawn : the figure.
    more : further lines to explain.
    """
    lines = [
        Line2D([], [], color=SETS[which][0], linestyle=SETS[which][1], linewidth=1.4, label=label)
        for which, label in SET_LABELS.items()
    ]
    drawn.legend(handles=[*lines, *more], loc="outside upper left", ncols=len(lines) + len(more))

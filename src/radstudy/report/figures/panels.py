"""Figures with one panel per model: grid, letters and the legend of the two sets."""

from __future__ import annotations

import re
import string
import textwrap
from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from radstudy.report.facts import TESTING, TRAINING
from radstudy.report.figures.style import SETS, SMALLEST, figure, inches, width_for

_VALUES_LINE = 1.25 * SMALLEST  # from one line of a panel's numbers to the next, points
_POINTS = 72.0  # per inch
SET_LABELS = {TESTING: "testing", TRAINING: "training (apparent, selection ignored)"}


def rows_of(frame: pd.DataFrame, model: str, which: str) -> pd.DataFrame:
    """The rows of a model and set in a table of the run; an empty table has no columns."""
    return frame[(frame["model"] == model) & (frame["set"] == which)] if len(frame) else frame


def panels(
    names: Sequence[str], *, height: float | Sequence[float], columns: int, share: bool = True, around: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """A figure with one panel per name, lettered and titled.

    Parameters
    ----------
    names : titles, one per panel.
    height : of a panel, inches; several heights are those of the rows.
    columns : largest number of columns; the figure is as wide as a journal's page has room for them.
    share : True if the panels share their axes.
    around : height of what is above and below all panels, inches.
    """
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    heights = [height] * rows if isinstance(height, float) else list(height)
    drawn = figure(width_for(columns), sum(heights) + around)
    grid = drawn.subplots(rows, columns, sharex=share, sharey=share, squeeze=False, height_ratios=heights).ravel()
    for letter, axes, name in zip(letters(), grid, names, strict=False):
        axes.set_title(f"{letter}  {name}")
    for index, axes in enumerate(grid):
        if index >= len(names):
            axes.remove()
            grid[index - columns].tick_params(labelbottom=True)  # now the lowest in its column
    return drawn, list(grid[: len(names)])


def square_height(count: int, *, columns: int, lines: int) -> float:
    """The height of a row of square panels that fill the figure's width, inches.

    Parameters
    ----------
    count : number of panels.
    columns : largest number of columns.
    lines : lines of numbers above each panel.
    """
    columns = min(columns, count)
    side = (inches(width_for(columns)) - 0.45) / columns - 0.12
    return side + 0.4 + lines * _VALUES_LINE / _POINTS


def values_above(axes: Axes, lines: Sequence[tuple[str, str]]) -> None:
    """Write a panel's numbers between its title and its axes, where they cover no curve.

    Parameters
    ----------
    axes : the panel, with its title.
    lines : texts and their colours, from top to bottom.
    """
    for place, (text, colour) in enumerate(lines, 1):
        axes.annotate(text, (0, 1), xycoords="axes fraction", xytext=(0, 3 + (len(lines) - place) * _VALUES_LINE),
                      textcoords="offset points", fontsize=SMALLEST, color=colour, va="bottom")  # fmt: skip
    axes.set_title(axes.get_title(loc="left"), pad=5 + len(lines) * _VALUES_LINE)


def side_label(drawn: Figure, text: str) -> None:
    """Label the vertical axes of all panels, on as many lines as the figure's height asks for."""
    letters_on_line = int((drawn.get_figheight() - 1.0) * _POINTS / 5)
    drawn.supylabel(textwrap.fill(text, max(letters_on_line, 12)))


def wrapped(name: str, width: int) -> str:
    """A long name on several lines, broken after a blank or an underscore rather than within a word.

    Examples
    --------
    >>> wrapped("DWI wavelet-HLL_glszm_SmallAreaHighGrayLevelEmphasis", 36).splitlines()
    ['DWI wavelet-HLL_glszm_', 'SmallAreaHighGrayLevelEmphasis']
    """
    lines = [""]
    for piece in re.findall(r"[^ _]+[ _]*", name):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def letters() -> Iterator[str]:
    """The letters a to z, then aa to az."""
    yield from string.ascii_lowercase
    yield from (f"a{letter}" for letter in string.ascii_lowercase)


def set_key(drawn: Figure, *more: Line2D) -> None:
    """Add the legend of the two sets above the panels.

    Parameters
    ----------
    drawn : the figure.
    more : further lines to include.
    """
    lines = [
        Line2D([], [], color=SETS[which][0], linestyle=SETS[which][1], linewidth=1.4, label=label)
        for which, label in SET_LABELS.items()
    ]
    columns = 1 if drawn.get_figwidth() <= inches("single") else len(lines) + len(more)
    drawn.legend(handles=[*lines, *more], loc="outside upper left", ncols=columns)

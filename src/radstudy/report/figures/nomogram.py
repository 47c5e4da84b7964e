"""The study's model as a nomogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from radstudy.report.display import number, significant
from radstudy.report.facts import RunFacts
from radstudy.report.figures.panels import wrapped
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, INK, ORANGE, figure
from radstudy.report.nomogram import HIGHEST, Nomogram, NomogramScale, nomogram_of, probabilities
from radstudy.report.part import report_part

_ROW = 0.52  # inches per scale
_LEFT = 0.31
_ODDS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
_LETTER = 1.25  # hundredths of the width
_EDGE = 0.005  # share of the width left free on either side
_MOST_FITS = 4  # moving the scales also moves the labels slightly


@report_part("nomogram", reads=("signature.json",), rows_independent=False)
def nomogram(facts: RunFacts) -> DrawnFigure:
    """Points, one scale per variable, total points and probability; read by hand it gives the model's probability."""
    chart = nomogram_of(facts)
    rows = len(chart.scales) + 3
    drawn = figure("double", _ROW * rows + 0.1, free=True)
    axes = drawn.add_axes((_LEFT, 0, 0.97 - _LEFT, 1))
    axes.set(xlim=(-1, HIGHEST + 1), ylim=(rows - 0.35, -0.65))
    axes.axis("off")
    _line(axes, 0, "Points", [(x, f"{x:g}") for x in range(0, 101, 10)], bold=True, grid=rows - 2.4)
    for row, scale in enumerate(chart.scales, start=1):
        _line(axes, row, scale.label, ticks_of(scale), colour=BLUE, ends=_reach(scale))
    end, totals = _totals(chart)
    _line(axes, rows - 2, "Total points", [(HIGHEST * t / end, f"{t:g}") for t in totals], bold=True)
    reached = [(HIGHEST * total / end, f"{p:g}") for p, total in probabilities(chart, _ODDS)]
    label = f"Probability of {facts.event}"
    ends = (0.0, HIGHEST * chart.most / end)
    _line(axes, rows - 1, label, reached, bold=True, colour=BLUE, ends=ends)
    _cutoff(axes, rows - 1, chart, end)
    _fit(drawn, axes)
    most = ", ".join(f"{scale.label} {scale.longest:.0f}" for scale in chart.scales)
    alt = (
        f"Nomogram of {chart.model} with {len(chart.scales)} scales; most points of each: {most}. Totals from 0 to "
        f"{chart.most:.0f} points are probabilities from {number(chart.probability(0))} to "
        f"{number(chart.probability(chart.most))}."
    )
    cutoff = f" Orange: cut-off {number(chart.cutoff)}." if 0 < chart.cutoff < 1 else ""
    without = f" Without influence, not drawn: {', '.join(chart.without)}." if chart.without else ""
    notes = (
        f"{chart.model}, fitted on the training set. Find each value on its scale, read the points vertically above "
        "it, add them up, and read the probability below the total. Scales cover the range of the training set, in "
        f"original units; the nomogram does not apply to a patient outside this range.{cutoff}{without} "
        "For research, not for decisions about patients.",
    )
    return DrawnFigure(drawn, alt, notes, readings(chart))


def _fit(drawn: Figure, axes: Axes) -> None:
    """Move the ends of the scales inwards until every label lies within the figure, however long a name is."""
    for _ in range(_MOST_FITS):
        drawn.draw_without_rendering()
        boxes = [text.get_window_extent() for text in axes.texts]
        width = drawn.bbox.width
        left = max(0.0, _EDGE - min(box.x0 for box in boxes) / width)
        right = max(0.0, max(box.x1 for box in boxes) / width - (1 - _EDGE))
        if max(left, right) < 1e-3:
            return
        place = axes.get_position()
        axes.set_position((place.x0 + left, place.y0, place.width - left - right, place.height))


def readings(chart: Nomogram) -> pd.DataFrame:
    """The scales as numbers: points of every tick, and the probability at every ten points."""
    rows: list[tuple[str, str, float]] = []
    for scale in chart.scales:
        if scale.levels:
            rows += [(scale.label, " / ".join(names), points) for names, points in scale.levels]
        else:
            rows += [(scale.label, repr(value), scale.points(value)) for value in (*scale.span, *_values(scale))]
    for total in np.arange(0, math.ceil(chart.most) + 10, 10):
        rows.append(("probability at total points", repr(chart.probability(float(total))), float(total)))
    return pd.DataFrame(rows, columns=["scale", "value", "points"])


def ticks_of(scale: NomogramScale) -> list[tuple[float, str]]:
    """The ticks of a variable as (points, label)."""
    if scale.levels:
        return [(points, " / ".join(names)) for names, points in scale.levels]
    values = _values(scale)
    digits = max(0, *(_digits(value) for value in values)) if values else 0
    fine = max(map(abs, scale.span)) >= 1e5 or max(map(abs, scale.span)) < 1e-3
    return [(scale.points(value), significant(value, 3) if fine else number(value, digits)) for value in values]


def _values(scale: NomogramScale) -> list[float]:
    """Round numbers within the training range, as many as the scale has room for."""
    room = max(2, round(scale.longest / 11))
    ticks = MaxNLocator(room, steps=[1, 2, 2.5, 5, 10]).tick_values(*scale.span)
    return [float(value) for value in ticks if scale.span[0] <= value <= scale.span[1]]


def _reach(scale: NomogramScale) -> tuple[float, float]:
    """The ends of a scale: 0 points, and the other end of the training range."""
    return 0.0, scale.longest


def _digits(value: float) -> int:
    """Decimals that a round number needs, six at most."""
    return next((digits for digits in range(7) if math.isclose(round(value, digits), value, abs_tol=1e-12)), 6)


def _totals(chart: Nomogram) -> tuple[float, list[float]]:
    ticks = MaxNLocator(10, steps=[1, 2, 2.5, 5, 10]).tick_values(0, chart.most)
    ticks = [float(tick) for tick in ticks if tick >= 0]
    return max(ticks), ticks


def _line(
    axes: Axes, row: int, label: str, ticks: Sequence[tuple[float, str]], *, bold: bool = False, colour: str = INK,
    grid: float = 0.0, ends: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Draw one scale: name, line and ticks; labels that would touch alternate above and below the line."""
    low, high = ends or (min(x for x, _ in ticks), max(x for x, _ in ticks))
    axes.plot([low, high], [row, row], color=colour, linewidth=1.1, solid_capstyle="butt")
    axes.text(-3, row, wrapped(label, 32), ha="right", va="center", fontsize=7,
              weight="bold" if bold else "normal")  # fmt: skip
    last = {False: -math.inf, True: -math.inf}
    for x, text in sorted(ticks):
        if grid:
            axes.plot([x, x], [row, grid], color=GREY, linewidth=0.35, alpha=0.5, zorder=0)
        half = (_LETTER * len(text) + 0.6) / 2
        above = x - half < last[False]
        axes.plot([x, x], [row, row + (-0.1 if above else 0.1)], color=colour, linewidth=0.9)
        if x - half < last[above]:
            continue
        last[above] = x + half
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4} if above else None  # before the cut-off's line
        axes.text(x, row + (-0.15 if above else 0.15), text, ha="center", va="bottom" if above else "top", fontsize=7,
                  bbox=box)  # fmt: skip


def _cutoff(axes: Axes, row: int, chart: Nomogram, end: float) -> None:
    if 0 < chart.cutoff < 1 and 0 <= (total := chart.total(chart.cutoff)) <= chart.most:
        x = HIGHEST * total / end
        axes.plot([x, x], [row - 0.42, row], color=ORANGE, linewidth=0.9, zorder=0)
        axes.plot(x, row - 0.45, "v", color=ORANGE, markersize=5)

"""Figure 1: who was screened, excluded and split."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from radstudy.report.facts import TESTING, TRAINING, Facts
from radstudy.report.figures.structure import Drawing
from radstudy.report.figures.style import INK, LIGHT, figure

_LINE = 0.2  # inches a line of text
_WIDTH = 7.2


def flowchart(facts: Facts) -> Drawing:
    """The exclusion flowchart, from the cohort's own counts."""
    flow = facts.document("cohort/flow.json")
    gone = flow["excluded"]
    out = sum(item["patients"] for item in gone)
    reasons = [f"Excluded (n = {out})", *(line for item in gone for line in _wrapped(item))]
    middle = max(len(reasons) * _LINE + 0.3, 0.9)
    height = 0.6 + middle + 0.3 + 0.75 + 0.45 + 0.75
    drawn = figure(_WIDTH, height, free=True)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _WIDTH), ylim=(0, height))
    axes.axis("off")
    top = height - 0.05
    trunk = 2.1 if gone else _WIDTH / 2
    _box(axes, trunk, top - 0.25, 3.2, 0.5, [f"Patients screened (n = {flow['screened']})"])
    kept = height - 0.6 - middle - 0.65
    _arrow(axes, (trunk, top - 0.5), (trunk, kept + 0.36))
    if gone:
        y = height - 0.6 - middle / 2
        _arrow(axes, (trunk, y), (3.85, y))
        _box(axes, 5.5, y, 3.3, middle - 0.1, reasons, left=True)
    lesions = f", {flow['lesions']} lesions" if flow["lesions"] != flow["kept"] else ""
    _box(axes, trunk, kept, 3.6, 0.72, [f"Included (n = {flow['kept']}{lesions})", _groups(facts, flow)])
    for name, x in ((TRAINING, _WIDTH * 0.26), (TESTING, _WIDTH * 0.74)):
        part = flow[name]
        _arrow(axes, (trunk, kept - 0.36), (x, 0.78), elbow=True)
        _box(axes, x, 0.41, 3.3, 0.72, [f"{name.title()} set (n = {part['patients']})", _groups(facts, part)])
    listed = "; ".join(f"{item['reason']} {item['patients']}" for item in gone) or "none"
    alt = (
        f"Flowchart: {flow['screened']} patients screened, {out} excluded ({listed}), {flow['kept']} included, "
        f"{flow[TRAINING]['patients']} in the training set and {flow[TESTING]['patients']} in the testing set."
    )
    return Drawing("figure1_flowchart", drawn, alt)


def _groups(facts: Facts, part: dict[str, Any]) -> str:
    return f"{facts.groups[0]} {part['negative']}, {facts.groups[1]} {part['positive']}"


def _wrapped(item: dict[str, Any]) -> list[str]:
    text = f"{item['reason']} (n\u00a0=\u00a0{item['patients']})"
    first, *rest = textwrap.wrap(text, 44)
    return [f"• {first}", *(f"   {line}" for line in rest)]


def _box(axes: Axes, x: float, y: float, width: float, height: float, lines: list[str], *, left: bool = False) -> None:
    """A box centred at (x, y); its first line is bold."""
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height,
            boxstyle="round,pad=0,rounding_size=0.06", facecolor="white" if left else LIGHT, edgecolor=INK,
            linewidth=0.9,
        )
    )  # fmt: skip
    first = y + (len(lines) - 1) * _LINE / 2
    for index, line in enumerate(lines):
        axes.text(
            x - width / 2 + 0.12 if left else x, first - index * _LINE, line,
            ha="left" if left else "center", va="center", weight="bold" if index == 0 else "normal", fontsize=8.5,
        )  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, elbow: bool = False) -> None:
    if elbow:
        bend = (start[1] + end[1]) / 2
        axes.plot(
            [start[0], start[0], end[0]], [start[1], bend, bend], color=INK, linewidth=0.9, solid_joinstyle="miter"
        )
        start = (end[0], bend)
    axes.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    )

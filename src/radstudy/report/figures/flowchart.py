"""The flowchart of patients screened, excluded and split."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from radstudy.report.analysed import analysed_rows, counts, not_analysed
from radstudy.report.facts import FAILURES, TESTING, TRAINING, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import INK, LIGHT, figure, inches
from radstudy.report.part import report_part

_LINE = 0.2  # inches per line of text
_WIDTH = inches("double")
_LEFT, _RIGHT = 1.95, 5.37  # centres of the trunk and of the side boxes
_SEALED = "groups of those analysed: sealed"
_GOES_ON, _INDENT = "\t", 0.1  # first sign of a line that continues a reason, and its indentation in inches


@report_part(
    "flowchart",
    reads=("cohort/flow.json", "cohort/rows.csv", "cohort/absent.csv", "model/predictions.csv", *FAILURES),
    rows_independent=False,
)
def flowchart(facts: RunFacts) -> DrawnFigure:
    """The exclusion flowchart, from the patients screened down to those that some model could use."""
    flow = facts.document("cohort/flow.json")
    gone = {str(item["reason"]): int(item["patients"]) for item in flow["excluded"]}
    lost = not_analysed(facts)
    rows = analysed_rows(facts)
    stages = [_Stage([f"Patients screened (n = {flow['screened']})"], "Excluded", gone)]
    kept = [f"Included (n = {_with_lesions(flow['kept'], flow['lesions'])})", _groups(facts, _pair(flow))]
    if lost:
        stages.append(_Stage(kept, "Not analysed", lost))
        kept = [f"Analysed (n = {_with_lesions(rows['patient'].nunique(), len(rows))})",
                _SEALED if facts.sealed else _groups(facts, counts(rows, "all"))]  # fmt: skip
    stages.append(_Stage(kept, "", {}))
    height = 0.1 + sum(stage.height for stage in stages) + 0.45 + 0.75
    drawn = figure("double", height, free=True)
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _WIDTH), ylim=(0, height))
    axes.axis("off")
    branched = bool(gone or lost)
    trunk = _LEFT if branched else _WIDTH / 2
    below = (_LEFT, _RIGHT) if branched else (0.26 * _WIDTH, 0.74 * _WIDTH)
    foot = _draw_stages(axes, stages, trunk, height - 0.05)
    sizes: dict[str, int] = {}
    for name, x in zip((TRAINING, TESTING), below, strict=True):
        size, groups = _of_set(facts, rows, name, flow)
        sizes[name] = size
        _arrow(axes, (trunk, foot), (x, 0.78), elbow=True)
        _box(axes, x, 0.41, 3.3, 0.72, [f"{name.title()} set (n = {size})", groups])
    return DrawnFigure(drawn, _alt(flow, gone, lost, sizes))


def _of_set(facts: RunFacts, rows: pd.DataFrame, name: str, flow: dict[str, Any]) -> tuple[int, str]:
    """The patients of a set, and how many there are of each group; of a sealed set, if all of it was analysed."""
    if facts.sealed and name == TESTING:
        size = int(rows.loc[rows["set"] == name, "patient"].nunique())
        return size, _groups(facts, _pair(flow[name])) if size == flow[name]["patients"] else _SEALED
    pair = counts(rows, name)
    return sum(pair), _groups(facts, pair)


@dataclass(frozen=True)
class _Stage:
    """A box of the trunk, and the side box of the patients who leave below it."""

    lines: list[str]
    side: str
    leaving: dict[str, int]

    @property
    def side_lines(self) -> list[str]:
        if not self.leaving:
            return []
        head = f"{self.side} (n = {sum(self.leaving.values())})"
        return [head, *(line for reason, count in self.leaving.items() for line in _wrapped(reason, count))]

    @property
    def box(self) -> float:
        return 0.5 if len(self.lines) == 1 else 0.72

    @property
    def gap(self) -> float:
        """The gap between this box and the next, with the side box in its middle."""
        return max(len(self.side_lines) * _LINE + 0.3, 0.9) if self.leaving else 0.3

    @property
    def height(self) -> float:
        return self.box + (self.gap if self.side else 0.0)


def _draw_stages(axes: Axes, stages: list[_Stage], trunk: float, top: float) -> float:
    """Draw the trunk from the top and return the lower end of its last box."""
    for stage, below in zip(stages, [*stages[1:], None], strict=True):
        middle = top - stage.box / 2
        _box(axes, trunk, middle, 3.3, stage.box, stage.lines)
        top -= stage.box
        if below is None:
            break
        _arrow(axes, (trunk, top), (trunk, top - stage.gap))
        if stage.leaving:
            _arrow(axes, (trunk, top - stage.gap / 2), (3.72, top - stage.gap / 2))
            _box(axes, _RIGHT, top - stage.gap / 2, 3.3, stage.gap - 0.1, stage.side_lines, left=True)
        top -= stage.gap
    return top


def _alt(flow: dict[str, Any], gone: dict[str, int], lost: dict[str, int], sizes: dict[str, int]) -> str:
    said = "; ".join(f"{reason} {count}" for reason, count in gone.items()) or "none"
    text = f"{flow['screened']} patients screened, {sum(gone.values())} excluded ({said}), {flow['kept']} included"
    if lost:
        reasons = "; ".join(f"{reason} {count}" for reason, count in lost.items())
        text += f", {sum(lost.values())} not analysed ({reasons})"
    parts = " and ".join(f"{size} in the {name} set" for name, size in sizes.items())
    return f"Flowchart: {text}, {parts}."


def _with_lesions(patients: int, lesions: int) -> str:
    return f"{patients}, {lesions} lesions" if lesions != patients else f"{patients}"


def _pair(part: dict[str, Any]) -> tuple[int, int]:
    return int(part["negative"]), int(part["positive"])


def _groups(facts: RunFacts, pair: tuple[int, int]) -> str:
    return f"{facts.groups[0]} {pair[0]}, {facts.groups[1]} {pair[1]}"


def _wrapped(reason: str, count: int) -> list[str]:
    text = f"{reason} (n\u00a0=\u00a0{count})"
    first, *rest = textwrap.wrap(text, 44)
    return [f"• {first}", *(f"{_GOES_ON}{line}" for line in rest)]


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
        start = x - width / 2 + 0.12 + (_INDENT if line.startswith(_GOES_ON) else 0.0)
        axes.text(
            start if left else x, first - index * _LINE, line.removeprefix(_GOES_ON),
            ha="left" if left else "center", va="center", weight="bold" if index == 0 else "normal", fontsize=8,
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

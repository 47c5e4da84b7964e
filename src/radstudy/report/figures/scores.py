"""The probabilities predicted by the study's model, by outcome and relative to the cut-off."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from radstudy.report.display import number
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, INK, figure
from radstudy.report.part import report_part

_FEWEST = 5  # values that a violin needs
_COLOURS = ("#E69F00", BLUE)  # of outcome 0 and 1; light and dark without colour


@report_part(
    "scores",
    reads=("model/predictions.csv", "evaluate/table3.csv", "cohort/rows.csv"),
    rows_independent=False,
)
def scores(facts: RunFacts) -> DrawnFigure:
    """Waterfall plots (every patient, sorted) above violin plots by outcome, testing next to training."""
    name = facts.study_model
    frame = facts.frame("model/predictions.csv")
    part = frame[(frame["model"] == name) & frame["probability"].notna()] if len(frame) else frame
    if not len(part):
        raise AbsentError(f"The study's model {name} was not fitted, so there is no score to draw.")
    cutoff = cutoff_of(facts, name)
    drawn = figure("double", 5.0)
    grid = drawn.subplots(2, 2, sharey=True)
    titles = {TESTING: "Testing", TRAINING: "Training (apparent, selection ignored)"}
    for column, which in enumerate((TESTING, TRAINING)):
        own = part[part["set"] == which]
        _waterfall(grid[0, column], own, cutoff, facts.case_word)
        _violins(grid[1, column], own, facts.groups)
        grid[0, column].set_title(f"{'ab'[column]}  {titles[which]}")
        grid[1, column].set_title(f"{'cd'[column]}  {titles[which]}")
        for axes in grid[:, column]:
            axes.axhline(cutoff, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    grid[0, 0].set(ylim=(-0.02, 1.02))
    for axes in grid[:, 0]:
        axes.set_ylabel(f"probability ({name})")
    handles = [Patch(color=_COLOURS[outcome], label=facts.groups[outcome]) for outcome in (0, 1)]
    line = Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=0.9, label=f"cut-off {number(cutoff)}")
    drawn.legend(handles=[*handles, line], loc="outside upper left", ncols=3)
    notes = (
        f"Above: one bar per {facts.case_word[:-1]}, from the cut-off to the probability of {facts.event}, in "
        "ascending order; upward bars are classified as positive. Below: the same by outcome, one point per "
        f"{facts.case_word[:-1]}; box: quartiles and median; violin: density, if there are {_FEWEST} or more.",
    )
    return DrawnFigure(drawn, _alt(facts, part, cutoff), notes, part)


def cutoff_of(facts: RunFacts, name: str) -> float:
    """The cut-off of a model that the tables use.

    Raises
    ------
    AbsentError : it has none.
    """
    table = facts.frame("evaluate/table3.csv")
    cutoffs = table.loc[table["model"] == name, "cutoff"].dropna() if "cutoff" in table else pd.Series(dtype=float)
    if not len(cutoffs) or not np.isfinite(cutoffs.iloc[0]):
        raise AbsentError(f"The model {name} has no cut-off to draw its predictions against.")
    return cast("float", cutoffs[cutoffs.index[0]])


def _waterfall(axes: Axes, part: pd.DataFrame, cutoff: float, word: str) -> None:
    ordered = part.sort_values(["probability", "outcome", "patient", "lesion"])
    heights = ordered["probability"].to_numpy() - cutoff
    colours = [_COLOURS[int(outcome)] for outcome in ordered["outcome"]]
    # a patient exactly on the cut-off still gets a visible bar
    shown = np.where(np.abs(heights) < 0.004, np.where(heights < 0, -0.004, 0.004), heights)
    axes.bar(np.arange(len(ordered)), shown, bottom=cutoff, width=0.82, color=colours)
    axes.set(xticks=(), xlim=(-0.8, max(len(ordered), 1) - 0.2))
    axes.set_xlabel(f"{len(ordered)} {word}")


def _violins(axes: Axes, part: pd.DataFrame, groups: tuple[str, str]) -> None:
    for outcome in (0, 1):
        values = part.loc[part["outcome"] == outcome, "probability"].to_numpy(dtype=float)
        if not len(values):
            continue
        if len(values) >= _FEWEST and np.ptp(values) > 0:
            body: Any = axes.violinplot(values, [outcome], widths=0.8, showextrema=False)["bodies"]
            for shape in body:
                shape.set(facecolor=_COLOURS[outcome], alpha=0.25, edgecolor=_COLOURS[outcome])
        plain = {"color": INK}
        axes.boxplot(values, positions=[outcome], widths=0.16, showfliers=False, showcaps=False, boxprops=plain,
                     whiskerprops=plain, medianprops={**plain, "linewidth": 1.6})  # fmt: skip
        axes.plot(outcome + _aside(values), values, "o" if outcome else "s", color=_COLOURS[outcome], markersize=2.6,
                  alpha=0.8)  # fmt: skip
    axes.set(xticks=(0, 1), xlim=(-0.6, 1.6))
    counts = [int((part["outcome"] == outcome).sum()) for outcome in (0, 1)]
    axes.set_xticklabels([f"{group} (n = {count})" for group, count in zip(groups, counts, strict=True)])


def _aside(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The horizontal offset of each point: neighbours in height fan out, identically for identical values."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(0.13 + 0.05 * (rank % 5), dtype=np.float64)


def _alt(facts: RunFacts, part: pd.DataFrame, cutoff: float) -> str:
    told = []
    for which in (TESTING, TRAINING):
        own = part[part["set"] == which]
        for outcome in (1, 0):
            values = own.loc[own["outcome"] == outcome, "probability"]
            above = int((values >= cutoff).sum())
            group = f"{which}, {facts.groups[outcome]}"
            told.append(f"{group}: median {number(values.median())}, {above} of {len(values)} at or above the cut-off")
    return f"Predicted probabilities by outcome, cut-off {number(cutoff)}. {'; '.join(told)}."

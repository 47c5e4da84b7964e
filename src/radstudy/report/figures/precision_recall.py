"""Precision against recall at every cut-off."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from radstudy.report.display import number
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.panels import panels, rows_of, set_key, side_label, square_height, values_above
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import GREY, SETS
from radstudy.report.part import report_part


@report_part(
    "precision_recall",
    reads=("evaluate/precision_recall.csv", "evaluate/table3.csv", "model/models.json"),
    rows_independent=False,
)
def precision_recall(facts: RunFacts) -> DrawnFigure:
    """One panel per model: both sets, with the proportion of positives, which an uninformative model reaches."""
    curves, table = facts.frame("evaluate/precision_recall.csv"), facts.frame("evaluate/table3.csv")
    names = [name for name in facts.fitted if len(curves) and name in set(curves["model"])]
    if not names:
        raise AbsentError("No model could be fitted and tested, so there is no precision-recall curve to draw.")
    drawn, grid = panels(names, height=square_height(len(names), columns=4, lines=2), columns=4, around=0.6)
    for axes, name in zip(grid, names, strict=True):
        for which in (TRAINING, TESTING):
            _curve(axes, rows_of(curves, name, which), rows_of(table, name, which), which)
        values_above(axes, [_value(curves, table, name, which) for which in (TESTING, TRAINING)])
        axes.set(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    drawn.supxlabel("recall (sensitivity)")
    side_label(drawn, "precision (positive predictive value)")
    set_key(drawn, Line2D([], [], color=GREY, linestyle=":", label="proportion of positives"))
    notes = (
        "Dotted: the proportion of positives in each set, which is the precision of an uninformative model. "
        "AP: average precision. Both depend on the proportion of positives, so they apply to cohorts like this one.",
    )
    spoken = "; ".join(f"{name} {_spoken(rows_of(table, name, TESTING))}" for name in names)
    alt = f"Precision-recall curves by model; average precision in the testing set: {spoken}."
    return DrawnFigure(drawn, alt, notes, curves)


def _curve(axes: Axes, curve: pd.DataFrame, row: pd.DataFrame, which: str) -> None:
    if not len(curve):
        return
    colour, line = SETS[which]
    curve = curve[curve["precision"].notna()].sort_values(["recall", "precision"], ascending=[True, False])
    recall, precision = curve["recall"].to_numpy(), curve["precision"].to_numpy()
    if recall[0] > 0:
        recall, precision = np.append(0.0, recall), np.append(precision[0], precision)
    # between two points the precision is that of the higher recall, as average precision counts it
    axes.plot(recall, precision, color=colour, linestyle=line, linewidth=1.4, drawstyle="steps-pre")
    if len(row) and row.iloc[0]["rows"]:
        axes.axhline(row.iloc[0]["positives"] / row.iloc[0]["rows"], color=colour, linewidth=0.8, linestyle=":")


def _value(curves: pd.DataFrame, table: pd.DataFrame, name: str, which: str) -> tuple[str, str]:
    """The average precision of a curve in its set's colour, or why there is none."""
    known = len(rows_of(curves, name, which))
    text = f"{which} {_area(rows_of(table, name, which))}".rstrip() if known else f"{which}: one class only"
    return text, SETS[which][0]


def _area(row: pd.DataFrame) -> str:
    if not len(row) or "average_precision" not in row or pd.isna(row.iloc[0]["average_precision"]):
        return ""
    first = row.iloc[0]
    low, high = (number(first.get(f"average_precision_{end}")) for end in ("low", "high"))
    return f"AP {number(first['average_precision'])} ({low}–{high})"


def _spoken(row: pd.DataFrame) -> str:
    return _area(row).replace("AP ", "") or "not computed"

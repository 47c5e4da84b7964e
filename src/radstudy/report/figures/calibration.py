"""The agreement of predicted probabilities with the outcome."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from radstudy.modelling.lesions import without_lesions_note
from radstudy.report.display import interval, number
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.panels import panels, rows_of, set_key, side_label, square_height, values_above
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, SETS
from radstudy.report.outline import number_of
from radstudy.report.part import report_part

_STRIP = 0.16  # height of the predictions' histogram below the curves, on the axis of shares
_COLUMNS = 3
_LOW, _HIGH = 0.72, 0.88  # height of a panel's row, of that with square panels: of many rows, which must fit a page
_BINS = np.linspace(0, 1, 21)


@report_part(
    "calibration",
    reads=("evaluate/calibration.csv", "evaluate/calibration_curves.csv", "model/predictions.csv", "model/models.json"),
    rows_independent=True,
)
def calibration(facts: RunFacts) -> DrawnFigure:
    """One panel per model: flexible curves of both sets, the ideal line, and a histogram of the testing predictions."""
    table, curves = facts.frame("evaluate/calibration.csv"), facts.frame("evaluate/calibration_curves.csv")
    predictions = facts.frame("model/predictions.csv")
    names = [name for name in facts.fitted if len(table) and name in set(table["model"])]
    if not names:
        raise AbsentError("No model could be fitted, so there is no calibration to draw.")
    share = _LOW if len(names) > 2 * _COLUMNS else _HIGH
    height = share * square_height(len(names), columns=_COLUMNS, lines=4)
    drawn, grid = panels(names, height=height, columns=_COLUMNS, around=0.6)
    for axes, name in zip(grid, names, strict=True):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        for which in (TRAINING, TESTING):
            _curve(axes, rows_of(curves, name, which), which)
        _histogram(axes, rows_of(predictions, name, TESTING))
        values_above(axes, [*_lines(rows_of(table, name, TESTING), TESTING),
                            *_lines(rows_of(table, name, TRAINING), TRAINING)])  # fmt: skip
        axes.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - 0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    drawn.supxlabel("predicted probability")
    side_label(drawn, f"observed proportion of {facts.event}")
    set_key(drawn, Line2D([], [], color=GREY, linestyle=":", label="ideal"))
    banded = any(_banded(rows_of(curves, name, TESTING)) for name in names)
    band = f" Blue band: {facts.level} pointwise confidence band of the testing curve." if banded else ""
    notes = (
        "On the dotted line, predicted and observed probabilities agree; below it the model overestimates the "
        f"probability, above it the model underestimates it.{band} A slope of 1 and an intercept of 0 are ideal; a "
        "slope below 1 means that predictions are too extreme. Brier score: mean squared error of the probabilities, 0 "
        f"is perfect; {facts.level} confidence intervals in brackets. Below the curves: the testing predictions, "
        f"{facts.of_group(1)} above the line (blue), {facts.of_group(0)} below it (grey).",
        "Training curves are apparent: the features were chosen and the model fitted on the same patients. Their "
        f"intercepts and Brier scores: {number_of('table', 'performance_measures')}.",
    )
    spoken = "; ".join(f"{name} {_spoken(rows_of(table, name, TESTING))}" for name in names)
    alt = f"Calibration curves by model. Testing set: {spoken}."
    return DrawnFigure(drawn, alt, notes, curves)


def _banded(part: pd.DataFrame) -> bool:
    """True if the curve has a band."""
    return bool(len(part) and part[["low", "high"]].notna().all(axis=1).any())


def _curve(axes: Axes, part: pd.DataFrame, which: str) -> None:
    if not len(part):
        return
    part = part.sort_values("predicted")
    colour, line = SETS[which]
    if which == TESTING and _banded(part):
        axes.fill_between(part["predicted"], part["low"], part["high"], color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(part["predicted"], part["observed"], color=colour, linestyle=line, linewidth=1.4)


def _histogram(axes: Axes, part: pd.DataFrame) -> None:
    """Draw the predictions of the set: positives upwards, negatives downwards from a line below the curves."""
    middle = -_STRIP / 2
    counts = {
        outcome: np.histogram(part.loc[part["outcome"] == outcome, "probability"], _BINS)[0] for outcome in (0, 1)
    }
    highest = max(1, *(int(values.max()) for values in counts.values()))
    for outcome, sign, colour in ((1, 1, BLUE), (0, -1, GREY)):
        heights = sign * counts[outcome] / highest * _STRIP / 2
        axes.bar(_BINS[:-1], heights, width=np.diff(_BINS) * 0.9, bottom=middle, align="edge", color=colour)
    axes.axhline(middle, color=GREY, linewidth=0.5)


def _lines(part: pd.DataFrame, which: str) -> list[tuple[str, str]]:
    """The values of a set in its colour: all of the testing set, the slope of the training set."""
    return [(text, SETS[which][0]) for text in _texts(part, which)]


def _texts(part: pd.DataFrame, which: str) -> list[str]:
    if not len(part):
        return [f"{which}: not computed"]
    row = part.iloc[0]
    if pd.isna(row["slope"]):
        return textwrap.wrap(f"{which}: {without_lesions_note(row['note']).partition(';')[0] or 'no slope'}", 38)
    slope, intercept = (f"{name} {interval(row[name], row[f'{name}_low'], row[f'{name}_high'], 2)}"
                        for name in ("slope", "intercept"))  # fmt: skip
    first = f"{which}: {slope}"
    return [first, intercept, f"Brier {number(row['brier'])}"] if which == TESTING else [first]


def _spoken(part: pd.DataFrame) -> str:
    if not len(part) or pd.isna(part.iloc[0]["slope"]):
        return "no slope"
    row = part.iloc[0]
    return f"slope {number(row['slope'], 2)}, intercept {number(row['intercept'], 2)}, Brier {number(row['brier'])}"

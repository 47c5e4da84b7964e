"""The figures of a validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from radstudy.artefacts import validate as files
from radstudy.modelling.recalibration import FORMULA
from radstudy.report.display import interval, number
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.decision import TREAT_ALL, limits
from radstudy.report.figures.panels import side_label, values_above
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, figure
from radstudy.report.part import report_part
from radstudy.report.validation.measured import (
    ALL,
    CALIBRATION,
    CASE_MIX,
    INSIDE,
    PERFORMANCE,
    PREDICTIONS,
    SET_NAMES,
    known,
    line_of,
    of_set,
)

_LOOK: dict[str, tuple[str, Any]] = {ALL: (BLUE, "-"), INSIDE: (GREEN, (0, (5, 2)))}
_VERSIONS: dict[str, tuple[str, Any]] = {
    FORMULA: (BLUE, "-"), "in the large": (ORANGE, (0, (5, 2))), "slope": (GREEN, "-."), "refit": (INK, (0, (1, 1))),
}  # fmt: skip
_STRIP = 0.16  # height of the histogram of the predictions, on the axis of shares
_BINS = np.linspace(0, 1, 21)
_CURVES, _ROC, _DECISION = files.CURVES.path, files.ROC.path, files.DECISION.path


@report_part("validated_roc", reads=(_ROC, PERFORMANCE, CASE_MIX), rows_independent=True)
def roc(facts: RunFacts) -> DrawnFigure:
    """ROC curves: all patients, and those inside the range, with the AUC expected from the case mix."""
    curves = facts.frame(_ROC)
    if not len(curves):
        raise AbsentError("There is no ROC curve: the patients have one class only.")
    drawn = figure("single", 3.3)
    axes = drawn.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":")
    spoken = []
    for which, (colour, line) in _LOOK.items():
        own, row = curves[curves["set"] == which], of_set(facts, PERFORMANCE, which)
        if not len(own) or not known(row, "auc"):
            continue
        said = f"{SET_NAMES[which]}: {interval(row['auc'], row['auc_low'], row['auc_high'])}"
        axes.plot(own["false_positive_rate"], own["true_positive_rate"], color=colour, linestyle=line, linewidth=1.5,
                  label=said)  # fmt: skip
        spoken.append(said)
    mix = of_set(facts, CASE_MIX, ALL)
    if known(mix, "expected_auc"):
        axes.plot([], [], " ", label=f"expected from the case mix: {number(mix['expected_auc'])}")
    axes.set(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1),
             xlabel="1 − specificity", ylabel="sensitivity")  # fmt: skip
    axes.legend(loc="lower right", fontsize=6, handlelength=1.8, title="AUC", title_fontsize=6.5, alignment="left")
    notes = (f"AUC with its {facts.level} confidence interval. Dotted line: no discrimination.",)
    return DrawnFigure(drawn, f"ROC curves of the validation. AUC, {'; '.join(spoken)}.", notes, curves)


@report_part("validated_calibration", reads=(_CURVES, CALIBRATION, PREDICTIONS), rows_independent=True)
def calibration(facts: RunFacts) -> DrawnFigure:
    """The calibration curve of the formula as published, with the predictions of both outcomes below."""
    curves, predictions = facts.frame(_CURVES), facts.frame(PREDICTIONS)
    drawn = figure("one_and_a_half", 3.6)
    grid = drawn.subplots(1, 2, sharex=True, sharey=True)
    for letter, axes, which in zip("ab", grid, (ALL, INSIDE), strict=True):
        chosen = predictions if which == ALL else predictions[predictions["inside"]]
        _panel(axes, facts, curves, chosen, which)
        axes.set_title(f"{letter}  {SET_NAMES[which].capitalize()} (n = {len(chosen)})")
        values_above(axes, [(text, INK) for text in _lines(line_of(facts, FORMULA, which))])
    drawn.supxlabel("predicted probability")
    side_label(drawn, f"observed proportion of {facts.event}")
    notes = (
        "On the dotted line, predicted and observed probabilities agree; below it the model overestimates the "
        f"probability, above it the model underestimates it. Band: {facts.level} pointwise confidence band. Below the "
        f"curves: the predictions, {facts.of_group(1)} above the line (blue), {facts.of_group(0)} below it (grey).",
    )
    spoken = "; ".join(f"{SET_NAMES[which]} {_spoken(line_of(facts, FORMULA, which))}" for which in (ALL, INSIDE))
    shown = curves[curves["version"] == FORMULA] if len(curves) else curves
    return DrawnFigure(drawn, f"Calibration of the formula as published: {spoken}.", notes, shown)


def _panel(axes: Axes, facts: RunFacts, curves: pd.DataFrame, predictions: pd.DataFrame, which: str) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    own = curves[(curves["set"] == which) & (curves["version"] == FORMULA)] if len(curves) else curves
    colour, _ = _LOOK[which]
    if len(own):
        if own[["low", "high"]].notna().all(axis=None):
            axes.fill_between(own["predicted"], own["low"], own["high"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(own["predicted"], own["observed"], color=colour, linewidth=1.5)
    _histogram(axes, predictions)
    axes.set(xlim=(-0.02, 1.02), ylim=(-_STRIP - 0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _histogram(axes: Axes, part: pd.DataFrame) -> None:
    middle = -_STRIP / 2
    counts = {outcome: np.histogram(part.loc[part["outcome"] == outcome, "probability"], _BINS)[0]
              for outcome in (0, 1)}  # fmt: skip
    highest = max(1, *(int(values.max()) for values in counts.values()))
    for outcome, sign, colour in ((1, 1, BLUE), (0, -1, GREY)):
        heights = sign * counts[outcome] / highest * _STRIP / 2
        axes.bar(_BINS[:-1], heights, width=np.diff(_BINS) * 0.9, bottom=middle, align="edge", color=colour)
    axes.axhline(middle, color=GREY, linewidth=0.5)


def _lines(row: Any) -> list[str]:
    if not known(row, "slope"):
        return ["no slope"]
    parts = [f"{name} {interval(row[name], row[f'{name}_low'], row[f'{name}_high'], 2)}"
             for name in ("slope", "intercept")]  # fmt: skip
    return [*parts, f"observed / expected {interval(row['oe'], row['oe_low'], row['oe_high'], 2)}"]


def _spoken(row: Any) -> str:
    if not known(row, "slope"):
        return "has no slope"
    return f"slope {number(row['slope'], 2)}, intercept {number(row['intercept'], 2)}"


@report_part("validated_recalibration", reads=(_CURVES, CALIBRATION), rows_independent=True)
def recalibration(facts: RunFacts) -> DrawnFigure:
    """Calibration curves after each recalibration, cross-fitted, beside the formula as published."""
    curves = facts.frame(_CURVES)
    own = curves[curves["set"] == ALL] if len(curves) else curves
    names = [name for name in _VERSIONS if len(own) and (own["version"] == name).any()]
    if len(names) < 2:
        raise AbsentError("No recalibration could be cross-fitted.")
    drawn = figure("single", 3.4)
    axes = drawn.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for name in names:
        colour, line = _VERSIONS[name]
        part = own[own["version"] == name]
        axes.plot(part["predicted"], part["observed"], color=colour, linestyle=line, linewidth=1.4, label=name)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), aspect="equal",
             xlabel="predicted probability", ylabel=f"observed proportion of {facts.event}")  # fmt: skip
    axes.legend(loc="upper left", fontsize=6, handlelength=2.4)
    notes = (
        "All patients. Recalibrated formulas are cross-fitted: each patient is predicted by a formula that was "
        "recalibrated on other patients. None of them is used anywhere else in this report.",
    )
    spoken = "; ".join(f"{name}: {_spoken(line_of(facts, name))}" for name in names)
    return DrawnFigure(drawn, f"Calibration before and after recalibration. {spoken}.", notes, own)


@report_part("validated_decision", reads=(_DECISION,), rows_independent=True)
def decision(facts: RunFacts) -> DrawnFigure:
    """Decision curves of all patients, as published with its band, and recalibrated; and of those inside the range."""
    frame = facts.frame(_DECISION)
    if not len(frame):
        raise AbsentError("There is no decision curve: the patients have one class only.")
    drawn = figure("double", 3.1)
    grid = drawn.subplots(1, 2, sharex=True, sharey=True)
    for letter, axes, which in zip("ab", grid, (ALL, INSIDE), strict=True):
        part = frame[frame["set"] == which]
        _net_benefit(axes, part)
        axes.set(title=f"{letter}  {SET_NAMES[which].capitalize()}", xlabel="threshold probability")
    right, low, high = limits(frame[frame["version"] == FORMULA].replace({"set": {ALL: "testing"}}))
    grid[0].set(xlim=(0, right), ylim=(low, high), ylabel="net benefit")
    handles, labels = grid[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper left", ncols=6)
    notes = (
        f"Threshold: the probability of {facts.event} above which one would act. Net benefit: true positives minus "
        "false positives weighted by the odds of the threshold, per patient; the higher line is the better choice. "
        f"Band: {facts.level} pointwise bootstrap band of the formula as published. Recalibrated formulas are "
        "cross-fitted.",
    )
    return DrawnFigure(drawn, f"Decision curves of the validation: {_best(frame)}.", notes, frame)


def _net_benefit(axes: Axes, part: pd.DataFrame) -> None:
    axes.axhline(0, color=INK, linewidth=0.8, label="treat none")
    for name, (colour, line) in _VERSIONS.items():
        own = part[part["version"] == name].sort_values("threshold")
        if not len(own):
            continue
        if name == FORMULA:
            axes.plot(own["threshold"], own["treat_all"], color=GREY, linestyle=TREAT_ALL, linewidth=1.3,
                      label="treat all")  # fmt: skip
            axes.fill_between(own["threshold"], own["low"], own["high"], color=colour, alpha=0.13, linewidth=0)
        axes.plot(own["threshold"], own["net_benefit"], color=colour, linestyle=line,
                  linewidth=1.7 if name == FORMULA else 1.1, label=name)  # fmt: skip


def _best(frame: pd.DataFrame) -> str:
    own = frame[(frame["set"] == ALL) & (frame["version"] == FORMULA)]
    above = own[(own["net_benefit"] > own["treat_all"]) & (own["net_benefit"] > 0)]
    if not len(above):
        return "as published, at no threshold above both treating all and treating none"
    low, high = number(above["threshold"].min(), 2), number(above["threshold"].max(), 2)
    return f"as published, above both treating all and treating none at {len(above)} of {len(own)} thresholds, from " \
           f"{low} to {high}"  # fmt: skip

"""Decision curves: the net benefit of acting on a model, by threshold probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from radstudy.protocol.words import listed
from radstudy.report.display import number
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, LineStyle, figure
from radstudy.report.part import report_part

_MOST = 5  # models in one panel
_PINK = "#CC79A7"
TREAT_ALL: LineStyle = (0, (9, 3))  # line of treating all; that of treating none is solid
_LINES: tuple[tuple[str, Any, float], ...] = (
    (BLUE, "-", 1.9),
    (ORANGE, (0, (5, 2)), 1.3),
    (GREEN, "-.", 1.3),
    (_PINK, (0, (1, 1)), 1.6),
    (INK, (0, (7, 2, 1, 2)), 1.0),
)


@report_part("decision", reads=("evaluate/decision_curves.csv", "model/models.json"), rows_independent=True)
def decision(facts: RunFacts) -> DrawnFigure:
    """Net benefit against the threshold, testing and training: the study's model, its components, clinical models."""
    frame = facts.frame("evaluate/decision_curves.csv")
    names = compared(facts, set(frame.loc[frame["net_benefit"].notna(), "model"]) if len(frame) else set())
    if not names:
        raise AbsentError("No model could be fitted, so there is no decision curve to draw.")
    shown = frame[frame["model"].isin(names)]
    banded = _banded(shown, names[0])
    drawn = figure("double", 3.2)
    grid = drawn.subplots(1, 2, sharex=True, sharey=True)
    titles = {TESTING: "a  Testing", TRAINING: "b  Training (apparent, selection ignored)"}
    for axes, which in zip(grid, (TESTING, TRAINING), strict=True):
        part = shown[shown["set"] == which]
        _strategies(axes, part, names)
        for (colour, line, width), name in zip(_LINES, names, strict=False):
            curve = part[part["model"] == name].sort_values("threshold")
            if which == TESTING and name == names[0] and banded:
                axes.fill_between(
                    curve["threshold"], curve["low"], curve["high"], color=colour, alpha=0.13, linewidth=0
                )
            axes.plot(
                curve["threshold"], curve["net_benefit"], color=colour, linestyle=line, linewidth=width, label=name
            )
        axes.set_title(titles[which])
        axes.set_xlabel("threshold probability")
    right, low, high = limits(shown)
    grid[0].set(xlim=(0, right), ylim=(low, high))
    grid[0].set_ylabel("net benefit")
    handles, labels = grid[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper left", ncols=4)
    best = _best(shown[(shown["set"] == TESTING) & (shown["model"] == names[0]) & (shown["threshold"] <= right)])
    alt = f"Decision curves of {listed(names)} in the testing and the training set. Testing set, {names[0]}: {best}."
    return DrawnFigure(drawn, alt, _notes(facts, names, len(set(frame["model"])), banded), frame)


def compared(facts: RunFacts, drawn: set[str]) -> list[str]:
    """The models of the figure, five at most: the one for use, those it is built from, clinical ones, then the rest."""
    models = facts.protocol.model.models
    chosen = facts.study_model
    entry = models[chosen]
    clinical = [name for name, model in models.items() if model.clinical]
    order = dict.fromkeys([chosen, *(entry.add or ()), *(entry.pool or ()), *clinical, *models])
    return [name for name in order if name in drawn and name in facts.fitted][:_MOST]


def _strategies(axes: Axes, part: pd.DataFrame, names: list[str]) -> None:
    axes.axhline(0, color=INK, linewidth=0.8, label="treat none")
    for name in names:
        first = part[part["model"] == name].sort_values("threshold")
        if len(first):
            axes.plot(first["threshold"], first["treat_all"], color=GREY, linestyle=TREAT_ALL, linewidth=1.3,
                      label="treat all")  # fmt: skip
            return


def limits(shown: pd.DataFrame) -> tuple[float, float, float]:
    """End of the threshold axis, and the lowest and highest net benefit shown.

    Parameters
    ----------
    shown : decision curves. The threshold axis ends where no model is above zero on the testing set any longer (at
        least at twice the testing set's share of positives, at most at 0.9); values far below zero are cut off.
    """
    part = shown[shown["set"] == TESTING]
    part = part if part["net_benefit"].notna().any() else shown
    known = part[part["treat_all"].notna()].sort_values("threshold")
    share = float(known["treat_all"].iloc[0]) if len(known) else 0.0
    useful = part.loc[part["net_benefit"] > 0, "threshold"]
    end = max(float(useful.max()) if len(useful) else 0.0, 2 * max(share, 0.05)) + 0.05
    right = min(np.ceil(end * 20 - 1e-9) / 20, 0.9)
    top = float(shown.loc[shown["threshold"] <= right, ["net_benefit", "treat_all"]].max().max())
    return float(right), -0.25 * max(top, 0.05), 1.1 * max(top, 0.05)


def _best(curve: pd.DataFrame) -> str:
    above = curve[(curve["net_benefit"] > curve["treat_all"]) & (curve["net_benefit"] > 0)]
    if not len(above):
        return "at no threshold above both treating all and treating none"
    low, high = number(above["threshold"].min(), 2), number(above["threshold"].max(), 2)
    return f"above both treating all and treating none at {len(above)} of {len(curve)} thresholds, from {low} to {high}"


def _banded(shown: pd.DataFrame, name: str) -> bool:
    """True if the model has a band on the testing set."""
    own = shown[(shown["set"] == TESTING) & (shown["model"] == name)]
    return bool(len(own) and own[["low", "high"]].notna().all(axis=1).any())


def _notes(facts: RunFacts, names: list[str], models: int, banded: bool) -> tuple[str, ...]:
    more = f" {len(names)} of {models} models are shown; the CSV file has all of them." if models > len(names) else ""
    band = f"Blue band: {facts.level} pointwise confidence band of {names[0]} on the testing set. " if banded else ""
    return (
        f"Threshold: the probability of {facts.event} above which one would act; a low threshold means that "
        "missing a case is much worse than acting unnecessarily. Net benefit: true positives minus false positives "
        "weighted by the odds of the threshold, per patient; the higher line is the better choice. Treat all and treat "
        f"none need no model. {band}Treat all is computed on the patients that {names[0]} can use.{more}",
        "Training curves are apparent: the features were chosen and the model fitted on the same patients.",
    )

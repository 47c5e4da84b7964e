"""Odds ratios with their intervals: the study's model and the clinical models."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from radstudy.modelling.lesions import without_lesions_note
from radstudy.protocol.words import listed
from radstudy.report.display import p_text, plural
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.panels import letters, wrapped
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, INK, LIGHT, ORANGE, figure
from radstudy.report.part import report_part
from radstudy.report.tables.features import readable
from radstudy.report.tables.regression import estimated, odds_ratio, p_of_interval

_WIDEST = 1000.0  # the axis ends at this odds ratio and its reciprocal; intervals beyond are cut with an arrow
_WIDE = 2000.0  # from one end to the other, where only powers of ten are labelled
_TICKS = (0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 1000.0)
_LABEL = 38  # characters per line
Limits = tuple[float, float]


@report_part("forest", reads=("evaluate/regression.csv",), rows_independent=True)
def forest(facts: RunFacts) -> DrawnFigure:
    """One block per model, one row per term: odds ratio, interval and p-value, or why it could not be estimated."""
    frame = facts.frame("evaluate/regression.csv")
    names = [name for name in effects_of(facts) if len(frame) and name in set(frame["model"])]
    if not names:
        raise AbsentError("No multivariable regression was fitted: none of these models has a feature.")
    parts = {name: frame[frame["model"] == name] for name in names}
    labels = {name: [wrapped(readable(facts, str(f)), _LABEL) for f in part["feature"]]
              for name, part in parts.items()}  # fmt: skip
    heights = [0.65 + sum(0.1 + 0.15 * (1 + text.count("\n")) for text in labels[name]) for name in names]
    drawn = figure("double", sum(heights) + 0.75)
    grid = drawn.subplots(len(names), 1, sharex=True, squeeze=False, height_ratios=heights).ravel()
    ends = _ends(pd.concat(list(parts.values())))
    for letter, axes, name in zip(letters(), grid, names, strict=False):
        _block(facts, axes, parts[name], labels[name], ends)
        axes.set_title(f"{letter}  {name}", loc="left")
        axes.tick_params(axis="x", labelbottom=True)
    _scale(grid[-1], ends, facts.groups)
    drawn.legend(handles=_key(), loc="outside upper left", ncols=3)
    alt = "Odds ratios: " + "; ".join(f"{name}: {_spoken(facts, parts[name])}" for name in names) + "."
    lost = [name for name in effects_of(facts) if name not in names]
    missing = (
        (f"Not drawn, because they have no regression (no feature, or no formula): {listed(lost)}.",) if lost else ()
    )
    test = {"profile": "likelihood ratio", "wald": "Wald"}[facts.protocol.evaluate.regression.interval]
    notes = (
        f"Odds ratios with {facts.level} confidence intervals and the p-values that go with them ({test}; Firth: "
        "penalised likelihood ratio) from an unpenalised multivariable logistic regression on the training set: per "
        "standard deviation of a radiomics feature, per unit or level of a clinical variable. To the right of 1, "
        f"higher values make {facts.event} more likely. Firth: penalised likelihood, used if features separate "
        "the groups.",
        "Apparent, selection ignored: the features were chosen on the same patients, so the intervals are too narrow "
        "and the p-values too small.",
        *missing,
    )
    return DrawnFigure(drawn, alt, notes, pd.concat(list(parts.values())))


def effects_of(facts: RunFacts) -> list[str]:
    """The models whose effects are shown: the one named for use, and the clinical models."""
    models = facts.protocol.model.models
    clinical = [name for name, model in models.items() if model.clinical]
    return list(dict.fromkeys([facts.study_model, *clinical]))


def firth(row: Any) -> bool:
    """True if a row was estimated with Firth's penalty."""
    return "firth" in str(row["estimator"]).lower()


def _ends(frame: pd.DataFrame) -> Limits:
    """The ends of the axis: all intervals, limited to one thousandth and one thousand."""
    kept = frame[[estimated(row) for _, row in frame.iterrows()]]
    low = min([*kept["low"].clip(lower=1 / _WIDEST), 0.5])
    high = max([*kept["high"].clip(upper=_WIDEST), 2.0])
    return float(low) / 1.15, float(high) * 1.15


def _block(facts: RunFacts, axes: Axes, part: pd.DataFrame, labels: list[str], ends: Limits) -> None:
    places, y = [], 0.0
    for text in labels:
        size = 0.1 + 0.15 * (1 + text.count("\n"))
        places.append(y + size / 2)
        y += size
    for index, (place, (_, row)) in enumerate(zip(places, part.iterrows(), strict=True)):
        if index % 2 == 0:
            half = 0.05 + 0.075 * (1 + labels[index].count("\n"))
            axes.axhspan(place - half, place + half, color=LIGHT, alpha=0.6, linewidth=0)
        _row(facts, axes, place, row, ends)
    axes.axvline(1, color=GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set(xlim=ends, ylim=(y, 0), yticks=places)
    axes.set_yticklabels(labels, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _row(facts: RunFacts, axes: Axes, y: float, row: Any, ends: Limits) -> None:
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 7}
    if not estimated(row):
        note = without_lesions_note(row["note"])
        why = textwrap.fill(f"not estimated: {note or 'no reason given'}", 44)
        axes.text(1.025, y, why, color=ORANGE, **beside)
        return
    low, high = max(row["low"], ends[0]), min(row["high"], ends[1])
    axes.plot([low, high], [y, y], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    for value, edge, mark in ((row["low"], ends[0], "<"), (row["high"], ends[1], ">")):
        if (value < edge) if mark == "<" else (value > edge):
            axes.plot(edge, y, mark, color=BLUE, markersize=5, clip_on=False)
    if ends[0] <= row["odds_ratio"] <= ends[1]:
        axes.plot(row["odds_ratio"], y, "D" if firth(row) else "o", color=BLUE, markersize=5,
                  markerfacecolor="white" if firth(row) else BLUE)  # fmt: skip
    p_value = p_text(p_of_interval(facts, row))
    axes.text(1.025, y, f"{odds_ratio(row)}, p {p_value}{', Firth' if firth(row) else ''}", **beside)


def _scale(axes: Axes, ends: Limits, groups: tuple[str, str]) -> None:
    ticks = [tick for tick in _TICKS if ends[0] <= tick <= ends[1]]
    if ends[1] / ends[0] > _WIDE:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1.0")]  # powers of ten
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(f"odds ratio, logarithmic\n← {groups[0]} | {groups[1]} →")


def _key() -> list[Line2D]:
    return [
        Line2D([], [], color=BLUE, marker="o", markersize=5, label="maximum likelihood"),
        Line2D([], [], color=BLUE, marker="D", markerfacecolor="white", markersize=5, label="Firth"),
        Line2D([], [], color=INK, marker=">", linestyle="", markersize=5, label="interval continues"),
    ]


def _spoken(facts: RunFacts, part: pd.DataFrame) -> str:
    told = [f"{readable(facts, str(row['feature']))} {odds_ratio(row)}{' (Firth)' if firth(row) else ''}"
            for _, row in part.iterrows() if estimated(row)]  # fmt: skip
    lost = len(part) - len(told)
    return ", ".join([*told, *([f"{plural(lost, 'term')} not estimated"] if lost else [])])

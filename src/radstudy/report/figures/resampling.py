"""The testing AUC over other splits, and the variation of a patient's predicted risk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import stats

from radstudy.report.display import interval, number, span
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, INK, ORANGE, figure
from radstudy.report.part import report_part
from radstudy.report.resampled import fewest, resampled

_FEWEST = 5  # values that a density needs


def _splits_of(facts: RunFacts, names: list[str]) -> pd.Series[Any]:
    """The numbers of splits of some models."""
    frame = resampled(facts)
    return frame[frame["model"].isin(names)]["splits"]


@report_part(
    "splits",
    reads=("evaluate/resampling/splits.csv", "evaluate/resampling/summary.csv", "model/models.json"),
    rows_independent=False,
)
def splits(facts: RunFacts) -> DrawnFigure:
    """Testing AUCs of each model over other splits, with the study's own split and nested cross-validation marked."""
    areas, table = resampled(facts, "splits"), resampled(facts).set_index("model")
    names = [name for name in facts.fitted if name in set(areas["model"])]
    drawn = figure("one_and_a_half", 0.42 * len(names) + 1.0)
    axes = drawn.subplots()
    for place, name in enumerate(names):
        values = areas.loc[areas["model"] == name, "auc"].dropna().to_numpy()
        if len(values) >= _FEWEST and np.ptp(values) > 0:
            grid = np.linspace(values.min(), values.max(), 101)
            density = stats.gaussian_kde(values)(grid)
            height = 0.4 * density / density.max()
            axes.fill_between(grid, place - height, place + height, color=GREY, alpha=0.35, linewidth=0)
        row = table.loc[name]
        axes.plot([row["split_median"]] * 2, [place - 0.3, place + 0.3], color=GREY, linewidth=1.6)
        if pd.notna(row["nested_auc"]):
            axes.plot([row["nested_low"], row["nested_high"]], [place + 0.12] * 2, color=INK, linewidth=1.2)
            axes.plot(row["nested_auc"], place + 0.12, "s", color=INK, markersize=4)
        axes.plot(row["testing_auc"], place - 0.12, "o", color=BLUE, markersize=6, markeredgecolor="white")
    axes.axvline(0.5, color=GREY, linestyle=":", linewidth=1)
    axes.set(yticks=range(len(names)), ylim=(len(names) - 0.4, -0.6), xlabel="AUC")
    axes.set_yticklabels(names)
    axes.legend(handles=_key(table), loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3)
    told = [
        f"{name}: own split {number(table['testing_auc'][name])}, other splits median "
        + interval(*(table[f"split_{part}"][name] for part in ("median", "low", "high")))
        for name in names
    ]
    count = span(_splits_of(facts, names))
    notes = (
        f"Grey: the testing AUC over {count} other random splits of the same sizes, with everything refitted on each; "
        "bar: their median. The study's own split is one of those that could have been drawn.",
        *(
            [
                "Square: nested cross-validation of the same pipeline (mean of the folds' AUCs, approximate corrected "
                "interval)."
            ]
            if _nested(table)
            else []
        ),
        "Dotted line: no discrimination.",
    )
    alt = f"Testing AUC over {count} splits by model. {'; '.join(told)}."
    return DrawnFigure(drawn, alt, notes, areas[areas["model"].isin(names)])


def _nested(table: pd.DataFrame) -> bool:
    return bool(table["nested_auc"].notna().any())


def _key(table: pd.DataFrame) -> list[Any]:
    marks: list[Any] = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=6, label="the study's own split"),
        Patch(color=GREY, alpha=0.35, label="other splits"),
    ]
    if _nested(table):
        label = "nested cross-validation"
        marks.append(Line2D([], [], color=INK, marker="s", markersize=4, linewidth=1.2, label=label))
    return marks


@report_part(
    "risks",
    reads=("evaluate/resampling/patients.csv", "evaluate/resampling/summary.csv", "cohort/rows.csv"),
    rows_independent=False,
)
def risks(facts: RunFacts) -> DrawnFigure:
    """The range of each patient's predicted risk over the repeats of nested cross-validation, for the study's model."""
    frame, name = resampled(facts, "patients"), facts.study_model
    part = frame[frame["model"] == name].sort_values(["risk_median", "patient", "lesion"])
    if not len(part):
        raise AbsentError(f"The study's model {name} was not resampled, so there is no risk to compare.")
    if part["risk_low"].isna().all():
        raise AbsentError(
            f"Nested cross-validation was repeated fewer than {fewest(facts)} times: too few to show how much a "
            "patient's predicted risk varies. Its SD is in the table of stability. To do: request more repeats "
            "(evaluate.resampling.nested.repeats)."
        )
    drawn = figure("double", 3.0)
    axes = drawn.subplots()
    x = np.arange(len(part))
    for outcome, colour, mark in ((0, ORANGE, "s"), (1, BLUE, "o")):
        own = (part["outcome"] == outcome).to_numpy()
        axes.vlines(x[own], part["risk_low"][own], part["risk_high"][own], color=colour, linewidth=1.6, alpha=0.5)
        axes.plot(x[own], part["risk_median"][own], mark, color=colour, markersize=3, label=facts.groups[outcome])
    axes.set(ylim=(-0.02, 1.02), xticks=(), xlim=(-1, len(part)), ylabel=f"probability ({name})")
    axes.set_xlabel(f"{len(part)} {facts.case_word}, by median")
    drawn.legend(loc="outside upper left", ncols=2)
    width = (part["risk_high"] - part["risk_low"]).median()
    alt = (
        f"Predicted probability of each of {len(part)} {facts.case_word} over the repeats of nested cross-validation; "
        f"the central {facts.level} of a patient's values spans {number(width, 2)} in the median."
    )
    notes = (
        "Every value is from a model that had not been trained on the patient; point: median over the repeats, line: "
        f"their central {facts.level}. A patient's risk varies only with the other patients in the training folds.",
    )
    return DrawnFigure(drawn, alt, notes, part)

"""Predicted probabilities from two readers' masks: Bland-Altman plots, one panel per model."""

from __future__ import annotations

from radstudy.report.display import number
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.figures.panels import panels, wrapped
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import GREY, INK, SETS
from radstudy.report.part import report_part

MOVED, PROBABILITIES = "evaluate/other_reader/moved.csv", "evaluate/other_reader/probabilities.csv"
_MARKS = {TESTING: "o", TRAINING: "D"}


@report_part(
    "other_reader",
    reads=("evaluate/other_reader/probabilities.csv", "evaluate/other_reader/moved.csv"),
    rows_independent=True,
)
def other_reader(facts: RunFacts) -> DrawnFigure:
    """Difference against mean of the two probabilities; patients who cross the cut-off are ringed."""
    frame, moved = facts.frame(PROBABILITIES), facts.frame(MOVED)
    if not len(frame):
        raise AbsentError("The models were not applied to another reader's masks.")
    keys = list(dict.fromkeys(zip(frame["model"], frame["reader"], strict=True)))
    several = frame["reader"].nunique() > 1
    titles = [wrapped(f"{model}, {reader}" if several else model, 22) for model, reader in keys]
    drawn, grid = panels(titles, height=1.75, columns=4)
    said = []
    for axes, (model, reader) in zip(grid, keys, strict=True):
        part = frame[(frame["model"] == model) & (frame["reader"] == reader)]
        row = moved[(moved["model"] == model) & (moved["reader"] == reader) & (moved["set"] == "all")].iloc[0]
        mean, difference = (part["first"] + part["other"]) / 2, part["first"] - part["other"]
        for which, mark in _MARKS.items():
            mine = (part["set"] == which).to_numpy()
            axes.plot(mean[mine], difference[mine], mark, color=SETS[which][0], markersize=3.2,
                      markerfacecolor=SETS[which][0] if which == TESTING else "white", markeredgewidth=0.8)  # fmt: skip
        crossed = ((part["first"] >= part["cutoff"]) != (part["other"] >= part["cutoff"])).to_numpy()
        axes.plot(mean[crossed], difference[crossed], "o", color=INK, markersize=7, markerfacecolor="none",
                  markeredgewidth=0.8)  # fmt: skip
        axes.axhline(row["bias"], color=INK, linewidth=1)
        for end in ("lower", "upper"):
            axes.axhline(row[end], color=INK, linewidth=0.9, linestyle="--")
        axes.axvline(part["cutoff"].iloc[0], color=GREY, linewidth=0.9, linestyle=":")
        axes.set_xlim(-0.02, 1.02)
        said.append(
            f"{model}: bias {number(row['bias'])}, limits {number(row['lower'])} to {number(row['upper'])}, "
            f"{int(row['changed'])} of {int(row['rows'])} change sides"
        )
    first = facts.protocol.cohort.readers[0]
    drawn.supxlabel("mean of the two predicted probabilities")
    drawn.supylabel(f"difference, {first} minus other")
    notes = (
        "Filled: testing; open: training patients. Solid line: bias; dashed: limits of agreement; dotted: cut-off. "
        "Ringed: the two masks put the patient on different sides of the cut-off.",
    )
    return DrawnFigure(drawn, f"Bland-Altman plots. {'; '.join(said)}.", notes, frame=frame)

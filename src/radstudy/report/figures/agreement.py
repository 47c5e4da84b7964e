"""The reproducibility of the features of each sequence."""

from __future__ import annotations

import numpy as np

from radstudy.report.display import thousands
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, GREY, INK, figure, width_for
from radstudy.report.part import report_part


@report_part("icc", reads=("agree/icc.csv", "agree/summary.json"), rows_independent=False)
def agreement(facts: RunFacts) -> DrawnFigure:
    """Histograms of the intraclass correlation, one per sequence, with the threshold."""
    summary = facts.document("agree/summary.json")
    if summary["note"]:
        raise AbsentError(summary["note"])
    frame = facts.frame("agree/icc.csv")
    sequences = facts.protocol.sequences
    columns = min(4, len(sequences))
    rows = -(-len(sequences) // columns)
    drawn = figure(width_for(columns), 1.9 * rows)
    grid = np.atleast_1d(drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)).ravel()
    bins = np.linspace(-0.25, 1, 26)
    for axes, name in zip(grid, sequences, strict=False):
        part = frame[frame["sequence"] == name]
        kept = part["kept"].astype(bool)
        values = part["icc"].clip(lower=-0.25)
        axes.hist(values[~kept].dropna(), bins=bins, color=GREY, edgecolor="white", linewidth=0.4)
        axes.hist(values[kept].dropna(), bins=bins, color=BLUE, edgecolor="white", linewidth=0.4)
        axes.axvline(summary["above"], color=INK, linestyle="--", linewidth=0.9)
        axes.set_title(name)
        axes.text(0.03, 0.95, f"{thousands(int(kept.sum()))} of {thousands(len(part))} kept",
                  transform=axes.transAxes, va="top", fontsize=7)  # fmt: skip
    for axes in grid[len(sequences) :]:
        axes.remove()
    drawn.supxlabel(summary["form"])
    drawn.supylabel("features")
    counts = ", ".join(f"{name} {summary['kept'].get(name, 0)}" for name in sequences)
    above = f"features kept of {summary['of']}"
    alt = f"Histograms of {summary['form']} by sequence; {above}: {counts}."
    notes = (f"Dashed line: {summary['above']:g}; grey: not kept. Values below -0.25 are drawn at -0.25.",)
    return DrawnFigure(drawn, alt, notes)

"""Intensities of the foreground before and after removal of the bias field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.quality import BINS, TOP
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.style import BLUE, ORANGE, figure, width_for
from radstudy.report.part import report_part


@report_part("intensities", reads=("prepare/quality.json",), rows_independent=False)
def intensities(facts: RunFacts) -> DrawnFigure:
    """Histograms of the foreground by sequence, before and after N4: mean and middle 80 % of the volumes."""
    quality = facts.document("prepare/quality.json")
    parts = {name: _densities(quality, name) for name in facts.protocol.sequences}
    parts = {name: pair for name, pair in parts.items() if len(pair[0])}
    if not parts:
        raise AbsentError("No bias field was removed, so there is nothing to compare.")
    columns = min(4, len(parts))
    rows = -(-len(parts) // columns)
    drawn = figure(width_for(columns), 1.8 * rows + 0.3)
    grid = np.atleast_1d(drawn.subplots(rows, columns, sharex=True, squeeze=False)).ravel()
    middle = (np.arange(BINS) + 0.5) * TOP / BINS
    for axes, (name, pair) in zip(grid, parts.items(), strict=False):
        for values, colour, line, label in zip(pair, (ORANGE, BLUE), ("--", "-"), ("before N4", "after"), strict=True):
            low, high = np.percentile(values, [10, 90], axis=0)
            axes.fill_between(middle, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(middle, values.mean(axis=0), color=colour, linestyle=line, linewidth=1.3, label=label)
        axes.set_title(f"{name} ({len(pair[0])})")
        axes.set_yticks([])
        axes.set_ylim(bottom=0)
    for axes in grid[len(parts) :]:
        axes.remove()
    grid[0].legend(loc="upper right")
    drawn.supxlabel("intensity divided by the foreground mean")
    drawn.supylabel("voxels")
    alt = f"Histograms of the foreground's intensities before and after N4 on {', '.join(parts)}."
    notes = (
        "Lines: mean over the volumes (number in brackets); bands: their middle 80 %. Foreground: above Otsu's "
        f"threshold. The last bin contains all values above {TOP:g}.",
    )
    return DrawnFigure(drawn, alt, notes)


def _densities(quality: Any, sequence: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the voxels before and after, each (volumes, bins)."""
    fields = [item["fields"] for item in quality.values() if item["sequence"] == sequence and item["fields"]]
    before = np.array([each[0]["histogram_before"] for each in fields], dtype=np.float64).reshape(-1, BINS)
    after = np.array([each[-1]["histogram_after"] for each in fields], dtype=np.float64).reshape(-1, BINS)
    before, after = (values / np.maximum(values.sum(axis=1, keepdims=True), 1) for values in (before, after))
    return before, after

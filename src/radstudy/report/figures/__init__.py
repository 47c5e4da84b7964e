"""The figures of the report: name in outline.yaml to the function that draws it from the facts."""

from __future__ import annotations

from collections.abc import Callable

from radstudy.report.facts import Facts
from radstudy.report.figures.agreement import agreement
from radstudy.report.figures.flowchart import flowchart
from radstudy.report.figures.intensities import intensities
from radstudy.report.figures.performance import areas, delong, roc
from radstudy.report.figures.structure import Drawing

FIGURES: dict[str, Callable[[Facts], Drawing]] = {
    "flowchart": flowchart,
    "intensities": intensities,
    "agreement": agreement,
    "areas": areas,
    "roc": roc,
    "delong": delong,
}

__all__ = ["FIGURES", "Drawing"]

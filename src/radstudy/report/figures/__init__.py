"""The figures of the report. To add one: a file, its name in this tuple, and its row in outline.yaml."""

from __future__ import annotations

from radstudy.report.figures.agreement import agreement
from radstudy.report.figures.calibration import calibration
from radstudy.report.figures.decision import decision
from radstudy.report.figures.examples import examples
from radstudy.report.figures.flowchart import flowchart
from radstudy.report.figures.forest import forest
from radstudy.report.figures.funnel import funnel
from radstudy.report.figures.intensities import intensities
from radstudy.report.figures.nomogram import nomogram
from radstudy.report.figures.other_reader import other_reader
from radstudy.report.figures.performance import areas, delong, roc
from radstudy.report.figures.precision_recall import precision_recall
from radstudy.report.figures.resampling import risks, splits
from radstudy.report.figures.scores import scores
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.figures.workflow import workflow
from radstudy.report.part import ReportPart

_DECLARED = (
    flowchart, workflow, examples, intensities, agreement, funnel, areas, roc, precision_recall, scores, delong,
    calibration, decision, forest, nomogram, other_reader, splits, risks,
)  # fmt: skip

FIGURES: dict[str, ReportPart[DrawnFigure]] = {figure.name: figure for figure in _DECLARED}

__all__ = ["FIGURES", "DrawnFigure"]

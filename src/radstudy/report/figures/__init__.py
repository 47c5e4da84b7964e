"""The figures of the report: name in outline.yaml to the function that draws it from the facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from radstudy.report.analysed import lesions_note
from radstudy.report.facts import Facts
from radstudy.report.figures.agreement import agreement
from radstudy.report.figures.calibration import calibration
from radstudy.report.figures.decision import decision
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
from radstudy.report.figures.structure import Drawing

_FIGURES: dict[str, Callable[[Facts], Drawing]] = {
    "flowchart": flowchart,
    "intensities": intensities,
    "agreement": agreement,
    "funnel": funnel,
    "areas": areas,
    "roc": roc,
    "precision_recall": precision_recall,
    "scores": scores,
    "delong": delong,
    "calibration": calibration,
    "decision": decision,
    "forest": forest,
    "nomogram": nomogram,
    "other_reader": other_reader,
    "splits": splits,
    "risks": risks,
}

# Figures with intervals, bands or tests that take every row as independent.
_ROWS_INDEPENDENT = frozenset(["areas", "roc", "delong", "calibration", "decision", "forest", "other_reader"])


def _with_lesions_note(draw: Callable[[Facts], Drawing]) -> Callable[[Facts], Drawing]:
    """The figure with a note where patients have several lesions."""

    def drawn(facts: Facts) -> Drawing:
        drawing, note = draw(facts), lesions_note(facts)
        return replace(drawing, notes=(note, *drawing.notes)) if note else drawing

    return drawn


FIGURES: dict[str, Callable[[Facts], Drawing]] = {
    name: _with_lesions_note(draw) if name in _ROWS_INDEPENDENT else draw for name, draw in _FIGURES.items()
}

__all__ = ["FIGURES", "Drawing"]

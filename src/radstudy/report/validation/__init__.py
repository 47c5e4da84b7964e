"""The report of an external validation: its parts, in the order of report/validation.yaml."""

from __future__ import annotations

from collections.abc import Callable

from radstudy.report.facts import RunFacts
from radstudy.report.figures.structure import DrawnFigure
from radstudy.report.part import ReportPart
from radstudy.report.tables.structure import Table
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.validation import figures, tables, text

FIGURES: dict[str, ReportPart[DrawnFigure]] = {
    part.name: part for part in (figures.roc, figures.calibration, figures.recalibration, figures.decision)
}
TABLES: dict[str, ReportPart[Table]] = {
    part.name: part
    for part in (
        tables.flow, tables.beside, tables.calibration, tables.subgroups, tables.outside, tables.outside_patients,
        tables.not_predicted, tables.case_mix, tables.sample_size, tables.formulas, tables.predicted, tables.steps,
    )
}  # fmt: skip
TEXTS: dict[str, Callable[[RunFacts], list[Paragraph]]] = {
    "validated": text.asked,
    "validated_answer": text.answer,
    "validated_methods": text.methods,
    "validated_results": text.results,
    "validated_notes": text.notes,
}

"""The tables of the report: name in outline.yaml to the function that makes it from the facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from radstudy.report.analysed import lesions_note
from radstudy.report.facts import Facts
from radstudy.report.tables import (
    chance,
    features,
    groups,
    honesty,
    images,
    losses,
    measures,
    performance,
    provenance,
    readers,
    regression,
    resampling,
)
from radstudy.report.tables.structure import Table

_TABLES: dict[str, Callable[[Facts], Table]] = {
    "lost": losses.lost,
    "absent": losses.absent,
    "usable": losses.usable,
    "undefined": losses.undefined,
    "identical": losses.identical,
    "clinical": groups.clinical,
    "imaging": groups.imaging,
    "clinical_whole": groups.clinical_whole,
    "imaging_whole": groups.imaging_whole,
    "volumes": images.volumes,
    "lesions": images.lesions,
    "transferred": images.transferred,
    "warnings": images.warnings,
    "masks": readers.masks,
    "kappa": readers.kappa,
    "reproducibility": features.reproducibility,
    "funnel": features.funnel,
    "screen": features.screen,
    "selected": features.selected,
    "performance": performance.performance,
    "counts": performance.counts,
    "measures": measures.measures,
    "comparisons": performance.comparisons,
    "comparisons_training": performance.comparisons_training,
    "mcnemar": measures.mcnemar,
    "incremental": measures.incremental,
    "regression": regression.regression,
    "regression_fit": regression.regression_fit,
    "points": regression.points,
    "leaks": honesty.leaks,
    "beside_volume": honesty.beside_volume,
    "other_reader": honesty.other_reader,
    "chance": chance.chance,
    "honest": resampling.honest,
    "stability": resampling.stability,
    "frequent": resampling.frequent,
    "corrections": resampling.corrections,
    "choices": provenance.choices,
    "versions": provenance.versions,
}

# Tables with intervals or tests that take every row as independent. Not among them: counts without either, those that
# count patients (groups), and permutations and resampling, which keep a patient's lesions together.
_ROWS_INDEPENDENT = frozenset([
    "kappa", "screen", "performance", "counts", "measures", "comparisons", "comparisons_training", "mcnemar",
    "incremental", "regression", "regression_fit", "leaks", "beside_volume", "other_reader",
])  # fmt: skip


def _with_lesions_note(make: Callable[[Facts], Table]) -> Callable[[Facts], Table]:
    """The table with a footnote where patients have several lesions."""

    def made(facts: Facts) -> Table:
        table, note = make(facts), lesions_note(facts)
        return replace(table, footnotes=[note, *table.footnotes]) if note else table

    return made


TABLES: dict[str, Callable[[Facts], Table]] = {
    name: _with_lesions_note(make) if name in _ROWS_INDEPENDENT else make for name, make in _TABLES.items()
}

__all__ = ["TABLES", "Table"]

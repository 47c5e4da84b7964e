"""The tables of the report: name in outline.yaml to the function that makes it from the facts."""

from __future__ import annotations

from collections.abc import Callable

from radstudy.report.facts import Facts
from radstudy.report.tables import (
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

TABLES: dict[str, Callable[[Facts], Table]] = {
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
    "honest": resampling.honest,
    "stability": resampling.stability,
    "frequent": resampling.frequent,
    "corrections": resampling.corrections,
    "choices": provenance.choices,
    "versions": provenance.versions,
}

__all__ = ["TABLES", "Table"]

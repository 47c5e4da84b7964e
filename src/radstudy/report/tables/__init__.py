"""The tables of the report. To add one: a function, its name in this tuple, and its row in outline.yaml."""

from __future__ import annotations

from radstudy.report.part import ReportPart
from radstudy.report.tables import (
    acquisition,
    chance,
    checklists,
    cutoffs,
    features,
    groups,
    harmonisation,
    honesty,
    images,
    losses,
    measures,
    patients,
    performance,
    predicted,
    provenance,
    readers,
    regression,
    resampling,
)
from radstudy.report.tables.structure import Table

_DECLARED = (
    losses.exclusions, losses.lost, losses.absent, losses.usable, losses.undefined, losses.identical, groups.clinical,
    groups.imaging, groups.clinical_whole, groups.imaging_whole, images.volumes, images.lesions,
    images.transferred, images.warnings, readers.masks, readers.kappa, features.reproducibility,
    features.funnel, features.screen, features.selected, performance.performance, performance.counts,
    measures.measures, performance.comparisons, performance.comparisons_training, measures.mcnemar,
    measures.incremental, regression.regression, regression.regression_fit, regression.points, honesty.leaks,
    honesty.beside_volume, honesty.other_reader, harmonisation.harmonised, harmonisation.site_effect,
    chance.chance, resampling.honest, resampling.stability,
    resampling.frequent, resampling.corrections, provenance.choices, provenance.testing_history, provenance.versions,
    acquisition.acquisition, patients.comparability, patients.missing_data, patients.sample_size,
    patients.lesions_per_patient, predicted.predicted, predicted.contributed, cutoffs.cutoffs,
    checklists.clear, checklists.metrics, checklists.tripod_ai,
)  # fmt: skip

TABLES: dict[str, ReportPart[Table]] = {table.name: table for table in _DECLARED}

__all__ = ["TABLES", "Table"]

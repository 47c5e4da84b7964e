"""Arrays in, named results out."""

from radstudy.statistics.agreement import Icc, Kappa, cohen_kappa, icc
from radstudy.statistics.delong import DelongMatrix, DelongTest, delong_all_pairs, delong_test, delong_unpaired
from radstudy.statistics.diagnostic import Cutoff, DiagnosticMeasures, Measure, diagnostic_measures, youden_cutoff
from radstudy.statistics.multiplicity import benjamini_hochberg, holm
from radstudy.statistics.proportions import Proportion, clopper_pearson_interval, proportion, wilson_interval
from radstudy.statistics.roc import AucCi, RocCurve, auc, auc_ci, roc_curve
from radstudy.statistics.univariate import auc_columns, mann_whitney_columns, student_columns

__all__ = [
    "AucCi",
    "Cutoff",
    "DelongMatrix",
    "DelongTest",
    "DiagnosticMeasures",
    "Icc",
    "Kappa",
    "Measure",
    "Proportion",
    "RocCurve",
    "auc",
    "auc_ci",
    "auc_columns",
    "benjamini_hochberg",
    "clopper_pearson_interval",
    "cohen_kappa",
    "delong_all_pairs",
    "delong_test",
    "delong_unpaired",
    "diagnostic_measures",
    "holm",
    "icc",
    "mann_whitney_columns",
    "proportion",
    "roc_curve",
    "student_columns",
    "wilson_interval",
    "youden_cutoff",
]

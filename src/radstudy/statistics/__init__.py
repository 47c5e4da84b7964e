"""Arrays in, named results out."""

from radstudy.statistics.agreement import Icc, Kappa, cohen_kappa, icc
from radstudy.statistics.calibration import Calibration, brier, calibration_intercept_slope
from radstudy.statistics.delong import DelongMatrix, DelongTest, delong_all_pairs, delong_test, delong_unpaired
from radstudy.statistics.diagnostic import Cutoff, DiagnosticMeasures, Measure, diagnostic_measures, youden_cutoff
from radstudy.statistics.group_tests import CategoricalTest, ContinuousTest, categorical_test, continuous_test
from radstudy.statistics.multiplicity import benjamini_hochberg, holm
from radstudy.statistics.normality import levene_p_value, lilliefors_p_value
from radstudy.statistics.proportions import Proportion, clopper_pearson_interval, proportion, wilson_interval
from radstudy.statistics.regression import LikelihoodRatio, LogisticFit, likelihood_ratio_test, logistic
from radstudy.statistics.roc import AucCi, RocCurve, auc, auc_ci, roc_curve
from radstudy.statistics.univariate import auc_columns, mann_whitney_columns, student_columns

__all__ = [
    "AucCi",
    "Calibration",
    "CategoricalTest",
    "ContinuousTest",
    "Cutoff",
    "DelongMatrix",
    "DelongTest",
    "DiagnosticMeasures",
    "Icc",
    "Kappa",
    "LikelihoodRatio",
    "LogisticFit",
    "Measure",
    "Proportion",
    "RocCurve",
    "auc",
    "auc_ci",
    "auc_columns",
    "benjamini_hochberg",
    "brier",
    "calibration_intercept_slope",
    "categorical_test",
    "clopper_pearson_interval",
    "cohen_kappa",
    "continuous_test",
    "delong_all_pairs",
    "delong_test",
    "delong_unpaired",
    "diagnostic_measures",
    "holm",
    "icc",
    "levene_p_value",
    "likelihood_ratio_test",
    "lilliefors_p_value",
    "logistic",
    "mann_whitney_columns",
    "proportion",
    "roc_curve",
    "student_columns",
    "wilson_interval",
    "youden_cutoff",
]

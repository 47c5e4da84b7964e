"""Statistics: functions from arrays to named results."""

from radstudy.statistics.auc_interval import AucCi, AucInterval, auc_ci
from radstudy.statistics.balance import StandardisedDifference, smd_categorical, smd_continuous
from radstudy.statistics.bootstrap import fewest_for_share
from radstudy.statistics.calibration import Calibration, brier, calibration_intercept_slope, scaled_brier
from radstudy.statistics.calibration_spline import CalibrationCurve, calibration_curve
from radstudy.statistics.categorical import CategoricalTest, categorical_test
from radstudy.statistics.concordance import model_based_concordance
from radstudy.statistics.continuous import ContinuousTest, continuous_test
from radstudy.statistics.cutoffs import Cutoff, CutoffRule, cutoff, youden_cutoff
from radstudy.statistics.delong import DelongMatrix, DelongTest, delong_all_pairs, delong_test, delong_unpaired
from radstudy.statistics.diagnostic import DiagnosticMeasures, Measure, diagnostic_measures
from radstudy.statistics.incremental import Increment, IncrementalValue, incremental_value
from radstudy.statistics.intraclass import Icc, icc
from radstudy.statistics.kappa import Kappa, cohen_kappa
from radstudy.statistics.limits_of_agreement import BlandAltman, bland_altman
from radstudy.statistics.multiplicity import benjamini_hochberg, holm, max_t
from radstudy.statistics.net_benefit import DecisionCurve, decision_curve
from radstudy.statistics.normality import levene_p_value, lilliefors_p_value, shapiro_wilk_p_value
from radstudy.statistics.observed_expected import ObservedExpected, observed_expected
from radstudy.statistics.paired_proportions import McnemarTest, mcnemar
from radstudy.statistics.precision_recall import (
    AveragePrecision,
    PrecisionRecallCurve,
    average_precision,
    precision_recall_curve,
)
from radstudy.statistics.proportions import Proportion, clopper_pearson_interval, proportion, wilson_interval
from radstudy.statistics.regression.firth import firth
from radstudy.statistics.regression.likelihood import LikelihoodRatio, likelihood_ratio_test
from radstudy.statistics.regression.logistic_fit import LogisticFit
from radstudy.statistics.regression.maximum_likelihood import logistic
from radstudy.statistics.roc import RocCurve, auc, roc_curve
from radstudy.statistics.sample_size import (
    PredictionSampleSize,
    parameters_allowed,
    prediction_sample_size,
    r2_of_auc,
)
from radstudy.statistics.selection_stability import SelectionStability, selection_stability
from radstudy.statistics.univariate import auc_columns, mann_whitney_columns, student_columns
from radstudy.statistics.validation_size import ValidationSampleSize, validation_sample_size

__all__ = [
    "AucCi",
    "AucInterval",
    "AveragePrecision",
    "BlandAltman",
    "Calibration",
    "CalibrationCurve",
    "CategoricalTest",
    "ContinuousTest",
    "Cutoff",
    "CutoffRule",
    "DecisionCurve",
    "DelongMatrix",
    "DelongTest",
    "DiagnosticMeasures",
    "Icc",
    "Increment",
    "IncrementalValue",
    "Kappa",
    "LikelihoodRatio",
    "LogisticFit",
    "McnemarTest",
    "Measure",
    "ObservedExpected",
    "PrecisionRecallCurve",
    "PredictionSampleSize",
    "Proportion",
    "RocCurve",
    "SelectionStability",
    "StandardisedDifference",
    "ValidationSampleSize",
    "auc",
    "auc_ci",
    "auc_columns",
    "average_precision",
    "benjamini_hochberg",
    "bland_altman",
    "brier",
    "calibration_curve",
    "calibration_intercept_slope",
    "categorical_test",
    "clopper_pearson_interval",
    "cohen_kappa",
    "continuous_test",
    "cutoff",
    "decision_curve",
    "delong_all_pairs",
    "delong_test",
    "delong_unpaired",
    "diagnostic_measures",
    "fewest_for_share",
    "firth",
    "holm",
    "icc",
    "incremental_value",
    "levene_p_value",
    "likelihood_ratio_test",
    "lilliefors_p_value",
    "logistic",
    "mann_whitney_columns",
    "max_t",
    "mcnemar",
    "model_based_concordance",
    "observed_expected",
    "parameters_allowed",
    "precision_recall_curve",
    "prediction_sample_size",
    "proportion",
    "r2_of_auc",
    "roc_curve",
    "scaled_brier",
    "selection_stability",
    "shapiro_wilk_p_value",
    "smd_categorical",
    "smd_continuous",
    "student_columns",
    "validation_sample_size",
    "wilson_interval",
    "youden_cutoff",
]

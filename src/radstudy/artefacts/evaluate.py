"""The tables of step 6, evaluate, without its parts that have separate folders."""

from __future__ import annotations

from radstudy.artefacts.common import FEATURE, MODEL, NOTE, POSITIVES, ROWS, SET
from radstudy.artefacts.declaration import Column, TableFile, boolean, integer, number, optional, text, with_limits

GROUPS: tuple[Column, ...] = (
    text("set", "Set of rows: training, testing or all."),
    text("variable", "Clinical variable, by its name in the study file."),
    text("label", "Its name in the report."),
    text("unit", "Its unit; empty if it has none."),
    text("kind", "continuous or categorical."),
    text("level", "Level of a categorical variable."),
    integer("negative_n", "Known values (of a level: with this level) in the negative group."),
    integer("positive_n", "Known values (of a level: with this level) in the positive group."),
    *optional(
        number("negative_percent", "Share of the level in the negative group.", "%"),
        number("positive_percent", "Share of the level in the positive group.", "%"),
        number("negative_mean", "Mean in the negative group."),
        number("negative_sd", "Standard deviation in the negative group."),
        number("positive_mean", "Mean in the positive group."),
        number("positive_sd", "Standard deviation in the positive group."),
    ),
    integer("negative_missing", "Missing values in the negative group."),
    integer("positive_missing", "Missing values in the positive group."),
    number("smd", "Standardised mean difference, positive minus negative."),
    number("p_value", "P-value of the difference between the groups."),
    text("test", "Test that the p-value is from."),
    NOTE,
    text("counted", "What is counted: patients, or lesions."),
)
TABLE1 = TableFile(
    "evaluate/table1.csv",
    "The outcome groups compared by the clinical variables.",
    ("report",),
    columns=GROUPS,
)
TABLE2 = TableFile(
    "evaluate/table2.csv", "The outcome groups compared by the imaging variables.", ("report",), columns=GROUPS
)
PERFORMANCE: tuple[Column, ...] = (
    ROWS, POSITIVES,
    *optional(
        *with_limits(number("auc", "Area under the ROC curve.")),
        text("interval", "Method of the AUC's interval."),
        number("cutoff", "Cut-off on the probability, fixed on the training set."),
        integer("tp", "True positives at the cut-off."),
        integer("fp", "False positives at the cut-off."),
        integer("tn", "True negatives at the cut-off."),
        integer("fn", "False negatives at the cut-off."),
        *with_limits(number("sensitivity", "True positives over positives.")),
        *with_limits(number("specificity", "True negatives over negatives.")),
        *with_limits(number("accuracy", "Share of rows classified correctly.")),
        *with_limits(number("ppv", "Positive predictive value.")),
        *with_limits(number("npv", "Negative predictive value.")),
        *with_limits(number("f1", "Harmonic mean of sensitivity and positive predictive value.")),
        *with_limits(number("balanced_accuracy", "Mean of sensitivity and specificity.")),
        *with_limits(number("average_precision", "Average precision: area under the precision-recall curve.")),
        text("average_precision_note", "Remark on the average precision."),
    ),
    NOTE,
)  # fmt: skip
TABLE3 = TableFile("evaluate/table3.csv", "The performance of every model in every set.",
               ("evaluate", "report"), columns=(MODEL, SET, *PERFORMANCE))  # fmt: skip
ROC = TableFile(
    "evaluate/roc.csv", "The ROC curves, one row per threshold.", ("report",),
    columns=(MODEL, SET, number("threshold", "Threshold on the probability."),
             number("false_positive_rate", "1 - specificity."), number("true_positive_rate", "Sensitivity.")),
)  # fmt: skip
PRECISION_RECALL = TableFile(
    "evaluate/precision_recall.csv", "The precision-recall curves, one row per threshold.", ("report",),
    columns=(MODEL, SET, number("threshold", "Threshold on the probability."),
             number("precision", "Positive predictive value."), number("recall", "Sensitivity.")),
)  # fmt: skip
CALIBRATION = TableFile(
    "evaluate/calibration.csv", "Calibration of every model in every set.", ("report",),
    columns=(
        MODEL, SET, ROWS,
        *optional(
            *with_limits(number("intercept", "Calibration intercept (in the large); 0 is ideal.")),
            *with_limits(number("slope", "Calibration slope; 1 is ideal.")),
            number("brier", "Brier score."),
            number("scaled_brier", "Brier score scaled to 1 for perfect and 0 for the share alone."),
            number("ici", "Integrated calibration index: mean distance of the curve from the diagonal."),
            number("e50", "Median distance of the curve from the diagonal."),
            number("e90", "90th percentile of the distance of the curve from the diagonal."),
            number("e_max", "Largest distance of the curve from the diagonal."),
        ),
        NOTE,
    ),
)  # fmt: skip
CALIBRATION_CURVES = TableFile(
    "evaluate/calibration_curves.csv", "The flexible calibration curves.", ("report",),
    columns=(MODEL, SET, number("predicted", "Predicted probability."), number("observed", "Fitted observed share."),
             number("low", "Lower limit of the curve."), number("high", "Upper limit of the curve.")),
)  # fmt: skip
DECISION_CURVES = TableFile(
    "evaluate/decision_curves.csv", "The decision curves: net benefit by threshold.", ("report",),
    columns=(
        MODEL, SET, number("threshold", "Threshold probability."),
        number("net_benefit", "Net benefit of the model."), number("low", "Lower limit of the net benefit."),
        number("high", "Upper limit of the net benefit."), number("treat_all", "Net benefit of treating all patients."),
        number("treat_none", "Net benefit of treating no patients: 0."),
        number("avoided", "Interventions avoided per 100 patients."),
    ),
)  # fmt: skip
REGRESSION = TableFile(
    "evaluate/regression.csv", "Unpenalised regression on each model's variables together, in its training rows.",
    ("report",),
    columns=(
        MODEL, FEATURE,
        *optional(
            number("odds_ratio", "Odds ratio; for a feature, per standard deviation."),
            number("low", "Lower limit of the odds ratio."),
            number("high", "Upper limit of the odds ratio."),
            number("coefficient", "Natural logarithm of the odds ratio."),
            number("se", "Standard error of the coefficient."),
            number("p_value", "Wald p-value."),
            number("lr_p_value", "Likelihood-ratio p-value."),
            number("vif", "Variance inflation factor."),
            text("estimator", "Estimator: maximum likelihood, or Firth's."),
        ),
        NOTE,
        text("interval", "Method of the interval: wald or profile.", optional=True),
    ),
)  # fmt: skip
REGRESSION_MODELS = TableFile(
    "evaluate/regression_models.csv", "The same regressions as a whole.", ("report",),
    columns=(
        MODEL, ROWS, integer("events", "Rows of the rarer outcome."),
        *optional(
            number("events_per_variable", "Events over variables in the regression."),
            number("lr_statistic", "Likelihood-ratio statistic of the whole regression."),
            integer("lr_dof", "Its degrees of freedom."),
            number("lr_p_value", "Its p-value."),
            number("r2_nagelkerke", "Nagelkerke's R2."),
            number("r2_cox_snell", "Cox and Snell's R2."),
            number("aic", "Akaike's information criterion."),
            text("estimator", "Estimator: maximum likelihood, or Firth's."),
        ),
        NOTE,
        integer("candidates", "Columns that the variables were selected from."),
        number("events_per_candidate", "Events over candidates."),
    ),
)  # fmt: skip
_PAIR = (SET, text("model_a", "First model."), text("model_b", "Second model."),
         integer("rows", "Rows that both models can use."))  # fmt: skip
_ADJUSTED = number("p_adjusted", "P-value adjusted for the number of pairs in the set.", optional=True)
DELONG = TableFile(
    "evaluate/delong.csv", "Every pair of models compared by DeLong's test.", ("report",),
    columns=(
        *_PAIR,
        *optional(
            number("difference", "AUC of the first model minus that of the second."),
            number("low", "Lower limit of the difference."),
            number("high", "Upper limit of the difference."),
            number("z", "Test statistic."),
        ),
        number("p_value", "P-value."), _ADJUSTED,
        boolean("nested", "True if one model contains the other."), NOTE,
    ),
)  # fmt: skip
MCNEMAR = TableFile(
    "evaluate/mcnemar.csv", "Every pair of models compared at their cut-offs by McNemar's test.", ("report",),
    columns=(
        *_PAIR,
        *optional(
            integer("only_a", "Rows that only the first model classifies correctly."),
            integer("only_b", "Rows that only the second model classifies correctly."),
            number("difference", "Difference of the shares classified correctly."),
            number("statistic", "Test statistic."),
        ),
        number("p_value", "P-value."), _ADJUSTED, NOTE,
    ),
)  # fmt: skip
INCREMENTAL = TableFile(
    "evaluate/incremental.csv", "The incremental value of a model over one that it contains.", ("report",),
    columns=(
        SET, text("base", "Model that is contained."), text("extended", "Model that contains it."),
        integer("rows", "Rows that both models can use."),
        *optional(
            *with_limits(number("auc_difference", "Difference of the AUCs, extended minus base."), name="auc"),
            number("auc_p_value", "DeLong's p-value of the difference."),
            *with_limits(number("idi", "Integrated discrimination improvement.")),
            *with_limits(number("nri", "Continuous net reclassification improvement.")),
            number("nri_events", "Its part among the positive rows."),
            number("nri_nonevents", "Its part among the negative rows."),
        ),
        boolean("nested", "True if both models were fitted on these rows."), NOTE,
    ),
)  # fmt: skip
DECLARED = (
    TABLE1, TABLE2, TABLE3, ROC, PRECISION_RECALL, CALIBRATION, CALIBRATION_CURVES, DECISION_CURVES, REGRESSION,
    REGRESSION_MODELS, DELONG, MCNEMAR, INCREMENTAL,
)  # fmt: skip

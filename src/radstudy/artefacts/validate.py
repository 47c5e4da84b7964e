"""The files of an external validation: `radstudy validate` writes them into a folder like a run's."""

from __future__ import annotations

from radstudy.artefacts.common import LESION, NOTE, OUTCOME, PATIENT, POSITIVES, ROWS
from radstudy.artefacts.declaration import (
    Column,
    ColumnKind,
    JsonFile,
    TableFile,
    boolean,
    integer,
    number,
    text,
    with_limits,
)
from radstudy.artefacts.declaration import optional as lacking
from radstudy.artefacts.evaluate import PERFORMANCE as MEASURED

_WHEN = "radstudy validate wrote the folder"
_READ = ("report",)
SET = text("set", "Rows: all, or inside (inside the range in which the signature applies).")
VERSION = text("version", "Formula: as published, or recalibrated (in the large, slope, refit), then cross-fitted.")
AUC = with_limits(number("auc", "Area under the ROC curve."))
RATIO = with_limits(number("oe", "Observed over expected events."))
SLOPE = with_limits(number("slope", "Calibration slope; 1 is ideal."))
INTERCEPT = with_limits(number("intercept", "Calibration in the large; 0 is ideal."))

PREDICTIONS = TableFile(
    "validate/predictions.csv", "The probability of each patient, and whether the signature applies.", _READ, _WHEN,
    columns=(
        PATIENT, LESION, OUTCOME,
        number("log_odds", "Log-odds by the signature's formula."),
        number("probability", "Probability of the positive outcome, by the signature's formula."),
        boolean("positive", "True if the probability reaches the signature's cut-off."),
        boolean("inside", "True if nothing about the patient would make the signature refuse."),
        integer("imputed", "Values that were missing and replaced by the training median."),
        number("in_the_large", "Probability after recalibration in the large on other patients."),
        number("slope", "Probability after recalibration of slope and intercept on other patients."),
        number("refit", "Probability after the coefficients were refitted on other patients."),
    ),
)  # fmt: skip
MISSING = TableFile(
    "validate/not_predicted.csv", "Patients for whom nothing could be predicted, with the reason.", _READ, _WHEN,
    columns=(PATIENT, LESION, OUTCOME, text("reason", "Values or sequences that are missing.")),
)  # fmt: skip
FINDINGS = TableFile(
    "validate/findings.csv", "Every way in which a patient differs from the training patients.", _READ, _WHEN,
    columns=(
        PATIENT, LESION,
        text("kind", "feature, clinical, joint, spacing, matrix, volume, distance, volume ratio, name or origin."),
        text("where", "Sequence, two sequences, term or variable."),
        text("message", "The difference, with the training range."),
        boolean("refuses", "True if it puts the patient outside the range."),
        *lacking(
            number("value", "The patient's value."),
            number("low", "Lower end of the training range."),
            number("high", "Upper end of the training range."),
            number("bound_low", "Value below which the patient is outside."),
            number("bound_high", "Value above which the patient is outside."),
        ),
    ),
)  # fmt: skip
PERFORMANCE = TableFile(
    "validate/performance.csv", "Discrimination, and classification at the signature's cut-off.", _READ, _WHEN,
    columns=(SET, *MEASURED),
)  # fmt: skip
CALIBRATION = TableFile(
    "validate/calibration.csv", "Calibration of the formula as published and after each recalibration.", _READ, _WHEN,
    columns=(
        SET, VERSION, ROWS, POSITIVES,
        *lacking(
            number("expected", "Sum of the probabilities."), *RATIO, *INTERCEPT, *SLOPE,
            number("brier", "Mean squared error of the probabilities."),
            number("scaled_brier", "Share by which it is below that of the positive share alone."),
            number("ici", "Mean distance of the calibration curve from the diagonal, over the patients."),
            number("e50", "Median of the distances."), number("e90", "90th percentile of the distances."),
            number("e_max", "Largest distance."),
            number("auc", "Area under the ROC curve; of a refit, the mean within the folds."),
            integer("folds", "Folds of the cross-fitting; empty as published."),
        ),
        NOTE,
    ),
)  # fmt: skip
CURVES = TableFile(
    "validate/calibration_curve.csv", "Flexible calibration curves, with their bands.", _READ, _WHEN,
    columns=(SET, VERSION, number("predicted", "Predicted probability."), number("observed", "Observed risk."),
             number("low", "Lower limit of the band."), number("high", "Upper limit of the band.")),
)  # fmt: skip
DECISION = TableFile(
    "validate/decision_curve.csv", "Net benefit at each threshold, with bootstrap bands.", _READ, _WHEN,
    columns=(
        SET, VERSION,
        number("threshold", "Threshold probability."),
        number("net_benefit", "Net benefit of the formula, per patient."),
        number("low", "Lower limit of its band."), number("high", "Upper limit of its band."),
        number("treat_all", "Net benefit of treating all."), number("treat_none", "Net benefit of treating none: 0."),
        number("avoided", "Interventions avoided per 100 patients, compared with treating all."),
    ),
)  # fmt: skip
ROC = TableFile(
    "validate/roc.csv", "ROC curves.", _READ, _WHEN,
    columns=(SET, number("threshold", "Rows at or above it are positive."),
             number("false_positive_rate", "1 - specificity."), number("true_positive_rate", "Sensitivity.")),
)  # fmt: skip
CASE_MIX = TableFile(
    "validate/case_mix.csv", "The AUC observed, and that to be expected from the patients' case mix.", _READ, _WHEN,
    columns=(
        SET, ROWS,
        *lacking(
            *AUC,
            *with_limits(number("expected_auc", "AUC to be expected here if the formula were right (model-based).")),
            number("expected_recalibrated", "The same after recalibration of slope and intercept on these patients."),
            number("log_odds_mean", "Mean of the log-odds."), number("log_odds_sd", "Standard deviation of them."),
        ),
        NOTE,
    ),
)  # fmt: skip
SUBGROUPS = TableFile(
    "validate/subgroups.csv", "The formula as published in subgroups of all patients.", _READ, _WHEN,
    columns=(text("column", "Column of the cohort table."), text("level", "Its value."), ROWS, POSITIVES,
             *lacking(*AUC, number("expected", "Sum of the probabilities."), *RATIO, *INTERCEPT, *SLOPE), NOTE),
)  # fmt: skip
SAMPLE_SIZE = TableFile(
    "validate/sample_size.csv", "Patients needed for precise estimates, by Riley and colleagues.", _READ, _WHEN,
    columns=(
        text("criterion", "Estimate that is to be precise."),
        number("width", "Width of its interval to be reached."),
        number("reached", "Width of the interval reached here."),
        integer("needed", "Patients needed."), integer("rows", "Patients here."),
    ),
)  # fmt: skip
FORMULAS = TableFile(
    "validate/recalibration.csv", "Formulas recalibrated on all patients; nothing here is evaluated with them.", _READ,
    _WHEN,
    columns=(VERSION, text("term", "intercept, or a term of the formula."),
             *lacking(number("published", "Its coefficient in the signature."),
                      number("value", "Its coefficient after the recalibration."),
                      number("centre", "Value that is subtracted."), number("scale", "Value that is divided by.")),
             NOTE),
)  # fmt: skip
DEVELOPMENT = JsonFile(
    "validate/development.json", "The model as it was developed, from the signature.", _READ, _WHEN,
    fields=(
        text("study", "Name of its study."), text("model", "Name of the model."),
        Column("outcome", ColumnKind.OBJECT, "Outcome that is predicted."),
        integer("rows", "Training rows."), integer("positives", "Training rows with the positive outcome."),
        number("cutoff", "Cut-off on the probability; null if no patient is called positive."),
        integer("terms", "Terms of the formula."),
        boolean("from_table", "True if the features were computed elsewhere."),
        text("standardised", "Declared standardisation of its table; empty for none."),
        Column("performance", ColumnKind.LIST, "Development figures that the signature has.", fields=(
            text("measure", "auc, calibration_slope or calibration_intercept."),
            text("source", "Rows that it is from, such as testing."),
            number("value", "Value."), number("low", "Lower limit of its interval; null if unknown."),
            number("high", "Upper limit of its interval; null if unknown."),
        )),
        Column("notes", ColumnKind.LIST, "What was decided instead of the study file, or could not be verified."),
        Column("not_checked", ColumnKind.LIST, "What the signature has no data to compare with."),
    ),
)  # fmt: skip
RESULT = JsonFile(
    "validation.json", "The result for machines: all patients first, then those inside the range.", (), _WHEN,
    fields=(
        number("auc", "Area under the ROC curve, all patients."),
        Column("auc_ci", ColumnKind.LIST, "Limits of its interval."),
        number("calibration_slope", "Calibration slope, all patients; null if not defined."),
        number("calibration_intercept", "Calibration in the large, all patients; null if not defined."),
        integer("n", "Rows predicted."), integer("events", "Rows with the positive outcome."),
        *(Column(name, kind, said) for name, kind, said in (
            ("signature", ColumnKind.OBJECT, "Study, model, outcome and hash of the signature."),
            ("level", ColumnKind.NUMBER, "Level of the intervals."),
            ("calibration_slope_ci", ColumnKind.LIST, "Limits of its interval."),
            ("calibration_intercept_ci", ColumnKind.LIST, "Limits of its interval."),
            ("all", ColumnKind.OBJECT, "All patients: performance, calibration, case mix."),
            ("inside_range", ColumnKind.OBJECT, "The same for those inside the range."),
            ("recalibration", ColumnKind.OBJECT, "Calibration after each recalibration, cross-fitted, all patients."),
            ("subgroups", ColumnKind.LIST, "Rows of subgroups.csv."),
            ("sample_size", ColumnKind.LIST, "Rows of sample_size.csv."),
            ("not_predicted", ColumnKind.INTEGER, "Rows for which nothing could be predicted."),
            ("outside_range", ColumnKind.INTEGER, "Rows outside the range."),
            ("lost", ColumnKind.INTEGER, "Cases lost: files missing or unusable."),
            ("notes", ColumnKind.LIST, "Remarks."),
        )),
    ),
)  # fmt: skip
COPY = JsonFile("validate/signature.json", "The signature that was validated.", (), _WHEN)
DECLARED = (
    PREDICTIONS, MISSING, FINDINGS, PERFORMANCE, CALIBRATION, CURVES, DECISION, ROC, CASE_MIX, SUBGROUPS, SAMPLE_SIZE,
    FORMULAS, DEVELOPMENT, COPY, RESULT,
)  # fmt: skip

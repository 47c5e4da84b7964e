"""The parts of step 6, evaluate, with separate folders: chance, resampling, baselines, other readers, leaks."""

from __future__ import annotations

from dataclasses import replace

from radstudy.artefacts.common import (
    COMPUTED,
    FEATURE,
    LESION,
    MODEL,
    NOTE,
    OUTCOME,
    PATIENT,
    POSITIVES,
    ROWS,
    SEQUENCE,
    SET,
)  # fmt: skip
from radstudy.artefacts.declaration import (
    Column,
    ColumnKind,
    JsonFile,
    OpaqueFile,
    TableFile,
    boolean,
    integer,
    number,
    optional,
    text,
    with_limits,
)  # fmt: skip
from radstudy.artefacts.evaluate import PERFORMANCE

_CHANCE, _RESAMPLED, _BASELINES = (
    f"the study file has evaluate.{name}" for name in ("chance", "resampling", "baselines")
)
_SLOW = ", and the fast engine does not know a step of a model"


def _renamed(column: Column, formerly: str) -> Column:
    return replace(column, formerly=formerly)


_KIND = text("kind", "What was permuted: outcome, or incremental (the features alone).")
MEASURED: tuple[Column, ...] = (
    _KIND, MODEL,
    *optional(
        text("measure", "AUC in training, in cross_validated folds, or in testing."),
        integer("permutations", "Permutations."),
        number("observed", "AUC of the study."),
        number("p_value", "Share of permutations that reach it, including the observed one."),
        _renamed(number("chance_median", "Median AUC of the permutations."), "null_median"),
        _renamed(number("chance_low", "Lower end of their central share."), "null_low"),
        _renamed(number("chance_high", "Upper end of their central share."), "null_high"),
        number("excess", "Observed AUC minus the median of the permutations."),
        number("empty_percent", "Share of permutations in which no feature was selected.", "%"),
    ),
    NOTE,
    *optional(
        _renamed(number("chance_mean", "Mean AUC of the permutations."), "null_mean"),
        _renamed(number("chance_sd", "Standard deviation of their AUCs."), "null_sd"),
        number("p_floor", "Smallest possible p-value for this number of permutations."),
        number("p_max_t", "P-value corrected for the number of models."),
        integer("family", "Number of models that it is corrected for."),
        integer("empty_permutations", "Permutations in which no feature was selected."),
    ),
)  # fmt: skip
CHANCE = TableFile(
    "evaluate/chance/chance.csv", "The AUC of the same models on permuted outcomes.", ("report",), _CHANCE,
    formerly="evaluate/null/null.csv",
    columns=(*MEASURED, *COMPUTED, text("exchanged", "Identifier of the exchanged patients: models that share it had "
                                        "the same permutations.", optional=True)),
)  # fmt: skip
CHANCE_AUCS = TableFile(
    "evaluate/chance/aucs.csv", "The AUC of every permutation.", (), _CHANCE, formerly="evaluate/null/aucs.csv",
    columns=(_KIND, MODEL, text("measure", "AUC in training, in cross_validated folds, or in testing."),
             integer("permutation", "Number of the permutation."), number("auc", "Its AUC.")),
)  # fmt: skip
CHANCE_ROC = TableFile(
    "evaluate/chance/roc.csv", "The band of the permutations' ROC curves.", ("report",), _CHANCE,
    formerly="evaluate/null/roc.csv",
    columns=(_KIND, MODEL, SET, number("false_positive_rate", "1 - specificity."),
             number("low", "Lower end of the sensitivities' central share."), number("median", "Their median."),
             number("high", "Upper end of their central share.")),
)  # fmt: skip
CHANCE_CHUNKS = OpaqueFile("evaluate/chance/*/*.npz", "Finished permutations, kept by chunk.", (), _CHANCE)
CHANCE_SLOW_CHUNKS = OpaqueFile(
    "evaluate/chance/*/scikit-learn/*/*.npz",
    "Finished permutations of a model that scikit-learn refits.",
    (),
    _CHANCE + _SLOW,
)
_RESAMPLES = integer("resamples", "Bootstrap resamples.")
RESAMPLING = TableFile(
    "evaluate/resampling/summary.csv", "The models inside the folds, on other splits and out of bag.", ("report",),
    _RESAMPLED,
    columns=(
        MODEL,
        *optional(
            number("training_auc", "AUC in the training rows."),
            number("selected_outside_auc", "Cross-validated AUC with the selection outside the folds."),
            number("testing_auc", "AUC in the testing rows."),
            number("nested_auc", "AUC of nested cross-validation."),
            number("nested_se", "Its corrected standard error."),
            number("nested_low", "Lower limit of its interval."),
            number("nested_high", "Upper limit of its interval."),
            integer("repeats", "Repeats of nested cross-validation."),
            integer("folds", "Folds of each repeat."),
            number("optimism", "AUC in the training rows minus that of nested cross-validation."),
            integer("splits", "Other splits into training and testing."),
            number("split_median", "Median testing AUC of the other splits."),
            number("split_low", "Lower end of their central share."),
            number("split_high", "Upper end of their central share."),
            number("split_share_lower", "Share of them below the study's own; ties count half."),
            _RESAMPLES,
            number("out_of_bag_auc", "Mean out-of-bag AUC."),
            number("out_of_bag_low", "Lower end of the out-of-bag AUCs' central share."),
            number("out_of_bag_high", "Upper end of their central share."),
            number("out_of_bag_brier", "Mean out-of-bag Brier score."),
            number("share_brier", "Brier score of the positive share alone."),
            number("out_of_bag_slope", "Median out-of-bag calibration slope."),
            integer("slopes", "Resamples that have a slope."),
            *with_limits(number("stability", "Nogueira's stability of the selection.")),
            text("stability_note", "Reason why the stability or its interval is missing."),
            number("features_mean", "Mean number of features selected."),
            integer("candidates", "Columns available for selection."),
            number("risk_icc", "ICC(1,1) of the repeats' risks."),
            number("risk_sd_median", "Median standard deviation of a patient's risk over the repeats."),
            number("risk_sd_largest", "Largest standard deviation of a patient's risk over the repeats."),
            NOTE,
        ),
        *COMPUTED,
    ),
)  # fmt: skip
FOLDS = TableFile(
    "evaluate/resampling/folds.csv", "The AUC of every fold of nested cross-validation.", (), _RESAMPLED,
    columns=(MODEL, integer("repeat", "Repeat."), integer("fold", "Fold."), number("auc", "AUC in the fold.")),
)  # fmt: skip
PATIENTS = TableFile(
    "evaluate/resampling/patients.csv", "Each lesion's risk over the repeats, when left out.", ("report",),
    _RESAMPLED,
    columns=(
        MODEL, PATIENT, LESION, SET, OUTCOME,
        number("risk_median", "Median predicted risk."),
        number("risk_low", "Lower end of the risks' central share."),
        number("risk_high", "Upper end of their central share."),
        number("risk_sd", "Standard deviation of the risks."),
    ),
)  # fmt: skip
SPLITS = TableFile(
    "evaluate/resampling/splits.csv", "The testing AUC of every other split.", ("report",), _RESAMPLED,
    columns=(MODEL, integer("split", "Number of the split."), number("auc", "Testing AUC.")),
)  # fmt: skip
RESAMPLES = TableFile(
    "evaluate/resampling/resamples.csv", "Every bootstrap resample.", (), _RESAMPLED,
    columns=(MODEL, integer("resample", "Number of the resample."), number("auc", "Out-of-bag AUC."),
             number("brier", "Out-of-bag Brier score."), number("slope", "Out-of-bag calibration slope."),
             integer("features", "Features selected.")),
)  # fmt: skip
SELECTED = TableFile(
    "evaluate/resampling/features.csv", "How often each feature is selected in the resamples.", ("report",), _RESAMPLED,
    columns=(
        MODEL, FEATURE,
        number("selected_percent", "Share of the resamples that select it.", "%"),
        boolean("in_model", "True if the study's model uses it."),
        number("model_coefficient", "Its coefficient in the study's model."),
        number("coefficient_median", "Median coefficient where it is selected."),
        number("coefficient_low", "Lower end of the coefficients' central share."),
        number("coefficient_high", "Upper end of their central share."),
        number("same_sign_percent", "Share of the coefficients with the more frequent sign.", "%"),
        integer("selected", "Resamples that select it."),
    ),
)  # fmt: skip
CORRECTIONS = TableFile(
    "evaluate/resampling/corrections.csv", "The AUC corrected for optimism in several ways.", ("report",), _RESAMPLED,
    columns=(
        MODEL, text("correction", "apparent, harrell, 632, 632+ or out_of_bag."),
        number("auc", "Corrected AUC."),
        number("noise_auc", "Mean of the same value on permuted outcomes."),
        number("noise_se", "Its standard error."),
        integer("noise_outcomes", "Permuted outcomes."),
        _RESAMPLES,
    ),
)  # fmt: skip
RESAMPLING_CHUNKS = OpaqueFile("evaluate/resampling/*/*.npz", "Finished repeats, kept by chunk.", (), _RESAMPLED)
RESAMPLING_SLOW_CHUNKS = OpaqueFile(
    "evaluate/resampling/*/scikit-learn/*/*.npz",
    "Finished repeats of a model that scikit-learn refits.",
    (),
    _RESAMPLED + _SLOW,
)
BASELINES = TableFile(
    "evaluate/baselines/table3.csv", "The performance of volume, age and shuffled images.",
    ("report",), _BASELINES,
    columns=(text("model", "Baseline, by its name in the report."), SET,
             text("kind", "volume, age or shuffled."), *PERFORMANCE),
)  # fmt: skip
BASELINES_CHANCE = TableFile(
    "evaluate/baselines/chance.csv", "The AUC of the baselines on permuted outcomes.", ("report",), _BASELINES,
    columns=MEASURED, formerly="evaluate/baselines/null.csv",
)  # fmt: skip
BESIDE_VOLUME = TableFile(
    "evaluate/baselines/beside_volume.csv", "Each model compared with the volume alone, on the same rows.", ("report",),
    _BASELINES,
    columns=(
        MODEL, SET, SEQUENCE, ROWS,
        *optional(
            number("auc", "AUC of the model."),
            number("volume_auc", "AUC of the volume."),
            number("difference", "Model minus volume."),
            number("low", "Lower limit of the difference."),
            number("high", "Upper limit of the difference."),
            number("p_value", "DeLong's p-value of the difference."),
            number("rho", "Spearman's correlation of the model's probabilities with the volume's."),
        ),
        NOTE,
    ),
)  # fmt: skip
BASELINES_CHUNKS = OpaqueFile(
    "evaluate/baselines/*/*.npz",
    "Finished permutations of shuffled images, kept by chunk.",
    (),
    "evaluate.baselines requests shuffled images, and the study file has evaluate.chance",
)
BASELINES_SLOW_CHUNKS = OpaqueFile(
    "evaluate/baselines/*/scikit-learn/*/*.npz", "Finished permutations of a model that scikit-learn refits.", (),
    _BASELINES + _SLOW,
)  # fmt: skip
_OTHER = text("reader", "The other reader.")
MOVED = TableFile(
    "evaluate/other_reader/moved.csv", "Change of a model's probabilities with another reader's masks.", ("report",),
    columns=(
        MODEL, text("set", "Set of rows: training, testing or all."), _OTHER, ROWS, POSITIVES,
        *optional(
            *with_limits(number("auc_first", "AUC with the first reader's masks.")),
            *with_limits(number("auc_other", "AUC with the other reader's masks.")),
        ),
        number("mean_absolute_difference", "Mean absolute difference of the probabilities."),
        *with_limits(number("bias", "Mean difference, first minus other.")),
        number("sd", "Standard deviation of the differences."),
        *with_limits(number("lower", "Lower limit of agreement.")),
        *with_limits(number("upper", "Upper limit of agreement.")),
        integer("changed", "Rows that cross the cut-off."),
        *with_limits(number("changed_share", "Their share."), name="changed"),
        NOTE,
    ),
)  # fmt: skip
PROBABILITIES = TableFile(
    "evaluate/other_reader/probabilities.csv", "The probabilities with both readers' masks.", ("report",),
    columns=(PATIENT, LESION, SET, OUTCOME, MODEL, _OTHER, number("first", "Probability with the first reader's mask."),
             number("other", "Probability with the other reader's mask."), number("cutoff", "Cut-off of the model.")),
)  # fmt: skip
LEAKS = TableFile(
    "evaluate/leaks/leaks.csv", "Findings that may make an AUC worthless.", ("report",),
    columns=(
        text("severity", "error, warning or note."), text("check", "Check of the leak detector."),
        text("what", "Finding."), text("evidence", "Figures that support it."),
        text("where", "Rows or columns concerned."),
        text("remedy", "What to do."),
    ),
)  # fmt: skip
CHECKED = JsonFile(
    "evaluate/leaks/checked.json", "The checks that the leak detector could make in this study.", ("report",),
    fields=(Column("looked_for", ColumnKind.LIST, "One sentence per check."),),
)  # fmt: skip
_HARMONISED = "the study harmonises its sites"
SITE_EFFECT = TableFile(
    "evaluate/harmonisation/site_effect.csv",
    "Share of each feature's variance that the sites explain, before and after harmonising by the training rows.",
    ("report",), _HARMONISED,
    columns=(
        MODEL, SET, FEATURE, ROWS, integer("sites", "Sites with a row in the set."),
        *optional(
            number("eta_squared_before", "Eta squared by site, as measured."),
            number("eta_squared_after", "Eta squared by site, harmonised."),
            number("p_before", "Kruskal-Wallis p-value by site, as measured."),
            number("p_after", "Kruskal-Wallis p-value by site, harmonised."),
        ),
    ),
)  # fmt: skip
WITH_AND_WITHOUT = TableFile(
    "evaluate/harmonisation/with_and_without.csv", "The same models with and without harmonising.", ("report",),
    _HARMONISED,
    columns=(
        MODEL,
        *optional(
            number("testing_auc_with", "AUC in the testing rows, harmonised."),
            number("testing_auc_without", "AUC in the testing rows, as measured."),
            *with_limits(number("difference", "With minus without (DeLong).")),
            number("p_value", "DeLong's p-value of the difference."),
            number("folds_auc_with", "Mean AUC of the folds, every step inside them, harmonised."),
            number("folds_auc_without", "Mean AUC of the same folds, as measured."),
            integer("folds", "Folds with both AUCs."),
        ),
        NOTE,
    ),
)  # fmt: skip
_OWN = "the study's own model is a formula"
MODEL_CARD = OpaqueFile("model_card.md", "The model card of signature.json, in Markdown.", (), _OWN)
FORMS = OpaqueFile("evaluate/signature/*/*.npz", "Finished refits of the study's own model, kept by chunk.", (), _OWN)
SLOW_FORMS = OpaqueFile(
    "evaluate/signature/*/scikit-learn/*/*.npz", "Finished refits, if scikit-learn refits the study's own model.", (),
    f"{_OWN}, and the fast engine does not know a step of it",
)  # fmt: skip
DECLARED = (
    CHANCE, CHANCE_AUCS, CHANCE_ROC, CHANCE_CHUNKS, CHANCE_SLOW_CHUNKS, RESAMPLING, FOLDS, PATIENTS, SPLITS, RESAMPLES,
    SELECTED, CORRECTIONS, RESAMPLING_CHUNKS, RESAMPLING_SLOW_CHUNKS, BASELINES, BASELINES_CHANCE, BESIDE_VOLUME,
    BASELINES_CHUNKS, BASELINES_SLOW_CHUNKS, MOVED, PROBABILITIES, LEAKS, CHECKED,
    SITE_EFFECT, WITH_AND_WITHOUT,
    MODEL_CARD, FORMS, SLOW_FORMS,
)  # fmt: skip

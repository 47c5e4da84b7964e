"""The files of step 5, model."""

from __future__ import annotations

from radstudy.artefacts.common import FEATURE, LESION, MODEL, OUTCOME, PATIENT, SET
from radstudy.artefacts.declaration import (
    Column,
    ColumnKind,
    JsonFile,
    TableFile,
    boolean,
    integer,
    number,
    optional,
    text,
)  # fmt: skip
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.model import FittedModel

_BRANCH = text("branch", "Model whose selection the step belongs to.")
_STEP = text("step", "Step of the selection, by its word in the study file.")
_ENTERED = integer("entered", "Columns that entered the step.")
_KEPT = integer("kept", "Columns that the step kept.")
MODELS = JsonFile(
    "model/models.json", "The record of each model, by its name.", ("evaluate", "report"),
    fields=fields_of(FittedModel), shape="mapping",
)  # fmt: skip
FUNNEL = TableFile(
    "model/funnel.csv", "The number of columns kept by each step of the selection.", ("report",),
    columns=(MODEL, _BRANCH, _STEP, _ENTERED, _KEPT),
)  # fmt: skip
FUNNEL_SEQUENCES = TableFile(
    "model/funnel_sequences.csv", "The same by sequence, with the steps before any model.", (),
    columns=(
        text("model", "Model; empty for the steps before any model."),
        text("branch", "Model whose selection the step belongs to; empty before any model."),
        integer("order", "Order of the step; -1 extraction, 0 reproducibility."),
        _STEP,
        text("sequence", "Sequence, or clinical for the clinical variables."),
        _ENTERED,
        _KEPT,
    ),
)  # fmt: skip
DROPPED = TableFile(
    "model/dropped.csv", "The columns that a model's own steps dropped, with reasons.", ("report",),
    columns=(MODEL, _BRANCH, _STEP, FEATURE, text("reason", "Reason why the step dropped it.")),
)  # fmt: skip
FEATURES = TableFile(
    "model/features.csv", "The features and variables that each model uses, with its formula.", ("evaluate", "report"),
    columns=(
        MODEL, FEATURE,
        number("imputation", "Value that replaces a missing one."),
        number("centre", "Value that is subtracted."),
        number("scale", "Value that the difference is divided by."),
        number("coefficient", "Coefficient of the result; empty if the model is not a formula."),
        number("training_low", "Smallest value in the training rows."),
        number("training_high", "Largest value in the training rows."),
    ),
)  # fmt: skip
PREDICTIONS = TableFile(
    "model/predictions.csv", "The probability that each model predicts for each lesion.", ("evaluate", "report"),
    columns=(
        PATIENT, LESION, SET, OUTCOME, MODEL,
        number("probability", "Probability of the positive outcome; empty in testing rows while they are sealed."),
    ),
)  # fmt: skip
CLINICAL_SCREEN = TableFile(
    "model/clinical_screen.csv", "The clinical variables kept by the univariate screen.", ("report",),
    columns=(
        MODEL, text("variable", "Clinical variable, by its name in the study file."),
        number("p_value", "Likelihood-ratio p-value of the variable alone."),
        boolean("kept", "True if the variable was kept."),
    ),
)  # fmt: skip
_PARTS = (
    text("format", "Name and version of the format."),
    text("study", "Name of the study."),
    text("model", "Model, by its name in the study file."),
    text("notice", "Notice to users of the signature."),
    Column("outcome", ColumnKind.OBJECT, "Outcome that the probability refers to."),
    number("cutoff", "Cut-off on the probability, chosen in the training rows."),
    Column("formula", ColumnKind.OBJECT, "Intercept and terms of the log-odds."),
    Column("sequences", ColumnKind.LIST, "Sequences that a patient needs."),
    Column("clinical", ColumnKind.OBJECT, "Clinical variables that a patient needs, as in the codebook."),
    Column("prepare", ColumnKind.LIST, "Preparation of the images."),
    Column("extract", ColumnKind.OBJECT, "Settings of the extraction."),
    Column("training", ColumnKind.OBJECT, "Summary of the training rows."),
    Column("versions", ColumnKind.OBJECT, "Versions of the program and its libraries."),
    Column(
        "training_distribution", ColumnKind.OBJECT, "Distribution of the training data, for comparison with a patient."
    ),
    *optional(
        text("hash", "Hash of everything else in the file."),
        text("use", "What the file may be used for."),
        Column("extraction", ColumnKind.OBJECT, "Content of a PyRadiomics parameter file, if the study had one."),
        Column("settings", ColumnKind.OBJECT, "All settings with defaults, their order and their hash."),
        Column("population", ColumnKind.OBJECT, "Patients that it is meant for."),
        Column("cutoff_rule", ColumnKind.OBJECT, "Rule that chose the cut-off."),
        Column("acquisition", ColumnKind.OBJECT, "Acquisition of the training images, if their import recorded it."),
        Column("cohort", ColumnKind.OBJECT, "Description and hash of the cohort."),
        Column("performance", ColumnKind.OBJECT, "Performance in the study; null before the step evaluate."),
        Column("machine", ColumnKind.OBJECT, "Processor that the model was fitted on."),
        Column("refits", ColumnKind.OBJECT, "Formulas of bootstrap samples; null before the step evaluate."),
        Column("test_vector", ColumnKind.OBJECT, "Inputs with the results that they must give."),
    ),
)
SIGNATURES = JsonFile(
    "model/signatures/*.json", "A model as a file for predicting the next patient.", ("evaluate",),
    "a model is a formula", fields=_PARTS,
)  # fmt: skip
SIGNATURE = JsonFile(
    "signature.json", "The signature of the study's own model; the step evaluate completes it.", ("evaluate", "report"),
    "the study's own model is a formula",
    fields=_PARTS,
)  # fmt: skip
DECLARED = (
    MODELS, FUNNEL, FUNNEL_SEQUENCES, DROPPED, FEATURES, PREDICTIONS, CLINICAL_SCREEN, SIGNATURES, SIGNATURE,
)  # fmt: skip

"""The files of step 5, model."""

from __future__ import annotations

from radstudy.artefacts.common import FEATURE, LESION, MODEL, OUTCOME, PATIENT, SET
from radstudy.artefacts.declaration import Column, ColumnKind, JsonFile, TableFile, boolean, integer, number, text
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.model import FittedModel

_BRANCH = text("branch", "Model whose selection the step belongs to.")
_STEP = text("step", "Step of the selection, by its word in the study file.")
_ENTERED = integer("entered", "Columns that entered the step.")
_KEPT = integer("kept", "Columns that the step kept.")
MODELS = JsonFile(
    "model/models.json", "What is known of each model, by its name.", ("evaluate", "report"),
    fields=fields_of(FittedModel), shape="mapping",
)  # fmt: skip
FUNNEL = TableFile(
    "model/funnel.csv", "How many columns each step of the selection let through.", ("report",),
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
    "model/dropped.csv", "The columns that a model's own steps dropped, and why.", ("report",),
    columns=(MODEL, _BRANCH, _STEP, FEATURE, text("reason", "Why the step dropped it.")),
)  # fmt: skip
FEATURES = TableFile(
    "model/features.csv", "The features and variables that each model uses, with its formula.", ("evaluate", "report"),
    columns=(
        MODEL, FEATURE,
        number("imputation", "Value that stands in for a missing one."),
        number("centre", "Value that is subtracted."),
        number("scale", "Value that the difference is divided by."),
        number("coefficient", "Coefficient of the result; empty where the model is not a formula."),
        number("training_low", "Smallest value in the training rows."),
        number("training_high", "Largest value in the training rows."),
    ),
)  # fmt: skip
PREDICTIONS = TableFile(
    "model/predictions.csv", "The probability that each model gives each lesion.", ("evaluate", "report"),
    columns=(PATIENT, LESION, SET, OUTCOME, MODEL, number("probability", "Probability of the positive outcome.")),
)  # fmt: skip
CLINICAL_SCREEN = TableFile(
    "model/clinical_screen.csv", "Which clinical variables the univariate screen kept.", ("report",),
    columns=(
        MODEL, text("variable", "Clinical variable, by its name in the study file."),
        number("p_value", "Likelihood-ratio p-value of the variable alone."),
        boolean("kept", "Whether the variable went on."),
    ),
)  # fmt: skip
_PARTS = (
    text("format", "Name and version of the format."),
    text("study", "Name of the study."),
    text("model", "Model, by its name in the study file."),
    text("notice", "Notice to whoever uses the signature."),
    Column("outcome", ColumnKind.OBJECT, "What the probability is of."),
    number("cutoff", "Cut-off on the probability, chosen in the training rows."),
    Column("formula", ColumnKind.OBJECT, "Intercept and terms of the log-odds."),
    Column("sequences", ColumnKind.LIST, "Sequences that a patient needs."),
    Column("clinical", ColumnKind.OBJECT, "Clinical variables that a patient needs, as the codebook has them."),
    Column("prepare", ColumnKind.LIST, "Preparation of the images."),
    Column("extract", ColumnKind.OBJECT, "Settings of the extraction."),
    Column("training", ColumnKind.OBJECT, "The training rows in numbers."),
    Column("versions", ColumnKind.OBJECT, "Versions of the program and its libraries."),
    Column("training_distribution", ColumnKind.OBJECT, "What training looked like, to compare a patient with."),
)
SIGNATURES = JsonFile(
    "model/signatures/*.json", "A model as a file that predicts the next patient.", ("evaluate",),
    "a model is a formula", fields=_PARTS,
)  # fmt: skip
SIGNATURE = JsonFile(
    "signature.json", "The signature of the study's own model.", ("report",), "the study's own model is a formula",
    fields=_PARTS,
)  # fmt: skip
DECLARED = (
    MODELS, FUNNEL, FUNNEL_SEQUENCES, DROPPED, FEATURES, PREDICTIONS, CLINICAL_SCREEN, SIGNATURES, SIGNATURE,
)  # fmt: skip

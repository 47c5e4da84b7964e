"""The files of step 4, agree."""

from __future__ import annotations

from radstudy.artefacts.common import FEATURE, NOTE, SEQUENCE
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
    with_limits,
)
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.volume import MaskPair

ICC = TableFile(
    "agree/icc.csv", "The intraclass correlation of every feature, and which features are kept.",
    ("model", "evaluate", "report"),
    columns=(
        SEQUENCE, FEATURE,
        number("icc", "Intraclass correlation coefficient; empty if it is not defined or was not requested."),
        number("ci_low", "Lower limit of its 95 % interval."),
        number("ci_high", "Upper limit of its 95 % interval."),
        integer("lesions", "Lesions that all readers have drawn."),
        boolean("kept", "True if the feature is passed on to the models."),
    ),
)  # fmt: skip
MASKS = TableFile(
    "agree/masks.csv", "Overlap and surface distances of the readers' masks.", ("evaluate", "report"),
    columns=fields_of(MaskPair),
)  # fmt: skip
KAPPA = TableFile(
    "agree/kappa.csv", "Cohen's kappa of the characteristics that two readers assessed; the ICC of numbers.",
    ("report",),
    columns=(
        text("variable", "Characteristic, by its name in the study file."),
        text("weights", "Weights of the disagreements; empty for none."),
        number("kappa", "Cohen's kappa."),
        number("low", "Lower limit of its interval."),
        number("high", "Upper limit of its interval."),
        number("observed", "Observed share of agreement."),
        integer("n", "Rows that both readers assessed."),
        NOTE,
        *optional(*with_limits(number("icc", "ICC(2,1) of a number of the reading room; empty for levels."))),
    ),
)  # fmt: skip
SUMMARY = JsonFile(
    "agree/summary.json", "The rule of reproducibility, and the number of features kept of each sequence.", ("report",),
    fields=(
        text("form", "Form of the ICC; none without a filter."),
        number("above", "Threshold that the ICC must exceed."),
        text("by", "Quantity that must exceed it: the estimate or the lower limit of its interval."),
        text("patients", "Lesions that were compared: all, or those of the training set."),
        Column("readers", ColumnKind.LIST, "The readers, in the study file's order."),
        Column("lesions", ColumnKind.OBJECT, "Sequence to the number of lesions that all readers have drawn."),
        Column("kept", ColumnKind.OBJECT, "Sequence to the number of features kept."),
        integer("of", "Number of features of the sequence with the most."),
        Column("of_sequence", ColumnKind.OBJECT, "Sequence to the number of its features."),
        text("note", "Remark for the reader of the results; empty if there is none."),
    ),
)  # fmt: skip
DECLARED = (ICC, MASKS, KAPPA, SUMMARY)

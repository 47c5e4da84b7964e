"""Columns that several files share: each is declared once."""

from __future__ import annotations

from radstudy.artefacts.declaration import Column, TableFile, boolean, integer, text

PATIENT = text("patient", "Patient identifier, as the cohort table has it.")
LESION = text("lesion", "Lesion number within the patient; 1 where the study counts patients.")
SEQUENCE = text("sequence", "Sequence, by its name in the study file.")
READER = text("reader", "Reader who drew the mask.")
PLACE: tuple[Column, ...] = (PATIENT, LESION, SEQUENCE, READER)
MODEL = text("model", "Model, by its name in the study file.")
SET = text("set", "Set of rows: training or testing.")
FEATURE = text("feature", "Feature, by its full name.")
OUTCOME = integer("outcome", "Outcome: 1 positive, 0 negative.")
ROWS = integer("rows", "Rows (lesions) that were analysed.")
POSITIVES = integer("positives", "Rows with the positive outcome.")
NOTE = text("note", "What a reader of the row should know; empty where there is nothing.")
COMPUTED: tuple[Column, ...] = (
    boolean("computed", "Whether the refits were done for this model.", optional=True),
    text("by", "What refitted the model: engine or scikit-learn.", optional=True),
    text("engine_why_not", "Why the fast engine does not refit this model; empty where it does.", optional=True),
)
FAILURE: tuple[Column, ...] = (
    text("patient", "Patient; empty where the failure belongs to no patient."),
    text("lesion", "Lesion; empty where it is not known or the patient has one."),
    text("sequence", "Sequence; empty where it is not known."),
    text("reader", "Reader; empty where the failure belongs to no reader."),
    text("file", "File that the failure is about; empty where there is none."),
    text("problem", "What is wrong, with the value seen."),
    text("remedy", "What to do about it."),
)
FAILURES = TableFile("failures.csv", "Cases that a step lost; every step's has these columns.", columns=FAILURE)

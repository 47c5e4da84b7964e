"""Columns shared by several files, each declared once."""

from __future__ import annotations

from radstudy.artefacts.declaration import Column, TableFile, boolean, integer, text

PATIENT = text("patient", "Patient identifier, as in the cohort table.")
LESION = text("lesion", "Lesion number within the patient; 1 if the study counts patients.")
SEQUENCE = text("sequence", "Sequence, by its name in the study file.")
READER = text("reader", "Reader who drew the mask.")
PLACE: tuple[Column, ...] = (PATIENT, LESION, SEQUENCE, READER)
MODEL = text("model", "Model, by its name in the study file.")
SET = text("set", "Set of rows: training or testing.")
FEATURE = text("feature", "Feature, by its full name.")
OUTCOME = integer("outcome", "Outcome: 1 positive, 0 negative; empty in testing rows while their results are sealed.")
ROWS = integer("rows", "Rows (lesions) that were analysed.")
POSITIVES = integer("positives", "Rows with the positive outcome.")
NOTE = text("note", "Remark on the row; empty if there is none.")
WARNINGS = text("warnings", "Warnings for the reader of the results, separated by semicolons.")
COMPUTED: tuple[Column, ...] = (
    boolean("computed", "True if the refits were done for this model.", optional=True),
    text("by", "Program that refitted the model: engine or scikit-learn.", optional=True),
    text("engine_why_not", "Reason why the fast engine does not refit this model; empty if it does.", optional=True),
)
FAILURE: tuple[Column, ...] = (
    text("patient", "Patient; empty if the failure does not concern a patient."),
    text("lesion", "Lesion; empty if it is not known or the patient has only one."),
    text("sequence", "Sequence; empty if it is not known."),
    text("reader", "Reader; empty if the failure does not concern a reader."),
    text("file", "File that the failure concerns; empty if there is none."),
    text("problem", "The problem, with the value found."),
    text("remedy", "What to do about it."),
)
FAILURES = TableFile(
    "failures.csv", "Cases that a step lost; the file of every step has these columns.", columns=FAILURE
)

"""The files of step 1, cohort."""

from __future__ import annotations

from radstudy.artefacts.common import FAILURE, LESION, OUTCOME, PATIENT, SEQUENCE, SET
from radstudy.artefacts.declaration import Column, ColumnKind, JsonFile, TableFile, integer, text
from radstudy.artefacts.reading import SUMMARY_FIELDS
from radstudy.artefacts.records.case import CaseRecord
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.opened import OpenedFiles

ROWS = TableFile(
    "cohort/rows.csv",
    "The lesions of the study: outcome, set and clinical variables as coded in the study file.",
    ("agree", "model", "evaluate", "report"),
    columns=(PATIENT, LESION, OUTCOME, SET, text("side", "Side of the body; empty if none is named.")),
    more=Column("<clinical variable>", ColumnKind.ANY, "One column per clinical variable of the study file, under its "
                "name: a number, or one of its levels; before them scan_site, if the study names sites."),
)  # fmt: skip
EXCLUDED = TableFile(
    "cohort/excluded.csv",
    "Rows of the cohort table that the study excludes, with reasons.",
    ("report",),
    columns=(PATIENT, LESION, text("reason", "Reason for exclusion, as in the cohort table.")),
)
ABSENT = TableFile(
    "cohort/absent.csv",
    "Lesions without a sequence that the study file allows to be missing, or that are not visible on it.",
    ("report",),
    columns=(PATIENT, LESION, SEQUENCE),
)
FAILURES = TableFile(
    "cohort/failures.csv", "Cases whose files are missing.", ("report",), columns=FAILURE,
)  # fmt: skip
UNUSABLE = TableFile(
    "cohort/unusable.csv", "Files that exist but cannot be used by the step prepare.", ("cohort",), columns=FAILURE,
)  # fmt: skip
_COUNTS = (
    integer("patients", "Patients in the set."),
    integer("negative", "Patients with the negative outcome."),
    integer("positive", "Patients with a positive lesion."),
)
FLOW = JsonFile(
    "cohort/flow.json",
    "The numbers of the exclusion flowchart, in patients.",
    ("report",),
    fields=(
        integer("screened", "Patients in the cohort table."),
        Column("excluded", ColumnKind.LIST, "Excluded patients by reason.", fields=(
            text("reason", "Reason for exclusion."), integer("patients", "Patients excluded for this reason."))),
        integer("kept", "Patients in the study."),
        integer("lesions", "Lesions in the study."),
        integer("negative", "Patients whose lesions are all negative."),
        integer("positive", "Patients with a positive lesion."),
        Column("training", ColumnKind.OBJECT, "The training set.", fields=_COUNTS),
        Column("testing", ColumnKind.OBJECT, "The testing set.", fields=_COUNTS),
    ),
)  # fmt: skip
NOTES = JsonFile(
    "cohort/notes.json", "Remarks for the reader of the report on how the table was read: a list of sentences.",
    ("report",), shape="texts",
)  # fmt: skip
CASES = JsonFile(
    "cohort/cases.json",
    "Every lesion on every sequence, with its image and its readers' masks.",
    ("prepare", "extract", "agree", "evaluate"),
    fields=fields_of(CaseRecord), shape="list",
)  # fmt: skip
OPENED = JsonFile(
    "cohort/opened.json",
    "Fingerprints of the images and masks that were opened, so that an unchanged file is not opened again.",
    ("cohort",),
    fields=(Column("seen", ColumnKind.OBJECT, "By a key from the files' names, sizes and times; each entry has: "
                   + "; ".join(f"{field.name}, {field.text}" for field in fields_of(OpenedFiles))),),
    kept=True, when="the study starts from images",
)  # fmt: skip
READING = JsonFile(
    "cohort/reading.json", "What the methods text says of the reading: a copy of summary.json of the reading room.",
    ("report",), "the study was read in the reading room", fields=SUMMARY_FIELDS,
)  # fmt: skip
DECLARED = (ROWS, EXCLUDED, ABSENT, FAILURES, UNUSABLE, FLOW, NOTES, CASES, OPENED, READING)

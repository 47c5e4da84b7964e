"""The files of step 7, report."""

from __future__ import annotations

from radstudy.artefacts.common import FEATURE, LESION, MODEL, PATIENT
from radstudy.artefacts.declaration import OpaqueFile, TableFile, number
from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.artefacts.records.fields import fields_of

ACQUISITION = TableFile(
    "report/acquisition.csv", "Scanner and acquisition of every image, from the tags that the import has kept.",
    ("report",), "an import has written the images", columns=fields_of(Acquisition),
)  # fmt: skip
CONTRIBUTIONS = TableFile(
    "report/contributions.csv",
    "The contribution of each feature of the primary (else the study's) model to each log-odds.",
    ("report",), "the model could be fitted",
    columns=(
        MODEL, PATIENT, LESION, FEATURE,
        number("value", "Value of the feature; empty if missing."),
        number("imputed", "Value that replaced a missing one."),
        number("percentile", "Percentile of the value among the model's training rows.", "%"),
        number("contribution", "Contribution to the log-odds; empty if the model is not a formula."),
    ),
)  # fmt: skip
DECLARED = (
    OpaqueFile("report.html", "The report: one page with everything in it."),
    OpaqueFile("report.pdf", "The answer and the paper, as PDF.", when="'radstudy report --pdf' printed it"),
    OpaqueFile("report_evidence.pdf", "The evidence, as PDF.", when="'radstudy report --pdf' printed it"),
    ACQUISITION,
    CONTRIBUTIONS,
    OpaqueFile("report/manuscript.docx", "The paper as one Word file: methods, results, tables, figures, references."),
    OpaqueFile("report/report_numbers.csv", "Every number of the report with the cells that it comes from."),
    OpaqueFile(
        "report/settings.json", "All settings in force, defaults included; the source of the settings' numbers."
    ),
    OpaqueFile("report/preset.json", "All settings of the study's preset.", when="the study has a preset"),
    OpaqueFile("study_bundle.zip", "What repeats the study on the same data: 'radstudy run study_bundle.zip --data'."),
    OpaqueFile(
        "report/figures/*", "The figures of the report in the kinds of `report.figures`, and their numbers as CSV."
    ),
    OpaqueFile(
        "report/pictures/*",
        "Every lesion in three planes with the readers' contours, large enough to publish.",
        when="the study starts from images and has report.quality_pictures",
    ),
    OpaqueFile("report/tables/*", "The tables of the report as CSV and Word."),
)

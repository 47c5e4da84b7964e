"""The files of step 7, report."""

from __future__ import annotations

from radstudy.artefacts.declaration import OpaqueFile, TableFile
from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.artefacts.records.fields import fields_of

ACQUISITION = TableFile(
    "report/acquisition.csv", "Scanner and acquisition of every image, from the tags that the import has kept.",
    ("report",), "an import has written the images", columns=fields_of(Acquisition),
)  # fmt: skip
DECLARED = (
    OpaqueFile("report.html", "The report: one page with everything in it."),
    ACQUISITION,
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

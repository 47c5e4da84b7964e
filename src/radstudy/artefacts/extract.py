"""The files of step 3, extract, with its maps and its features of shuffled lesions."""

from __future__ import annotations

from radstudy.artefacts.common import FAILURE, FEATURE, PLACE, SEQUENCE
from radstudy.artefacts.declaration import (
    Column,
    ColumnKind,
    JsonFile,
    OpaqueFile,
    TableFile,
    integer,
    number,
    optional,
    text,
)
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.lesion import ExtractedLesion
from radstudy.artefacts.records.volume import TransferRecord
from radstudy.kept import MADE

_IMAGES, _TABLE = "the study starts from images", "the study starts from a table of features"
_MAPS, _SHUFFLED = "extract.maps requests maps", "evaluate.baselines requests shuffled images"
_TRANSFERS = "the study file transfers masks and there are masks to transfer"
_VALUES = Column(
    "<feature>", ColumnKind.NUMBER, "One column per feature, under its full name; empty if it is not defined."
)
FEATURES = TableFile(
    "extract/features.parquet", "The features of every lesion, on every sequence, by every reader.",
    ("agree", "model", "evaluate"), columns=PLACE, more=_VALUES,
)  # fmt: skip
MISSING = TableFile(
    "extract/missing.csv", "Features that are not defined for a lesion, with reasons.", ("report",),
    columns=(*PLACE, FEATURE, text("reason", "Reason why the feature has no value.")),
)  # fmt: skip
IDENTICAL = TableFile(
    "extract/identical.csv", "Lesions of one sequence with identical features.", ("report",),
    columns=(integer("group", "Lesions with the same number have identical features."), *PLACE),
)  # fmt: skip
LESIONS = TableFile(
    "extract/lesions.csv", "Measurements of the masks in which features were computed.", ("evaluate",), _IMAGES,
    columns=(
        *PLACE,
        integer("native_voxels", "Voxels of the mask as drawn."),
        integer("resampled_voxels", "Voxels of the mask after resampling."),
        number("volume_change_percent", "Change of the mask's volume by resampling.", "%"),
        text("bounding_box", "First and last voxel of the mask along each axis of the image."),
        text("mask_checksum", "Checksum of the mask; equal for equal masks."),
        integer("bins_original", "Grey-level bins of the resampled image inside the mask."),
    ),
)  # fmt: skip
TRANSFERRED = TableFile(
    "extract/transferred.csv", "Masks transferred from another sequence, with the reader's answers.",
    ("agree", "report"), _TRANSFERS, columns=fields_of(TransferRecord),
)  # fmt: skip
COLUMNS = TableFile(
    "extract/columns.csv", "The column of the given table that each feature was read from.", ("agree",), _TABLE,
    columns=(SEQUENCE, FEATURE, text("column", "Column of the given table."), text("file", "File of the given table.")),
)  # fmt: skip
FAILURES = TableFile(
    "extract/failures.csv", "Lesions whose features could not be computed.", ("report",), columns=FAILURE
)
SUMMARY = JsonFile(
    "extract/summary.json", "The number of features, and the settings of their computation.", ("report",),
    fields=(
        integer("features", "Features per sequence; for a given table, of the sequence with the most."),
        text("explained", "Explanation of the number."),
        Column("settings", ColumnKind.OBJECT, "Settings of the extraction, or the study file's section features."),
        Column("of_sequence", ColumnKind.OBJECT, "Sequence to the number of its features; only for a given table.",
               optional=True),
    ),
)  # fmt: skip
VOLUME_RECORDS = JsonFile(
    "extract/volumes/*.json", "The features of one volume's lesions, kept so that an interrupted run can continue.", (),
    _IMAGES, fields=(Column("key", ColumnKind.TEXT, "Hash of everything that the record depends on."),
                     Column("lesions", ColumnKind.LIST, "The lesions.", fields=fields_of(ExtractedLesion))), kept=True,
)  # fmt: skip
MAPS = TableFile(
    "extract/maps/maps.csv", "The feature maps requested, with reasons for those that could not be made.", ("report",),
    _MAPS,
    columns=(
        *PLACE[:3],
        text("feature", "Feature that is mapped; empty if a patient has no lesion to map."),
        *optional(
            integer("radius", "Radius of the neighbourhood.", "voxels"),
            text("spacing_mm", "Voxel size of the map, in mm."),
            integer("voxels", "Voxels of the lesion that have a value."),
        ),
        text("problem", "Reason why there is no map; empty if there is one."),
        text("remedy", "What to do about it."),
    ),
)  # fmt: skip
MAP_PLANES = OpaqueFile("extract/maps/*.npz", "Slices of a lesion's maps.", ("report",), _MAPS)
MAP_RECORDS = JsonFile(
    "extract/maps/volumes/*.json", "The rows of one volume's maps, kept so that an interrupted run can continue.", (),
    _MAPS, kept=True,
    fields=(text("key", "Hash of everything that the record depends on."),
            Column("rows", ColumnKind.LIST, "Rows of maps.csv."),
            Column(MADE, ColumnKind.OBJECT, "Files that belong to the record, with their hashes.")),
)  # fmt: skip
SHUFFLED = TableFile(
    "extract/shuffled/features.parquet", "The features of the first reader's lesions with their voxels shuffled.",
    ("evaluate",), _SHUFFLED, columns=PLACE, more=_VALUES,
)  # fmt: skip
SHUFFLED_FAILURES = TableFile(
    "extract/shuffled/failures.csv", "Lesions whose shuffled features could not be computed.", (), _SHUFFLED,
    columns=FAILURE,
)  # fmt: skip
DECLARED = (
    FEATURES, MISSING, IDENTICAL, LESIONS, TRANSFERRED, COLUMNS, FAILURES, SUMMARY, VOLUME_RECORDS, MAPS, MAP_PLANES,
    MAP_RECORDS, SHUFFLED, SHUFFLED_FAILURES,
)  # fmt: skip

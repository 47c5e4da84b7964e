"""The files of step 2, prepare."""

from __future__ import annotations

from radstudy.artefacts.common import FAILURE
from radstudy.artefacts.declaration import Column, ColumnKind, JsonFile, OpaqueFile, TableFile, number, text
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.volume import CheckedLesion, PreparedVolume, TransferRecord, VolumeFacts

_IMAGES = "the study starts from images"
_TRANSFERS = "the study file transfers masks and there are masks to transfer"
VOLUMES = TableFile(
    "prepare/volumes.csv", "Measurements of the volumes.", ("model", "evaluate", "report"), _IMAGES,
    columns=fields_of(VolumeFacts),
)  # fmt: skip
LESIONS = TableFile(
    "prepare/lesions.csv", "Measurements of the masks that passed the checks.", ("model", "report"), _IMAGES,
    columns=fields_of(CheckedLesion),
)  # fmt: skip
TRANSFERRED = TableFile(
    "prepare/transferred.csv", "Masks transferred from another sequence, for a reader to confirm.", (),
    _TRANSFERS, columns=fields_of(TransferRecord)[:-1],
)  # fmt: skip
FAILURES = TableFile("prepare/failures.csv", "Cases lost in the preparation.", ("report",), _IMAGES, columns=FAILURE)
QUALITY = JsonFile(
    "prepare/quality.json",
    "Evenness of each volume's foreground before and after its bias fields, by the volume's name.",
    ("report",), _IMAGES, shape="mapping",
    fields=(
        text("sequence", "Sequence, by its name in the study file."),
        Column("fields", ColumnKind.LIST, "The bias fields, in order.", fields=(
            number("variation_before", "Coefficient of variation of the foreground before."),
            number("variation_after", "Coefficient of variation of the foreground after."),
            number("field_ratio", "95th over 5th percentile of the bias field in the foreground."),
            Column("histogram_before", ColumnKind.LIST, "Voxels by intensity over the foreground's mean, before."),
            Column("histogram_after", ColumnKind.LIST, "Voxels by intensity over the foreground's mean, after."),
        )),
        number(
            "field_shift", "Possible change of the bias field by rounding inside the lesions' boxes, natural logarithm."
        ),
    ),
)  # fmt: skip
VOLUME_RECORDS = JsonFile(
    "prepare/volumes/*.json",
    "The record of one prepared volume: bias field, scale, checked masks, failures.",
    ("extract", "agree", "report"), _IMAGES, fields=fields_of(PreparedVolume), kept=True,
)  # fmt: skip
PICTURES = OpaqueFile("prepare/pictures/*.npz", "Slices through the lesions, with the masks.", ("report",), _IMAGES)
FIELDS = OpaqueFile(
    "prepare/fields/*.npz", "Slices of a volume before its bias field was removed.", ("report",),
    "a volume's bias field is removed",
)  # fmt: skip
MASKS = OpaqueFile(
    "prepare/transferred/*.nii.gz", "Masks transferred from another sequence, for inspection.", ("extract",),
    _TRANSFERS,
)  # fmt: skip
DECLARED = (VOLUMES, LESIONS, TRANSFERRED, FAILURES, QUALITY, VOLUME_RECORDS, PICTURES, FIELDS, MASKS)

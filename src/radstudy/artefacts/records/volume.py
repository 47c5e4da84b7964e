"""A prepared volume with its checked lesions, as prepare/volumes/*.json keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Self, TypedDict

from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.fields import Says
from radstudy.kept import MADE

PATIENT, LESION = Says("Patient identifier."), Says("Lesion number within the patient.")
SEQUENCE, READER = Says("Sequence, by its name in the study file."), Says("Reader who drew the mask.")


class MaskPlace(TypedDict):
    """The identity of a mask: the first columns of every table of masks."""

    patient: str
    lesion: str
    sequence: str
    reader: str


@dataclass(frozen=True)
class VolumeFacts:
    """Measurements of one volume: a row of prepare/volumes.csv."""

    patient: Annotated[str, PATIENT]
    sequence: Annotated[str, SEQUENCE]
    name: Annotated[str, Says("Name of the volume's files in the step folders.")]
    image: Annotated[str, Says("Image file.")]
    size: Annotated[str, Says("Voxels along each axis of the file.")]
    spacing_mm: Annotated[str, Says("Voxel size along each axis of the file, in mm.")]
    iterations: Annotated[str, Says("Iterations of the bias field correction at each level; empty without one.")]
    cv_before: Annotated[
        float | None, Says("Coefficient of variation of the foreground before the bias field correction.")
    ]
    cv_after: Annotated[float | None, Says("Coefficient of variation of the foreground after it.")]
    field_ratio: Annotated[float | None, Says("95th over 5th percentile of the bias field in the foreground.")]
    low: Annotated[float | None, Says("Intensity at the lower end of the scale.")]
    high: Annotated[float | None, Says("Intensity at the upper end of the scale.")]
    warnings: Annotated[str, Says("Warnings for the reader of the results, separated by semicolons.")]
    field_shift: Annotated[
        float | None,
        Says("Possible change of the bias field by rounding inside the lesions' boxes, natural logarithm."),
    ]
    history: Annotated[str, Says("Operations applied to the image, in order.")]


@dataclass(frozen=True)
class CheckedLesion:
    """One reader's mask of one lesion that passed the checks: a row of prepare/lesions.csv."""

    patient: Annotated[str, PATIENT]
    lesion: Annotated[str, LESION]
    sequence: Annotated[str, SEQUENCE]
    reader: Annotated[str, READER]
    native_voxels: Annotated[int, Says("Voxels of the mask as drawn.")]
    volume_mm3: Annotated[float, Says("Volume of the mask as drawn.", "mm3")]
    resampled_voxels: Annotated[int, Says("Voxels of the mask after resampling to the extraction's spacing.")]
    volume_change_percent: Annotated[float, Says("Change of the mask's volume by resampling.", "%")]
    bins: Annotated[int | None, Says("Grey-level bins inside the mask; empty if their number is fixed.")]
    centre_right_mm: Annotated[float, Says("Centre of the mask, towards the patient's right (RAS).", "mm")]
    centre_anterior_mm: Annotated[float, Says("Centre of the mask, towards anterior (RAS).", "mm")]
    centre_superior_mm: Annotated[float, Says("Centre of the mask, towards superior (RAS).", "mm")]
    transferred_from: Annotated[str, Says("Sequence on which the mask was drawn; empty if it is this one.")]
    warnings: Annotated[str, Says("Warnings for the reader of the results, separated by semicolons.")]

    @property
    def place(self) -> tuple[str, str, str]:
        """Patient, lesion and reader."""
        return self.patient, self.lesion, self.reader


@dataclass(frozen=True)
class MaskPair:
    """Comparison of two readers' masks of one lesion: a row of agree/masks.csv."""

    patient: Annotated[str, PATIENT]
    lesion: Annotated[str, LESION]
    sequence: Annotated[str, SEQUENCE]
    reader_a: Annotated[str, Says("First reader.")]
    reader_b: Annotated[str, Says("Other reader.")]
    dice: Annotated[float | None, Says("Dice coefficient of the two masks.")]
    jaccard: Annotated[float | None, Says("Jaccard index of the two masks.")]
    hausdorff_mm: Annotated[float | None, Says("Hausdorff distance of the surfaces.", "mm")]
    hausdorff_95_mm: Annotated[float | None, Says("95th percentile of the surface distances.", "mm")]
    mean_surface_distance_mm: Annotated[float | None, Says("Mean distance of the surfaces.", "mm")]
    volume_difference_percent: Annotated[
        float | None, Says("Volume of the first mask minus the other, per cent of their mean.", "%")
    ]
    note: Annotated[str, Says("Remark on the row; empty if there is none.")]


@dataclass(frozen=True)
class TransferRecord:
    """A mask that was transferred from another sequence: a row of transferred.csv."""

    patient: Annotated[str, PATIENT]
    lesion: Annotated[str, LESION]
    sequence: Annotated[str, SEQUENCE]
    reader: Annotated[str, READER]
    drawn_on: Annotated[str, Says("Sequence on which the mask was drawn.", name="from")]
    shift_r_mm: Annotated[
        float, Says("Shift of the lesion's centre by the rigid fit, towards the patient's right.", "mm")
    ]
    shift_a_mm: Annotated[float, Says("Shift of the lesion's centre by the rigid fit, towards anterior.", "mm")]
    shift_s_mm: Annotated[float, Says("Shift of the lesion's centre by the rigid fit, towards superior.", "mm")]
    rotation_degrees: Annotated[float, Says("Rotation of the rigid fit.", "degrees")]
    overlap: Annotated[
        float, Says("Dice coefficient with the mask placed by the scanner's coordinates alone; 1 without a rigid fit.")
    ]
    volume_change_percent: Annotated[float, Says("Change of the mask's volume by the transfer.", "%")]
    voxels: Annotated[int, Says("Voxels of the transferred mask.")]
    warnings: Annotated[str, Says("Warnings for the reader of the results, separated by semicolons.")]
    file: Annotated[str, Says("File of the transferred mask, relative to the folder prepare.")]
    mask: Annotated[str, Says("Fingerprint of the mask; a reader's confirmation applies only to this mask.")]
    confirmed: Annotated[str, Says("The reader's answer: yes or no; empty until there is one.")]
    confirmed_by: Annotated[str, Says("Person who gave the answer.")]
    status: Annotated[str, Says("Use made of the mask; written only by extract.", optional=True)] = ""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**{"drawn_on" if name == "from" else name: value for name, value in record.items()})

    def as_json(self) -> dict[str, Any]:
        """The record as it is kept, and as a row of prepare/transferred.csv."""
        row = {"from" if name == "drawn_on" else name: value for name, value in asdict(self).items()}
        return {name: value for name, value in row.items() if name != "status" or value}


@dataclass(frozen=True)
class PreparedVolume:
    """The record of one prepared volume."""

    volume: Annotated[VolumeFacts, Says("Measurements of the volume.")]
    preparation: Annotated[
        Mapping[str, Any], Says("Results of the preparation: bias fields, scales, warnings, quality.")
    ]
    lesions: Annotated[tuple[CheckedLesion, ...], Says("Masks that passed the checks.")]
    readers: Annotated[tuple[MaskPair, ...], Says("Comparisons of the readers' masks.")]
    transferred: Annotated[tuple[TransferRecord, ...], Says("Masks transferred from another sequence.")]
    failures: Annotated[tuple[Failure, ...], Says("Masks that cannot be used.")]
    passing: Annotated[tuple[Failure, ...], Says("Failures that may not recur in another run.", optional=True)] = ()
    files: Annotated[
        Mapping[str, str], Says("Files that belong to the record, with their hashes.", name=MADE, optional=True)
    ] = field(default_factory=dict)
    key: Annotated[str, Says("Hash of everything that the record depends on.")] = ""

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            VolumeFacts(**record["volume"]),
            record["preparation"],
            tuple(CheckedLesion(**item) for item in record["lesions"]),
            tuple(MaskPair(**item) for item in record["readers"]),
            tuple(TransferRecord.from_json(item) for item in record["transferred"]),
            tuple(Failure.from_json(item) for item in record["failures"]),
            tuple(Failure.from_json(item) for item in record.get("passing", ())),
            record.get(MADE, {}),
            record["key"],
        )

    def as_json(self) -> dict[str, Any]:
        """The record as it is kept; `radstudy.kept.keep` writes its key."""
        return {
            "volume": asdict(self.volume),
            "preparation": self.preparation,
            "lesions": [asdict(item) for item in self.lesions],
            "readers": [asdict(item) for item in self.readers],
            "transferred": [item.as_json() for item in self.transferred],
            "failures": [item.as_json() for item in self.failures],
            "passing": [item.as_json() for item in self.passing],
            MADE: dict(self.files),
        }

    def under(self, key: str) -> Self:
        """The record with the given key."""
        return replace(self, key=key)

    @property
    def passed(self) -> set[tuple[str, str, str]]:
        """(patient, lesion, reader) of the masks that the preparation let through."""
        return {lesion.place for lesion in self.lesions}

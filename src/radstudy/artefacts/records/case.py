"""One lesion on one sequence, as cohort/cases.json holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

from radstudy.artefacts.records.fields import Says


@dataclass(frozen=True)
class DrawnElsewhere:
    """The origin of a mask that is to be transferred to this image."""

    sequence: Annotated[str, Says("Sequence on which the first reader has drawn the lesion.")]
    image: Annotated[str, Says("Image file of that sequence.")]
    mask: Annotated[str, Says("Mask file on that image.")]


@dataclass(frozen=True)
class CaseRecord:
    """One lesion on one sequence with its files, all paths as text."""

    patient: Annotated[str, Says("Patient identifier.")]
    lesion: Annotated[str, Says("Lesion number within the patient.")]
    sequence: Annotated[str, Says("Sequence, by its name in the study file.")]
    image: Annotated[str, Says("Image file.")]
    masks: Annotated[Mapping[str, str], Says("Reader to mask file, for the readers who drew this lesion.")]
    reference: Annotated[str | None, Says("Mask of the reference tissue, if the preparation needs one.")] = None
    transfer: Annotated[
        DrawnElsewhere | None, Says("Origin of the first reader's mask, if it was not drawn on this image.")
    ] = None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        elsewhere = record["transfer"]
        return cls(**{**record, "transfer": DrawnElsewhere(**elsewhere) if elsewhere else None})

    def as_json(self) -> dict[str, object]:
        """The record as cohort/cases.json holds it."""
        return asdict(self)

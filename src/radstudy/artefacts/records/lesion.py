"""The features of one lesion, or the reason why it has none, as extract/volumes/*.json keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.fields import Says
from radstudy.artefacts.records.volume import LESION, PATIENT, READER, SEQUENCE, MaskPlace
from radstudy.errors import CaseError, TransientError


@dataclass(frozen=True)
class ExtractedLesion:
    """One reader's mask of one lesion, with its features or the failure."""

    patient: Annotated[str, PATIENT]
    lesion: Annotated[str, LESION]
    sequence: Annotated[str, SEQUENCE]
    reader: Annotated[str, READER]
    values: Annotated[Mapping[str, float | None], Says("Feature to value; none if it is not defined.", optional=True)]
    missing: Annotated[Mapping[str, str], Says("Feature to the reason why it has no value.", optional=True)]
    diagnostics: Annotated[
        Mapping[str, Any], Says("Measurements of the mask: a row of extract/lesions.csv.", optional=True)
    ]
    file: Annotated[str, Says("File that the failure concerns; only for a failure.", optional=True)] = ""
    problem: Annotated[str, Says("The problem; only for a failure.", optional=True)] = ""
    remedy: Annotated[str, Says("What to do about it; only for a failure.", optional=True)] = ""
    passing: Annotated[bool, Says("True if the failure may not recur in another run.", optional=True)] = False

    @classmethod
    def of_error(cls, error: CaseError, place: MaskPlace, file: str) -> Self:
        """A lesion without features."""
        again = isinstance(error, TransientError)
        return cls(**place, values={}, missing={}, diagnostics={}, file=file, problem=error.problem,
                   remedy=error.remedy, passing=again)  # fmt: skip

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        nothing: dict[str, Any] = {"values": {}, "missing": {}, "diagnostics": {}}
        return cls(**{**nothing, **record})

    def as_json(self) -> dict[str, Any]:
        """The record as it is kept, with the features or with the failure."""
        if not self.problem:
            return {**self.place, "values": self.values, "missing": self.missing, "diagnostics": self.diagnostics}
        failure = {"problem": self.problem, "remedy": self.remedy, "file": self.file}
        return {**self.place, **failure, **({"passing": True} if self.passing else {})}

    @property
    def place(self) -> MaskPlace:
        """Patient, lesion, sequence and reader by their columns."""
        return {"patient": self.patient, "lesion": self.lesion, "sequence": self.sequence, "reader": self.reader}

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The lesion's row in the feature table."""
        return self.patient, self.lesion, self.sequence, self.reader

    @property
    def error(self) -> CaseError | None:
        """The error that left the lesion without features; None if it has features."""
        if not self.problem:
            return None
        failure = Failure(**self.place, file=self.file, problem=self.problem, remedy=self.remedy)
        return failure.error(TransientError if self.passing else CaseError)

"""The features of one lesion, or why there are none, as extract/volumes/*.json keeps them."""

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
    values: Annotated[
        Mapping[str, float | None], Says("Feature to value; none where it is not defined.", optional=True)
    ]
    missing: Annotated[Mapping[str, str], Says("Feature to the reason why it has no value.", optional=True)]
    diagnostics: Annotated[Mapping[str, Any], Says("The mask in numbers: a row of extract/lesions.csv.", optional=True)]
    file: Annotated[str, Says("File that the failure is about; only of a failure.", optional=True)] = ""
    problem: Annotated[str, Says("What is wrong; only of a failure.", optional=True)] = ""
    remedy: Annotated[str, Says("What to do about it; only of a failure.", optional=True)] = ""
    passing: Annotated[bool, Says("Whether another run may not meet the failure.", optional=True)] = False

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
        """As it is kept: with the features, or with the failure."""
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
        """Why the lesion has no features; none where it has."""
        if not self.problem:
            return None
        failure = Failure(**self.place, file=self.file, problem=self.problem, remedy=self.remedy)
        return failure.error(TransientError if self.passing else CaseError)

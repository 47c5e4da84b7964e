"""A failed case, in one format for all steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

from radstudy.artefacts.common import FAILURE
from radstudy.artefacts.records.fields import Says
from radstudy.errors import CaseError

_SAYS = {column.name: Says(column.text) for column in FAILURE}


@dataclass(frozen=True)
class Failure:
    """The failure of one case: a row of a failures.csv file, or part of a record."""

    patient: Annotated[str, _SAYS["patient"]]
    lesion: Annotated[str, _SAYS["lesion"]]
    sequence: Annotated[str, _SAYS["sequence"]]
    reader: Annotated[str, _SAYS["reader"]]
    file: Annotated[str, _SAYS["file"]]
    problem: Annotated[str, _SAYS["problem"]]
    remedy: Annotated[str, _SAYS["remedy"]]

    @classmethod
    def of_error(cls, error: CaseError) -> Self:
        """The failure that an error describes."""
        return cls(error.patient, error.lesion, error.sequence, error.reader, error.file, error.problem, error.remedy)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(**{name: record.get(name, "") for name in _SAYS})

    def as_json(self) -> dict[str, str]:
        """The failure as it is kept, and as a row of a table."""
        return asdict(self)

    def error(self, kind: type[CaseError] = CaseError) -> CaseError:
        """The failure as an error of the given kind."""
        return kind(
            self.problem, self.remedy, patient=self.patient, lesion=self.lesion, sequence=self.sequence,
            reader=self.reader, file=self.file,
        )  # fmt: skip

"""The state of an image and its masks before any computation, as cohort/opened.json keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.fields import Says


@dataclass(frozen=True)
class OpenedFiles:
    """Fingerprints of one image and of the masks on it."""

    image: Annotated[str | None, Says("fingerprint of the image's content, none if it cannot be opened.")]
    masks: Annotated[tuple[str | None, ...], Says("fingerprint of each mask's content, none if it cannot be used.")]
    failures: Annotated[tuple[Failure, ...], Says("masks and images that cannot be used.")]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        failures = tuple(Failure.from_json(failure) for failure in record["failures"])
        return cls(record["image"], tuple(record["masks"]), failures)

    def as_json(self) -> dict[str, object]:
        """The record as cohort/opened.json keeps it."""
        failures = [failure.as_json() for failure in self.failures]
        return {"image": self.image, "masks": list(self.masks), "failures": failures}

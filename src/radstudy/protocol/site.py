"""The setting `cohort.site`: the site of each patient is a column of the cohort table, or the scanner."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Section
from radstudy.protocol.shipped import default

ScannerField = Literal["manufacturer", "model", "field_strength_t"]
SCANNER_FIELDS = {"manufacturer": "manufacturer", "model": "model", "field_strength_t": "field strength"}  # in words


class ScannerSite(Section):
    """Sites that are scanners, as the import recorded them beside the images (docs/harmonisation.md)."""

    scanner: tuple[ScannerField, ...] = default(
        "cohort.site.scanner", description="What tells two scanners apart: manufacturer, model, field_strength_t."
    )
    sequence: str | None = Field(
        None, description="The sequence whose scanner counts; None: all sequences of a patient must name one scanner."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_an_empty_list(cls, given: Any) -> Any:
        """Take `scanner:` without a list for the default."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if name != "scanner" or value is not None}

    @field_validator("scanner")
    @classmethod
    def _fields_differ(cls, scanner: tuple[ScannerField, ...]) -> tuple[ScannerField, ...]:
        if not scanner or len(set(scanner)) != len(scanner):
            raise PydanticCustomError(
                "scanner", "name manufacturer, model, field_strength_t or some of them, each once", {}
            )
        return scanner


def _kind_of_site(given: Any) -> str:
    return "site-scanner" if isinstance(given, dict | ScannerSite) else "site-column"


SiteSource = Annotated[
    Annotated[str, Tag("site-column")] | Annotated[ScannerSite, Tag("site-scanner")], Discriminator(_kind_of_site)
]

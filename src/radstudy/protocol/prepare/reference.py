"""The step `reference`."""

from __future__ import annotations

from pydantic import Field

from radstudy.protocol.base import Pattern, Positive
from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.shipped import default


class Reference(PreparationStep):
    """Divide the volume so that the median of a reference tissue becomes a stated value."""

    word = "reference"

    mask: Pattern = Field(
        description="Pattern of the tissue's masks, as in cohort.images: {patient}, {sequence}, a column.",
        json_schema_extra={"why": "Masks of the tissue; an image without one is lost, and listed."},
    )
    tissue: str = default(
        "prepare.reference.tissue",
        description="Its name (fat, muscle), for messages and the report.",
        json_schema_extra={"why": "A tissue that the disease does not change; its mask is drawn on every image."},
    )
    to: Positive = default(
        "prepare.reference.to",
        description="The tissue's median in the result.",
        json_schema_extra={
            "why": "The reference tissue's median in every image, so that intensities of MRI, which have no unit, can "
            "be compared."
        },
    )
    label: int | str | None = Field(
        None,
        description="Number or name of the tissue in the masks; None: the only one.",
        json_schema_extra={"why": "Number or name of the tissue, if the masks hold several."},
    )

    def trace(self) -> str:
        """The text that `reference_parameters` writes."""
        return f"voxels of {self.tissue}"

    def brief(self) -> tuple[str, str]:
        """Name it and its tissue for the figure of the workflow."""
        return "Reference tissue", f"median of {self.tissue} to {self.to:g}"

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"division by the median of the voxels in a mask of the {self.tissue}, drawn on every image, so "
            f"that it became {self.to:g}"
        )

"""The step `rescale`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Number
from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.shipped import default


class Rescale(PreparationStep):
    """Linear rescaling of the whole volume's intensities."""

    word = "rescale"

    to: tuple[Number, Number] = default(
        "prepare.rescale.to",
        description="The new range.",
        json_schema_extra={"why": "The range that the grey-level bins divide."},
    )
    from_: Literal["minmax"] | tuple[float, float] = default(
        "prepare.rescale.from",
        alias="from",
        description="minmax, or a pair of percentiles such as [1, 99].",
        json_schema_extra={
            "why": "minmax is what the reference study's tool does; one hot voxel can halve a lesion's bins, "
            "percentiles such as 1 and 99 resist it."
        },
    )
    over: Literal["volume", "foreground"] = default(
        "prepare.rescale.over",
        description="The voxels whose percentiles are taken: all, or those above Otsu's threshold.",
        json_schema_extra={
            "why": "Percentiles of the whole volume move with the air in the field of view; those of the foreground "
            "(Otsu) do not."
        },
    )

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.to[0] >= self.to[1]:
            raise PydanticCustomError("range", "'to' must go from a lower to a higher value", {})
        if isinstance(self.from_, tuple) and not 0 <= self.from_[0] < self.from_[1] <= 100:
            raise PydanticCustomError("range", "'from' must be two percentiles, lower and higher, in 0-100", {})
        if self.from_ == "minmax" and self.over == "foreground":
            raise PydanticCustomError("over", "'over: foreground' needs percentiles, such as from: [1, 99]", {})
        return self

    def trace(self) -> str:
        """The text that `rescale_parameters` writes."""
        return "rescale from"

    def brief(self) -> tuple[str, str]:
        """Name it and its window for the figure of the workflow."""
        ends = (
            "minimum and maximum" if self.from_ == "minmax" else f"percentiles {self.from_[0]:g} and {self.from_[1]:g}"
        )
        return "Linear rescaling", f"{ends} to {self.to[0]:g} and {self.to[1]:g}"

    def told(self) -> str:
        """Describe it for the methods text."""
        over = "its" if self.over == "volume" else "its foreground's (above Otsu's threshold, 200 bins)"
        window = (
            "the volume's minimum and maximum"
            if self.from_ == "minmax"
            else f"{over} {self.from_[0]:g}th and {self.from_[1]:g}th percentiles"
        )
        return f"linear rescaling of {window} to {self.to[0]:g} and {self.to[1]:g}"

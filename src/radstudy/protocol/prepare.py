"""The section `prepare` of study.yaml: what is done to every volume."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Number, Pattern, Positive, Section, one_of
from radstudy.protocol.shipped import default


class N4(Section):
    """N4 bias-field correction; the defaults are those of 3D Slicer's module."""

    shrink: Annotated[int, Field(ge=1)] | tuple[int, int, int] = default(
        "prepare.n4.shrink", description="Shrink factor, or one an axis."
    )
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = default(
        "prepare.n4.iterations", description="At most, per level."
    )
    convergence: Positive = default(
        "prepare.n4.convergence", description="Stop a level when the field changes less than this."
    )


class Rescale(Section):
    """Linear rescaling of the whole volume's intensities."""

    to: tuple[Number, Number] = default("prepare.rescale.to", description="The new range.")
    from_: Literal["minmax"] | tuple[float, float] = default(
        "prepare.rescale.from", alias="from", description="minmax, or a pair of percentiles such as [1, 99]."
    )
    over: Literal["volume", "foreground"] = default(
        "prepare.rescale.over", description="Which voxels the percentiles are of: all, or those above Otsu's threshold."
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


class ZScore(Section):
    """Subtract the volume's mean and divide by its standard deviation, then scale."""

    scale: Positive = default(
        "prepare.zscore.scale", description="Standard deviation of the result; 100 suits a bin width of 25."
    )
    over: Literal["volume", "foreground"] = default(
        "prepare.zscore.over",
        description="Which voxels mean and standard deviation are of: all, or those above Otsu's threshold.",
    )


class Reference(Section):
    """Divide the volume so that the median of a reference tissue becomes a stated value."""

    mask: Pattern = Field(
        description="Pattern of the tissue's masks, as cohort.images: {patient}, {sequence}, a column."
    )
    tissue: str = default(
        "prepare.reference.tissue", description="What it is (fat, muscle), for messages and the report."
    )
    to: Positive = default("prepare.reference.to", description="The tissue's median in the result.")
    label: int | str | None = Field(None, description="Number or name of the tissue in the masks; None: the only one.")


class Prepare(Section):
    """One step of image preparation; the list in study.yaml is run in its order on every volume."""

    n4: N4 | None = None
    rescale: Rescale | None = None
    zscore: ZScore | None = None
    reference: Reference | None = None

    @field_validator("n4", "rescale", "zscore", "reference", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "a step of 'prepare'")
        return self

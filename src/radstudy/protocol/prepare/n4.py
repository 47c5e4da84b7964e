"""The step `n4`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from radstudy.protocol.base import Positive
from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.shipped import default
from radstudy.protocol.words import listed


class N4(PreparationStep):
    """N4 bias-field correction; the defaults are those of 3D Slicer's module."""

    word = "n4"

    shrink: Annotated[int, Field(ge=1)] | tuple[int, int, int] = default(
        "prepare.n4.shrink",
        description="Shrink factor, or one per axis.",
        json_schema_extra={
            "why": "3D Slicer's default is 4 on every axis; drastic for images with few slices, for which a smaller "
            "factor along the slice axis is better."
        },
    )
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = default(
        "prepare.n4.iterations",
        description="At most, per level.",
        json_schema_extra={"why": "3D Slicer's default: at most 50, 40 and 30 on three levels."},
    )
    convergence: Positive = default(
        "prepare.n4.convergence",
        description="Stop a level when the field changes less than this.",
        json_schema_extra={"why": "3D Slicer's default."},
    )

    def trace(self) -> str:
        """The text that `BiasField` writes."""
        return "N4 ("

    def brief(self) -> tuple[str, str]:
        """Name it and its shrink factor for the figure of the workflow."""
        shrink = self.shrink if isinstance(self.shrink, int) else " x ".join(f"{factor}" for factor in self.shrink)
        return "N4 bias-field correction", f"shrink factor {shrink}"

    def told(self) -> str:
        """Describe it for the methods text."""
        shrink = self.shrink if isinstance(self.shrink, int) else " x ".join(f"{factor}" for factor in self.shrink)
        return (
            f"N4 bias-field correction (Otsu foreground mask of 200 bins, shrink factor {shrink}, at most "
            f"{listed([f'{count}' for count in self.iterations])} iterations on {len(self.iterations)} levels, "
            f"convergence {self.convergence:g}, cubic B-splines on 4 x 4 x 4 control points at the first level, "
            "histogram of 200 bins, FWHM 0.15, Wiener noise 0.01), its field divided out at full resolution"
        )

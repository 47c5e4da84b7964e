"""The step `zscore`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radstudy.protocol.base import Positive
from radstudy.protocol.prepare.step import PreparationStep


class ZScore(PreparationStep):
    """Subtract the volume's mean and divide by its standard deviation, then scale."""

    word = "zscore"

    scale: Positive = Field(
        100.0,
        description="Standard deviation of the result; 100 suits a bin width of 25.",
        json_schema_extra={"why": "Standard deviation of the result; 100 suits a bin width of 25."},
    )
    over: Literal["volume", "foreground"] = Field(
        "volume",
        description="Which voxels mean and standard deviation are of: all, or those above Otsu's threshold.",
        json_schema_extra={
            "why": "Mean and standard deviation of the whole volume move with the air in the field of view; those of "
            "the foreground (Otsu) do not."
        },
    )

    def trace(self) -> str:
        """As `zscore_parameters` writes it."""
        return "z-score"

    def told(self) -> str:
        """What it does, for the methods text."""
        over = "the whole volume" if self.over == "volume" else "the foreground (above Otsu's threshold, 200 bins)"
        return f"z-score normalisation over {over}, times {self.scale:g}"

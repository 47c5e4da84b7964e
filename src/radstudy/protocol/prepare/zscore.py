"""The step `zscore`."""

from __future__ import annotations

from typing import Literal

from radstudy.protocol.base import Positive
from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.shipped import default


class ZScoreSection(PreparationStep):
    """Subtract the volume's mean and divide by its standard deviation, then scale."""

    word = "zscore"

    scale: Positive = default(
        "prepare.zscore.scale",
        description="Standard deviation of the result; 100 suits a bin width of 25.",
        json_schema_extra={"why": "Standard deviation of the result; 100 suits a bin width of 25."},
    )
    over: Literal["volume", "foreground"] = default(
        "prepare.zscore.over",
        description="The voxels whose mean and standard deviation are taken: all, or those above Otsu's threshold.",
        json_schema_extra={
            "why": "Mean and standard deviation of the whole volume move with the air in the field of view; those of "
            "the foreground (Otsu) do not."
        },
    )

    def trace(self) -> str:
        """The text that `zscore_parameters` writes."""
        return "z-score"

    def brief(self) -> tuple[str, str]:
        """Name it and its region for the figure of the workflow."""
        return "Z-score normalisation", "whole volume" if self.over == "volume" else "foreground"

    def told(self) -> str:
        """Describe it for the methods text."""
        over = "the whole volume" if self.over == "volume" else "the foreground (above Otsu's threshold, 200 bins)"
        return f"z-score normalisation over {over}, times {self.scale:g}"

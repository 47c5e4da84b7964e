"""The step `standardise`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from radstudy.protocol.selection.step import SelectionStep


class Standardise(SelectionStep, RootModel[Literal["zscore"]]):
    """Bring all features to the same scale."""

    word = "standardise"
    bare = "zscore"
    heading = "Varying"
    again = None
    gaps = "refused"

    root: Literal["zscore"] = Field(
        "zscore",
        json_schema_extra={
            "why": "Training mean and standard deviation, so that penalised coefficients are comparable."
        },
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return "z-score with the training mean and standard deviation"

"""The step `variance`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default


class Variance(SelectionStep, Section):
    """Drop features that hardly vary (caret's nearZeroVar)."""

    word = "variance"
    heading = "Varying"
    again = None
    gaps = "passed on"

    ratio: Annotated[float, Field(ge=1)] = default(
        "model.select.variance.ratio",
        description="The most common value is more than this many times as frequent as the second, and ...",
        json_schema_extra={
            "why": "caret's default, 95/5: a feature is dropped if this is exceeded and 'unique' is not."
        },
    )
    unique: Annotated[float, Field(ge=0, le=1)] = default(
        "model.select.variance.unique",
        description="... its distinct values are no more than this share of the rows. Constants are always dropped.",
        json_schema_extra={"why": "caret's default: spares a feature with many different values at any ratio."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            "features that hardly vary were dropped (constant, or the most common value more than "
            f"{self.ratio:g} times as frequent as the second with at most {100 * self.unique:g}% of "
            "the values different)"
        )

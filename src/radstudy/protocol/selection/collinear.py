"""The step `collinear`."""

from __future__ import annotations

from typing import Literal

from radstudy.protocol.base import Fraction, Section
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default


class Collinear(SelectionStep, Section):
    """Of each correlated pair, keep the feature with the higher univariate power."""

    word = "collinear"
    heading = "Not collinear"
    again = None
    gaps = "refused"

    above: Fraction = default(
        "model.select.collinear.above",
        description="Absolute Pearson correlation above this.",
        json_schema_extra={
            "why": "Absolute Pearson correlation; of each pair, the feature with the higher training |AUC - 0.5| stays."
        },
    )
    keep: Literal["stronger"] = default(
        "model.select.collinear.keep",
        description="Higher training |AUC - 0.5|, ties by name.",
        json_schema_extra={"why": "The only rule; it uses the outcome, so it must see the training rows alone."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"of any two features with an absolute Pearson correlation above {self.above:g} the one with the "
            "higher training |AUC - 0.5| stayed (greedy, ties by name)"
        )

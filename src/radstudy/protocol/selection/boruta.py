"""The step `boruta`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radstudy.protocol.base import Fraction, Section
from radstudy.protocol.selection.size import Count
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default


class Boruta(SelectionStep, Section):
    """All features that a random forest finds more important than their own shuffled copies."""

    word = "boruta"
    heading = "Boruta"
    again = "Boruta"
    gaps = "refused"

    alpha: Fraction = default(
        "model.select.boruta.alpha",
        description="Level of its binomial test.",
        json_schema_extra={"why": "Level of its binomial test; the usual one."},
    )
    rounds: Annotated[int, Field(ge=10)] = default(
        "model.select.boruta.rounds",
        json_schema_extra={"why": "The most forests; with fewer, more features stay undecided."},
    )
    depth: Count = default(
        "model.select.boruta.depth",
        description="Depth of the trees.",
        json_schema_extra={"why": "Depth of the trees; boruta's documentation advises 3 to 7."},
    )
    percentile: Annotated[float, Field(gt=0, le=100)] = default(
        "model.select.boruta.percentile",
        description="Percentile of the copies' importance to beat; 100, the strictest, is their maximum.",
        json_schema_extra={
            "why": "Percentile of the shuffled copies' importance to beat; 100, the strictest, is their maximum."
        },
    )
    tentative: Literal["drop", "keep"] = default(
        "model.select.boruta.tentative",
        description="Features undecided after the last round.",
        json_schema_extra={"why": "Features undecided after the last round: dropping them is strict."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        undecided = "kept" if self.tentative == "keep" else "dropped"
        return (
            f"Boruta kept the features more important than shuffled copies of all (random forest of depth "
            f"{self.depth}, at most {self.rounds} rounds, percentile {self.percentile:g}, level "
            f"{self.alpha:g}; undecided ones {undecided})"
        )

"""What every classifier says of itself, and the settings that several have."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.kinds import Kind

Folds = Annotated[
    int,
    Field(
        ge=2,
        description="Folds that choose the setting; a patient's lesions stay in one.",
        json_schema_extra={
            "why": "The folds choose the classifier's setting only; selection has already seen all training rows, so "
            "their loss is no estimate of performance."
        },
    ),
]
Weights = Annotated[
    Literal["none", "balanced"],
    Field(
        description="balanced: the smaller class counts as much.",
        json_schema_extra={
            "why": "balanced lets the smaller class count as much as the larger, and shifts the probabilities."
        },
    ),
]
LOWEST_BRIER = "had the lowest Brier score in {folds}-fold cross-validation."


class Classifier(Kind, Section):
    """One classifier of `model.fit`.

    Attributes
    ----------
    linear : whether the fitted model is a formula, which signature.json can hold.
    """

    linear: ClassVar[bool]


def weights_told(weights: str) -> str:
    """That the classes count as much, where they do."""
    return ", classes weighted equally" if weights == "balanced" else ""

"""The base class of classifiers, and the settings that several share."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.kinds import Kind

Folds = Annotated[
    int,
    Field(
        ge=2,
        description="Folds that choose the setting; a patient's lesions stay in one fold.",
        json_schema_extra={
            "why": "The folds choose the classifier's setting only; selection has already seen all training rows, so "
            "their loss does not estimate performance."
        },
    ),
]
Weights = Annotated[
    Literal["none", "balanced"],
    Field(
        description="balanced: both classes have the same total weight.",
        json_schema_extra={
            "why": "balanced gives the smaller class the same weight as the larger, and shifts the probabilities."
        },
    ),
]
LOWEST_BRIER = "had the lowest Brier score in {folds}-fold cross-validation."


class Classifier(Kind, Section):
    """One classifier of `model.fit`.

    Attributes
    ----------
    linear : True if the fitted model is a formula, which signature.json can hold.
    """

    linear: ClassVar[bool]


def weights_told(weights: str) -> str:
    """The phrase that the classes are weighted equally; "" if they are not."""
    return ", classes weighted equally" if weights == "balanced" else ""

"""The classifier `logistic`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radstudy.protocol.classifiers.classifier import Classifier
from radstudy.protocol.shipped import default


class Logistic(Classifier):
    """Logistic regression whose penalty is chosen by cross-validation on the training rows."""

    word = "logistic"
    linear = True

    penalty: Literal["l2"] = default(
        "model.classifiers.logistic.penalty",
        json_schema_extra={"why": "Ridge: keeps coefficients finite if the training classes can be separated."},
    )
    folds: Annotated[int, Field(ge=2)] = default(
        "model.classifiers.logistic.folds",
        json_schema_extra={
            "why": "The folds choose the penalty only; selection has already seen all training rows, so their loss "
            "does not estimate performance."
        },
    )
    strengths: Annotated[int, Field(ge=1)] = default(
        "model.classifiers.logistic.strengths",
        description="Penalties tried, log-spaced from 1e-4 to 1e4 (C).",
        json_schema_extra={"why": "Penalties tried, log-spaced from C = 1e-4 to 1e4."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"Logistic regression with a ridge (L2) penalty; its strength was the one of {self.strengths} (C "
            f"from 1e-4 to 1e4, log-spaced) with the lowest log-loss in {self.folds}-fold cross-validation."
        )

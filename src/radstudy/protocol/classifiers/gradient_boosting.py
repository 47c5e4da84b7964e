"""The classifier `gradient_boosting`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds
from radstudy.protocol.selection.size import Count
from radstudy.protocol.shipped import default
from radstudy.protocol.words import numbers_listed


class GradientBoosting(Classifier):
    """Gradient-boosted decision trees as a classifier."""

    word = "gradient_boosting"
    linear = False

    trees: tuple[Count, ...] = default(
        "model.classifiers.gradient_boosting.trees",
        min_length=1,
        description="Numbers of trees tried.",
        json_schema_extra={"why": "Numbers of trees tried; more of them follow the training rows more closely."},
    )
    depth: tuple[Count, ...] = default(
        "model.classifiers.gradient_boosting.depth",
        min_length=1,
        description="Depths tried.",
        json_schema_extra={"why": "Tree depths tried; at depth 1 each tree looks at one feature."},
    )
    learning_rate: Annotated[float, Field(gt=0, le=1)] = default(
        "model.classifiers.gradient_boosting.learning_rate", json_schema_extra={"why": "scikit-learn's default."}
    )
    subsample: Annotated[float, Field(gt=0, le=1)] = default(
        "model.classifiers.gradient_boosting.subsample",
        json_schema_extra={"why": "scikit-learn's default: every tree sees all training rows."},
    )
    folds: Folds = default("model.classifiers.gradient_boosting.folds")

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"Gradient-boosted decision trees (learning rate {self.learning_rate:g}); their depth (of "
            f"{numbers_listed(self.depth)}) and number (of {numbers_listed(self.trees)}) "
            f"{LOWEST_BRIER.format(folds=self.folds)}"
        )

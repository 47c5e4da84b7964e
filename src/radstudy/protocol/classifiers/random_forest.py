"""The classifier `random_forest`."""

from __future__ import annotations

from pydantic import Field

from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds, Weights, weights_told
from radstudy.protocol.selection.size import Count
from radstudy.protocol.words import numbers_listed


class RandomForest(Classifier):
    """Random forest."""

    word = "random_forest"
    linear = False

    trees: Count = Field(
        500, json_schema_extra={"why": "More trees make the probabilities steadier, not the fit closer."}
    )
    smallest_leaf: tuple[Count, ...] = Field(
        (1, 3, 5, 10),
        min_length=1,
        description="Rows of the smallest leaf, tried.",
        json_schema_extra={
            "why": "Training rows in the smallest leaf, tried; larger leaves make smoother probabilities."
        },
    )
    folds: Folds = 5
    weights: Weights = "none"

    def told(self) -> str:
        """What it is, for the methods text."""
        return (
            f"A random forest of {self.trees} trees{weights_told(self.weights)}; the size of its smallest leaf (of "
            f"{numbers_listed(self.smallest_leaf)}) {LOWEST_BRIER.format(folds=self.folds)}"
        )

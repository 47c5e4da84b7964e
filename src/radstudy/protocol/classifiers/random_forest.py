"""The classifier `random_forest`."""

from __future__ import annotations

from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds, Weights, weights_told
from radstudy.protocol.selection.size import Count
from radstudy.protocol.shipped import default
from radstudy.protocol.words import numbers_listed


class RandomForest(Classifier):
    """Random forest."""

    word = "random_forest"
    linear = False

    trees: Count = default(
        "model.classifiers.random_forest.trees",
        json_schema_extra={"why": "More trees make the probabilities steadier, not the fit closer."},
    )
    smallest_leaf: tuple[Count, ...] = default(
        "model.classifiers.random_forest.smallest_leaf",
        min_length=1,
        description="Rows of the smallest leaf, tried.",
        json_schema_extra={
            "why": "Training rows in the smallest leaf, tried; larger leaves make smoother probabilities."
        },
    )
    folds: Folds = default("model.classifiers.random_forest.folds")
    weights: Weights = default("model.classifiers.random_forest.weights")

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"A random forest of {self.trees} trees{weights_told(self.weights)}; the size of its smallest leaf (of "
            f"{numbers_listed(self.smallest_leaf)}) {LOWEST_BRIER.format(folds=self.folds)}"
        )

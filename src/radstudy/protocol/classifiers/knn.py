"""The classifier `knn`."""

from __future__ import annotations

from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds
from radstudy.protocol.selection.size import Count
from radstudy.protocol.shipped import default
from radstudy.protocol.words import numbers_listed


class NearestNeighbours(Classifier):
    """The share of positives among the nearest training rows (z-scores, Euclidean distance)."""

    word = "knn"
    linear = False

    neighbours: tuple[Count, ...] = default(
        "model.classifiers.knn.neighbours",
        min_length=1,
        description="Numbers tried.",
        json_schema_extra={"why": "Numbers of nearest training rows tried; more of them make smoother probabilities."},
    )
    folds: Folds = default("model.classifiers.knn.folds")

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"The share of positives among the nearest training rows (z-scores); their number (of "
            f"{numbers_listed(self.neighbours)}) {LOWEST_BRIER.format(folds=self.folds)}"
        )

"""The classifier `knn`."""

from __future__ import annotations

from pydantic import Field

from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds
from radstudy.protocol.selection.size import Count
from radstudy.protocol.words import numbers_listed


class NearestNeighbours(Classifier):
    """The share of positives among the nearest training rows (z-scores, Euclidean distance)."""

    word = "knn"
    linear = False

    neighbours: tuple[Count, ...] = Field(
        (3, 5, 7, 9, 13, 17, 25),
        min_length=1,
        description="Numbers tried.",
        json_schema_extra={"why": "Numbers of nearest training rows tried; more of them make smoother probabilities."},
    )
    folds: Folds = 5

    def told(self) -> str:
        """What it is, for the methods text."""
        return (
            f"The share of positives among the nearest training rows (z-scores); their number (of "
            f"{numbers_listed(self.neighbours)}) {LOWEST_BRIER.format(folds=self.folds)}"
        )

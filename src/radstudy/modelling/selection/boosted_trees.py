"""Selection by importance in gradient-boosted decision trees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from radstudy.modelling.selection.ranking import FoundSize, RankedFilter
from radstudy.modelling.selection.step import Array


class BoostedTreesFilter(RankedFilter):
    """Filter that keeps the features most important to gradient-boosted decision trees.

    Parameters
    ----------
    keep : number to keep, or a `FoundSize`; if there are no more than that, all are kept.
    trees, depth, learning_rate, subsample : of scikit-learn's GradientBoostingClassifier.
    random_state : seed of the trees and of the folds.

    Attributes
    ----------
    importances_ : (features,) impurity importance; NaN if nothing had to be dropped and no tree was grown.
    """

    def __init__(
        self,
        keep: int | FoundSize = 5,
        trees: int = 100,
        depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 1.0,
        random_state: int | None = 0,
    ) -> None:
        self.keep = keep
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.random_state = random_state

    def _nothing_dropped(self, count: int) -> None:
        self.importances_ = np.full(count, np.nan)

    def _ranked(
        self, values: Array, y: NDArray[np.int64], names: NDArray[np.object_], most: int
    ) -> tuple[NDArray[np.intp], list[str]]:
        forest = GradientBoostingClassifier(
            n_estimators=self.trees,
            max_depth=self.depth,
            learning_rate=self.learning_rate,
            subsample=self.subsample,
            random_state=self.random_state,
        )
        self.importances_ = forest.fit(values, y).feature_importances_
        order = np.lexsort((names.astype(str), -self.importances_))
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(1, len(order) + 1)
        places = zip(self.importances_, rank, strict=True)
        return order, [f"importance {value:.4f}, rank {place} of {len(rank)}" for value, place in places]

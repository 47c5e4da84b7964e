"""Boruta, by the library boruta: selection of all features more important to a random forest than chance."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestClassifier

from radstudy.modelling.optional import required
from radstudy.modelling.selection.step import FeatureFilter
from radstudy.modelling.validation import Table


class BorutaFilter(FeatureFilter):
    """Filter that keeps the features more important to a random forest than shuffled copies of all features.

    In every round the forest sees each feature and a shuffled copy of it; a feature scores if it exceeds the copies'
    importance (their maximum, or a percentile), and a binomial test over the rounds confirms or rejects it.

    Parameters
    ----------
    alpha : level of the test, corrected for the number of features and for the rounds.
    rounds : largest number of rounds.
    depth : of the trees.
    percentile : of the copies' importance that must be exceeded; 100 is their maximum.
    tentative : "drop" or "keep" features that are undecided after the last round, but above the copies in the median.
    random_state : seed.

    Attributes
    ----------
    ranking_ : (features,) 1 confirmed, 2 tentative, higher numbers rejected, in the order of importance.

    Raises
    ------
    UsageError : the library is not installed.

    References
    ----------
    Kursa MB, Rudnicki WR, J Stat Softw 2010;36(11); the library is scikit-learn-contrib's port of it.
    """

    _needs_outcome = True

    def __init__(
        self,
        alpha: float = 0.05,
        rounds: int = 100,
        depth: int = 5,
        percentile: float = 100.0,
        tentative: str = "drop",
        random_state: int | None = 0,
    ) -> None:
        self.alpha = alpha
        self.rounds = rounds
        self.depth = depth
        self.percentile = percentile
        self.tentative = tentative
        self.random_state = random_state

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        count = values.shape[1]
        self.ranking_ = np.ones(count, dtype=int)
        varies = np.ptp(values, axis=0) > 0 if count else np.empty(0, dtype=bool)
        kept = np.zeros(count, dtype=bool)
        self.ranking_[~varies] = count + 2
        if varies.any():
            boruta = self._boruta(values[:, varies], outcome)
            kept[varies] = boruta.support_ | (boruta.support_weak_ if self.tentative == "keep" else False)
            self.ranking_[varies] = boruta.ranking_
        words = {2: "tentative"}
        reasons = {
            str(self._names()[i]): words.get(int(self.ranking_[i]), "not above its shuffled copies")
            if varies[i]
            else "constant"
            for i in np.flatnonzero(~kept)
        }
        return self._keep(kept, reasons)

    def _boruta(self, values: Any, outcome: Any) -> Any:
        # The port may draw a forest's seed or pass it a state: both follow from this one.
        state = np.random.RandomState(self.random_state)
        forest = RandomForestClassifier(max_depth=self.depth, class_weight="balanced", n_jobs=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # medians over rounds in which a rejected feature took no part
            return required("boruta", "select.boruta").BorutaPy(
                forest, n_estimators="auto", perc=self.percentile, alpha=self.alpha, max_iter=self.rounds,
                random_state=state,
            ).fit(values, outcome)  # fmt: skip

"""Recursive feature elimination, by scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from radstudy.modelling.selection.ranking import FoundSize, RankedFilter
from radstudy.modelling.selection.step import Array


class RecursiveFilter(RankedFilter):
    """Filter that repeatedly fits a linear model to z-scores and drops the feature with the smallest coefficient.

    Parameters
    ----------
    keep : number to keep, or a `FoundSize`.
    model : "logistic" (ridge, C = 1) or "linear-svm" (C = 1, squared hinge).
    drop : features dropped per round: a number, or a share of those left.
    random_state : seed of the folds of a `FoundSize`, and of the SVM's solver.

    Attributes
    ----------
    ranking_ : (features,) 1 for the last one left; NaN if nothing had to be dropped.

    References
    ----------
    Guyon I et al., Mach Learn 2002;46:389.
    """

    def __init__(
        self, keep: int | FoundSize = 5, model: str = "logistic", drop: float = 1, random_state: int | None = 0
    ) -> None:
        self.keep = keep
        self.model = model
        self.drop = drop
        self.random_state = random_state

    def _nothing_dropped(self, count: int) -> None:
        self.ranking_ = np.full(count, np.nan)

    def _ranked(
        self, values: Array, y: NDArray[np.int64], names: NDArray[np.object_], most: int
    ) -> tuple[NDArray[np.intp], list[str]]:
        models = {
            "logistic": LogisticRegression(tol=1e-8, max_iter=1000),
            "linear-svm": LinearSVC(random_state=self.random_state, max_iter=10_000),
        }
        if self.model not in models:
            raise ValueError(f"model must be one of {sorted(models)}, not {self.model!r}")
        by_name = np.argsort(names.astype(str), kind="stable")  # so that ties do not depend on the columns' order
        scaled = StandardScaler().fit_transform(values)[:, by_name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            first = RFE(models[self.model], n_features_to_select=min(most, len(names)), step=self.drop).fit(scaled, y)
            last = RFE(models[self.model], n_features_to_select=1, step=1).fit(scaled[:, first.support_], y)
        ranking = first.ranking_ - 1 + first.support_.sum()
        ranking[first.support_] = last.ranking_
        self.ranking_ = np.empty(len(names), dtype=float)
        self.ranking_[by_name] = ranking
        order = by_name[np.argsort(ranking, kind="stable")]
        rounds = int(first.ranking_.max())
        reasons = np.empty(len(names), dtype=object)
        reasons[by_name] = [f"eliminated in round {rounds - place + 1} of {rounds - 1}" for place in first.ranking_]
        return order, [str(reason) for reason in reasons]

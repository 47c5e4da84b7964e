"""Classifiers without a formula, whose settings are chosen by folds inside the training rows.

All are scikit-learn's; this module chooses the candidate with the lowest Brier score (mean squared error of the
probability) over stratified folds that keep a patient's lesions together, and refits it to all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.classifiers.binary import BinaryClassifier
from radstudy.modelling.folds import inner_folds, patients_of, smaller_class
from radstudy.modelling.validation import Table, TooFewError, checked_table

Settings = dict[str, Any]


class TunedClassifier(BinaryClassifier):
    """Classifier that compares its candidates over folds. Without features every probability is the prevalence.

    Attributes
    ----------
    chosen_ : the settings of the chosen candidate; empty for the prevalence alone.
    losses_ : (candidates,) mean Brier score over the folds; empty if there are too few patients for folds: then the
        first and simplest candidate is taken.
    """

    folds: int
    random_state: int | None
    _needed = 1  # smallest number of patients in each class to fit a candidate

    def fit(self, X: Table, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit to X (rows, features) and y (rows,); rows of one group (patient) stay in one fold."""
        values, binary = self._begun(X, y)
        patients = patients_of(X) if groups is None else np.asarray(groups)
        self.chosen_: Settings = {}
        self.losses_ = np.empty(0)
        self.prevalence_ = float(binary.mean())
        if not values.shape[1]:
            return self
        candidates = self._candidates()
        splits = inner_folds(binary, patients, self.folds, self.random_state) if len(candidates) > 1 else []
        if any(smaller_class(binary[train], _of(patients, train)) < self._needed for train, _ in splits):
            splits = []
        if splits:
            losses = [self._losses(candidates, values, binary, patients, *split) for split in splits]
            self.losses_ = np.mean(losses, axis=0)
        best = int(np.flatnonzero(self.losses_ <= self.losses_.min() + 1e-9)[0]) if splits else 0
        self.chosen_ = candidates[best]
        self.model_ = self._fitted(self.chosen_, values, binary, patients)
        return self

    def predict_proba(self, X: Table) -> NDArray[np.float64]:
        """Return the probabilities of the negative and the positive class, (rows, 2)."""
        check_is_fitted(self, "chosen_")
        values = checked_table(self, X, reset=False)
        positive = self.model_.predict_proba(values)[:, 1] if self.chosen_ else np.full(len(values), self.prevalence_)
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Table) -> NDArray[Any]:
        """Return the more probable class, (rows,)."""
        positive = (self.predict_proba(X)[:, 1] > 0.5).astype(int)
        predicted: NDArray[Any] = self.classes_[positive]
        return predicted

    def _losses(
        self, candidates: list[Settings], values: NDArray[np.float64], y: NDArray[np.int64],
        groups: NDArray[Any] | None, train: NDArray[np.intp], test: NDArray[np.intp],
    ) -> list[float]:  # fmt: skip
        """Compute the Brier score of every candidate on the rows that a fold leaves out."""
        inside = _of(groups, train)
        fitted = [self._fitted(settings, values[train], y[train], inside) for settings in candidates]
        return [float(np.mean((model.predict_proba(values[test])[:, 1] - y[test]) ** 2)) for model in fitted]

    def _candidates(self) -> list[Settings]:
        """Return the settings to try, the simplest model first."""
        raise NotImplementedError

    def _fitted(
        self, settings: Settings, values: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[Any] | None
    ) -> Any:
        """Return a candidate with `predict_proba`, fitted to rows."""
        return self._model(settings, len(y)).fit(values, y)

    def _model(self, settings: Settings, rows: int) -> Any:
        raise NotImplementedError


def _of(groups: NDArray[Any] | None, rows: NDArray[np.intp]) -> NDArray[Any] | None:
    return None if groups is None else groups[rows]


class TunedSvm(TunedClassifier):
    """Support vector machine on z-scores; probabilities come from Platt's sigmoid on out-of-fold decision values.

    Parameters
    ----------
    kernel : "rbf" (gamma = 1 / (features x variance), scikit-learn's "scale") or "linear".
    strengths : values of C to try; in a tie the smallest.
    folds : of the choice, and of the calibration inside it.
    weights : "none" or "balanced".
    random_state : seed of the folds.

    References
    ----------
    Platt J, Advances in Large Margin Classifiers, 1999, p 61.
    """

    _needed = 2  # for the folds of the calibration

    def __init__(
        self,
        kernel: str = "rbf",
        strengths: Sequence[float] = (0.01, 0.1, 1.0, 10.0, 100.0),
        folds: int = 5,
        weights: str = "none",
        random_state: int | None = 0,
    ) -> None:
        self.kernel = kernel
        self.strengths = strengths
        self.folds = folds
        self.weights = weights
        self.random_state = random_state

    def _candidates(self) -> list[Settings]:
        return [{"C": float(value)} for value in sorted(self.strengths)]

    def _fitted(
        self, settings: Settings, values: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[Any] | None
    ) -> Any:
        splits = inner_folds(y, groups, self.folds, self.random_state)
        if not splits:
            raise TooFewError("a support vector machine's probabilities need two patients in each class")
        return CalibratedClassifierCV(self._model(settings, len(y)), method="sigmoid", cv=splits, ensemble=False).fit(
            values, y
        )

    def _model(self, settings: Settings, rows: int) -> Any:
        weights = "balanced" if self.weights == "balanced" else None
        return make_pipeline(StandardScaler(), SVC(kernel=self.kernel, class_weight=weights, **settings))


class TunedRandomForest(TunedClassifier):
    """Random forest (the square root of the number of features is tried at each split).

    Parameters
    ----------
    trees : number of trees.
    smallest_leaf : sizes of the smallest leaf to try; in a tie the largest.
    folds : of the choice.
    weights : "none" or "balanced".
    random_state : seed of trees and folds.

    References
    ----------
    Breiman L, Mach Learn 2001;45:5.
    """

    def __init__(
        self,
        trees: int = 500,
        smallest_leaf: Sequence[int] = (1, 3, 5, 10),
        folds: int = 5,
        weights: str = "none",
        random_state: int | None = 0,
    ) -> None:
        self.trees = trees
        self.smallest_leaf = smallest_leaf
        self.folds = folds
        self.weights = weights
        self.random_state = random_state

    def _candidates(self) -> list[Settings]:
        return [{"min_samples_leaf": int(value)} for value in sorted(self.smallest_leaf, reverse=True)]

    def _model(self, settings: Settings, rows: int) -> Any:
        weights = "balanced" if self.weights == "balanced" else None
        return RandomForestClassifier(
            n_estimators=self.trees, class_weight=weights, random_state=self.random_state, n_jobs=1, **settings
        )


class TunedGradientBoosting(TunedClassifier):
    """Gradient-boosted decision trees.

    Parameters
    ----------
    trees, depth : numbers and depths to try; in a tie the shallower, then the fewer.
    learning_rate, subsample : of scikit-learn's GradientBoostingClassifier.
    folds : of the choice.
    random_state : seed of trees and folds.

    References
    ----------
    Friedman JH, Ann Stat 2001;29:1189.
    """

    def __init__(
        self,
        trees: Sequence[int] = (25, 50, 100, 200),
        depth: Sequence[int] = (1, 2, 3),
        learning_rate: float = 0.1,
        subsample: float = 1.0,
        folds: int = 5,
        random_state: int | None = 0,
    ) -> None:
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.folds = folds
        self.random_state = random_state

    def _candidates(self) -> list[Settings]:
        return [{"max_depth": int(d), "n_estimators": int(n)} for d in sorted(self.depth) for n in sorted(self.trees)]

    def _model(self, settings: Settings, rows: int) -> Any:
        return GradientBoostingClassifier(
            learning_rate=self.learning_rate, subsample=self.subsample, random_state=self.random_state, **settings
        )


class TunedNeighbours(TunedClassifier):
    """Share of positives among the nearest training rows by z-scores and Euclidean distance, unweighted.

    Parameters
    ----------
    neighbours : numbers to try; in a tie the largest. A number above that of the rows means all rows.
    folds : of the choice.
    random_state : seed of the folds.

    References
    ----------
    Cover T, Hart P, IEEE Trans Inf Theory 1967;13:21.
    """

    def __init__(
        self, neighbours: Sequence[int] = (3, 5, 7, 9, 13, 17, 25), folds: int = 5, random_state: int | None = 0
    ) -> None:
        self.neighbours = neighbours
        self.folds = folds
        self.random_state = random_state

    def _candidates(self) -> list[Settings]:
        return [{"n_neighbors": int(value)} for value in sorted(self.neighbours, reverse=True)]

    def _model(self, settings: Settings, rows: int) -> Any:
        number = min(settings["n_neighbors"], rows)
        return make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=number))

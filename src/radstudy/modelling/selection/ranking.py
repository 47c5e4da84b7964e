"""Steps that rank the features and keep the best: a number given by the study file or chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression

from radstudy.modelling.folds import inner_folds, patients_of, smaller_class
from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.modelling.validation import Table


@dataclass(frozen=True)
class FoundSize:
    """Number of features to keep, chosen by cross-validation.

    Parameters
    ----------
    cv : "one-se", the fewest features whose mean log-loss over the folds is within one standard error of the lowest;
        or "best", the number with the lowest.
    folds : number of folds.
    most : largest number, or "events/10": a tenth of the patients of the smaller class, at least one.

    References
    ----------
    The one-standard-error rule: Breiman L et al., Classification and Regression Trees, 1984, section 3.4.3; Hastie T
    et al., The Elements of Statistical Learning, 2nd ed., section 7.10. Ten events per variable: Peduzzi P et al., J
    Clin Epidemiol 1996;49:1373.
    """

    cv: Literal["one-se", "best"] = "one-se"
    folds: int = 5
    most: int | str = "events/10"


def most_of(most: int | str, events: int) -> int:
    """Return the cap on the number of features: the number itself, or "events/N" of `events`, at least 1.

    Examples
    --------
    >>> most_of("events/10", 29), most_of("events/10", 7), most_of(4, 29)
    (2, 1, 4)
    """
    return max(1, events // int(most.partition("/")[2])) if isinstance(most, str) else most


class RankedFilter(FeatureFilter):
    """Step that ranks the features and keeps the first `keep`, a number or a `FoundSize`.

    Attributes
    ----------
    size_ : largest number of features to keep.
    losses_ : (folds, sizes) log-loss of 1, 2, ... features in every fold, if the size was chosen by folds; else empty.
        Earlier steps saw all training rows, so these losses choose a size and do not estimate performance.
    """

    _needs_outcome = True
    keep: int | FoundSize
    random_state: int | None

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        self.losses_ = np.empty((0, 0))
        self.size_ = self._size(values, outcome, patients_of(X))
        count = values.shape[1]
        if count <= self.size_:
            self._nothing_dropped(count)
            return self._keep(np.ones(count, dtype=bool), {})
        order, reasons = self._ranked(values, outcome, self._names(), self.size_)
        kept = np.zeros(count, dtype=bool)
        kept[order[: self.size_]] = True
        return self._keep(kept, {str(name): reasons[i] for i, name in enumerate(self._names()) if not kept[i]})

    def _nothing_dropped(self, count: int) -> None:
        """Set the fitted attributes when nothing had to be ranked."""

    def _ranked(
        self, values: Array, y: NDArray[np.int64], names: NDArray[np.object_], most: int
    ) -> tuple[NDArray[np.intp], list[str]]:
        """Return the features, best first (the first `most` must be right), and the reasons for dropping each."""
        raise NotImplementedError

    def _size(self, values: Array, y: NDArray[np.int64], groups: NDArray[Any] | None) -> int:
        if not isinstance(self.keep, FoundSize):
            return self.keep
        most = min(most_of(self.keep.most, smaller_class(y, groups)), values.shape[1])
        if most < 1:
            return 1
        self.losses_ = np.array(
            [
                self._losses(values, y, train, test, most)
                for train, test in inner_folds(y, groups, self.keep.folds, self.random_state)
            ]
        ).reshape(-1, most)
        return chosen_size(self.losses_, self.keep.cv)

    def _losses(
        self, values: Array, y: NDArray[np.int64], train: NDArray[np.intp], test: NDArray[np.intp], most: int
    ) -> list[float]:
        """Compute the log-loss on a fold's test rows of a ridge logistic regression on the first 1, 2, ... features."""
        order, _ = self._ranked(values[train], y[train], self._names(), most)
        centre, spread = values[train].mean(axis=0), values[train].std(axis=0)
        scaled = (values - centre) / np.where(spread > 0, spread, 1.0)
        losses = []
        for size in range(1, most + 1):
            columns = scaled[:, order[:size]]
            model = LogisticRegression(tol=1e-8, max_iter=1000, solver="newton-cholesky").fit(columns[train], y[train])
            odds = columns[test] @ model.coef_[0] + model.intercept_[0]
            losses.append(float(np.logaddexp(0, np.where(y[test] == 1, -odds, odds)).mean()))
        return losses


def chosen_size(losses: Array, rule: str) -> int:
    """Return the number of features that a rule chooses from losses (folds, sizes); 1 without folds.

    Examples
    --------
    >>> losses = np.array([[0.60, 0.50, 0.49], [0.70, 0.54, 0.53], [0.80, 0.58, 0.54]])
    >>> chosen_size(losses, "best"), chosen_size(losses, "one-se")
    (3, 3)
    >>> chosen_size(losses + np.array([[0, 0, -0.05], [0, 0, 0], [0, 0, 0.05]]), "one-se")  # the folds differ more
    2
    """
    if not losses.size:
        return 1
    return int(chosen(losses, rule)) + 1


def chosen(losses: Array, rule: str) -> int:
    """Return the index of the simplest candidate that a rule allows; candidates are ordered from simple to complex.

    Parameters
    ----------
    losses : (folds, candidates).
    rule : "best", the lowest mean (among ties within 1e-9 the simplest); "one-se", the first within a standard error.
    """
    mean = losses.mean(axis=0)
    best = int(np.flatnonzero(mean <= mean.min() + 1e-9)[0])
    if rule == "best" or len(losses) < 2:
        return best
    error = losses[:, best].std(ddof=1) / np.sqrt(len(losses))
    return int(np.flatnonzero(mean <= mean[best] + error)[0])

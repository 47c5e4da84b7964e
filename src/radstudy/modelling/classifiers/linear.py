"""Linear classifiers at the end of a model: logistic regression, its penalty chosen by cross-validation."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.classifiers.binary import BinaryClassifier
from radstudy.modelling.folds import inner_folds
from radstudy.modelling.validation import Table, checked_table


class LinearClassifier(BinaryClassifier):
    """A fitted formula: ``coefficients_`` (features,) and ``intercept_``, the log-odds of the positive class."""

    sparse = False  # whether a coefficient of 0 means that the feature is left out
    coefficients_: NDArray[np.float64]
    intercept_: float

    def decision_function(self, X: Table) -> NDArray[np.float64]:
        """Return the log-odds of the positive class, (rows,)."""
        check_is_fitted(self, "coefficients_")
        values = checked_table(self, X, reset=False)
        odds: NDArray[np.float64] = values @ self.coefficients_ + self.intercept_
        return odds

    def predict_proba(self, X: Table) -> NDArray[np.float64]:
        """Return the probabilities of the negative and the positive class, (rows, 2)."""
        positive = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Table) -> NDArray[Any]:
        """Return the more probable class, (rows,)."""
        positive = (self.decision_function(X) > 0).astype(int)
        chosen: NDArray[Any] = self.classes_[positive]
        return chosen

    def _prevalence(self, binary: NDArray[np.int64]) -> None:
        """Become the intercept model: every probability is the training prevalence."""
        prevalence = binary.mean()
        self.coefficients_ = np.empty(0)
        self.intercept_ = float(np.log(prevalence / (1 - prevalence)))


class CrossValidatedLogistic(LinearClassifier):
    """L2-penalised logistic regression, refitted with the penalty of lowest mean log-loss over stratified folds.

    The intercept is not penalised. In a tie the stronger penalty is taken. Without features the model is its intercept:
    every probability is the training prevalence, and the AUC is 0.5.

    Parameters
    ----------
    folds : number of folds; fewer if the smaller class has fewer patients.
    strengths : number of values of C (inverse penalty) to try, log-spaced from 1e-4 to 1e4.
    random_state : seed of the folds.

    Attributes
    ----------
    coefficients_ : (features,)
    intercept_ : float
    C_ : the chosen inverse penalty, NaN for the intercept model.
    losses_ : (strengths,) mean log-loss over the folds.
    """

    def __init__(self, folds: int = 5, strengths: int = 10, random_state: int | None = 0) -> None:
        self.folds = folds
        self.strengths = strengths
        self.random_state = random_state

    def fit(self, X: Table, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit to X (rows, features) and y (rows,); rows of one group (patient) stay in one fold."""
        values, binary = self._begun(X, y)
        if values.shape[1] == 0:
            self._prevalence(binary)
            self.C_, self.losses_ = float("nan"), np.empty(0)
            return self
        self.losses_ = self._losses(values, binary, groups)
        strengths = self._grid()
        # Losses within rounding of the best are ties: the stronger penalty (smaller C) wins.
        best = int(np.flatnonzero(self.losses_ <= self.losses_.min() + 1e-9)[0])
        self.C_ = float(strengths[best])
        model = _logistic(self.C_).fit(values, binary)
        self.coefficients_ = model.coef_[0].astype(np.float64)
        self.intercept_ = float(model.intercept_[0])
        return self

    def _grid(self) -> NDArray[np.float64]:
        return np.logspace(-4, 4, self.strengths)

    def _losses(
        self, values: NDArray[np.float64], y: NDArray[np.int64], groups: ArrayLike | None
    ) -> NDArray[np.float64]:
        splits = self._splits(y, groups)
        losses = np.zeros(self.strengths)
        for train, test in splits:
            for index, strength in enumerate(self._grid()):
                model = _logistic(strength).fit(values[train], y[train])
                odds = values[test] @ model.coef_[0] + model.intercept_[0]
                losses[index] += np.logaddexp(0, np.where(y[test] == 1, -odds, odds)).mean()  # the log-loss
        return losses / max(len(splits), 1)

    def _splits(self, y: NDArray[np.int64], groups: ArrayLike | None) -> list[tuple[Any, Any]]:
        """Return folds with both classes in training; none (the strongest penalty) if a class has one patient."""
        return inner_folds(y, groups, self.folds, self.random_state)


def _logistic(strength: float) -> LogisticRegression:
    # Newton steps on the few remaining features: exact to rounding, and no threads to wait for.
    return LogisticRegression(C=strength, tol=1e-10, max_iter=1000, solver="newton-cholesky")

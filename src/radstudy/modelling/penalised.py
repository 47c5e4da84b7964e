"""L1 and elastic-net logistic regression along a path of penalties, as a selection step and as a classifier.

The loss is glmnet's: ``mean log-loss + strength * (mix * |b|_1 + (1 - mix) / 2 * |b|_2^2)`` on z-scores of the rows
that are fitted, the intercept not penalised. skglm minimises it; scikit-learn's own solver for it (saga) needs minutes
where this needs a fraction of a second (74 rows, 1,000 features, 30 penalties), and at its usual tolerance stops short.

References
----------
Friedman J, Hastie T, Tibshirani R, J Stat Softw 2010;33(1). Zou H, Hastie T, J R Stat Soc B 2005;67:301. Bertrand Q et
al., Beyond L1: faster and better sparse models with skglm, NeurIPS 2022.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.folds import inner_folds, patients_of, smaller_class
from radstudy.modelling.optional import required
from radstudy.modelling.selection.ranking import chosen, most_of
from radstudy.modelling.selection.step import Array, FeatureFilter

SMALLEST = 0.01  # the weakest penalty tried, as a share of the smallest that keeps no feature


@dataclass(frozen=True, eq=False)
class Path:
    """Fits along a path of penalties, strongest first.

    Parameters
    ----------
    strengths : (strengths,).
    coefficients : (strengths, features) per unit of the features as given.
    intercepts : (strengths,).
    """

    strengths: Array
    coefficients: Array
    intercepts: Array

    def log_odds(self, values: Array) -> Array:
        """(rows, strengths) of the rows of (rows, features)."""
        odds: Array = values @ self.coefficients.T + self.intercepts
        return odds


def strengths_of(values: Array, y: NDArray[np.int64], mix: float, number: int) -> Array:
    """(number,) penalties, log-spaced from the smallest that keeps no feature to a hundredth of it.

    Parameters
    ----------
    values : (rows, features).
    y : (rows,) 0 or 1.
    mix : share of L1.
    """
    scaled, _, _ = _scaled(values)
    highest = np.abs(scaled.T @ (y - y.mean())).max(initial=0.0) / len(y) / mix
    return np.asarray(max(highest, 1e-3) * np.logspace(0, np.log10(SMALLEST), number))


def fit_path(values: Array, y: NDArray[np.int64], mix: float, strengths: Array) -> Path:
    """Fit every strength, each from the one before.

    Parameters
    ----------
    values : (rows, features).
    y : (rows,) 0 or 1, both.
    mix : share of L1, above 0 and at most 1.
    strengths : (strengths,) strongest first.

    Raises
    ------
    UsageError : skglm is not installed.
    """
    scaled, centre, spread = _scaled(values)
    model = required("skglm", "lasso, elastic_net").SparseLogisticRegression(
        l1_ratio=mix, tol=1e-8, max_iter=200, max_epochs=50_000, warm_start=True
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba's about a strided product; the last strengths of separable data
        for strength in strengths:
            model.alpha = float(strength)
            model.fit(scaled, y)
            found.append((model.coef_.ravel().copy(), float(np.ravel(model.intercept_)[0])))
    coefficients = np.array([item[0] for item in found]) / spread
    intercepts = np.array([item[1] for item in found]) - coefficients @ centre
    return Path(strengths, coefficients, intercepts)


def fold_losses(
    values: Array, y: NDArray[np.int64], groups: ArrayLike | None, mix: float, strengths: Array, *,
    folds: int, seed: int | None,
) -> Array:  # fmt: skip
    """(folds, strengths) log-loss of every strength on the rows that a fold leaves out."""
    losses = []
    for train, test in inner_folds(y, groups, folds, seed):
        odds = fit_path(values[train], y[train], mix, strengths).log_odds(values[test])
        losses.append(np.logaddexp(0, np.where(y[test][:, None] == 1, -odds, odds)).mean(axis=0))
    return np.array(losses).reshape(-1, len(strengths))


def _scaled(values: Array) -> tuple[Array, Array, Array]:
    centre, spread = values.mean(axis=0), values.std(axis=0)
    constant = spread <= 10 * np.finfo(float).eps * np.maximum(np.abs(centre), np.finfo(float).tiny)
    spread = np.where(constant, 1.0, spread)
    scaled = np.where(constant, 0.0, (values - centre) / spread)
    return np.asfortranarray(scaled), centre, spread


class PenalisedFilter(FeatureFilter):
    """Keep the features whose coefficient in an L1-penalised logistic regression is not zero.

    Parameters
    ----------
    mix : share of L1; 1 is the LASSO, less keeps groups of related features together (elastic net).
    rule : "best", the penalty with the lowest mean log-loss over the folds; "one-se", the strongest within a standard
        error of it. Without folds (one patient in a class) the strongest, which keeps nothing.
    folds, strengths : number of folds and of penalties.
    most : only penalties that keep at most so many; a number, "events/10", or None.
    random_state : seed of the folds.

    Attributes
    ----------
    strength_ : the chosen penalty.
    coefficients_ : (features,) per unit, at the chosen penalty, on all training rows.
    losses_ : (folds, strengths).
    """

    _needs_outcome = True

    def __init__(
        self,
        mix: float = 1.0,
        rule: str = "best",
        folds: int = 5,
        strengths: int = 50,
        most: int | str | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.mix = mix
        self.rule = rule
        self.folds = folds
        self.strengths = strengths
        self.most = most
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        groups = patients_of(X)
        self.strength_, self.losses_ = float("nan"), np.empty((0, self.strengths))
        self.coefficients_ = np.zeros(values.shape[1])
        if values.shape[1]:
            strengths = strengths_of(values, outcome, self.mix, self.strengths)
            path = fit_path(values, outcome, self.mix, strengths)
            allowed = self._allowed(path, smaller_class(outcome, groups))
            self.losses_ = fold_losses(
                values, outcome, groups, self.mix, strengths, folds=self.folds, seed=self.random_state
            )
            index = chosen(self.losses_[:, :allowed], self.rule) if len(self.losses_) else 0
            self.strength_, self.coefficients_ = float(strengths[index]), path.coefficients[index]
        kept = self.coefficients_ != 0
        why = f"coefficient 0 at strength {self.strength_:.4g}"
        return self._keep(kept, {str(name): why for name in self._names()[~kept]})

    def _allowed(self, path: Path, events: int) -> int:
        """How many strengths of the path, from the strongest, keep no more features than the cap."""
        if self.most is None:
            return len(path.strengths)
        too_many = (path.coefficients != 0).sum(axis=1) > most_of(self.most, events)
        return int(np.argmax(too_many)) if too_many.any() else len(path.strengths)


@dataclass(frozen=True, eq=False)
class Choice:
    """The mix and the strength that the folds chose, and the fit to all rows at them."""

    mix: float
    strength: float
    coefficients: Array
    intercept: float
    loss: float


def chosen_fit(
    values: Array, y: NDArray[np.int64], groups: ArrayLike | None, *,
    mixes: Sequence[float], strengths: int, rule: str, folds: int, seed: int | None,
) -> Choice:  # fmt: skip
    """The elastic net whose mix has the lowest log-loss at the strength that `rule` takes; of ties the higher mix."""
    best: Choice | None = None
    for mix in sorted(mixes, reverse=True):
        grid = strengths_of(values, y, mix, strengths)
        losses = fold_losses(values, y, groups, mix, grid, folds=folds, seed=seed)
        index = chosen(losses, rule) if len(losses) else 0
        loss = float(losses[:, index].mean()) if len(losses) else np.inf
        if best is None or loss < best.loss - 1e-9:
            path = fit_path(values, y, mix, grid[: index + 1])
            best = Choice(mix, float(grid[index]), path.coefficients[-1], float(path.intercepts[-1]), loss)
    if best is None:
        raise ValueError("mixes is empty")
    return best

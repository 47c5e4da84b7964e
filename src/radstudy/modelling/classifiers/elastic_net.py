"""Elastic-net logistic regression, with mix and strength of the penalties chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.classifiers.linear import LinearClassifier
from radstudy.modelling.folds import patients_of
from radstudy.modelling.penalised import fit_path, fold_losses, strengths_of
from radstudy.modelling.selection.ranking import chosen
from radstudy.modelling.validation import Table

Array = NDArray[np.float64]


class CrossValidatedElasticNet(LinearClassifier):
    """Logistic regression with L1 and L2 penalties; mix and strength are chosen by stratified folds, then refitted.

    Parameters
    ----------
    mixes : shares of L1 to try; in a tie the highest wins.
    strengths : number of penalties to try per share.
    rule : "best", the lowest mean log-loss; "one-se", the strongest penalty within a standard error of it.
    folds : number of folds.
    random_state : seed of the folds.

    Attributes
    ----------
    coefficients_ : (features,) per unit of the input features, 0 for those left out.
    intercept_ : float
    mix_, strength_ : the chosen ones (glmnet's alpha and lambda); NaN for the intercept model.
    """

    sparse = True

    def __init__(
        self,
        mixes: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
        strengths: int = 50,
        rule: str = "best",
        folds: int = 5,
        random_state: int | None = 0,
    ) -> None:
        self.mixes = mixes
        self.strengths = strengths
        self.rule = rule
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Table, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit to X (rows, features) and y (rows,); rows of one group (patient) stay in one fold."""
        values, binary = self._begun(X, y)
        if values.shape[1] == 0:
            self._prevalence(binary)
            self.mix_ = self.strength_ = float("nan")
            return self
        choice = chosen_fit(
            values, binary, patients_of(X) if groups is None else groups,
            mixes=self.mixes, strengths=self.strengths, rule=self.rule, folds=self.folds, seed=self.random_state,
        )  # fmt: skip
        self.coefficients_, self.intercept_ = choice.coefficients, choice.intercept
        self.mix_, self.strength_ = choice.mix, choice.strength
        return self


@dataclass(frozen=True, eq=False)
class ChosenPenalty:
    """The mix and the strength chosen by the folds, and the corresponding fit to all rows."""

    mix: float
    strength: float
    coefficients: Array
    intercept: float
    loss: float


def chosen_fit(
    values: Array, y: NDArray[np.int64], groups: ArrayLike | None, *,
    mixes: Sequence[float], strengths: int, rule: str, folds: int, seed: int | None,
) -> ChosenPenalty:  # fmt: skip
    """Fit the elastic net with the mix of lowest log-loss at the strength chosen by `rule`; in a tie the higher mix."""
    best: ChosenPenalty | None = None
    for mix in sorted(mixes, reverse=True):
        grid = strengths_of(values, y, mix, strengths)
        losses = fold_losses(values, y, groups, mix, grid, folds=folds, seed=seed)
        index = chosen(losses, rule) if len(losses) else 0
        loss = float(losses[:, index].mean()) if len(losses) else np.inf
        if best is None or loss < best.loss - 1e-9:
            path = fit_path(values, y, mix, grid[: index + 1])
            best = ChosenPenalty(mix, float(grid[index]), path.coefficients[-1], float(path.intercepts[-1]), loss)
    if best is None:
        raise ValueError("mixes is empty")
    return best

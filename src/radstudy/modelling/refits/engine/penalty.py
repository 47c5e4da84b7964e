"""Classifier of a model, fitted like `CrossValidatedLogistic`, without a Python call per fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.refits.engine.kernels.logistic import auc_of, fold_aucs, log_odds, minimise, tune

Array = NDArray[np.float64]
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]

TIE = 9  # decimals of log-odds that count: the last digits must not decide about a tie


@dataclass(frozen=True, eq=False)
class TunedFit:
    """A penalised logistic regression whose penalty was chosen by cross-validation.

    Attributes
    ----------
    coefficients : (features,); intercept : float.
    strength : the chosen C, NaN for the intercept model.
    losses : (strengths,) mean log-loss over the folds.
    left_out : (rows,) log-odds of the training rows, each when it was left out, at the chosen penalty.
    fold_aucs : (folds,) AUC of the rows that each fold left out; the features were selected on all rows, so this is
        a cross-validation of the classifier alone.
    """

    coefficients: Array
    intercept: float
    strength: float
    losses: Array
    left_out: Array
    fold_aucs: Array

    def log_odds(self, values: Array) -> Array:
        """Compute the log-odds (rows,) of values (rows, features)."""
        odds: Array = log_odds(np.ascontiguousarray(values), np.append(self.coefficients, self.intercept))
        return odds


def folds_of(outcome: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int) -> Folds:
    """Return the folds that the classifier uses: stratified, shuffled by the seed, without dividing a group."""
    classifier = CrossValidatedLogistic(folds=folds, random_state=seed)
    return list(classifier._splits(outcome, groups))


def tuned_fit(values: Array, outcome: NDArray[np.int64], folds: Folds, strengths: int) -> TunedFit:
    """Choose the penalty by the folds' log-loss and fit all rows; ties go to the stronger penalty.

    Parameters
    ----------
    values : float (rows, features), standardised.
    outcome : (rows,) 0 or 1, both present.
    folds : (training, left out) rows of each fold.
    strengths : number of values of C to try, log-spaced from 1e-4 to 1e4.
    """
    labels = outcome.astype(np.float64)
    where = np.full(len(outcome), -1, dtype=np.int64)
    for number, (_, left) in enumerate(folds):
        where[left] = number
    if values.shape[1] == 0:
        share = labels.mean()
        intercept = float(np.log(share / (1 - share)))
        left_out = np.where(where >= 0, intercept, np.nan)
        aucs = fold_aucs(left_out, labels, where, len(folds))
        return TunedFit(np.empty(0), intercept, float("nan"), np.empty(0), left_out, aucs)
    values = np.ascontiguousarray(values)
    grid = np.logspace(-4, 4, strengths)
    losses, odds = tune(values, labels, where, len(folds), grid)
    best = int(np.flatnonzero(losses <= losses.min() + 1e-9)[0])
    beta = np.zeros(values.shape[1] + 1)
    minimise(values, labels, float(grid[best]), 1.0, beta, 1e-14)
    aucs = fold_aucs(np.round(odds[best], TIE), labels, where, len(folds))
    return TunedFit(beta[:-1], float(beta[-1]), float(grid[best]), losses, odds[best], aucs)


def auc(scores: Array, outcome: NDArray[np.int64]) -> float:
    """Compute the AUC of log-odds; values equal to nine decimals are ties. NaN if a class is missing."""
    area: float = auc_of(np.round(scores, TIE), outcome.astype(np.float64))
    return area

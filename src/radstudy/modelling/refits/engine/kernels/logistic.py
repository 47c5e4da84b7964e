"""Penalised logistic regression over folds and penalties, and likelihoods of few variables, by Newton's method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_STEPS = 200


@jit()
def log_odds(values: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Compute log-odds (rows,) from values (rows, features) and coefficients (features + 1,), the intercept last.

    All rows are summed in the same order: equal rows get equal log-odds to the last bit.
    """
    rows, count = values.shape
    result = np.empty(rows)
    for i in range(rows):
        total = coefficients[count]
        for j in range(count):
            total += coefficients[j] * values[i, j]
        result[i] = total
    return result


@jit()
def _loss(outcome: Any, odds: Any) -> float:
    """Compute the negative log-likelihood of one row, without overflow."""
    signed = -odds if outcome > 0.5 else odds
    return float(max(signed, 0.0) + np.log1p(np.exp(-abs(signed))))


@jit()
def _objective(values: FloatArray, outcome: FloatArray, strength: float, ridge: float, beta: FloatArray) -> float:
    odds = log_odds(values, beta)
    total = 0.0
    for i in range(odds.size):
        total += _loss(outcome[i], odds[i])
    total *= strength
    for j in range(beta.size - 1):
        total += 0.5 * ridge * beta[j] * beta[j]
    return total


@jit()
def _derivatives(
    values: FloatArray,
    outcome: FloatArray,
    strength: float,
    ridge: float,
    beta: FloatArray,
    gradient: FloatArray,
    curvature: FloatArray,
) -> None:
    """Compute the gradient (features + 1,) and lower Hessian triangle of ``strength * loss + ridge / 2 |w|^2``."""
    rows, count = values.shape
    gradient[:] = 0.0
    curvature[:, :] = 0.0
    odds = log_odds(values, beta)
    for i in range(rows):
        small = np.exp(-abs(odds[i]))
        share = 1 / (1 + small) if odds[i] >= 0 else small / (1 + small)
        slope = strength * (share - outcome[i])
        bend = strength * (small / ((1 + small) * (1 + small)))
        for j in range(count):
            x = values[i, j]
            gradient[j] += slope * x
            scaled = bend * x
            for k in range(j + 1):
                curvature[j, k] += scaled * values[i, k]
            curvature[count, j] += scaled
        gradient[count] += slope
        curvature[count, count] += bend
    for j in range(count):
        gradient[j] += ridge * beta[j]
        curvature[j, j] += ridge


@jit()
def _solve(curvature: FloatArray, gradient: FloatArray, step: FloatArray) -> bool:
    """Solve ``curvature step = gradient`` by Cholesky in place; False if the matrix is not positive definite."""
    size = gradient.size
    for j in range(size):
        pivot = curvature[j, j]
        for k in range(j):
            pivot -= curvature[j, k] * curvature[j, k]
        if not pivot > 0.0:
            return False
        root = np.sqrt(pivot)
        curvature[j, j] = root
        for i in range(j + 1, size):
            total = curvature[i, j]
            for k in range(j):
                total -= curvature[i, k] * curvature[j, k]
            curvature[i, j] = total / root
    for i in range(size):
        total = gradient[i]
        for k in range(i):
            total -= curvature[i, k] * step[k]
        step[i] = total / curvature[i, i]
    for i in range(size - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, size):
            total -= curvature[k, i] * step[k]
        step[i] = total / curvature[i, i]
    return True


@jit()
def minimise(
    values: FloatArray, outcome: FloatArray, strength: float, ridge: float, beta: FloatArray, tolerance: float
) -> float:
    """Minimise ``strength * loss + ridge / 2 |w|^2`` from `beta` (features + 1,), in place; return the objective.

    Newton's method with halved steps. It stops when the Newton decrement, twice the remaining gain, is below the
    tolerance times the objective (or times 1): the last step squares the remaining error.
    """
    size = beta.size
    gradient, step = np.empty(size), np.empty(size)
    curvature = np.empty((size, size))
    best = _objective(values, outcome, strength, ridge, beta)
    trial = np.empty(size)
    for _ in range(_MOST_STEPS):
        _derivatives(values, outcome, strength, ridge, beta, gradient, curvature)
        if not _solve(curvature, gradient, step):
            break
        decrement = 0.0
        for j in range(size):
            decrement += gradient[j] * step[j]
        if decrement < tolerance * max(1.0, abs(best)):
            for j in range(size):
                beta[j] -= step[j]
            return _objective(values, outcome, strength, ridge, beta)
        length, value = 1.0, np.inf
        while length > 1e-10:
            for j in range(size):
                trial[j] = beta[j] - length * step[j]
            value = _objective(values, outcome, strength, ridge, trial)
            if value < best:
                break
            length /= 2
        if not value < best:
            break
        beta[:] = trial
        best = value
    return best


@jit()
def tune(
    values: FloatArray, outcome: FloatArray, fold: IntArray, folds: int, strengths: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit every fold at every penalty; return mean log-loss and log-odds of the rows left out.

    Parameters
    ----------
    values : float64 (rows, features).
    outcome : (rows,) 0.0 or 1.0.
    fold : (rows,) the fold that leaves the row out; -1 if none does.
    folds : number of folds.
    strengths : (strengths,) inverse penalties, ascending: each fit starts from the previous one.

    Returns
    -------
    losses : (strengths,) mean over folds of the mean log-loss; 0 without folds.
    left_out : (strengths, rows) log-odds of each row when it is left out; NaN if it never is.
    """
    rows, count = values.shape
    losses = np.zeros(strengths.size)
    left_out = np.full((strengths.size, rows), np.nan)
    inner, labels = np.empty((rows, count)), np.empty(rows)
    for number in range(folds):
        kept = 0
        for i in range(rows):
            if fold[i] != number:
                inner[kept] = values[i]
                labels[kept] = outcome[i]
                kept += 1
        beta = np.zeros(count + 1)
        for s in range(strengths.size):
            minimise(inner[:kept], labels[:kept], strengths[s], 1.0, beta, 1e-14)
            total, tested = 0.0, 0
            for i in range(rows):
                if fold[i] == number:
                    odds = beta[count]
                    for j in range(count):
                        odds += beta[j] * values[i, j]
                    left_out[s, i] = odds
                    total += _loss(outcome[i], odds)
                    tested += 1
            losses[s] += total / tested
    if folds > 0:
        losses /= folds
    return losses, left_out


@jit()
def auc_of(scores: FloatArray, outcome: FloatArray) -> float:
    """Compute the share of (positive, negative) pairs in the right order, ties counting half; NaN without pairs."""
    wins, pairs = 0.0, 0
    for i in range(scores.size):
        if outcome[i] < 0.5:
            continue
        for j in range(scores.size):
            if outcome[j] < 0.5:
                pairs += 1
                if scores[i] > scores[j]:
                    wins += 1.0
                elif scores[i] == scores[j]:
                    wins += 0.5
    return wins / pairs if pairs else np.nan


@jit()
def fold_aucs(scores: FloatArray, outcome: FloatArray, fold: IntArray, folds: int) -> FloatArray:
    """Compute the AUC of each fold's left-out rows, (folds,); NaN if a fold leaves out one class only."""
    result = np.empty(folds)
    for number in range(folds):
        inside = fold == number
        result[number] = auc_of(scores[inside], outcome[inside])
    return result

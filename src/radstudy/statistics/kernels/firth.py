"""Maximisation of Firth's penalised likelihood by Newton's method, with some coefficients fixed for a profile.

Arrays are (columns, rows), so that every loop runs along memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LONGEST_STEP = 5.0  # in any coefficient of a standardised variable, as in R's logistf
_CONVERGED = 1e-9
_MOST_HALVINGS = 40


@jit()
def _orthonormal(basis: FloatArray) -> float:
    """Orthonormalise the rows (columns, cases) in place; return ``log |det R|``, minus infinity if they are dependent.

    Gram-Schmidt is applied twice, which keeps the basis orthogonal to rounding.
    """
    total = 0.0
    for j in range(basis.shape[0]):
        own = basis[j]
        for _twice in range(2):
            for k in range(j):
                other = basis[k]
                along = 0.0
                for i in range(own.size):
                    along += other[i] * own[i]
                for i in range(own.size):
                    own[i] -= along * other[i]
        length = 0.0
        for i in range(own.size):
            length += own[i] * own[i]
        if length == 0.0:
            return -np.inf
        length = np.sqrt(length)
        total += np.log(length)
        for i in range(own.size):
            own[i] /= length
    return total


@jit()
def _likelihood(
    design: FloatArray, outcome: FloatArray, beta: FloatArray, linear: FloatArray, weight: FloatArray, basis: FloatArray
) -> float:
    """Return the penalised log likelihood; fill in linear predictor, weights' roots and the weighted design's basis.

    The determinant and the hat matrix come from the QR of the weighted design, without inverting a nearly singular
    information matrix. Minus infinity if it is singular.
    """
    linear[:] = 0.0
    for j in range(beta.size):
        for i in range(linear.size):
            linear[i] += beta[j] * design[j, i]
    value = 0.0
    for i in range(linear.size):
        tail = np.exp(-abs(linear[i]))
        signed = linear[i] if outcome[i] > 0.5 else -linear[i]
        value += min(signed, 0.0) - np.log1p(tail)
        weight[i] = np.sqrt(tail) / (1 + tail)  # sqrt(p (1 - p)), accurate in the tails too
    for j in range(beta.size):
        for i in range(linear.size):
            basis[j, i] = design[j, i] * weight[i]
    return value + _orthonormal(basis)


@jit()
def _derivatives(
    design: FloatArray, outcome: FloatArray, linear: FloatArray, weight: FloatArray, basis: FloatArray, free: IntArray
) -> Any:
    """Compute (score, curvature) of the free coefficients.

    The score is ``X' (y - p + h (1/2 - p))``, h the leverages. With ``c = 1 - 2 p`` and the hat matrix H, the leverages
    change by ``c x h - (H o H) c x``, from which the curvature follows.
    """
    rows = linear.size
    hat = basis.T @ basis
    own = np.empty((free.size, rows))
    tilted, heavy = np.empty_like(own), np.empty_like(own)
    score = np.zeros(free.size)
    leverage, pull, tilt = np.empty(rows), np.empty(rows), np.empty(rows)
    for i in range(rows):
        tail = np.exp(-abs(linear[i]))
        probability = 1 / (1 + tail) if linear[i] >= 0 else tail / (1 + tail)
        leverage[i] = hat[i, i]
        tilt[i] = 1 - 2 * probability
        pull[i] = outcome[i] - probability + leverage[i] * tilt[i] / 2
    for k in range(free.size):
        for i in range(rows):
            value = design[free[k], i]
            own[k, i] = value
            score[k] += value * pull[i]
            tilted[k, i] = value * tilt[i]
            heavy[k, i] = value * weight[i] ** 2 * (1 + leverage[i])
    change = tilted @ (hat * hat)
    for k in range(free.size):
        for i in range(rows):
            change[k, i] = tilted[k, i] * leverage[i] - change[k, i]
    return score, own @ heavy.T - (tilted @ change.T) / 2


@jit()
def _newton(score: FloatArray, curvature: FloatArray) -> FloatArray:
    """Compute Newton's step; if the curvature is not positive definite, with the least shift that makes it so."""
    size = score.size
    largest = 0.0
    for k in range(size):
        largest = max(largest, abs(curvature[k, k]))
    shift = 0.0
    factor = np.zeros((size, size))
    definite = False
    while not definite:
        definite = True
        for k in range(size):
            for m in range(k + 1):
                total = curvature[k, m] + (shift if k == m else 0.0)
                for inner in range(m):
                    total -= factor[k, inner] * factor[m, inner]
                if k != m:
                    factor[k, m] = total / factor[m, m]
                elif total > 1e-13 * (largest + shift):
                    factor[k, k] = np.sqrt(total)
                else:
                    definite = False
                    break
            if not definite:
                break
        if not definite:
            shift = max(4 * shift, 1e-4 * largest, 1e-300)
    step = score.copy()
    for k in range(size):
        for m in range(k):
            step[k] -= factor[k, m] * step[m]
        step[k] /= factor[k, k]
    for k in range(size - 1, -1, -1):
        for m in range(k + 1, size):
            step[k] -= factor[m, k] * step[m]
        step[k] /= factor[k, k]
    return step


@jit()
def climb(design: FloatArray, outcome: FloatArray, start: FloatArray, free: IntArray, most_steps: int) -> Any:
    """Return (coefficients, penalised log likelihood, whether it converged).

    design (columns, cases) standardised, outcome (cases,) 0 or 1, start (columns,), free: the columns that may change;
    the penalty is that of all columns.
    """
    columns, rows = design.shape
    linear, weight, basis = np.empty(rows), np.empty(rows), np.empty((columns, rows))
    beta = start.copy()
    best = _likelihood(design, outcome, beta, linear, weight, basis)
    if free.size == 0:
        return beta, best, True
    for _ in range(most_steps):
        score, curvature = _derivatives(design, outcome, linear, weight, basis, free)
        step = _newton(score, curvature)
        longest, reach = 0.0, 0.0
        for k in range(step.size):
            longest = max(longest, abs(step[k]))
        for j in range(columns):
            reach = max(reach, abs(beta[j]))
        if longest < _CONVERGED * (1 + reach):
            return beta, best, True
        if longest > _LONGEST_STEP:
            step *= _LONGEST_STEP / longest
        moved = False
        for _halving in range(_MOST_HALVINGS):
            candidate = beta.copy()
            for k in range(step.size):
                candidate[free[k]] += step[k]
            value = _likelihood(design, outcome, candidate, linear, weight, basis)
            if value >= best - 1e-13 * (1 + abs(best)):
                beta, best, moved = candidate, value, True
                break
            step *= 0.5
        if not moved:  # only rounding is left to gain
            return beta, best, True
    return beta, best, False

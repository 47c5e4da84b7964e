"""Firth's penalised likelihood: a logistic regression that has an estimate under separation too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.likelihood import log_likelihood
from radstudy.statistics.outcome import BoolArray, FloatArray

_MOST_STEPS = 200
_LONGEST_STEP = 5.0  # in any coefficient of a standardised variable, as in R's logistf
_CONVERGED = 1e-9


def maximise_penalised(
    design: FloatArray,
    positive: BoolArray,
    *,
    start: FloatArray | None = None,
    held: NDArray[np.intp] | None = None,
) -> tuple[FloatArray, float]:
    """Maximise ``log likelihood + log det(X' W X) / 2`` by Newton's method: (coefficients, penalised log likelihood).

    Parameters
    ----------
    design : (n, columns), standardised, of full rank.
    positive : (n,) the outcome.
    start : (columns,) where to begin; by default 0.
    held : columns that keep the value of `start`. The penalty stays that of all columns, so this is the profile of the
        penalised likelihood.

    Raises
    ------
    DataError : no convergence.

    References
    ----------
    Firth D, Biometrika 1993;80:27, doi 10.1093/biomet/80.1.27.
    """
    beta = np.zeros(design.shape[1]) if start is None else start.copy()
    free = np.setdiff1d(np.arange(design.shape[1]), [] if held is None else held)
    at = _likelihood(design, beta, positive)
    for _ in range(_MOST_STEPS if free.size else 0):
        step = _step(design, positive, at, free)
        longest = float(np.abs(step).max())
        if longest > _LONGEST_STEP:
            step *= _LONGEST_STEP / longest
        if longest < _CONVERGED * (1 + np.abs(beta).max()):
            return beta, at.value
        beta, at, moved = _climb(design, positive, beta, at, free, step)
        if not moved:  # rounding is all that is left to gain
            return beta, at.value
    if held is None:
        raise DataError("Firth's regression did not converge: are variables nearly collinear?")
    return beta, at.value  # far out on a profile: what was reached counts


class _At(NamedTuple):
    """The penalised likelihood at some coefficients, and what the next step needs of it."""

    value: float
    linear: FloatArray
    weight: FloatArray
    basis: FloatArray


def _likelihood(design: FloatArray, beta: FloatArray, positive: BoolArray) -> _At:
    """``log likelihood + log det(X' W X) / 2``; minus infinity where the information is singular.

    The determinant and the hat matrix come from the QR of the weighted design: no inverse of a nearly singular
    information.
    """
    linear = design @ beta
    weight = np.exp(-0.5 * np.abs(linear) - np.log1p(np.exp(-np.abs(linear))))  # sqrt(p (1 - p)), far out too
    basis, triangle = np.linalg.qr(design * weight[:, None])
    diagonal = np.abs(np.diag(triangle))
    value = log_likelihood(linear, positive) + float(np.log(diagonal).sum()) if (diagonal > 0).all() else -np.inf
    return _At(value, linear, weight, basis)


def _step(design: FloatArray, positive: BoolArray, at: _At, free: NDArray[np.intp]) -> FloatArray:
    """Newton's step, with the curvature's eigenvalues made positive: it climbs away from a saddle too.

    The score is ``X' (y - p + h (1/2 - p))``, h the leverages. With ``c = 1 - 2 p`` and the hat matrix H, the leverages
    change by ``c x h - (H o H) c x``, which gives the curvature.
    """
    probability = special.expit(at.linear)
    leverage = (at.basis**2).sum(axis=1)
    own = design[:, free]
    score = own.T @ (positive - probability + leverage * (0.5 - probability))
    tilted = own * (1 - 2 * probability)[:, None]
    change = tilted * leverage[:, None] - (at.basis @ at.basis.T) ** 2 @ tilted
    curvature = own.T @ (own * (at.weight**2 * (1 + leverage))[:, None]) - tilted.T @ change / 2
    values, vectors = np.linalg.eigh(curvature)
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max())
    return np.asarray(vectors @ ((vectors.T @ score) / size), dtype=np.float64)


def _climb(
    design: FloatArray, positive: BoolArray, beta: FloatArray, at: _At, free: NDArray[np.intp], step: FloatArray
) -> tuple[FloatArray, _At, bool]:
    for _ in range(40):
        candidate = beta.copy()
        candidate[free] += step
        there = _likelihood(design, candidate, positive)
        if there.value >= at.value - 1e-13 * (1 + abs(at.value)):
            return candidate, there, True
        step = step / 2
    return beta, at, False

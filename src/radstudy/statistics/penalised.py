"""Firth's penalised likelihood: a logistic regression that has an estimate under separation too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.likelihood import log_likelihood
from radstudy.statistics.outcome import BoolArray, FloatArray

_MOST_STEPS = 1000
_LONGEST_STEP = 5.0  # in any coefficient of a standardised variable, as in R's logistf
_CONVERGED = 1e-11


def maximise_penalised(
    design: FloatArray,
    positive: BoolArray,
    *,
    start: FloatArray | None = None,
    held: NDArray[np.intp] | None = None,
) -> tuple[FloatArray, float]:
    """Maximise ``log likelihood + log det(X' W X) / 2`` by Fisher scoring: (coefficients, penalised log likelihood).

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
    best = penalised_log_likelihood(design, beta, positive)
    for _ in range(_MOST_STEPS if free.size else 0):
        probability = special.expit(design @ beta)
        weight = probability * (1 - probability)
        information = design.T @ (design * weight[:, None])
        leverage = weight * ((design @ np.linalg.pinv(information)) * design).sum(axis=1)
        gradient = design[:, free].T @ (positive - probability + leverage * (0.5 - probability))
        step = np.linalg.lstsq(information[np.ix_(free, free)], gradient, rcond=None)[0]
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < _CONVERGED * (1 + np.abs(beta).max()):
            return beta, best
        beta, best, moved = _climb(design, positive, (beta, best), free, step)
        if not moved:  # rounding is all that is left to gain
            return beta, best
    if free.size:
        raise DataError("Firth's regression did not converge: variables of very different size, or nearly collinear?")
    return beta, best


def _climb(
    design: FloatArray, positive: BoolArray, at: tuple[FloatArray, float], free: NDArray[np.intp], step: FloatArray
) -> tuple[FloatArray, float, bool]:
    beta, best = at
    for _ in range(40):
        candidate = beta.copy()
        candidate[free] += step
        value = penalised_log_likelihood(design, candidate, positive)
        if value >= best - 1e-13 * (1 + abs(best)):
            return candidate, value, True
        step = step / 2
    return beta, best, False


def penalised_log_likelihood(design: FloatArray, beta: FloatArray, positive: BoolArray) -> float:
    """``log likelihood + log det(X' W X) / 2``; minus infinity where the information is singular."""
    linear = design @ beta
    # p (1 - p) without cancelling, far out too
    root = np.exp(0.5 * (special.log_expit(linear) + special.log_expit(-linear)))
    sign, log_determinant = np.linalg.slogdet((design * root[:, None]).T @ (design * root[:, None]))
    return log_likelihood(linear, positive) + 0.5 * float(log_determinant) if sign > 0 else -np.inf

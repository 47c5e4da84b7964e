"""Firth's penalised likelihood: a logistic regression that has an estimate under separation too."""

from __future__ import annotations

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
    best = penalised_log_likelihood(design, beta, positive)
    for _ in range(_MOST_STEPS if free.size else 0):
        step = _step(design, positive, beta, free)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < _CONVERGED * (1 + np.abs(beta).max()):
            return beta, best
        beta, best, moved = _climb(design, positive, (beta, best), free, step)
        if not moved:  # rounding is all that is left to gain
            return beta, best
    if held is None:
        raise DataError("Firth's regression did not converge: are variables nearly collinear?")
    return beta, best  # far out on a profile: what was reached counts


def _step(design: FloatArray, positive: BoolArray, beta: FloatArray, free: NDArray[np.intp]) -> FloatArray:
    """Newton's step, with the curvature's eigenvalues made positive: it climbs away from a saddle too.

    The score is ``X' (y - p + h (1/2 - p))``, h the leverages. With ``c = 1 - 2 p`` and the hat matrix H, the leverages
    change by ``c x h - (H o H) c x``, which gives the curvature.
    """
    linear = design @ beta
    probability = special.expit(linear)
    weight = _root_weight(linear)
    # the hat matrix from an orthonormal basis: no inverse of a nearly singular information
    basis = np.linalg.qr(design * weight[:, None])[0]
    leverage = (basis**2).sum(axis=1)
    own = design[:, free]
    score = own.T @ (positive - probability + leverage * (0.5 - probability))
    tilted = own * (1 - 2 * probability)[:, None]
    change = tilted * leverage[:, None] - (basis @ basis.T) ** 2 @ tilted
    curvature = own.T @ (own * (weight**2 * (1 + leverage))[:, None]) - tilted.T @ change / 2
    values, vectors = np.linalg.eigh(curvature)
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max())
    return np.asarray(vectors @ ((vectors.T @ score) / size), dtype=np.float64)


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
    weighted = design * _root_weight(linear)[:, None]
    diagonal = np.abs(np.diag(np.linalg.qr(weighted, mode="r")))
    return log_likelihood(linear, positive) + float(np.log(diagonal).sum()) if (diagonal > 0).all() else -np.inf


def _root_weight(linear: FloatArray) -> FloatArray:
    """``sqrt(p (1 - p))`` without cancelling, far out too."""
    return np.asarray(np.exp(0.5 * (special.log_expit(linear) + special.log_expit(-linear))), dtype=np.float64)

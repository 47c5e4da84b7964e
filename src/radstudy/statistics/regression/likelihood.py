"""Likelihood of a logistic regression: its maximum, its information, and the test whether a maximum exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_columns

_MOST_STEPS = 200


@dataclass(frozen=True)
class LikelihoodRatio:
    """Likelihood-ratio test: ``statistic`` is chi-square with ``dof``; NaN with a ``note`` if nothing is tested."""

    statistic: float
    dof: int
    p_value: float
    note: str = ""


def checked_variables(
    X: ArrayLike, y: ArrayLike, names: Sequence[str] | None
) -> tuple[FloatArray, BoolArray, tuple[str, ...]]:
    """Check and return matching variables, outcome and names; the DataError names missing or infinite variables."""
    values, positive = checked_columns(X, y)
    labels = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(values.shape[1]))
    if len(labels) != values.shape[1]:
        raise DataError(f"{len(labels)} names for {values.shape[1]} variables.")
    bad = [label for label, column in zip(labels, values.T, strict=True) if not np.isfinite(column).all()]
    if bad:
        raise DataError(f"Missing or infinite values in {', '.join(bad)}: leave these cases out, and report it.")
    return values, positive, labels


def likelihood_ratio_test(X: ArrayLike, y: ArrayLike, *, base: ArrayLike | None = None) -> LikelihoodRatio:
    """Test a variable of one or several columns (a factor's indicators) as a whole, by logistic regression.

    The statistic is ``2 (log likelihood with X - without)``, chi-square with as many degrees of freedom as X adds
    independent columns. Under separation the likelihood still has a finite supremum, so the test stays valid; the note
    reports it.

    Parameters
    ----------
    X : float (n, columns) of the variable.
    y : (n,) 0 or 1.
    base : (n, columns) of variables in both models; None: the intercept alone.

    Returns
    -------
    LikelihoodRatio; NaN with a note if X adds nothing (a constant variable, or one that the base determines).

    Raises
    ------
    DataError : values are NaN or infinite, shapes do not fit, or the outcome is not 0 and 1.

    Examples
    --------
    >>> x = [[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]
    >>> result = likelihood_ratio_test(x, [0, 0, 1, 0, 1, 1])
    >>> round(result.statistic, 3), result.dof, round(result.p_value, 3)
    (3.362, 1, 0.067)
    """
    values, positive, _ = checked_variables(X, y, None)
    small = with_intercept(np.empty((positive.size, 0)))
    if base is not None:
        small = with_intercept(checked_variables(base, y, None)[0])
    small_basis = orthonormal(small)
    basis = orthonormal(np.hstack([small, values]))
    dof = basis.shape[1] - small_basis.shape[1]
    if dof == 0:
        why = "the variable is constant" if base is None else "the variable adds nothing to the others"
        return LikelihoodRatio(np.nan, 0, np.nan, why)
    _, with_it = maximise_log_likelihood(basis, positive)
    _, without = maximise_log_likelihood(small_basis, positive)
    note = "the variable separates the outcome" if separating(basis, positive).any() else ""
    return ratio_of(with_it - without, dof, note)


def with_intercept(values: FloatArray) -> FloatArray:
    """Return the columns with a column of ones before them."""
    return np.hstack([np.ones((len(values), 1)), values])


def refuse_constant(values: FloatArray, names: tuple[str, ...]) -> None:
    """Raise a DataError that names every variable with one value only."""
    constant = [name for name, column in zip(names, values.T, strict=True) if column.max() == column.min()]
    if constant:
        raise DataError(f"Constant in all {len(values)} cases: {', '.join(constant)}. Leave it out of the regression.")


def refuse_collinear(design: FloatArray, names: tuple[str, ...]) -> None:
    """Raise a DataError that names the first variable determined by the previous ones; `design` starts with ones."""
    if np.linalg.matrix_rank(design) == design.shape[1]:
        return
    first = next(last for last in range(2, design.shape[1] + 1) if np.linalg.matrix_rank(design[:, :last]) < last)
    raise DataError(f"{names[first - 2]} is determined by the variables before it. Leave one of them out.")


def orthonormal(design: FloatArray) -> FloatArray:
    """Return an orthonormal basis, scaled to unit mean square, of the columns' span: same model, well-conditioned."""
    size = np.abs(design).max(axis=0)
    scaled = design / np.where(size > 0, size, 1.0)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    rank = int((values > values[0] * max(design.shape) * np.finfo(float).eps).sum())
    return np.asarray(left[:, :rank] * np.sqrt(len(design)), dtype=np.float64)


def maximise_log_likelihood(
    design: FloatArray, positive: BoolArray, offset: FloatArray | float = 0.0
) -> tuple[FloatArray, float]:
    """Maximise by Newton's method with halved steps; return (coefficients, log likelihood).

    Under separation the coefficients are meaningless, but the log likelihood is within 1e-9 of its supremum.
    """
    beta = np.zeros(design.shape[1])
    best = log_likelihood(design @ beta + offset, positive)
    for _ in range(_MOST_STEPS):
        probability = special.expit(design @ beta + offset)
        gradient = design.T @ (positive - probability)
        information = design.T @ (design * (probability * (1 - probability))[:, None])
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        # the Newton decrement is twice the remaining gain; the last step squares the remaining error
        if float(gradient @ step) < 1e-12 * max(1.0, abs(best)):
            beta = beta + step
            return beta, log_likelihood(design @ beta + offset, positive)
        size, value = 1.0, -np.inf
        while size > 1e-10:
            value = log_likelihood(design @ (beta + size * step) + offset, positive)
            if value > best:
                break
            size /= 2
        if value <= best:
            break
        beta, best = beta + size * step, value
    return beta, best


def log_likelihood(linear: FloatArray, positive: BoolArray) -> float:
    """Compute the log likelihood of the linear predictor (n,): ``sum y log p + (1 - y) log(1 - p)``."""
    return float(-np.logaddexp(0.0, np.where(positive, -linear, linear)).sum())


def null_log_likelihood(positive: BoolArray) -> float:
    """Compute the log likelihood of the intercept alone."""
    share = positive.mean()
    return float(positive.size * (special.xlogy(share, share) + special.xlogy(1 - share, 1 - share)))


def information_matrix(design: FloatArray, beta: FloatArray) -> FloatArray:
    """Compute Fisher's information ``X' W X``, ``W = p (1 - p)``."""
    probability = special.expit(design @ beta)
    return np.asarray(design.T @ (design * (probability * (1 - probability))[:, None]), dtype=np.float64)


def ratio_of(gain: float, dof: int, note: str = "") -> LikelihoodRatio:
    """Test a gain in log likelihood."""
    statistic = max(0.0, 2 * gain)
    return LikelihoodRatio(statistic, dof, float(special.chdtrc(dof, statistic)), note)


def separating(design: FloatArray, positive: BoolArray) -> BoolArray:
    """Return which coefficients diverge to infinity, (columns,); all False if the estimate exists.

    Maximise ``sum s_i x_i b`` subject to ``s_i x_i b >= 0`` and ``|b| <= 1``, s the outcome as +-1: positive only if
    some direction never misclassifies and sometimes classifies.
    """
    signed = design * np.where(positive, 1.0, -1.0)[:, None]
    result = optimize.linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1), method="highs"
    )  # fmt: skip
    if result.fun is None or result.x is None or not result.success or -result.fun < 1e-6:
        return np.zeros(design.shape[1], dtype=np.bool_)
    return np.asarray(np.abs(result.x) > 1e-7, dtype=np.bool_)

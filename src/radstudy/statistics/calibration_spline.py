"""Flexible calibration curve: observed against predicted risk, with a band and summary measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.calibration import checked_probabilities
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_level
from radstudy.statistics.proportions import normal_quantile
from radstudy.statistics.regression.likelihood import (
    information_matrix,
    maximise_log_likelihood,
    orthonormal,
    separating,
)

# Harrell's recommended quantiles
_KNOTS = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Observed risk at each predicted probability.

    Attributes
    ----------
    predicted : (points,) probabilities, from the smallest to the largest predicted one.
    observed : (points,) the fitted risk; ``low``, ``high``: its pointwise band.
    ici, e50, e90, e_max : mean, median, 90th percentile and maximum of ``|fitted risk - prediction|``, over patients.
    knots : of the spline, as probabilities; fewer than three if a straight line was fitted.
    note : the reason for another curve than requested, or for none (then all values are NaN).
    """

    predicted: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    ici: float
    e50: float
    e90: float
    e_max: float
    knots: tuple[float, ...]
    n: int
    level: float
    note: str = ""


def calibration_curve(
    y: ArrayLike, probability: ArrayLike, *, knots: int = 3, points: int = 100, level: float = 0.95
) -> CalibrationCurve:
    """Compute the flexible calibration curve: logistic regression on a restricted cubic spline of logit(p).

    ``logit P(y) = a + f(logit p)``, f cubic between and linear beyond the knots, which lie at Harrell's quantiles of
    logit p. The band is Wald's on the logit scale.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome, from patients that the model has not seen.
    knots : 3, 4 or 5; three for fewer than a few hundred patients.
    points : number of points of the curve, evenly spaced in probability.
    level : of the band.

    Returns
    -------
    CalibrationCurve. If there are too few distinct probabilities for the spline, or separation, a straight line in
    logit p is fitted; if that has no estimate either, everything is NaN. The note reports this.

    Raises
    ------
    DataError : one class only, NaN, a probability outside [0, 1], a number of knots that is not supported.

    References
    ----------
    Harrell FE, Regression Modeling Strategies, 2nd ed. 2015, 2.4.4 (spline) and 10.11 (curve).
    Van Calster B et al., J Clin Epidemiol 2016;74:167, doi 10.1016/j.jclinepi.2015.12.005.
    Austin PC, Steyerberg EW, Stat Med 2019;38:4051, doi 10.1002/sim.8281 (ICI, E50, E90).
    """
    positive, values = checked_probabilities(y, probability)
    z = normal_quantile(checked_level(level))
    if knots not in _KNOTS:
        raise DataError(f"The calibration curve has 3, 4 or 5 knots, not {knots}.")
    if points < 2:
        raise DataError(f"A curve needs at least two points, not {points}.")
    predicted = np.linspace(values.min(), values.max(), points)
    certain = int(((values == 0) | (values == 1)).sum())
    if certain:
        note = f"{certain} probabilities are exactly 0 or 1: their logit is infinite"
        return _nothing(predicted, positive.size, level, note)
    linear, grid = special.logit(values), special.logit(predicted)
    notes = []
    for places in (_places(linear, knots), np.empty(0)):
        if places is None:
            notes.append("too few distinct probabilities for the spline: a straight line in logit(p)")
            continue
        fitted = _fitted(positive, _design(linear, places), _design(grid, places))
        if fitted is None:
            notes.append("the spline separates the outcome" if places.size else "no line can be fitted")
            continue
        of_patients, of_grid, se = fitted
        apart = np.abs(special.expit(of_patients) - values)
        return CalibrationCurve(
            predicted=predicted,
            observed=special.expit(of_grid),
            low=special.expit(of_grid - z * se),
            high=special.expit(of_grid + z * se),
            ici=float(apart.mean()),
            e50=float(np.median(apart)),
            e90=float(np.quantile(apart, 0.9)),
            e_max=float(apart.max()),
            knots=tuple(special.expit(places).tolist()),
            n=positive.size,
            level=level,
            note="; ".join(notes),
        )
    return _nothing(predicted, positive.size, level, "; ".join(notes))


def _places(linear: FloatArray, knots: int) -> FloatArray | None:
    """Return the positions of the knots; None if they would not be distinct."""
    if np.unique(linear).size < knots + 1:
        return None
    places = np.quantile(linear, _KNOTS[knots])
    return places if (np.diff(places) > 1e-9 * max(1.0, float(np.ptp(linear)))).all() else None


def _design(linear: FloatArray, places: FloatArray) -> FloatArray:
    """Return the intercept, the value itself, and Harrell's restricted cubic terms."""
    columns = [np.ones_like(linear), linear]
    if places.size:
        last, before = places[-1], places[-2]
        size = (last - places[0]) ** 2
        for place in places[:-2]:
            cubes = [np.maximum(linear - at, 0.0) ** 3 for at in (place, before, last)]
            term = (
                cubes[0] - cubes[1] * (last - place) / (last - before) + cubes[2] * (before - place) / (last - before)
            )
            columns.append(term / size)
    return np.column_stack(columns)


def _fitted(
    positive: BoolArray, design: FloatArray, grid: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return the patients' and the grid's linear predictor, and the grid's standard error; None without an estimate."""
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    basis = orthonormal(design)
    if basis.shape[1] < design.shape[1] or separating(basis, positive).any():
        return None
    to_basis = np.linalg.lstsq(design, basis, rcond=None)[0]
    beta, _ = maximise_log_likelihood(basis, positive)
    of_grid = grid @ to_basis
    covariance = np.linalg.inv(information_matrix(basis, beta))
    return basis @ beta, of_grid @ beta, np.sqrt(((of_grid @ covariance) * of_grid).sum(axis=1))


def _nothing(predicted: FloatArray, n: int, level: float, note: str) -> CalibrationCurve:
    empty = np.full(predicted.shape, np.nan)
    return CalibrationCurve(predicted, empty, empty, empty, np.nan, np.nan, np.nan, np.nan, (), n, level, note)

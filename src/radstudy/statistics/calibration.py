"""Calibration of predicted probabilities: their agreement with the outcome, beyond correct ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_level, checked_scores
from radstudy.statistics.proportions import normal_quantile
from radstudy.statistics.regression.likelihood import maximise_log_likelihood
from radstudy.statistics.regression.maximum_likelihood import logistic


@dataclass(frozen=True)
class Calibration:
    """Calibration of predicted probabilities.

    ``intercept``: calibration in the large, 0 is ideal, above 0 the risks are too low. ``slope``: 1 is ideal, below 1
    the predictions are too extreme (overfitted). ``brier``: mean squared error; ``scaled_brier``: the share by which it
    is below that of predicting the prevalence for all patients (1 is perfect, 0 no better, negative worse). NaN with a
    ``note`` if not defined.
    """

    intercept: float
    intercept_ci: tuple[float, float]
    slope: float
    slope_ci: tuple[float, float]
    brier: float
    n: int
    note: str = ""
    scaled_brier: float = np.nan


def brier(y: ArrayLike, probability: ArrayLike) -> float:
    """Compute the Brier score: the mean of ``(probability - y)^2``, 0 to 1, lower is better.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome.

    Examples
    --------
    >>> brier([0, 1], [0.5, 0.5])
    0.25
    """
    positive, values = checked_probabilities(y, probability)
    return float(((values - positive) ** 2).mean())


def scaled_brier(y: ArrayLike, probability: ArrayLike) -> float:
    """Compute the scaled Brier score ``1 - brier / (prevalence (1 - prevalence))``: 1 is perfect, 0 the prevalence.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome.

    References
    ----------
    Steyerberg EW et al., Epidemiology 2010;21:128, doi 10.1097/EDE.0b013e3181c30fb2.

    Examples
    --------
    >>> scaled_brier([0, 0, 1, 1], [0.0, 0.5, 0.5, 1.0])
    0.5
    """
    positive, _ = checked_probabilities(y, probability)
    share = float(positive.mean())
    return 1 - brier(y, probability) / (share * (1 - share))


def calibration_intercept_slope(y: ArrayLike, probability: ArrayLike, *, level: float = 0.95) -> Calibration:
    """Compute the calibration intercept and slope with Wald intervals.

    The slope b is that of ``logit P(y) = a + b logit(p)``; the intercept a is that of ``logit P(y) = a + logit(p)``,
    with the slope fixed at 1.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome, from patients that the model has not seen.
    level : of the intervals.

    Returns
    -------
    Calibration; intercept and slope are NaN with a note if a probability is exactly 0 or 1, the slope also if all
    probabilities are equal or separate the outcome.

    Raises
    ------
    DataError : one class only, NaN, a probability outside [0, 1].

    References
    ----------
    Cox DR, Biometrika 1958;45:562, doi 10.1093/biomet/45.3-4.562.
    Van Calster B et al., BMC Med 2019;17:230, doi 10.1186/s12916-019-1466-7.
    """
    positive, values = checked_probabilities(y, probability)
    z = normal_quantile(checked_level(level))
    score = brier(y, probability)
    nothing = (np.nan, np.nan)
    certain = int(((values == 0) | (values == 1)).sum())
    if certain:
        note = f"{certain} probabilities are exactly 0 or 1: their logit is infinite"
        return Calibration(np.nan, nothing, np.nan, nothing, score, positive.size, note, scaled_brier(y, probability))
    linear = special.logit(values)
    intercept, intercept_se = _in_the_large(positive, linear)
    slope, slope_se, note = np.nan, np.nan, "all probabilities are equal: no slope"
    if linear.max() > linear.min():
        fit = logistic(linear[:, None], positive, ["the predicted probability"], level=level)
        slope, slope_se, note = float(fit.coefficients[0]), float(fit.se[0]), fit.note
    return Calibration(
        intercept,
        (intercept - z * intercept_se, intercept + z * intercept_se),
        slope,
        (slope - z * slope_se, slope + z * slope_se),
        score,
        positive.size,
        note,
        scaled_brier(y, probability),
    )


def _in_the_large(positive: BoolArray, linear: FloatArray) -> tuple[float, float]:
    beta, _ = maximise_log_likelihood(np.ones((positive.size, 1)), positive, linear)
    fitted = special.expit(linear + beta[0])
    return float(beta[0]), float(1 / np.sqrt((fitted * (1 - fitted)).sum()))


def checked_probabilities(y: ArrayLike, probability: ArrayLike) -> tuple[BoolArray, FloatArray]:
    """Check and return matching outcome (n,) and probabilities (n,); raise DataError if they do not fit."""
    positive, values = checked_scores(y, probability, "probability")
    if ((values < 0) | (values > 1)).any():
        raise DataError(f"Probabilities lie between 0 and 1; these range from {values.min():g} to {values.max():g}.")
    return positive, values

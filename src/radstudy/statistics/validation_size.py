"""Sample size of an external validation: patients for precise estimates (Riley and colleagues 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, as_float
from radstudy.statistics.proportions import normal_quantile

OE_WIDTH, SLOPE_WIDTH, AUC_WIDTH = 0.2, 0.2, 0.1  # of the intervals, as Riley and colleagues advise
_LARGEST = 10**12


@dataclass(frozen=True)
class ValidationSampleSize:
    """Patients that an external validation needs, by criterion.

    Parameters
    ----------
    n : the largest of the three.
    observed_expected : for the ratio of observed to expected events.
    slope : for the calibration slope.
    auc : for the AUC.
    events : among n patients.
    """

    n: int
    observed_expected: int
    slope: int
    auc: int
    events: float


def validation_sample_size(
    log_odds: ArrayLike,
    prevalence: float,
    auc: float,
    *,
    intercept: float = 0.0,
    slope: float = 1.0,
    oe_width: float = OE_WIDTH,
    slope_width: float = SLOPE_WIDTH,
    auc_width: float = AUC_WIDTH,
    level: float = 0.95,
) -> ValidationSampleSize:
    """Compute the patients needed for intervals of given widths.

    1. Observed over expected events, expected to be 1: ``n = (1 - prevalence) / (prevalence se^2)``, se of the
       logarithm, so that the interval ``exp(-z se)`` to ``exp(z se)`` has the width.
    2. Calibration slope: ``n = I_a / (se^2 (I_a I_b - I_ab^2))``, the mean information of one patient, from the
       distribution of the log-odds, with ``p = expit(intercept + slope * log-odds)``: ``I_a = mean(p (1 - p))``,
       ``I_ab = mean(x p (1 - p))``, ``I_b = mean(x^2 p (1 - p))``.
    3. AUC: the smallest n at which Newcombe's standard error gives the width.

    Parameters
    ----------
    log_odds : (any,) predicted log-odds of patients like those of the validation.
    prevalence : share of positives to be expected.
    auc : to be expected.
    intercept, slope : of the calibration to be expected.
    oe_width, slope_width, auc_width : of the intervals.
    level : of the intervals.

    Raises
    ------
    DataError : a share, an AUC or a width that is not possible; log-odds that are all the same.

    References
    ----------
    Riley RD et al., Stat Med 2021;40:4230, doi 10.1002/sim.9025.
    """
    _check(prevalence, auc, (oe_width, slope_width, auc_width))
    z = normal_quantile(level)
    first = math.ceil((1 - prevalence) / (prevalence * _se_of_ratio(oe_width, z) ** 2))
    second = _for_slope(as_float(log_odds, "The log-odds"), intercept, slope, slope_width / (2 * z))
    third = _for_auc(auc, prevalence, auc_width / (2 * z))
    n = max(first, second, third)
    return ValidationSampleSize(n, first, second, third, n * prevalence)


def _se_of_ratio(width: float, z: float) -> float:
    """Solve ``exp(z se) - exp(-z se) = width``."""
    return math.asinh(width / 2) / z


def _for_slope(log_odds: FloatArray, intercept: float, slope: float, se: float) -> int:
    risk = special.expit(intercept + slope * log_odds)
    weight = risk * (1 - risk)
    a, ab, b = (float((weight * log_odds**power).mean()) for power in (0, 1, 2))
    information = a * b - ab * ab
    if not information > 1e-12 * max(a * b, 1e-300):
        raise DataError("The log-odds are all the same: no calibration slope can be estimated.")
    return math.ceil(a / (se * se * information))


def _for_auc(auc: float, prevalence: float, se: float) -> int:
    """Find the smallest n by bisection: the standard error falls with n."""
    low, high = 1, 2
    while _se_of_auc(auc, prevalence, high) > se:
        low, high = high, 2 * high
        if high > _LARGEST:
            raise DataError("No number of patients gives an interval of this width.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _se_of_auc(auc, prevalence, middle) > se else (low, middle)
    return high


def _se_of_auc(auc: float, prevalence: float, n: int) -> float:
    """Compute the standard error of an AUC by Newcombe's formula (Stat Med 2006;25:559), as Riley uses it."""
    inside = 1 + (n / 2 - 1) * (1 - auc) / (2 - auc) + (n / 2 - 1) * auc / (1 + auc)
    return float(np.sqrt(auc * (1 - auc) * inside / (n * n * prevalence * (1 - prevalence))))


def _check(prevalence: float, auc: float, widths: tuple[float, ...]) -> None:
    if not 0 < prevalence < 1:
        raise DataError(f"The share of positives must lie between 0 and 1; this one is {prevalence}.")
    if not 0 < auc < 1:
        raise DataError(f"The expected AUC must lie between 0 and 1; this one is {auc}.")
    if not all(width > 0 for width in widths):
        raise DataError("The width of an interval must be above 0.")

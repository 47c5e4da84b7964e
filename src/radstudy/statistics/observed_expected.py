"""Observed events over expected ones: calibration in the large as a ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from radstudy.statistics.calibration import checked_probabilities
from radstudy.statistics.outcome import checked_level
from radstudy.statistics.proportions import normal_quantile


@dataclass(frozen=True)
class ObservedExpected:
    """Ratio of observed to expected events.

    Parameters
    ----------
    ratio, ci : above 1, the predicted risks are too low on average; the interval is on the logarithm.
    observed, expected : events, and the sum of the probabilities.
    """

    ratio: float
    ci: tuple[float, float]
    observed: int
    expected: float


def observed_expected(y: ArrayLike, probability: ArrayLike, *, level: float = 0.95) -> ObservedExpected:
    """Compute observed over expected events, with ``se(ln O/E) = sqrt((1 - O / n) / O)``.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome.
    level : of the interval.

    Raises
    ------
    DataError : one class only, NaN, a probability outside [0, 1].

    References
    ----------
    Debray TPA et al., BMJ 2017;356:i6460, doi 10.1136/bmj.i6460. Riley RD et al., Stat Med 2021;40:4230.

    Examples
    --------
    >>> observed_expected([0, 0, 1, 1], [0.25, 0.25, 0.25, 0.25]).ratio
    2.0
    """
    positive, values = checked_probabilities(y, probability)
    observed, expected = int(positive.sum()), float(values.sum())
    if expected == 0:
        return ObservedExpected(math.inf, (math.nan, math.nan), observed, expected)
    half = normal_quantile(checked_level(level)) * math.sqrt((1 - observed / positive.size) / observed)
    ratio = observed / expected
    return ObservedExpected(ratio, (ratio * math.exp(-half), ratio * math.exp(half)), observed, expected)

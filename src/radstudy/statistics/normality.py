"""Assumptions of the t-test: normality within the groups (Lilliefors, Shapiro-Wilk), equal variances (Levene)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy import special, stats

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, known_floats

Normality = Literal["lilliefors", "shapiro-wilk"]


def normality_p_value(values: FloatArray, test: Normality) -> float:
    """Compute the p-value of a test of normality, "lilliefors" or "shapiro-wilk"; NaN if it is not defined."""
    if test not in get_args(Normality):
        raise DataError(f"Unknown test of normality {test!r}; choose from {', '.join(get_args(Normality))}.")
    return lilliefors_p_value(values) if test == "lilliefors" else shapiro_wilk_p_value(values)


def shapiro_wilk_p_value(values: FloatArray) -> float:
    """Compute p of Shapiro and Wilk's test of normality by Royston's approximation (SciPy's, as in R and SPSS).

    Parameters
    ----------
    values : (n,) finite.

    Returns
    -------
    float. NaN for fewer than three or more than 5000 values, or if they do not vary.

    References
    ----------
    Royston P, Appl Stat 1995;44:547, doi 10.2307/2986146.
    """
    known_floats(values, "The values")
    if not 3 <= values.size <= 5000 or values.max() == values.min():
        return np.nan
    return float(stats.shapiro(values).pvalue)


def lilliefors_p_value(values: FloatArray) -> float:
    """Compute p of the Kolmogorov-Smirnov test of normality with estimated mean and SD (Lilliefors).

    Dallal and Wilkinson's approximation is valid below 0.1; above it, Stephens's modified statistic is used, as in R's
    nortest. SPSS prints everything above 0.2 as 0.2.

    Parameters
    ----------
    values : (n,) finite.

    Returns
    -------
    float. NaN for fewer than five values or if they do not vary.

    References
    ----------
    Dallal GE, Wilkinson L, Am Stat 1986;40:294, doi 10.1080/00031305.1986.10475419.
    Stephens MA, J Am Stat Assoc 1974;69:730, doi 10.1080/01621459.1974.10480196.
    """
    n = known_floats(values, "The values").size
    if n < 5 or values.max() == values.min():
        return np.nan
    cdf = special.ndtr((np.sort(values) - values.mean()) / values.std(ddof=1))
    steps = np.arange(1, n + 1) / n
    distance = float(max((steps - cdf).max(), (cdf - steps + 1 / n).max()))
    p_value = _dallal_wilkinson(distance, n)
    return p_value if p_value <= 0.1 else _stephens(distance, n)


def _dallal_wilkinson(distance: float, n: int) -> float:
    d, size = (distance, n) if n <= 100 else (distance * (n / 100) ** 0.49, 100)
    root = np.sqrt(size + 2.78019)
    exponent = -7.01256 * d**2 * (size + 2.78019) + 2.99587 * d * root - 0.122119 + 0.974598 / np.sqrt(size)
    return float(np.exp(exponent + 1.67997 / size))


def _stephens(distance: float, n: int) -> float:
    k = (np.sqrt(n) - 0.01 + 0.85 / np.sqrt(n)) * distance
    if k <= 0.302:
        return 1.0
    for bound, coefficients in (
        (0.5, (2.76773, -19.828315, 80.709644, -138.55152, 81.218052)),
        (0.9, (-4.901232, 40.662806, -97.490286, 94.029866, -32.355711)),
        (1.31, (6.198765, -19.558097, 23.186922, -12.234627, 2.423045)),
    ):
        if k <= bound:
            return float(np.polynomial.polynomial.polyval(k, coefficients))
    return 0.0


def levene_p_value(first: FloatArray, second: FloatArray) -> float:
    """Compute p of Levene's test of equal variances, centred at the means as in SPSS (SciPy's default is the median).

    It is a one-way analysis of variance of the absolute deviations from the group's mean.

    Parameters
    ----------
    first, second : (n,) finite.

    Returns
    -------
    float. NaN for fewer than two values in a group, or if the deviations are all equal in both groups.
    """
    for name, group in (("The first group", first), ("The second group", second)):
        known_floats(group, name)
    if min(first.size, second.size) < 2:
        return np.nan
    deviations = [np.abs(group - group.mean()) for group in (first, second)]
    n = first.size + second.size
    grand = np.concatenate(deviations).mean()
    between = sum(d.size * (d.mean() - grand) ** 2 for d in deviations)
    within = sum(((d - d.mean()) ** 2).sum() for d in deviations)
    scale = max(float(np.abs(first).max()), float(np.abs(second).max()))
    if within <= (1e-15 * scale) ** 2 * n or n < 3:
        return np.nan
    return float(special.fdtrc(1, n - 2, between / (within / (n - 2))))

"""Proportions and their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import checked_level

Interval = Literal["wilson", "clopper-pearson"]


@dataclass(frozen=True)
class Proportion:
    """Proportion of `successes` in `trials`: ``value`` and ``ci`` = (low, high) within [0, 1]; NaN without trials."""

    value: float
    ci: tuple[float, float]
    successes: int
    trials: int


def proportion(successes: int, trials: int, *, level: float = 0.95, method: Interval = "wilson") -> Proportion:
    """Compute a binomial proportion with its confidence interval.

    Parameters
    ----------
    successes, trials : whole numbers, 0 <= successes <= trials.
    level : of the interval.
    method : "wilson" (score interval, no continuity correction) or "clopper-pearson" (exact).

    Raises
    ------
    DataError : the counts are impossible, or the method is unknown.

    Examples
    --------
    >>> result = proportion(25, 29)
    >>> round(result.value, 3), round(result.ci[0], 3), round(result.ci[1], 3)
    (0.862, 0.694, 0.945)
    """
    if method not in ("wilson", "clopper-pearson"):
        raise DataError(f'The interval must be "wilson" or "clopper-pearson", not {method!r}.')
    _require_counts(successes, trials)
    successes, trials = int(successes), int(trials)
    if trials == 0:
        return Proportion(np.nan, (np.nan, np.nan), 0, 0)
    interval = wilson_interval if method == "wilson" else clopper_pearson_interval
    return Proportion(successes / trials, interval(successes, trials, level=level), successes, trials)


def _require_counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials == np.inf or int(successes) != successes or int(trials) != trials:
        raise DataError(
            f"{successes} of {trials} is not a proportion: both must be whole numbers, the first not larger than the "
            "second."
        )


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval, without continuity correction.

    ``(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``; exactly 0 or 1 if no or all trials succeed.

    References
    ----------
    Wilson EB, J Am Stat Assoc 1927;22:209, doi 10.2307/2276774.
    """
    _require_counts(successes, trials)
    if trials == 0:
        return np.nan, np.nan
    z = normal_quantile(level)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else float(max(0.0, (centre - half) / scale))
    high = 1.0 if successes == trials else float(min(1.0, (centre + half) / scale))
    return low, high


def clopper_pearson_interval(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Compute the exact interval from quantiles of beta distributions.

    References
    ----------
    Clopper CJ, Pearson ES, Biometrika 1934;26:404, doi 10.1093/biomet/26.4.404.
    """
    _require_counts(successes, trials)
    tail = (1 - checked_level(level)) / 2
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(special.betaincinv(successes + 1, trials - successes, 1 - tail))
    return low, high


def normal_quantile(level: float) -> float:
    """Return the two-sided normal quantile of a confidence level: 1.96 for 0.95."""
    return float(special.ndtri(0.5 + checked_level(level) / 2))

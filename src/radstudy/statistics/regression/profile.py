"""Confidence limits from the profile of a likelihood, where it falls by half a chi-square quantile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

_MOST_DOUBLINGS = 30
_MOST_SEARCHES = 10
_SAME = 1e-7  # deviances that differ by less belong to the same maximum


def profile_limits(
    deviance: Callable[[float], float],
    estimate: float,
    se: float,
    level: float,
    *,
    surer: Callable[[float], float] | None = None,
) -> tuple[float, float]:
    """Find the two values at which the deviance reaches the chi-square quantile of one degree of freedom.

    Parameters
    ----------
    deviance : ``2 (maximum - profile log likelihood)`` at a value of the coefficient; zero at the estimate.
    estimate : where the likelihood has its maximum.
    se : above 0; the first step of the search.
    level : of the interval.
    surer : the same deviance, maximised from many starting points. It checks each limit; if it is smaller there,
        `deviance` had followed a lower maximum: the search continues outwards from there, and `deviance` is expected to
        follow the better maximum from then on.

    Returns
    -------
    (low, high); infinite if the profile never falls that far.
    """
    quantile = float(special.chdtri(1, 1 - level))

    def limit(step: float) -> float:
        inside, lack = estimate, -quantile
        for _ in range(_MOST_SEARCHES):
            crossing = _limit(_excess(deviance, quantile, {inside: lack}), inside, step)
            if surer is None or not np.isfinite(crossing):
                break
            lack = surer(crossing) - quantile
            if lack >= -_SAME:
                break
            inside = crossing
        return crossing

    return limit(-se), limit(se)


def _excess(deviance: Callable[[float], float], quantile: float, known: dict[float, float]) -> Callable[[float], float]:
    """Return deviance minus quantile as a cached function, since a second climb may end slightly elsewhere."""

    def excess(value: float) -> float:
        if value not in known:
            known[value] = deviance(value) - quantile
        return known[value]

    return excess


def _limit(excess: Callable[[float], float], estimate: float, step: float) -> float:
    inside, outside = estimate, estimate + step
    for _ in range(_MOST_DOUBLINGS):
        if excess(outside) > 0:
            return float(optimize.brentq(excess, inside, outside, xtol=1e-9 * abs(step), rtol=1e-12))
        inside, outside = outside, outside + 2 * (outside - inside)
    return float("inf") if step > 0 else float("-inf")

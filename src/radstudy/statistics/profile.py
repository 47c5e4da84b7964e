"""Limits from the profile of a likelihood: where it falls by half a chi-square quantile."""

from __future__ import annotations

from collections.abc import Callable

from scipy import optimize, special

_MOST_DOUBLINGS = 30


def profile_limits(deviance: Callable[[float], float], estimate: float, se: float, level: float) -> tuple[float, float]:
    """The two values at which the deviance reaches the chi-square quantile of one degree of freedom.

    Parameters
    ----------
    deviance : ``2 (maximum - profile log likelihood)`` at a value of the coefficient; zero at the estimate.
    estimate : where the likelihood has its maximum.
    se : above 0; the first step of the search.
    level : of the interval.

    Returns
    -------
    (low, high); infinite where the profile never falls so far.
    """
    quantile = float(special.chdtri(1, 1 - level))

    known = {estimate: -quantile}  # a profile that is climbed to may end a little elsewhere the second time

    def excess(value: float) -> float:
        if value not in known:
            known[value] = deviance(value) - quantile
        return known[value]

    return _limit(excess, estimate, -se), _limit(excess, estimate, se)


def _limit(excess: Callable[[float], float], estimate: float, step: float) -> float:
    inside, outside = estimate, estimate + step
    for _ in range(_MOST_DOUBLINGS):
        if excess(outside) > 0:
            return float(optimize.brentq(excess, inside, outside, xtol=1e-9 * abs(step), rtol=1e-12))
        inside, outside = outside, outside + 2 * (outside - inside)
    return float("inf") if step > 0 else float("-inf")

"""Location and scale of one site: as estimated, or shrunk towards the site's mean over all features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-13  # of location and scale, in pooled standard deviations and variances
_MOST = 100_000


@dataclass(frozen=True, eq=False)
class SiteEffect:
    """Location (features,) and variance (features,) of a site, in pooled standard deviations and variances."""

    shift: Array
    spread: Array


def site_effect(standard: Array, *, mean_only: bool, empirical_bayes: bool) -> SiteEffect:
    """Estimate the location and the scale of one site.

    Parameters
    ----------
    standard : (rows of the site, features) standardised values, NaN where missing; at least two rows of each feature
        unless `mean_only`.
    mean_only : leave the scale at 1.
    empirical_bayes : shrink towards the mean over the features; with a single feature there is no such mean, and the
        estimates stay as they are.

    References
    ----------
    Johnson WE, Li C, Rabinovic A, Biostatistics 2007;8(1):118-127, doi 10.1093/biostatistics/kxj037: normal prior of
    the locations, inverse gamma prior of the variances, both with moments over the features of the site.
    """
    count = np.isfinite(standard).sum(axis=0)
    location: Array = np.nanmean(standard, axis=0)
    one = np.ones(standard.shape[1])
    variance = one if mean_only else np.nanvar(standard, axis=0, ddof=1)
    if not empirical_bayes or standard.shape[1] < 2:
        return SiteEffect(location, variance)
    centre, width = float(location.mean()), float(location.var(ddof=1))
    if mean_only:  # as in sva: one observation per site, whose variance is 1
        return SiteEffect((width * location + centre) / (width + 1), one)
    return _posterior(location, variance, count, centre, width)


def _posterior(location: Array, variance: Array, count: NDArray[np.int64], centre: float, width: float) -> SiteEffect:
    """Iterate the two conditional posterior means to their fixed point.

    sva and neuroCombat stop as soon as no value changes by more than 1e-4 of itself, so that a feature's result depends
    slightly on the features beside it; here the iteration goes on until nothing changes any more.
    """
    mean, of_variance = float(variance.mean()), float(variance.var(ddof=1))
    if of_variance == 0:  # all features have one variance: a prior without width
        shift = (width * count * location + mean * centre) / (width * count + mean)
        return SiteEffect(shift, np.full_like(variance, mean))
    shape = mean**2 / of_variance + 2
    rate = mean * (shape - 1)
    shift, spread = location, variance
    for _ in range(_MOST):
        before = shift, spread
        shift = (width * count * location + spread * centre) / (width * count + spread)
        squares = (count - 1) * variance + count * (location - shift) ** 2
        spread = (squares / 2 + rate) / (count / 2 + shape - 1)
        if max(np.abs(shift - before[0]).max(), np.abs(spread - before[1]).max()) <= TOLERANCE * max(1.0, spread.max()):
            return SiteEffect(shift, spread)
    raise ArithmeticError("the empirical Bayes estimates of a site do not converge")

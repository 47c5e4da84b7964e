"""Bootstrap within groups: resampled counts, percentile and BCa limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, checked_level

FEWEST_RESAMPLES = 100
_CELLS = 2_000_000  # of the counts held at once


def resampled_counts(
    groups: Sequence[NDArray[np.intp]], bins: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield how often each bin is drawn when every group is resampled with replacement, at its own size.

    Parameters
    ----------
    groups : the bin, 0 to `bins` - 1, of every member of each group.
    bins : number of bins (distinct scores, or one per case).
    resamples : at least 100.
    rng : the generator.

    Yields
    ------
    One int array (some resamples, bins) per group, until there are `resamples` of them.

    Raises
    ------
    DataError : too few resamples for percentiles.
    """
    if resamples < FEWEST_RESAMPLES:
        raise DataError(f"{resamples} resamples are too few for percentiles; take 2000.")
    at_once = max(1, _CELLS // max(bins, *(group.size for group in groups)))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        shift = np.arange(rows)[:, None] * bins
        yield tuple(
            np.bincount((group[rng.integers(0, group.size, (rows, group.size))] + shift).ravel(), minlength=rows * bins)
            .reshape(rows, bins)
            .astype(np.int64)
            for group in groups
        )


def fewest_for_share(level: float) -> int:
    """Return the number of values that the central share `level` needs to have one in each tail.

    With fewer values the central share is their range.

    Examples
    --------
    >>> fewest_for_share(0.95), fewest_for_share(0.9)
    (40, 20)
    """
    return math.ceil(2 / (1 - checked_level(level)) - 1e-9)


def percentile_limits(values: FloatArray, level: float) -> tuple[float, float]:
    """Compute the percentile interval of a statistic's resampled values (resamples,); NaN if any is NaN."""
    tail = (1 - checked_level(level)) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def bca_limits(
    values: FloatArray, observed: float, influences: Sequence[FloatArray], level: float
) -> tuple[float, float]:
    """Compute Efron's interval, corrected for bias and acceleration, of a statistic of independent groups.

    The bias is the normal quantile of the share of resamples below the observed value (ties half). The acceleration is
    ``sum_g (sum u^3 / n_g^3) / (6 (sum_g (sum u^2 / n_g^2))^1.5)``, u the jackknife influences of group g.

    Parameters
    ----------
    values : (resamples,) of the statistic.
    observed : the statistic of the sample itself.
    influences : one (n_g,) array per group, ``(n_g - 1) (mean - leave-one-out value)``, of mean zero.
    level : of the interval.

    Returns
    -------
    (low, high); a single point if all resamples agree.

    References
    ----------
    Efron B, J Am Stat Assoc 1987;82:171, doi 10.1080/01621459.1987.10478410.
    Efron B, Tibshirani RJ, An Introduction to the Bootstrap, 1993, 14.3.
    """
    if values.min() == values.max():
        return float(values[0]), float(values[0])
    below = ((values < observed).mean() + (values <= observed).mean()) / 2
    # all resamples on one side would imply an infinite correction: half a resample is the most that is known
    bias = special.ndtri(np.clip(below, 0.5 / values.size, 1 - 0.5 / values.size))
    third = sum(float((u**3).sum()) / u.size**3 for u in influences)
    second = sum(float((u**2).sum()) / u.size**2 for u in influences)
    acceleration = third / (6 * second**1.5) if second > 0 else 0.0
    tail = special.ndtri((1 - checked_level(level)) / 2)
    shifted = bias + np.array([tail, -tail])
    low, high = np.quantile(values, special.ndtr(bias + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)


def no_information(values: FloatArray, name: str) -> str:
    """Return a note if every resample has the same value, else ""."""
    same = values.min() == values.max()
    return f"every resample has the same {name}: the interval carries no information" if same else ""

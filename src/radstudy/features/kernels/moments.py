"""Moments and order statistics of a lesion's intensities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit


@jit()
def moments(values: NDArray[np.float64], shift: float) -> tuple[float, float, float, float, float, float]:
    """Compute mean, central moments 2, 3, 4, mean absolute deviation, and the sum of squares of values + shift.

    Parameters
    ----------
    values : float64 (n,), n > 0.
    shift : added to every value for the sum of squares only.
    """
    total = 0.0
    energy = 0.0
    lowest = highest = values[0]
    for value in values:
        total += value
        energy += (value + shift) ** 2
        lowest = min(lowest, value)
        highest = max(highest, value)
    if lowest == highest:  # rounding of the mean must not create a variance
        return lowest, 0.0, 0.0, 0.0, 0.0, energy
    mean = total / values.size
    second = third = fourth = absolute = 0.0
    for value in values:
        apart = value - mean
        square = apart * apart
        second += square
        third += square * apart
        fourth += square * square
        absolute += abs(apart)
    n = values.size
    return mean, second / n, third / n, fourth / n, absolute / n, energy


@jit()
def deviation_between(values: NDArray[np.float64], low: float, high: float) -> float:
    """Compute the mean absolute deviation of the values from `low` to `high` (inclusive) from their own mean.

    NaN if there are none.
    """
    total = 0.0
    count = 0
    for value in values:
        if low <= value <= high:
            total += value
            count += 1
    if count == 0:
        return np.nan
    mean = total / count
    absolute = 0.0
    for value in values:
        if low <= value <= high:
            absolute += abs(value - mean)
    return absolute / count


@jit()
def order_statistics(values: NDArray[np.float64], ranks: NDArray[np.int64], per_bucket: int) -> NDArray[np.float64]:
    """Return the values of the given ranks by sorting only the equal-width buckets that contain them.

    Parameters
    ----------
    values : float64 (n,), n > 0.
    ranks : int64 (m,), from 0.
    per_bucket : number of values in a bucket if they were spread evenly.

    Returns
    -------
    chosen : float64 (m,); empty if a bucket to be sorted is too full for a simple sort (outliers): then sort all.
    """
    chosen = np.empty(ranks.size)
    low = high = values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
    span = high - low
    if span == 0:
        for index in range(ranks.size):
            chosen[index] = low
        return chosen
    n_buckets = values.size // per_bucket + 1
    scale = (n_buckets - 1) / span
    if not np.isfinite(scale):
        return np.empty(0)
    bucket = np.empty(values.size, np.int32)
    begin = np.zeros(n_buckets + 1, np.int64)
    for index in range(values.size):
        bucket[index] = int((values[index] - low) * scale)
        begin[bucket[index] + 1] += 1
    for one in range(n_buckets):
        begin[one + 1] += begin[one]
    wanted = np.zeros(n_buckets, np.bool_)
    for rank in ranks:
        one = 0
        while begin[one + 1] <= rank:
            one += 1
        wanted[one] = True
        if begin[one + 1] - begin[one] > 32 * per_bucket:
            return np.empty(0)
    # insert each value of a needed bucket in its place
    end = begin.copy()
    ordered = np.empty(values.size, np.float64)
    for index in range(values.size):
        one = bucket[index]
        if wanted[one]:
            value = values[index]
            place = end[one]
            end[one] += 1
            while place > begin[one] and ordered[place - 1] > value:
                ordered[place] = ordered[place - 1]
                place -= 1
            ordered[place] = value
    for index in range(ranks.size):
        chosen[index] = ordered[ranks[index]]
    return chosen

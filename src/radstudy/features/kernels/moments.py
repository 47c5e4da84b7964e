"""Sums over a lesion's intensities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit


@jit()
def moments(values: NDArray[np.float64], shift: float) -> tuple[float, float, float, float, float, float]:
    """Mean, central moments 2, 3, 4, mean absolute deviation, and the sum of squares of values + shift.

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
    if lowest == highest:  # rounding of the mean must not make a variance
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
    """Mean absolute deviation, from their own mean, of the values from `low` to `high`, both included.

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

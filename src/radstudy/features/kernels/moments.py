"""Sums over a lesion's sorted intensities."""

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
    for value in values:
        total += value
        energy += (value + shift) ** 2
    mean = total / values.size
    if values[0] == values[-1]:  # sorted, so flat: rounding of the mean must not make a variance
        return values[0], 0.0, 0.0, 0.0, 0.0, energy
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
def deviation_between(ascending: NDArray[np.float64], low: float, high: float) -> float:
    """Mean absolute deviation, from their own mean, of the sorted values from `low` to `high`, both included."""
    first = 0
    last = ascending.size
    while first < last and ascending[first] < low:
        first += 1
    while last > first and ascending[last - 1] > high:
        last -= 1
    if first == last:
        return np.nan
    total = 0.0
    for index in range(first, last):
        total += ascending[index]
    mean = total / (last - first)
    absolute = 0.0
    for index in range(first, last):
        absolute += abs(ascending[index] - mean)
    return absolute / (last - first)

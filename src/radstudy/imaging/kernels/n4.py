"""Passes over the foreground voxels of N4: each touches every voxel once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
_u = np.uint64  # an index that may be negative costs a test for counting from the end


@jit()
def _exp_minus_1(x: float) -> float:
    """exp(x) - 1 to the last digits: Taylor's polynomial where seven terms are exact, and they mostly are."""
    if abs(x) > 2.0**-6:
        return math.exp(x) - 1.0
    tail = 1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040)))
    return x + x * x * (1 / 2 + x * (1 / 6 + x * tail))


@jit()
def uncorrected(log_image: Values, old_field: Values, new_field: Values, where: Indices, out: Values) -> float:
    """Subtract the new field from the log image, and measure how far the field has moved.

    Parameters
    ----------
    log_image, old_field, new_field : float64 (voxels,), the whole shrunk grid.
    where : int64 (n,), indices of the foreground.
    out : float64 (n,), filled with log_image - new_field of the foreground.

    Returns
    -------
    Coefficient of variation of exp(old - new) over the foreground.
    """
    count = where.size
    total = 0.0
    squares = 0.0
    for i in range(count):
        at = _u(where[i])
        new = new_field[at]
        out[_u(i)] = log_image[at] - new
        moved = _exp_minus_1(old_field[at] - new)  # around 1, so that the squares keep their digits
        total += moved
        squares += moved * moved
    mean = total / count
    variance = max(squares - count * mean * mean, 0.0) / max(count - 1, 1)
    return math.sqrt(variance) / (1.0 + mean)


@jit()
def value_range(values: Values) -> tuple[float, float]:
    """Smallest and largest value as ITK finds them: a value that raises the maximum is no candidate for the minimum."""
    low = np.inf
    high = -np.inf
    for value in values:
        if value > high:
            high = value
        elif value < low:
            low = value
    return low, high


@jit()
def triangular_histogram(values: Values, low: float, slope: float, bins: int) -> Values:
    """Histogram with triangular Parzen windows: each value is shared between the two nearest bins, float64 (bins,)."""
    counts = np.zeros(bins)
    for value in values:
        place = (value - low) / slope
        bin_ = int(place)  # rounds towards zero: a place below 0 is none
        if place < 0 or bin_ >= bins:
            continue
        offset = place - bin_
        if offset == 0.0:
            counts[_u(bin_)] += 1.0
        elif bin_ < bins - 1:
            counts[_u(bin_)] += 1.0 - offset
            counts[_u(bin_ + 1)] += offset
    return counts


@jit()
def residual(values: Values, low: float, slope: float, expected: Values, where: Indices, out: Values) -> None:
    """Fill out[where] with values - E(u | v), the mapping interpolated linearly between its bins.

    Parameters
    ----------
    values : float64 (n,), of the foreground.
    low, slope : of the histogram.
    expected : float64 (bins,), the mapping.
    where : int64 (n,), indices of the foreground.
    out : float64 (voxels,), zero outside the foreground.
    """
    last = expected.size - 1
    for i in range(values.size):
        value = values[_u(i)]
        place = (value - low) / slope
        bin_ = int(place)
        if place >= 0 and bin_ < last:
            below = expected[_u(bin_)]
            mapped = below + (expected[_u(bin_ + 1)] - below) * (place - bin_)
        else:
            mapped = expected[_u(last)]
        out[_u(where[i])] = value - mapped

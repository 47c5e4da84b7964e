"""Passes over the foreground voxels of N4: each touches every voxel once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Values = NDArray[np.float64]
Indices = NDArray[np.int64]


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
        at = where[i]
        out[i] = log_image[at] - new_field[at]
        moved = math.exp(old_field[at] - new_field[at]) - 1.0  # around 1, so that the squares keep their digits
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
        bin_ = math.floor(place)
        if bin_ < 0 or bin_ >= bins:
            continue
        offset = place - bin_
        if offset == 0.0:
            counts[bin_] += 1.0
        elif bin_ < bins - 1:
            counts[bin_] += 1.0 - offset
            counts[bin_ + 1] += offset
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
        place = (values[i] - low) / slope
        bin_ = math.floor(place)
        if 0 <= bin_ < last:
            mapped = expected[bin_] + (expected[bin_ + 1] - expected[bin_]) * (place - bin_)
        else:
            mapped = expected[last]
        out[where[i]] = values[i] - mapped

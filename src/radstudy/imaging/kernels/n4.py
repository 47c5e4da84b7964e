"""Passes over the shrunk grid of N4: each touches every voxel once.

Fields are whole grids, flat, with a bool array that says which voxels are foreground: what is only summed up over
them is fastest that way, several voxels at once. Log intensities are lists of the foreground's voxels alone: what
depends on each value's own bin is fastest without voxels to jump over.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Values = NDArray[np.float64]
Inside = NDArray[np.bool_]
Indices = NDArray[np.int64]
_u = np.uint64  # an index that may be negative costs a test for counting from the end
_NEAR, _FAR = 2.0**-6, 2.0**-3  # up to here the polynomials below give exp(x) - 1 to its last digits


@jit()
def _near(x: float) -> float:
    """exp(x) - 1 for |x| <= 2^-6."""
    return x + x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040))))))


@jit()
def _far(x: float) -> float:
    """exp(x) - 1 for |x| <= 2^-3."""
    tail = 1 / 5040 + x * (1 / 40320 + x * (1 / 362880 + x * (1 / 3628800 + x * (1 / 39916800))))
    return x + x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * tail)))))


@jit(fastmath={"nnan", "nsz", "reassoc", "contract"})
def _moved_near(old: Values, new: Values, inside: Inside) -> tuple[float, float]:
    """Sums of exp(old - new) - 1 and of its square over the foreground, where no distance is above 2^-6."""
    total = squares = 0.0
    for i in range(old.size):
        moved = _near((old[_u(i)] - new[_u(i)]) * (1.0 if inside[_u(i)] else 0.0))
        total += moved
        squares += moved * moved
    return total, squares


@jit(fastmath={"nnan", "nsz", "reassoc", "contract"})
def _moved_far(old: Values, new: Values, inside: Inside) -> tuple[float, float]:
    """As `_moved_near`, where no distance is above 2^-3."""
    total = squares = 0.0
    for i in range(old.size):
        moved = _far((old[_u(i)] - new[_u(i)]) * (1.0 if inside[_u(i)] else 0.0))
        total += moved
        squares += moved * moved
    return total, squares


@jit()
def _moved(old: Values, new: Values, inside: Inside) -> tuple[float, float]:
    """As `_moved_near`, for any distance."""
    total = squares = 0.0
    for i in range(old.size):
        if inside[i]:
            moved = math.exp(old[i] - new[i]) - 1.0  # around 1, so that the squares keep their digits
            total += moved
            squares += moved * moved
    return total, squares


@jit()
def value_range(values: Values) -> tuple[float, float]:
    """Smallest and largest value as ITK finds them: a value that raises the maximum is no candidate for the minimum.

    The smallest of all is no candidate only where it comes first.
    """
    low = high = values[0]
    for value in values:
        low = value if value < low else low
        high = value if value > high else high
    if low < values[0]:
        return low, high
    low = np.inf
    high = -np.inf
    for value in values:
        if value > high:
            high = value
        elif value < low:
            low = value
    return low, high


@jit()
def movement(old_field: Values, new_field: Values, inside: Inside, count: int, furthest: float) -> float:
    """How far the field has moved: the coefficient of variation of exp(old - new) over the foreground.

    Parameters
    ----------
    old_field, new_field : float64 (voxels,), the whole shrunk grid.
    inside : bool (voxels,), the foreground.
    count : how many voxels that is.
    furthest : no voxel of the field has moved by more than this.
    """
    if furthest <= _NEAR:
        total, squares = _moved_near(old_field, new_field, inside)
    elif furthest <= _FAR:
        total, squares = _moved_far(old_field, new_field, inside)
    else:
        total, squares = _moved(old_field, new_field, inside)
    mean = total / count
    variance = max(squares - count * mean * mean, 0.0) / max(count - 1, 1)
    return math.sqrt(variance) / (1.0 + mean)


@jit()
def uncorrected(log_values: Values, field: Values, where: Indices, out: Values) -> None:
    """Fill out (n,) with the foreground's log intensities (n,) minus the field (voxels,) at their indices `where`."""
    for i in range(where.size):
        out[_u(i)] = log_values[_u(i)] - field[_u(where[_u(i)])]


@jit()
def triangular_histogram(values: Values, low: float, slope: float, bins: int, places: Values) -> Values:
    """Histogram with triangular Parzen windows: each value is shared between the two nearest bins.

    Parameters
    ----------
    values : float64 (n,), of the foreground.
    low, slope : centre of the first bin, and the distance of the bins.
    bins : how many.
    places : float64 (n,), filled with where the values lie, in bins.

    Returns
    -------
    float64 (bins,).
    """
    # How many, and how far above their bins: four sums each in turns, because adding to what was just written is slow.
    number = np.zeros(4 * bins, np.int64)
    above = np.zeros(4 * bins)
    for i in range(values.size):
        places[_u(i)] = (values[_u(i)] - low) / slope
    for i in range(values.size):
        place = places[_u(i)]
        if 0.0 <= place <= bins - 1:  # ITK, too, drops what rounding puts beyond the last bin
            bin_ = int(place)
            at = _u(4 * bin_ + (i & 3))
            number[at] += 1
            above[at] += place - bin_
    counts = np.zeros(bins)
    for bin_ in range(bins):
        shared = above[4 * bin_] + above[4 * bin_ + 1] + above[4 * bin_ + 2] + above[4 * bin_ + 3]
        counts[bin_] += number[4 * bin_] + number[4 * bin_ + 1] + number[4 * bin_ + 2] + number[4 * bin_ + 3] - shared
        if bin_ < bins - 1:
            counts[bin_ + 1] += shared
    return counts


@jit()
def residual(values: Values, places: Values, where: Indices, expected: Values, out: Values) -> None:
    """Fill out[where] with values - E(u | v), the mapping interpolated linearly between its bins.

    Parameters
    ----------
    values, places : float64 (n,), of the foreground, as `triangular_histogram` was given and has filled them.
    where : int64 (n,), indices of the foreground.
    expected : float64 (bins,), the mapping.
    out : float64 (voxels,), zero outside the foreground.
    """
    last = expected.size - 1
    for i in range(values.size):
        place = places[_u(i)]
        bin_ = int(place)
        if place >= 0 and bin_ < last:
            below = expected[_u(bin_)]
            mapped = below + (expected[_u(bin_ + 1)] - below) * (place - bin_)
        else:
            mapped = expected[_u(last)]
        out[_u(where[_u(i)])] = values[_u(i)] - mapped

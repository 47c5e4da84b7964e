"""Passes over N4's shrunk grid, each of which visits every voxel once.

Grids are (z, y * x), x contiguous; voxels outside the foreground are NaN, which fails every comparison: computing all
voxels of a strip, several at once, costs less than skipping some. A strip is a number of rows of a plane. Sums go into
one accumulator per voxel of a strip, and at the plane's end these are added in order, so the result does not depend on
the number that a processor adds at once, nor on the distribution of planes to threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.imaging.kernels.elementary import exp64
from radstudy.imaging.kernels.lattice import gather, mix

Values = NDArray[np.float64]
Reals = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
_u = np.uint64  # an index that may be negative needs a test for counting from the end
_STEP = 8  # voxels that the widest registers hold
_NEAR, _FAR = 2.0**-6, 2.0**-3  # up to here the polynomials below give exp(x) - 1 to its last digits


@jit()
def _near(x: float) -> float:
    """Return exp(x) - 1 for |x| <= 2^-6."""
    return x + x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040))))))


@jit()
def _far(x: float) -> float:
    """Return exp(x) - 1 for |x| <= 2^-3."""
    tail = 1 / 5040 + x * (1 / 40320 + x * (1 / 362880 + x * (1 / 3628800 + x * (1 / 39916800))))
    return x + x * x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * tail)))))


@jit()
def value_range(values: Values) -> tuple[float, float]:
    """Return the smallest and largest of the values (n,) as ITK finds them, ignoring NaN.

    A value that raises the maximum is not a candidate for the minimum: the smallest is ignored if it comes first.
    """
    low = np.inf
    high = -np.inf
    for i in range(values.size):
        value = values[_u(i)]
        if value > high:
            high = value
        elif value < low:
            low = value
    return low, high


@jit()
def spans(values: Values, strip: int) -> Indices:
    """Find the begin and end of each strip's foreground, in steps of 8; both are 0 for a strip without foreground.

    Parameters
    ----------
    values : (z, y * x), not NaN in the foreground.
    strip : voxels of a strip, whole rows; the last of a plane may be shorter.

    Returns
    -------
    int64 (z, strips of a plane, 2), counted from the plane's first voxel.
    """
    size = values.shape[1]
    ends = np.zeros((values.shape[0], (size + strip - 1) // strip, 2), np.int64)
    for k in range(values.shape[0]):
        for i in range(size):
            if values[k, i] == values[k, i]:
                start = i - i % _STEP
                one = ends[k, i // strip]
                if one[1] == 0:
                    one[0] = max(start, i // strip * strip)
                one[1] = min(start + _STEP, (i // strip + 1) * strip, size)
    return ends


@jit(error_model="numpy")
def triangular_histogram(
    values: Values, span: Indices, low: float, slope: float, bins: int
) -> tuple[NDArray[np.int64], Values]:
    """Compute a histogram with triangular Parzen windows, in two parts: each value counts in the two nearest bins.

    Parameters
    ----------
    values : (z, y * x); NaN is ignored.
    span : as returned by `spans`.
    low, slope : centre of the first bin, and the distance of the bins.
    bins : number of bins.

    Returns
    -------
    number : int64 (bins,), values that lie at each bin's centre or above it, below the next one's.
    above : float64 (bins,), the sum of their distances above it, in bins.
    """
    # Four sums each in turn, because adding to a number that was just written is slow.
    number = np.zeros(4 * bins, np.int64)
    above = np.zeros(4 * bins)
    places = np.empty(values.shape[1])
    for k in range(values.shape[0]):
        for strip in range(span.shape[1]):
            value = values[k, span[k, strip, 0] : span[k, strip, 1]]
            for i in range(value.size):
                places[_u(i)] = (value[_u(i)] - low) / slope
            for i in range(value.size):
                place = places[_u(i)]
                if 0.0 <= place <= bins - 1:  # like ITK, drop values that rounding puts beyond the last bin
                    bin_ = np.int64(place)
                    at = _u(4 * bin_ + (i & 3))
                    number[at] += 1
                    above[at] += place - bin_
    for one in range(bins):
        turn = 4 * one
        number[one] = number[turn] + number[turn + 1] + number[turn + 2] + number[turn + 3]
        above[one] = above[turn] + above[turn + 1] + above[turn + 2] + above[turn + 3]
    return number[:bins].copy(), above[:bins].copy()


@jit()
def shared_counts(number: NDArray[np.int64], above: Values) -> Values:
    """Return the counts (bins,) of a histogram in two parts, as returned by `triangular_histogram`."""
    counts = np.zeros(number.size)
    for bin_ in range(number.size):
        counts[bin_] += number[bin_] - above[bin_]
        if bin_ < number.size - 1:
            counts[bin_ + 1] += above[bin_]
    return counts


@jit(error_model="numpy")
def residual_planes(
    values: Values, weight: Values, span: Indices, low: float, slope: float, expected: Values, first: Indices,
    taps: Reals, planes: Values,
) -> None:  # fmt: skip
    """Fill planes (z, b, x) with values - E(u | v), weighted and summed along y into control points.

    The mapping is interpolated linearly between its bins.

    Parameters
    ----------
    values : (z, y * x); NaN is ignored.
    weight : (z, y * x), or (z, 0) if all are 1.
    span : as returned by `spans`.
    low, slope : centre of the first bin, and the distance of the bins.
    expected : float64 (bins,), the mapping.
    first, taps : of the y axis, (y,) and (y, 4).
    """
    last = expected.size - 1
    steps = np.zeros(expected.size)
    for one in range(last):
        steps[one] = expected[one + 1] - expected[one]
    parts, bins = np.empty(values.shape[1]), np.empty(values.shape[1], np.int32)
    row, width = np.empty(values.shape[1]), planes.shape[2]
    per_unit = 1.0 / slope
    for k in range(values.shape[0]):
        planes[k] = 0.0
        for strip in range(span.shape[1]):
            start, stop = span[k, strip, 0], span[k, strip, 1]
            value = values[k, start:stop]
            for i in range(value.size):
                place = (value[_u(i)] - low) * per_unit
                place = place if 0.0 <= place < last else float(last)
                bin_ = np.int32(place)
                parts[_u(i)] = place - bin_
                bins[_u(i)] = bin_
            for i in range(value.size):
                bin_ = bins[_u(i)]
                mapped = expected[_u(bin_)] + steps[_u(bin_)] * parts[_u(i)]
                row[_u(i)] = value[_u(i)] - mapped if value[_u(i)] == value[_u(i)] else 0.0
            if weight.size:
                for i in range(value.size):
                    row[_u(i)] *= weight[k, start + i]
            while start < stop:
                j = start // width
                end = min((j + 1) * width, stop)
                done = start - span[k, strip, 0]
                gather(row[done : done + end - start], first[j], taps[j], start - j * width, planes[k])
                start = end


@jit()
def advance(
    values: Values, span: Indices, strip: int, rows: Values, first_z: Indices, z: Reals,
    first_y: Indices, y: Reals, furthest: float, sums: Values,
) -> None:  # fmt: skip
    """Subtract the field's change from the log intensities, and measure how far the field has moved.

    Parameters
    ----------
    values : (z, y * x), log intensities, changed in place; NaN is ignored.
    span, strip : the result and the argument of `spans`.
    rows : (c, b * x), the change's control points evaluated along x, as returned by `rows_of`.
    first_z, z, first_y, y : control points and taps of the other axes.
    furthest : no voxel of the field moves by more than this.
    sums : (z, 4), filled for each plane: the sum of exp(-change) - 1 over the foreground, the sum of its square, and
        the new smallest and largest log intensity.
    """
    width = values.shape[1] // first_y.size
    mixed, change = np.empty((rows.shape[1] // width, width)), np.empty(values.shape[1])
    total, squares, low, high = np.empty(strip), np.empty(strip), np.empty(strip), np.empty(strip)
    for k in range(values.shape[0]):
        total[:] = 0.0
        squares[:] = 0.0
        low[:] = np.inf
        high[:] = -np.inf
        mix(rows, first_z[k], z[k], 0, mixed.reshape(mixed.size))
        for one in range(span.shape[1]):
            start, stop = span[k, one, 0], span[k, one, 1]
            for j in range(start // width, (stop + width - 1) // width):
                mix(mixed, first_y[j], y[j], 0, change[j * width : (j + 1) * width])
            value, moved = values[k, start:stop], change[start:stop]
            for i in range(value.size):
                moved[_u(i)] = moved[_u(i)] if value[_u(i)] == value[_u(i)] else 0.0
                value[_u(i)] -= moved[_u(i)]
            _add_movement(moved, furthest, total, squares)
            for i in range(value.size):
                low[_u(i)] = value[_u(i)] if value[_u(i)] < low[_u(i)] else low[_u(i)]
                high[_u(i)] = value[_u(i)] if value[_u(i)] > high[_u(i)] else high[_u(i)]
        sums[k, 0] = sums[k, 1] = 0.0
        sums[k, 2], sums[k, 3] = np.inf, -np.inf
        for i in range(strip):
            sums[k, 0] += total[i]
            sums[k, 1] += squares[i]
            sums[k, 2] = min(sums[k, 2], low[i])
            sums[k, 3] = max(sums[k, 3], high[i])


@jit()
def _add_movement(change: Values, furthest: float, total: Values, squares: Values) -> None:
    """Add exp(-change) - 1 of every change (n,), and its square, to the first n accumulators (strip,)."""
    if furthest <= _NEAR:
        for i in range(change.size):
            moved = _near(-change[_u(i)])
            total[_u(i)] += moved
            squares[_u(i)] += moved * moved
    elif furthest <= _FAR:
        for i in range(change.size):
            moved = _far(-change[_u(i)])
            total[_u(i)] += moved
            squares[_u(i)] += moved * moved
    else:
        for i in range(change.size):
            moved = exp64(-change[_u(i)]) - 1.0  # around 1, so that the squares keep their digits
            total[_u(i)] += moved
            squares[_u(i)] += moved * moved


@jit()
def movement(sums: Values, count: int) -> tuple[float, float, float]:
    """Compute how far the field has moved, and the new range of the log intensities.

    Parameters
    ----------
    sums : (z, 4), as filled by `advance`.
    count : voxels of the foreground.

    Returns
    -------
    The coefficient of variation of exp(-change) over the foreground; the smallest and the largest log intensity.
    """
    total = squares = 0.0
    low, high = np.inf, -np.inf
    for k in range(sums.shape[0]):
        total += sums[k, 0]
        squares += sums[k, 1]
        low = min(low, sums[k, 2])
        high = max(high, sums[k, 3])
    mean = total / count
    variance = max(squares - count * mean * mean, 0.0) / max(count - 1, 1)
    return math.sqrt(variance) / (1.0 + mean), low, high

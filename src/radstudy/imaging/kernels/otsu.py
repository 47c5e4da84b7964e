"""Passes over the voxels and over the bins for Otsu's threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

_u = np.uint64  # an index that may be negative needs a test for counting from the end


@jit()
def histogram(values: NDArray[np.floating[Any]], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count float values (n,) between edges (bins + 1,), each bin closed below and open above; counts are (bins,).

    The edges are nearly equidistant: the bin is guessed, then moved until the edges agree. Four counts are used in
    turn, because most voxels are air, and adding to a number that was just written is slow.
    """
    bins = edges.size - 1
    counts = np.zeros((4, bins), dtype=np.int64)
    low = edges[0]
    per_unit = bins / (edges[bins] - low)
    for i in range(values.size):
        value = values[_u(i)]
        place = min(max(int((value - low) * per_unit), 0), bins - 1)
        while place > 0 and value < edges[_u(place)]:
            place -= 1
        while place < bins - 1 and value >= edges[_u(place + 1)]:
            place += 1
        counts[_u(i & 3), _u(place)] += 1
    total: NDArray[np.int64] = counts[0] + counts[1] + counts[2] + counts[3]
    return total


@jit()
def best_split(counts: NDArray[np.int64], centres: NDArray[np.float64], smallest_gain: float) -> int:
    """Return the last bin of the lower class: the first split with the largest variance between the classes.

    As in ITK, the variance is summed in the same order, and a variance larger only in the last digit does not count: of
    two splits that are equal except for rounding, the same one wins.

    Parameters
    ----------
    counts : int64 (bins,).
    centres : float64 (bins,), the intensities of the bins.
    smallest_gain : a variance must be larger than the largest so far by more than this, arbitrary units squared.
    """
    total = 0
    sum_all = 0.0
    for i in range(counts.size):
        total += counts[i]
        sum_all += centres[i] * counts[i]
    mean_all = sum_all / total
    below = 0
    mean_below = 0.0
    largest = -1.0
    best = 0
    for i in range(counts.size - 1):
        before = below
        below += counts[i]
        mean_below = (mean_below * before + centres[i] * counts[i]) / below if below else 0.0
        above = total - below
        mean_above = (mean_all * total - mean_below * below) / above if above else 0.0
        between = (below * (mean_below * mean_below) + above * (mean_above * mean_above)) / total
        if between > np.nextafter(largest, np.inf) and between - largest > smallest_gain:
            largest = between
            best = i
    return best

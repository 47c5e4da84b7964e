"""Compiled kernel of the discretisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit


@jit()
def digitise(values: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the bin number, from 1, of each value: ``numpy.digitize`` for bins of (nearly) equal width.

    The bin is guessed from the width and corrected by comparing with the edges themselves, so the result is exact.

    Parameters
    ----------
    values : float64 (n,).
    edges : float64 (bins + 1,), ascending; a value at or above the last gets the number bins + 1.

    Returns
    -------
    numbers : int32 (n,). A value below the first edge (possible only by rounding of that edge) gets 1.
    counts : int64 (highest number + 1,), number of values in each bin.
    """
    n_bins = edges.size - 1
    per_bin = n_bins / (edges[n_bins] - edges[0])
    numbers = np.empty(values.size, np.int32)
    counts = np.zeros(n_bins + 2, np.int64)
    highest = 0
    for index in range(values.size):
        value = values[index]
        number = min(max(int((value - edges[0]) * per_bin), 0), n_bins)
        while number > 0 and value < edges[number]:
            number -= 1
        while number < n_bins and value >= edges[number + 1]:
            number += 1
        numbers[index] = number + 1
        counts[number + 1] += 1
        highest = max(highest, number + 1)
    return numbers, counts[: highest + 1]

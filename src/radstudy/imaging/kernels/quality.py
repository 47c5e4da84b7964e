"""Mean, spread and histogram of a volume's foreground, without copying the foreground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit


@jit()
def spread(
    values: NDArray[np.floating[Any]], inside: NDArray[np.bool_], bins: int, top: float
) -> tuple[float, float, NDArray[np.int64]]:
    """Compute mean and standard deviation of the values inside, and their histogram from 0 to `top` means.

    Parameters
    ----------
    values : float (n,).
    inside : bool (n,).
    bins : of the histogram; the first also counts values below 0, the last those above `top` means.
    top : of the histogram, in means.

    Returns
    -------
    mean, deviation : 0 if nothing is inside.
    counts : int64 (bins,); all 0 if the mean is not above 0.
    """
    counts = np.zeros(bins, np.int64)
    count = 0
    total = 0.0
    for i in range(values.size):
        if inside[i]:
            count += 1
            total += values[i]
    if count == 0:
        return 0.0, 0.0, counts
    mean = total / count
    squares = 0.0
    per_unit = bins / (top * mean) if mean > 0 else 0.0
    for i in range(values.size):
        if inside[i]:
            apart = values[i] - mean
            squares += apart * apart
            if mean > 0:
                counts[min(max(int(values[i] * per_unit), 0), bins - 1)] += 1
    return mean, np.sqrt(squares / count), counts

"""Linear scaling of every voxel of a volume, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Reals = NDArray[np.floating[Any]]


@jit()
def scale_linearly(
    values: Reals, low: float, slope: float, to_low: float, clip_low: float, clip_high: float, out: Reals
) -> None:
    """Fill out (n,) with (value - low) * slope + to_low, computed in double precision.

    Values (n,) outside [clip_low, clip_high] are clipped first; infinite limits clip nothing.
    """
    for i in range(values.size):
        value = min(max(float(values[i]), clip_low), clip_high)
        out[i] = (value - low) * slope + to_low

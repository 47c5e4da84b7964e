"""Intensity histogram features: statistics of grey levels.

References
----------
IBSI reference manual, section 3.4 (ZVCW).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.features.ibsi.intensity import distribution


def intensity_histogram(levels: NDArray[np.int32], n_levels: int) -> dict[str, float]:
    """Compute the intensity histogram features, by IBSI tag.

    Parameters
    ----------
    levels : int32 (n,), grey levels from 1, not empty.
    n_levels : number of bins.

    Returns
    -------
    values : see `distribution`; entropy in bits. The gradients of a single bin are NaN.

    Examples
    --------
    >>> intensity_histogram(np.array([1, 1, 2], dtype=np.int32), 2)["ih_mode"]
    1.0
    """
    counts = np.bincount(levels, minlength=n_levels + 1)[1:].astype(np.float64)
    share = counts[counts > 0] / levels.size
    values = distribution(levels.astype(np.float64))
    values["mode"] = _mode(counts, values["mean"])
    values["entropy"] = float(-(share * np.log2(share)).sum()) + 0.0
    values["uniformity"] = float((share**2).sum())
    values |= _gradients(counts)
    return {f"ih_{name}": value for name, value in values.items()}


def _mode(counts: NDArray[np.float64], mean: float) -> float:
    """Return the most common level; in a tie the one nearest to the mean, then the lower."""
    levels = np.flatnonzero(counts == counts.max()) + 1
    return float(levels[np.argmin(np.abs(levels - mean))])


def _gradients(counts: NDArray[np.float64]) -> dict[str, float]:
    """Return the histogram's steepest rise and fall (central differences, one-sided at the ends) and their levels."""
    if counts.size < 2:
        return dict.fromkeys(("max_grad", "max_grad_g", "min_grad", "min_grad_g"), float("nan"))
    slope = np.gradient(counts)
    return {
        "max_grad": float(slope.max()),
        "max_grad_g": float(np.argmax(slope) + 1),
        "min_grad": float(slope.min()),
        "min_grad_g": float(np.argmin(slope) + 1),
    }

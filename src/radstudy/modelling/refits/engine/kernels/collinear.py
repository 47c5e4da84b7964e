"""Greedy choice among correlated features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit


@jit()
def keep_uncorrelated(related: NDArray[np.bool_], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Take features in order; each taken feature drops all remaining ones related to it.

    Parameters
    ----------
    related : bool (features, features), symmetric.
    order : features, the strongest first; features not listed are not considered.

    Returns
    -------
    bool (features,) the features taken.
    """
    count = related.shape[0]
    kept = np.zeros(count, np.bool_)
    dropped = np.zeros(count, np.bool_)
    for index in order:
        if dropped[index]:
            continue
        kept[index] = True
        for other in range(count):
            dropped[other] |= related[index, other]
    return kept

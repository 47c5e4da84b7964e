"""Proportional numbers of whole patients: for training, and for each class."""

from __future__ import annotations

import math

import numpy as np


def training_size(patients: int, share: float) -> int:
    """Return the number of whole patients in a share of them, ``floor(share n)``; seven tenths of ten are seven.

    Examples
    --------
    >>> training_size(107, 0.7), training_size(10, 0.7)
    (74, 7)
    """
    return math.floor(share * patients + 1e-9)


def shared_out(total: int, sizes: list[int]) -> list[int]:
    """Return whole numbers that sum to `total`, in proportion to `sizes`, by the largest remainders.

    Examples
    --------
    >>> shared_out(74, [65, 42])
    [45, 29]
    """
    exact = np.array(sizes) * total / max(sum(sizes), 1)
    share = np.floor(exact).astype(int)
    for index in np.argsort(share - exact, kind="stable")[: total - int(share.sum())]:
        share[index] += 1
    return [int(value) for value in share]

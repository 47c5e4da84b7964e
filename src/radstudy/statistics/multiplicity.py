"""Many tests at once: adjusted p-values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, as_float


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjusted p-values: the family-wise error rate, under any dependence.

    The i-th smallest of m becomes the largest of ``(m - j + 1) p_(j)``, j <= i, at most 1. NaN (a test that could not
    be made) stays NaN and is not counted in m.

    Parameters
    ----------
    p_values : (m,) raw p-values.

    References
    ----------
    Holm S, Scand J Stat 1979;6:65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    values, order = _sorted(p_values)
    count = order.size
    adjusted = np.full(values.shape, np.nan)
    steps = values[order] * np.arange(count, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Benjamini and Hochberg's adjusted p-values: the false discovery rate.

    The i-th smallest of m becomes the smallest of ``m p_(j) / j``, j >= i, at most 1. NaN stays NaN and is not counted.

    Parameters
    ----------
    p_values : (m,) raw p-values.

    References
    ----------
    Benjamini Y, Hochberg Y, J R Stat Soc B 1995;57:289, doi 10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    values, order = _sorted(p_values)
    count = order.size
    adjusted = np.full(values.shape, np.nan)
    steps = values[order] * count / np.arange(1, count + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted


def _sorted(p_values: ArrayLike) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    values = as_float(p_values, "The p-values")
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise DataError("p-values must be one-dimensional and lie in [0, 1].")
    known = np.flatnonzero(~np.isnan(values))
    return values, known[np.argsort(values[known], kind="stable")]

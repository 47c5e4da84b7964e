"""Adjusted p-values for multiple tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, as_float

_EQUAL = 1e-9  # statistics that differ by less are equal except for rounding


def holm(p_values: ArrayLike) -> FloatArray:
    """Compute Holm's step-down adjusted p-values (family-wise error rate, under any dependence).

    The i-th smallest of m becomes the largest of ``(m - j + 1) p_(j)``, j <= i, at most 1. NaN (a test that was not
    possible) stays NaN and is not counted in m.

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
    """Compute Benjamini and Hochberg's adjusted p-values (false discovery rate).

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


def max_t(observed: ArrayLike, permuted: ArrayLike) -> FloatArray:
    """Compute Westfall and Young's single-step max-T p-values (family-wise error rate over the same permutations).

    Every statistic becomes ``t = (value - mean) / SD``, mean and SD over its own permutations and the observed value,
    so that tests with different chance levels can be compared. The observed value is included, as in the counts:
    otherwise it would be further out than any of the permutations is by chance, and 19 permutations of five tests would
    be significant in 10 % of studies without any effect, at a level of 5 %. The p-value of a test is
    ``(1 + number of permutations whose largest t of the family is at least its t) / (B + 1)``: the largest t keeps the
    tests' correlation, which makes this less strict than Holm's correction of the raw p-values.

    Parameters
    ----------
    observed : (m,) statistics, larger means stronger. NaN: not tested and not part of the family.
    permuted : (B, m) the same statistics on B permutations, one permutation per row for all tests. A NaN counts against
        its own test, as in the raw p-value, and is left out of the largest of its row.

    Returns
    -------
    (m,), never below the raw permutation p-value; NaN where `observed` is, or where all its permuted values are. A test
    whose values are all equal has t = 0.

    Raises
    ------
    DataError : the shapes do not fit, or there is no permutation.

    References
    ----------
    Westfall PH, Young SS, Resampling-Based Multiple Testing, Wiley 1993, section 2.5.
    Phipson B, Smyth GK, Stat Appl Genet Mol Biol 2010;9:39, doi 10.2202/1544-6115.1585 (the 1 in both counts).

    Examples
    --------
    >>> max_t([3.0, 1.0], [[0.0, 2.0], [1.0, 0.0], [2.0, 1.0]]).tolist()
    [0.5, 0.75]
    """
    statistics = np.asarray(observed, dtype=np.float64)
    drawn = np.asarray(permuted, dtype=np.float64)
    if statistics.ndim != 1 or drawn.ndim != 2 or drawn.shape[1] != len(statistics) or not len(drawn):
        shapes = f"{statistics.shape} {drawn.shape}"
        raise DataError(f"max-T needs (m,) statistics and their (B, m) permutations, not {shapes}.")
    tested = ~np.isnan(statistics) & ~np.isnan(drawn).all(axis=0)
    adjusted = np.full(len(statistics), np.nan)
    if not tested.any():
        return adjusted
    statistics, drawn = statistics[tested], drawn[:, tested]
    values = np.vstack([statistics, drawn])
    centre, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    standardised = (values - centre) / np.where(spread < _EQUAL, np.inf, spread)
    own, others = standardised[0], standardised[1:]
    largest = np.max(np.where(np.isnan(others), -np.inf, others), axis=1)
    at_least = (largest[:, None] >= own - _EQUAL) | np.isnan(others)
    adjusted[tested] = (1 + at_least.sum(axis=0)) / (len(drawn) + 1)
    return adjusted


def _sorted(p_values: ArrayLike) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    values = as_float(p_values, "The p-values")
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise DataError("p-values must be one-dimensional and lie in [0, 1].")
    known = np.flatnonzero(~np.isnan(values))
    return values, known[np.argsort(values[known], kind="stable")]

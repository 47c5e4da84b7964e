"""The share of each feature's variance that the sites explain, before and after harmonising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def eta_squared(values: Array, sites: Sequence[str]) -> Array:
    """Compute eta squared of every feature by site: between-site sum of squares over the total one.

    Parameters
    ----------
    values : (rows, features); NaN is left out.
    sites : (rows,) names.

    Returns
    -------
    (features,) from 0 to 1; NaN for a constant feature. k sites and n rows without any difference have
    (k - 1) / (n - 1) on average, not 0.

    Examples
    --------
    >>> eta_squared(np.array([[1.0], [2], [5], [6]]), ["A", "A", "B", "B"]).round(6).tolist()
    [0.941176]
    """
    named = np.asarray(sites, dtype=object)
    known = np.isfinite(values)
    centred = np.where(known, values - np.nanmean(values, axis=0), 0.0)
    between = np.zeros(values.shape[1])
    for site in np.unique(named):
        here = named == site
        count = known[here].sum(axis=0)
        between += centred[here].sum(axis=0) ** 2 / np.maximum(count, 1)
    total = (centred**2).sum(axis=0)
    return np.where(total > 0, between / np.where(total > 0, total, 1.0), np.nan)


def kruskal_p(values: Array, sites: Sequence[str]) -> Array:
    """Compute the Kruskal-Wallis p-value of every feature by site, (features,); NaN for a constant feature."""
    named = np.asarray(sites, dtype=object)
    p_values = np.full(values.shape[1], np.nan)
    for place, column in enumerate(values.T):
        groups = [column[(named == site) & np.isfinite(column)] for site in np.unique(named)]
        groups = [group for group in groups if len(group)]
        if len(groups) > 1 and np.ptp(np.concatenate(groups)) > 0:
            p_values[place] = float(stats.kruskal(*groups).pvalue)
    return p_values

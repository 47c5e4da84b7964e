"""Standardised mean differences between two groups, independent of their size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radstudy.statistics.categorical import whole_numbers
from radstudy.statistics.continuous import known_values
from radstudy.statistics.outcome import FloatArray


@dataclass(frozen=True)
class StandardisedDifference:
    """Difference ``value`` in standard deviations, ``n`` and ``missing`` of (group a, group b); NaN with a ``note``.

    Signed (a minus b) for a continuous variable, 0 or above for a categorical one.
    """

    value: float
    n: tuple[int, int]
    missing: tuple[int, int]
    note: str = ""


def smd_continuous(a: ArrayLike, b: ArrayLike) -> StandardisedDifference:
    """Compute the standardised mean difference ``(mean a - mean b) / sqrt((var a + var b) / 2)``.

    Parameters
    ----------
    a, b : (n_a,), (n_b,) values, any unit; NaN is left out and counted.

    References
    ----------
    Austin PC, Stat Med 2009;28:3083, doi 10.1002/sim.3697.

    Examples
    --------
    >>> round(smd_continuous([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]).value, 3)
    -1.0
    """
    (first, missing_a), (second, missing_b) = known_values(a), known_values(b)
    sizes, missing = (first.size, second.size), (missing_a, missing_b)
    if min(sizes) < 2:
        note = f"a group has fewer than two values ({first.size} and {second.size})"
        return StandardisedDifference(np.nan, sizes, missing, note)
    pooled = float(np.sqrt((_variance(first) + _variance(second)) / 2))
    difference = float(first.mean() - second.mean())
    if pooled == 0:
        if first[0] == second[0]:
            return StandardisedDifference(0.0, sizes, missing, "the variable is constant")
        return StandardisedDifference(np.nan, sizes, missing, "the variable does not vary within the groups")
    return StandardisedDifference(difference / pooled, sizes, missing)


def smd_categorical(counts: ArrayLike, *, missing: tuple[int, int] = (0, 0)) -> StandardisedDifference:
    """Compute the standardised difference of a categorical variable between two groups.

    ``sqrt((T - C)' S^-1 (T - C))``, T and C the groups' proportions of all levels but one, S the mean of their
    multinomial covariances. For two levels: ``|p1 - p2| / sqrt((p1 (1 - p1) + p2 (1 - p2)) / 2)``.

    Parameters
    ----------
    counts : whole numbers (2 groups, levels); levels without cases are left out.
    missing : number of cases of either group without a level, passed through.

    Returns
    -------
    StandardisedDifference; 0 if all cases have the same level, NaN with a note if a group is empty or the groups have
    no level in common.

    References
    ----------
    Yang D, Dalton JE, SAS Global Forum 2012, paper 335.

    Examples
    --------
    >>> round(smd_categorical([[10, 10], [5, 15]]).value, 3)
    0.535
    """
    table = whole_numbers(counts)
    sizes = (int(table[0].sum()), int(table[1].sum())) if len(table) == 2 else (0, 0)
    if len(table) != 2 or min(sizes) == 0:
        return StandardisedDifference(np.nan, sizes, missing, "two groups with cases are needed")
    kept = table[:, table.sum(axis=0) > 0]
    if kept.shape[1] < 2:
        return StandardisedDifference(0.0, sizes, missing, "all cases have the same level")
    shares = (kept / kept.sum(axis=1, keepdims=True))[:, 1:]
    covariance = np.mean([np.diag(share) - np.outer(share, share) for share in shares], axis=0)
    gap = shares[0] - shares[1]
    # the pseudo-inverse alone would drop a direction in which the groups differ entirely
    if np.linalg.matrix_rank(covariance) < len(covariance):
        rest = gap - covariance @ np.linalg.pinv(covariance) @ gap
        if np.abs(rest).max() > 1e-9:
            return StandardisedDifference(np.nan, sizes, missing, "a level splits the groups without any overlap")
    return StandardisedDifference(float(np.sqrt(gap @ np.linalg.pinv(covariance) @ gap)), sizes, missing)


def _variance(values: FloatArray) -> float:
    return 0.0 if values.max() == values.min() else float(values.var(ddof=1))

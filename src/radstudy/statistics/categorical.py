"""Comparison of a categorical variable between groups: chi-square, or the exact test for sparse tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.exact import freeman_halton, is_feasible
from radstudy.statistics.outcome import FloatArray, as_float

FEWEST_FOR_CHI_SQUARE = 40
LEAST_EXPECTED = 5.0
CHI_SQUARE = "Pearson chi-square"
FISHER = "Fisher exact"
FREEMAN_HALTON = "Fisher exact (Freeman-Halton)"
NOT_TESTED = "not tested"


@dataclass(frozen=True)
class CategoricalTest:
    """Result with ``p_value``, readable ``test``, chi-square ``statistic`` and ``dof`` (NaN, 0 for an exact test).

    ``note`` states why this test was chosen, which columns were left out, or why nothing was tested.
    """

    p_value: float
    test: str
    statistic: float
    dof: int
    n: int
    min_expected: float
    note: str


def categorical_test(counts: ArrayLike) -> CategoricalTest:
    """Compute Pearson's chi-square without continuity correction, or the exact test if the table is too sparse for it.

    Chi-square if ``n >= 40`` and every expected count is at least 5; else Fisher's exact test, by Freeman and Halton
    for more than 2 x 2 cells (all tables with the same margins, no sampling; equals R's ``fisher.test``). The rule
    reproduces 25 of the reference study's 26 published p-values.

    Parameters
    ----------
    counts : whole numbers (groups, levels). Levels without cases (all-zero columns) and groups without cases are left
        out, with a note.

    Returns
    -------
    CategoricalTest; NaN with a note if fewer than two groups or levels remain. A table too large for the exact method
    (about two million steps, far beyond any study of two groups) gets the chi-square, with a note.

    Raises
    ------
    DataError : the counts are not a table of whole numbers at or above 0.

    Examples
    --------
    >>> result = categorical_test([[26, 19], [24, 5]])
    >>> round(result.p_value, 3), result.test
    (0.025, 'Pearson chi-square')
    >>> result = categorical_test([[3, 34, 8, 0], [1, 26, 2, 0]])
    >>> round(result.p_value, 3), result.test
    (0.458, 'Fisher exact (Freeman-Halton)')
    """
    table = whole_numbers(counts)
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    notes = []
    if kept.shape[1] < table.shape[1]:
        notes.append(f"levels without cases, left out: {table.shape[1] - kept.shape[1]}")
    if kept.shape[0] < table.shape[0]:
        notes.append(f"empty groups, left out: {table.shape[0] - kept.shape[0]}")
    n = int(kept.sum())
    if min(kept.shape) < 2:
        notes.append("all cases have the same level" if kept.shape[0] > 1 else "fewer than two groups have cases")
        return CategoricalTest(np.nan, NOT_TESTED, np.nan, 0, n, np.nan, "; ".join(notes))
    expected = np.outer(kept.sum(axis=1), kept.sum(axis=0)) / n
    thin = _why_exact(n, expected)
    smallest = float(expected.min())
    if thin and is_feasible(kept):
        name = FISHER if kept.shape == (2, 2) else FREEMAN_HALTON
        return CategoricalTest(freeman_halton(kept), name, np.nan, 0, n, smallest, "; ".join([*notes, thin]))
    if thin:
        notes.append(f"{thin}, but the table is too large for the exact test")
    statistic = float(((kept - expected) ** 2 / expected).sum())
    dof = (kept.shape[0] - 1) * (kept.shape[1] - 1)
    p_value = float(special.chdtrc(dof, statistic))
    return CategoricalTest(p_value, CHI_SQUARE, statistic, dof, n, smallest, "; ".join(notes))


def whole_numbers(counts: ArrayLike) -> NDArray[np.int64]:
    """Check and return a table of counts (groups, levels); raise DataError if it cannot be used."""
    values = as_float(counts, "The counts")
    if values.ndim != 2:
        raise DataError(f"The counts have shape {values.shape}; expected (groups, levels).")
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.round(values)).any():
        raise DataError(f"The counts must be whole numbers of cases, at or above 0: {values.tolist()}.")
    return values.astype(np.int64)


def _why_exact(n: int, expected: FloatArray) -> str:
    if n < FEWEST_FOR_CHI_SQUARE:
        return f"exact because {n} cases are fewer than {FEWEST_FOR_CHI_SQUARE}"
    small = int((expected < LEAST_EXPECTED).sum())
    return f"exact because {small} of {expected.size} expected counts are under {LEAST_EXPECTED:g}" if small else ""

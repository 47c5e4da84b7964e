"""Do two groups differ in a variable? The tests behind a table of patients' characteristics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from radstudy.errors import DataError
from radstudy.statistics.exact import freeman_halton, is_feasible
from radstudy.statistics.normality import levene_p_value, lilliefors_p_value
from radstudy.statistics.outcome import FloatArray, as_float

ContinuousMethod = Literal["student", "welch", "mann-whitney", "mann-whitney-exact", "auto-spss"]

FEWEST_FOR_CHI_SQUARE = 40
LEAST_EXPECTED = 5.0
CHI_SQUARE = "Pearson chi-square"
FISHER = "Fisher exact"
FREEMAN_HALTON = "Fisher exact (Freeman-Halton)"
NOT_TESTED = "not tested"


@dataclass(frozen=True)
class CategoricalTest:
    """``p_value`` and readable ``test``; chi-square ``statistic`` and ``dof`` (NaN, 0 for an exact test).

    ``note`` says why this test was chosen, which columns were left out, or why nothing was tested.
    """

    p_value: float
    test: str
    statistic: float
    dof: int
    n: int
    min_expected: float
    note: str


@dataclass(frozen=True)
class ContinuousTest:
    """``p_value``, readable ``test``, and what a reader needs to judge it; pairs are (group a, group b).

    ``normality``: Lilliefors p of either group. ``levene``: p of equal variances. ``smd``: standardised mean difference
    ``(mean a - mean b) / sqrt((var a + var b) / 2)``. ``statistic`` is t, or Mann-Whitney's U of group a; ``dof`` is
    NaN for U.
    """

    p_value: float
    test: str
    statistic: float
    dof: float
    n: tuple[int, int]
    missing: tuple[int, int]
    mean: tuple[float, float]
    sd: tuple[float, float]
    smd: float
    normality: tuple[float, float]
    levene: float
    note: str


def categorical_test(counts: ArrayLike) -> CategoricalTest:
    """Pearson's chi-square without continuity correction, or the exact test where the table is too thin for it.

    Chi-square where ``n >= 40`` and every expected count is at least 5; else Fisher's exact test, by Freeman and Halton
    for more than 2 x 2 cells (every table with the same margins, no sampling; equals R's ``fisher.test``). The rule
    reproduces 25 of the reference study's 26 published p-values.

    Parameters
    ----------
    counts : whole numbers (groups, levels). Levels that nobody has (all-zero columns) and groups without anybody are
        left out, and the note says so.

    Returns
    -------
    CategoricalTest; NaN with a note where fewer than two groups or levels remain. A table beyond the exact method (far
    over any study of two groups: about two million steps) gets the chi-square, and its note says why.

    Raises
    ------
    DataError : not a table of whole numbers at or above 0.

    Examples
    --------
    >>> result = categorical_test([[26, 19], [24, 5]])
    >>> round(result.p_value, 3), result.test
    (0.025, 'Pearson chi-square')
    >>> result = categorical_test([[3, 34, 8, 0], [1, 26, 2, 0]])
    >>> round(result.p_value, 3), result.test
    (0.458, 'Fisher exact (Freeman-Halton)')
    """
    table = _whole_numbers(counts)
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    notes = []
    if kept.shape[1] < table.shape[1]:
        notes.append(f"levels that nobody has, left out: {table.shape[1] - kept.shape[1]}")
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


def _whole_numbers(counts: ArrayLike) -> NDArray[np.int64]:
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


def continuous_test(a: ArrayLike, b: ArrayLike, *, method: ContinuousMethod = "student") -> ContinuousTest:
    """Compare a continuous variable between two groups.

    Parameters
    ----------
    a, b : (n_a,), (n_b,) values of the groups, any unit. NaN is left out and counted in ``missing``.
    method :
        - "student": t with equal variances (what the reference study's p-values are), "welch": t without;
        - "mann-whitney": U, normal approximation with tie correction and no continuity correction, as SPSS prints it;
        - "mann-whitney-exact": the exact distribution of U; with ties the approximation, and a note;
        - "auto-spss": U unless both groups' Lilliefors p exceed 0.05; then Student if Levene's p exceeds 0.05, else
          Welch. Choosing a test on the data it tests costs its error rate: for reproducing, not for planning.

    Returns
    -------
    ContinuousTest; NaN with a note where a group has fewer than two values or nothing varies.

    Raises
    ------
    DataError : not one-dimensional, infinite values, an unknown method.

    Examples
    --------
    >>> result = continuous_test([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 9.0])
    >>> result.test, round(result.p_value, 3)
    ("Student's t", 0.142)
    """
    if method not in get_args(ContinuousMethod):
        raise DataError(f"{method!r} is no test of a continuous variable; known are {get_args(ContinuousMethod)}.")
    first, first_missing = _known(a)
    second, second_missing = _known(b)
    mean = (_mean(first), _mean(second))
    sd = (_sd(first), _sd(second))
    pooled = np.sqrt((sd[0] ** 2 + sd[1] ** 2) / 2)
    normality = (lilliefors_p_value(first), lilliefors_p_value(second))
    levene = levene_p_value(first, second)
    chosen = _choice(normality, levene) if method == "auto-spss" else method
    why = _why_not(first, second, chosen)
    if why:
        p_value, test, statistic, dof, note = np.nan, NOT_TESTED, np.nan, np.nan, why
    elif chosen in ("student", "welch"):
        p_value, test, statistic, dof = _t_test(first, second, equal_variance=chosen == "student")
        note = ""
    else:
        p_value, test, statistic, note = _mann_whitney(first, second, exact=chosen == "mann-whitney-exact")
        dof = np.nan
    return ContinuousTest(
        p_value=p_value,
        test=test,
        statistic=statistic,
        dof=dof,
        n=(first.size, second.size),
        missing=(first_missing, second_missing),
        mean=mean,
        sd=sd,
        smd=float((mean[0] - mean[1]) / pooled) if pooled > 0 else np.nan,
        normality=normality,
        levene=levene,
        note=note,
    )


def _known(values: ArrayLike) -> tuple[FloatArray, int]:
    array = as_float(values, "The group's values")
    if array.ndim != 1 or np.isinf(array).any():
        raise DataError(f"A group's values must be one-dimensional and finite or NaN; shape {array.shape}.")
    known = array[~np.isnan(array)]
    return known, int(array.size - known.size)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else np.nan


def _sd(values: FloatArray) -> float:
    if values.size < 2:
        return np.nan
    return 0.0 if _constant(values) else float(values.std(ddof=1))


def _constant(values: FloatArray) -> bool:
    return bool(values.max() == values.min())


def _choice(normality: tuple[float, float], levene: float) -> ContinuousMethod:
    if not (normality[0] > 0.05 and normality[1] > 0.05):
        return "mann-whitney"
    return "student" if levene > 0.05 else "welch"


def _why_not(first: FloatArray, second: FloatArray, method: str) -> str:
    if min(first.size, second.size) < 2:
        return f"a group has fewer than two values ({first.size} and {second.size})"
    if _constant(first) and _constant(second) and (method in ("student", "welch") or first[0] == second[0]):
        return "the variable does not vary within the groups"
    return ""


def _t_test(first: FloatArray, second: FloatArray, *, equal_variance: bool) -> tuple[float, str, float, float]:
    n1, n2 = first.size, second.size
    v1, v2 = _sd(first) ** 2, _sd(second) ** 2
    if equal_variance:
        dof = float(n1 + n2 - 2)
        variance = ((n1 - 1) * v1 + (n2 - 1) * v2) / dof * (1 / n1 + 1 / n2)
    else:
        e1, e2 = v1 / n1, v2 / n2
        variance = e1 + e2
        dof = variance**2 / (e1**2 / (n1 - 1) + e2**2 / (n2 - 1))
    t = float((first.mean() - second.mean()) / np.sqrt(variance))
    return 2 * float(special.stdtr(dof, -abs(t))), "Student's t" if equal_variance else "Welch's t", t, dof


def _mann_whitney(first: FloatArray, second: FloatArray, *, exact: bool) -> tuple[float, str, float, str]:
    tied = np.unique(np.concatenate([first, second])).size < first.size + second.size
    method = "exact" if exact and not tied else "asymptotic"
    result = stats.mannwhitneyu(first, second, method=method, use_continuity=False)
    note = "the exact test needs values without ties; approximation instead" if exact and tied else ""
    return float(result.pvalue), f"Mann-Whitney U ({method})", float(result.statistic), note

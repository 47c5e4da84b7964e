"""Comparison of a measurement between two groups: Student, Welch or Mann-Whitney, with tests of the assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from radstudy.errors import DataError
from radstudy.statistics.exact_ranks import exact_rank_sum
from radstudy.statistics.normality import Normality, levene_p_value, normality_p_value
from radstudy.statistics.outcome import FloatArray, as_float, squarable

ContinuousMethod = Literal["student", "welch", "mann-whitney", "mann-whitney-exact", "auto-spss"]

NOT_TESTED = "not tested"


@dataclass(frozen=True)
class ContinuousTest:
    """Result with ``p_value``, readable ``test``, and the facts to judge it; pairs are (group a, group b).

    ``normality``: p of either group, by `normality_test`. ``levene``: p of equal variances. ``smd``: standardised mean
    difference ``(mean a - mean b) / sqrt((var a + var b) / 2)``. ``statistic`` is t, or Mann-Whitney's U of group a;
    ``dof`` is NaN for U. ``quartiles``: (first, third) of either group, at rank ``(n + 1) p`` as in SPSS.
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
    median: tuple[float, float]
    quartiles: tuple[tuple[float, float], tuple[float, float]]
    normality_test: Normality


def continuous_test(
    a: ArrayLike, b: ArrayLike, *, method: ContinuousMethod = "student", normality: Normality = "lilliefors"
) -> ContinuousTest:
    """Compare a continuous variable between two groups.

    Parameters
    ----------
    a, b : (n_a,), (n_b,) values of the groups, any unit. NaN is left out and counted in ``missing``.
    method :
        - "student": t with equal variances (as for the reference study's p-values), "welch": t without;
        - "mann-whitney": U, normal approximation with tie correction and no continuity correction, as in SPSS;
        - "mann-whitney-exact": the exact distribution of U, given the ties; up to a few hundred values, beyond that the
          approximation, with a note;
        - "auto-spss": U unless both groups' p of normality exceed 0.05; then Student if Levene's p exceeds 0.05, else
          Welch. Choosing a test by the data it tests distorts its error rate: for reproducing, not for planning.
    normality : "lilliefors" (SPSS's Kolmogorov-Smirnov with Lilliefors' correction) or "shapiro-wilk".

    Returns
    -------
    ContinuousTest; NaN with a note if a group has fewer than two values or nothing varies.

    Raises
    ------
    DataError : the values are not one-dimensional or infinite, or the method is unknown.

    Examples
    --------
    >>> result = continuous_test([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 9.0])
    >>> result.test, round(result.p_value, 3)
    ("Student's t", 0.142)
    """
    if method not in get_args(ContinuousMethod):
        raise DataError(
            f"Unknown test of a continuous variable {method!r}; choose from {', '.join(get_args(ContinuousMethod))}."
        )
    first, first_missing = known_values(a)
    second, second_missing = known_values(b)
    mean = (_mean(first), _mean(second))
    sd = (_sd(first), _sd(second))
    pooled = np.sqrt((sd[0] ** 2 + sd[1] ** 2) / 2)
    normal = (normality_p_value(first, normality), normality_p_value(second, normality))
    levene = levene_p_value(first, second)
    chosen = _choice(normal, levene) if method == "auto-spss" else method
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
        normality=normal,
        levene=levene,
        note=note,
        median=(_quantile(first, 0.5), _quantile(second, 0.5)),
        quartiles=(_quartiles(first), _quartiles(second)),
        normality_test=normality,
    )


def known_values(values: ArrayLike) -> tuple[FloatArray, int]:
    """Return a group's values without NaN, and the number of NaN; raise DataError for infinite values."""
    array = as_float(values, "The group's values")
    if array.ndim != 1 or np.isinf(array).any():
        raise DataError(f"A group's values must be one-dimensional and finite or NaN; shape {array.shape}.")
    known = squarable(array[~np.isnan(array)], "The group's values")
    return known, int(array.size - known.size)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else np.nan


def _quantile(values: FloatArray, share: float) -> float:
    return float(np.quantile(values, share, method="weibull")) if values.size else np.nan


def _quartiles(values: FloatArray) -> tuple[float, float]:
    return _quantile(values, 0.25), _quantile(values, 0.75)


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
    result = stats.mannwhitneyu(first, second, method="asymptotic", use_continuity=False)
    p_value, method, note = float(result.pvalue), "asymptotic", ""
    if exact:
        exact_p = exact_rank_sum(first, second)
        if exact_p is None:
            note = "too many values for the exact test; approximation instead"
        else:
            p_value, method = exact_p, "exact"
    return p_value, f"Mann-Whitney U ({method})", float(result.statistic), note

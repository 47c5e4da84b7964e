"""DeLong's test of the difference between two models' areas under the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, FloatArray, as_float, checked_level, checked_outcome, checked_scores
from radstudy.statistics.proportions import normal_quantile

# Placements are multiples of 1 / 2n, so a true variance is far above this, and that of rounding, (1e-16)^2, far below
_ZERO_VARIANCE = 1e-24


@dataclass(frozen=True)
class DelongTest:
    """Difference of two AUCs, ``difference`` = ``auc_a - auc_b``, its ``ci``, ``z`` and two-sided ``p_value``.

    ``dof`` is infinite for paired scores (normal), finite for unpaired ones (Satterthwaite's t). ``note`` reports
    special cases, such as a variance of zero.
    """

    auc_a: float
    auc_b: float
    difference: float
    ci: tuple[float, float]
    z: float
    p_value: float
    dof: float = np.inf
    note: str = ""


@dataclass(frozen=True, eq=False)
class DelongMatrix:
    """Tests of all pairs of m models: ``auc`` (m,); ``difference`` (row minus column), ``z``, ``p_value`` (m, m).

    A p-value is 1 if the difference and its variance are both zero (the diagonal, identical predictions), NaN if only
    the variance is zero.
    """

    auc: FloatArray
    difference: FloatArray
    z: FloatArray
    p_value: FloatArray


def placements(positive: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute DeLong's structural components of scores (n, m): for positives (cases, m), for negatives (controls, m).

    For a positive: the share of negatives below it, ties half; for a negative: the share of positives above it.
    By mid-ranks, in n log n (Sun and Xu, IEEE Signal Process Lett 2014;21:1389, doi 10.1109/LSP.2014.2337313).
    """
    cases, controls = scores[positive], scores[~positive]
    ranks = stats.rankdata(scores, axis=0)
    of_cases = (ranks[positive] - stats.rankdata(cases, axis=0)) / len(controls)
    of_controls = 1 - (ranks[~positive] - stats.rankdata(controls, axis=0)) / len(cases)
    return of_cases, of_controls


def delong_variance(of_cases: FloatArray, of_controls: FloatArray) -> FloatArray:
    """Compute the variance of the mean placement (columns,); NaN if a class has a single case, 0 if it is rounding."""
    if min(len(of_cases), len(of_controls)) < 2:
        return np.full(of_cases.shape[1], np.nan)
    variance = of_cases.var(axis=0, ddof=1) / len(of_cases) + of_controls.var(axis=0, ddof=1) / len(of_controls)
    return np.where(variance > _ZERO_VARIANCE, variance, 0.0)


def delong_test(y: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, *, level: float = 0.95) -> DelongTest:
    """Test two models' AUCs on the same patients by DeLong's method.

    ``z = (auc_a - auc_b) / sqrt(var(d1) / m + var(d0) / n)``, d the differences of the two models' placements over
    the m positives and n negatives. The scores are used as given: for two models of one cross-validation, pass one
    pooled set of out-of-fold predictions, never averaged curves.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score_a, score_b : (n,) of the same patients in the same order; higher means positive in both.
    level : of the difference's confidence interval, limited to [-1, 1].

    Returns
    -------
    DelongTest. If the difference's variance is zero, p is 1 if the difference is zero too (identical rankings), else
    NaN, with a note. With a single case in a class, the result is NaN with a note.

    Raises
    ------
    DataError : one class only, NaN scores, lengths that differ.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL, Biometrics 1988;44:837, doi 10.2307/2531595.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> result = delong_test(y, [1, 2, 3, 5, 4, 6, 7, 8], [2, 5, 3, 6, 1, 7, 4, 8])
    >>> result.difference, round(result.p_value, 3)
    (0.3125, 0.114)
    """
    positive, first = checked_scores(y, score_a, "first score")
    _, second = checked_scores(y, score_b, "second score")
    of_cases, of_controls = placements(positive, np.column_stack([first, second]))
    areas = of_cases.mean(axis=0)
    difference = float((of_cases[:, 0] - of_cases[:, 1]).mean())
    variance = float(
        delong_variance(of_cases[:, :1] - of_cases[:, 1:], of_controls[:, :1] - of_controls[:, 1:])[0]
    )  # fmt: skip
    return _result((float(areas[0]), float(areas[1])), difference, variance, np.inf, level)


def delong_unpaired(
    y_a: ArrayLike, score_a: ArrayLike, y_b: ArrayLike, score_b: ArrayLike, *, level: float = 0.95
) -> DelongTest:
    """Test two AUCs from different patients (training against testing, two centres) by DeLong's method.

    The variances add up; the statistic follows t with Satterthwaite's degrees of freedom, from the number of patients
    of either set minus one, as in pROC.

    Parameters
    ----------
    y_a, y_b : (n_a,), (n_b,) 0 or 1.
    score_a, score_b : (n_a,), (n_b,), higher means positive.
    level : of the difference's confidence interval.
    """
    areas, variances, sizes = [], [], []
    for y, score in ((y_a, score_a), (y_b, score_b)):
        positive, values = checked_scores(y, score)
        of_cases, of_controls = placements(positive, values[:, None])
        areas.append(float(of_cases.mean()))
        variances.append(float(delong_variance(of_cases, of_controls)[0]))
        sizes.append(positive.size)
    total = sum(variances)
    parts = sum(v * v / (size - 1) for v, size in zip(variances, sizes, strict=True))
    dof = total * total / parts if parts > 0 else np.nan
    return _result((areas[0], areas[1]), areas[0] - areas[1], total, dof, level)


def delong_all_pairs(y: ArrayLike, scores: ArrayLike) -> DelongMatrix:
    """Test every pair of models on the same patients by DeLong's method, as for a heat map of p-values.

    Parameters
    ----------
    y : (n,) 0 or 1.
    scores : (n, m models), higher means positive.

    Raises
    ------
    DataError : as for `delong_test`.
    """
    positive = checked_outcome(y)
    values = as_float(scores, "The scores")
    if values.ndim != 2 or values.shape[0] != positive.size or np.isnan(values).any():
        raise DataError(f"The scores have shape {values.shape}; expected ({positive.size}, models) without NaN.")
    of_cases, of_controls = placements(positive, values)
    models = values.shape[1]
    a, b = np.triu_indices(models, 1)
    difference = (of_cases[:, a] - of_cases[:, b]).mean(axis=0)
    # differences first, then variances: exact zeros for identical predictions, which a covariance matrix loses
    variance = delong_variance(of_cases[:, a] - of_cases[:, b], of_controls[:, a] - of_controls[:, b])
    same = (variance == 0) & (difference == 0)
    z = np.where(same, 0.0, difference / np.sqrt(np.where(variance > 0, variance, np.nan)))
    return DelongMatrix(
        auc=of_cases.mean(axis=0),
        difference=_antisymmetric(difference, a, b, models),
        z=_antisymmetric(z, a, b, models),
        p_value=2 * special.ndtr(-np.abs(_antisymmetric(z, a, b, models))),
    )


def _antisymmetric(
    upper: FloatArray, a: np.ndarray[tuple[int], np.dtype[np.intp]], b: np.ndarray[tuple[int], np.dtype[np.intp]],
    models: int,
) -> FloatArray:  # fmt: skip
    matrix = np.zeros((models, models))
    matrix[a, b] = upper
    matrix[b, a] = -upper
    return matrix


def _result(areas: tuple[float, float], difference: float, variance: float, dof: float, level: float) -> DelongTest:
    checked_level(level)
    if np.isnan(variance):
        note = "a class has a single case: the variance of the difference is not defined"
        return DelongTest(*areas, difference, (np.nan, np.nan), np.nan, np.nan, dof, note)
    if variance == 0 and difference == 0:
        note = "the difference and its variance are zero: both models rank the patients in the same order"
        return DelongTest(*areas, 0.0, (0.0, 0.0), 0.0, 1.0, dof, note)
    if variance == 0:
        note = "the variance of the difference is zero: the test is not defined"
        return DelongTest(*areas, difference, (np.nan, np.nan), np.nan, np.nan, dof, note)
    se = float(np.sqrt(variance))
    statistic = difference / se
    if np.isinf(dof):
        p_value, quantile = 2 * float(special.ndtr(-abs(statistic))), normal_quantile(level)
    else:
        p_value, quantile = 2 * float(special.stdtr(dof, -abs(statistic))), float(special.stdtrit(dof, 0.5 + level / 2))
    ci = (max(-1.0, difference - quantile * se), min(1.0, difference + quantile * se))
    return DelongTest(*areas, difference, ci, statistic, p_value, dof)

"""Measures of a classification, from sensitivity to likelihood ratios, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, checked_scores
from radstudy.statistics.proportions import Interval, Proportion, normal_quantile, proportion


@dataclass(frozen=True)
class Measure:
    """A measure other than a simple proportion: ``value`` and ``ci`` = (low, high); NaN with a ``note``."""

    value: float
    ci: tuple[float, float]
    note: str = ""


@dataclass(frozen=True)
class DiagnosticMeasures:
    """Comparison of a classification with the outcome: the four counts, and the measures with their intervals.

    A measure whose denominator is zero (the PPV if no case is classified as positive) is NaN; a likelihood ratio may
    be infinite.
    """

    tp: int
    fp: int
    tn: int
    fn: int
    sensitivity: Proportion
    specificity: Proportion
    accuracy: Proportion
    ppv: Proportion
    npv: Proportion
    f1: Measure
    balanced_accuracy: Measure
    level: float
    method: str
    youden: Measure
    lr_positive: Measure
    lr_negative: Measure


def diagnostic_measures(
    y: ArrayLike,
    predicted: ArrayLike,
    cutoff: float | None = None,
    *,
    level: float = 0.95,
    method: Interval = "wilson",
) -> DiagnosticMeasures:
    """Compute sensitivity, specificity, accuracy, predictive values, F1, likelihood ratios ... with intervals.

    Parameters
    ----------
    y : (n,) 0 or 1.
    predicted : (n,) 0 or 1; or, with a `cutoff`, scores that are positive at or above it.
    cutoff : None if `predicted` contains classes.
    level, method : of the proportions' intervals: "wilson" or "clopper-pearson".

    Returns
    -------
    DiagnosticMeasures. The interval of ``F1 = 2 tp / (2 tp + fp + fn)`` is that of ``q = tp / (tp + fp + fn)``,
    mapped by ``F1 = 2 q / (1 + q)``: q is the share of true positives among the cases that are or are called positive.
    Balanced accuracy, ``(sensitivity + specificity) / 2``, and Youden's index, their sum minus 1, have the interval of
    Newcombe's square-and-add method from theirs. The likelihood ratios ``sensitivity / (1 - specificity)`` and
    ``(1 - sensitivity) / specificity`` have the log interval of Simel and colleagues; if one of their counts is zero,
    half a case is added to each of the four for the interval alone, with a note. Predictive values are valid for the
    prevalence among these patients.

    Raises
    ------
    DataError : one class only in the outcome, NaN, lengths that differ, classes other than 0 and 1.

    References
    ----------
    Hand DJ, Christen P, Kirielle N, Mach Learn 2021;110:451, doi 10.1007/s10994-021-05964-1 (F1 by way of q).
    Newcombe RG, Stat Med 1998;17:873, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    Simel DL, Samsa GP, Matchar DB, J Clin Epidemiol 1991;44:763, doi 10.1016/0895-4356(91)90128-V.

    Examples
    --------
    >>> measures = diagnostic_measures([0, 0, 1, 1, 1], [0, 1, 1, 1, 0])
    >>> measures.tp, measures.fp, round(measures.sensitivity.value, 3)
    (2, 1, 0.667)
    """
    positive, values = checked_scores(y, predicted, "prediction" if cutoff is None else "score")
    called = _called(values, cutoff)
    tp, fp = int((called & positive).sum()), int((called & ~positive).sum())
    fn, tn = int(positive.sum()) - tp, int((~positive).sum()) - fp

    def share(successes: int, trials: int) -> Proportion:
        return proportion(successes, trials, level=level, method=method)

    sensitivity, specificity = share(tp, tp + fn), share(tn, tn + fp)
    return DiagnosticMeasures(
        tp=tp,
        fp=fp,
        tn=tn,
        fn=fn,
        sensitivity=sensitivity,
        specificity=specificity,
        accuracy=share(tp + tn, tp + fp + tn + fn),
        ppv=share(tp, tp + fp),
        npv=share(tn, tn + fn),
        f1=_f1(share(tp, tp + fp + fn)),
        balanced_accuracy=_mean_of_two(sensitivity, specificity),
        level=level,
        method=method,
        youden=_youden(sensitivity, specificity),
        lr_positive=_likelihood_ratio((tp, tp + fn), (fp, tn + fp), level),
        lr_negative=_likelihood_ratio((fn, tp + fn), (tn, tn + fp), level),
    )


def _called(values: np.ndarray[tuple[int], np.dtype[np.float64]], cutoff: float | None) -> BoolArray:
    if cutoff is not None:
        if np.isnan(cutoff):
            raise DataError("The cut-off is NaN.")
        return np.asarray(values >= cutoff, dtype=np.bool_)
    if not np.isin(values, (0, 1)).all():
        raise DataError("Predicted classes must be 0 or 1; for scores, pass the cut-off too.")
    return np.asarray(values == 1, dtype=np.bool_)


def _f1(overlap: Proportion) -> Measure:
    value, low, high = (2 * q / (1 + q) for q in (overlap.value, *overlap.ci))
    return Measure(value, (low, high))


def _mean_of_two(a: Proportion, b: Proportion) -> Measure:
    value = (a.value + b.value) / 2
    down = float(np.hypot(a.value - a.ci[0], b.value - b.ci[0])) / 2
    up = float(np.hypot(a.ci[1] - a.value, b.ci[1] - b.value)) / 2
    return Measure(value, (value - down, value + up))


def _youden(sensitivity: Proportion, specificity: Proportion) -> Measure:
    half = _mean_of_two(sensitivity, specificity)
    return Measure(2 * half.value - 1, (2 * half.ci[0] - 1, 2 * half.ci[1] - 1))


def _likelihood_ratio(of_positives: tuple[int, int], of_negatives: tuple[int, int], level: float) -> Measure:
    """Compute the share among the positives over that among the negatives, with an interval on the log scale."""
    (a, m), (b, n) = of_positives, of_negatives
    if a == 0 and b == 0:
        return Measure(np.nan, (np.nan, np.nan), "no case has this result: the ratio is not defined")
    value = (a / m) / (b / n) if b else np.inf
    added, note = (0.0, "") if a and b else (0.5, "a count is zero: half a case added to each for the interval")
    share_a, share_b = (a + added) / (m + 2 * added), (b + added) / (n + 2 * added)
    se = np.sqrt((1 - share_a) / (a + added) + (1 - share_b) / (b + added))
    half, centre = normal_quantile(level) * se, np.log(share_a / share_b)
    low, high = float(np.exp(centre - half)), float(np.exp(centre + half))
    return Measure(value, (0.0 if a == 0 else low, np.inf if b == 0 else high), note)

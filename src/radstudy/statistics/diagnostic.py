"""A cut-off on a score, and what the classification that it gives is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, checked_scores
from radstudy.statistics.proportions import Interval, Proportion, proportion
from radstudy.statistics.roc import roc_curve


@dataclass(frozen=True)
class Cutoff:
    """Youden's cut-off: positive when ``score >= cutoff``; ``tied`` thresholds share the index."""

    cutoff: float
    youden: float
    sensitivity: float
    specificity: float
    tied: int


@dataclass(frozen=True)
class Measure:
    """A measure that is no simple proportion: ``value`` and ``ci`` = (low, high) within [0, 1]."""

    value: float
    ci: tuple[float, float]


@dataclass(frozen=True)
class DiagnosticMeasures:
    """A classification against the outcome: the four counts, and the measures with their intervals.

    A measure whose denominator is zero (the PPV where nobody is called positive) is NaN.
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


def youden_cutoff(y: ArrayLike, score: ArrayLike) -> Cutoff:
    """The observed score at which sensitivity + specificity - 1 is largest.

    A case is positive when its score is at or above the cut-off, and the cut-off is one of the scores (not a midpoint),
    so that it can be applied unchanged to other patients. Of thresholds with the same index the lowest is taken: the
    one with the highest sensitivity. Ties are found in whole numbers of patients, not in rounded rates.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.

    References
    ----------
    Youden WJ, Cancer 1950;3:32.

    Examples
    --------
    >>> youden_cutoff([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).cutoff
    0.35
    """
    curve = roc_curve(y, score)
    m, n = int(curve.true_positives[-1]), int(curve.false_positives[-1])
    index = (curve.true_positives * n - curve.false_positives * m)[1:]
    best = np.flatnonzero(index == index.max())
    chosen = int(best[-1]) + 1
    sensitivity = float(curve.true_positive_rate[chosen])
    specificity = (n - int(curve.false_positives[chosen])) / n
    return Cutoff(
        float(curve.thresholds[chosen]), int(index.max()) / (m * n), sensitivity, specificity, int(best.size)
    )  # fmt: skip


def diagnostic_measures(
    y: ArrayLike,
    predicted: ArrayLike,
    cutoff: float | None = None,
    *,
    level: float = 0.95,
    method: Interval = "wilson",
) -> DiagnosticMeasures:
    """Sensitivity, specificity, accuracy, predictive values, F1 and balanced accuracy with confidence intervals.

    Parameters
    ----------
    y : (n,) 0 or 1.
    predicted : (n,) 0 or 1; or, with a `cutoff`, scores that are positive at or above it.
    cutoff : None if `predicted` holds classes.
    level, method : of the proportions' intervals: "wilson" or "clopper-pearson".

    Returns
    -------
    DiagnosticMeasures. The interval of ``F1 = 2 tp / (2 tp + fp + fn)`` is that of ``q = tp / (tp + fp + fn)``,
    mapped by ``F1 = 2 q / (1 + q)``. Balanced accuracy, the mean of sensitivity and specificity, has the
    interval of Newcombe's square-and-add method from theirs. Predictive values hold for the prevalence
    among these patients.

    Raises
    ------
    DataError : one class only in the outcome, NaN, lengths that differ, classes other than 0 and 1.

    References
    ----------
    Newcombe RG, Stat Med 1998;17:873 (square-and-add).

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

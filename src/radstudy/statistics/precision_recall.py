"""Precision-recall curve, and average precision with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.bootstrap import no_information, percentile_limits, resampled_counts
from radstudy.statistics.outcome import FloatArray, checked_level, checked_scores
from radstudy.statistics.proportions import normal_quantile
from radstudy.statistics.roc import roc_curve

PrecisionInterval = Literal["bootstrap", "logit"]


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision-recall curve: one point per distinct score, highest first; scores at or above it are positive.

    ``precision`` (positive predictive value) and ``recall`` (sensitivity); ``prevalence`` is the precision of an
    uninformative model. There is no point at recall 0, because its precision is not defined.
    """

    thresholds: FloatArray
    precision: FloatArray
    recall: FloatArray
    prevalence: float


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision ``value`` with its interval ``ci`` within [0, 1]; ``prevalence`` is its chance level."""

    value: float
    ci: tuple[float, float]
    prevalence: float
    method: str
    level: float
    note: str = ""


def precision_recall_curve(y: ArrayLike, score: ArrayLike) -> PrecisionRecallCurve:
    """Compute the empirical precision-recall curve at every distinct score.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.

    Examples
    --------
    >>> curve = precision_recall_curve([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    >>> curve.recall.tolist(), curve.precision.round(3).tolist()
    ([0.5, 1.0, 1.0], [1.0, 0.667, 0.5])
    """
    curve = roc_curve(y, score)
    hits, alarms = curve.true_positives[1:], curve.false_positives[1:]
    return PrecisionRecallCurve(
        thresholds=curve.thresholds[1:],
        precision=hits / (hits + alarms),
        recall=hits / hits[-1],
        prevalence=int(hits[-1]) / int(hits[-1] + alarms[-1]),
    )


def average_precision(
    y: ArrayLike,
    score: ArrayLike,
    *,
    method: PrecisionInterval = "bootstrap",
    level: float = 0.95,
    resamples: int = 2000,
    rng: np.random.Generator | None = None,
) -> AveragePrecision:
    """Compute average precision, the area under the steps: ``sum (recall_i - recall_(i-1)) precision_i``.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.
    method :
        - "bootstrap": percentiles of resamples within the classes, so that the prevalence stays;
        - "logit": ``logit(AP) +- z / sqrt(positives AP (1 - AP))``, mapped back; if AP is 1 it has no value, and
          Wilson's interval of as many positives is returned with a note.
    level : of the interval.
    resamples, rng : of the bootstrap; without a generator, one seeded with 0.

    Raises
    ------
    DataError : one class only, a NaN score, lengths that differ, an unknown method.

    References
    ----------
    Boyd K, Eng KH, Page CD, ECML PKDD 2013, LNCS 8190:451, doi 10.1007/978-3-642-40994-3_29 (both intervals).

    Examples
    --------
    >>> result = average_precision([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    >>> round(result.value, 3)
    0.833
    """
    positive, values = checked_scores(y, score)
    if method not in get_args(PrecisionInterval):
        raise DataError(
            f"Unknown interval of the average precision {method!r}; "
            f"choose from {', '.join(get_args(PrecisionInterval))}."
        )
    checked_level(level)
    distinct, place = np.unique(-values, return_inverse=True)  # highest score first
    groups = (place[positive], place[~positive])
    hits, alarms = (np.bincount(group, minlength=distinct.size)[None, :] for group in groups)
    value = float(_average_precision(hits, alarms)[0])
    cases, note = int(positive.sum()), ""
    if method == "bootstrap":
        generator = np.random.default_rng(0) if rng is None else rng
        drawn = resampled_counts(groups, distinct.size, resamples, generator)
        resampled = np.concatenate([_average_precision(*counts) for counts in drawn])
        ci, note = percentile_limits(resampled, level), no_information(resampled, "average precision")
    elif value == 1:
        z = normal_quantile(level)
        ci, note = (cases / (cases + z * z), 1.0), "the average precision is 1: Wilson's interval instead of the logit"
    else:
        half = normal_quantile(level) / np.sqrt(cases * value * (1 - value))
        ci = (float(special.expit(special.logit(value) - half)), float(special.expit(special.logit(value) + half)))
    return AveragePrecision(value, ci, cases / positive.size, method, level, note)


def _average_precision(hits: NDArray[np.int64], alarms: NDArray[np.int64]) -> FloatArray:
    """Compute average precision from counts (resamples, distinct scores), highest score first; unused scores add 0."""
    right = np.cumsum(hits, axis=1)
    called = right + np.cumsum(alarms, axis=1)
    return np.asarray((hits * right / np.maximum(called, 1)).sum(axis=1) / right[:, -1], dtype=np.float64)

"""ROC curve and the area under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from radstudy.statistics.outcome import FloatArray, checked_scores
from radstudy.statistics.univariate import rank_auc


@dataclass(frozen=True, eq=False)
class RocCurve:
    """ROC curve: one point per distinct score, from (0, 0) at the threshold infinity to (1, 1) at the lowest score.

    A case is classified as positive if its score is at or above the threshold. ``true_positives`` and
    ``false_positives`` are the whole numbers behind the rates.
    """

    thresholds: FloatArray
    false_positive_rate: FloatArray
    true_positive_rate: FloatArray
    false_positives: np.ndarray[tuple[int], np.dtype[np.int64]]
    true_positives: np.ndarray[tuple[int], np.dtype[np.int64]]


def roc_curve(y: ArrayLike, score: ArrayLike) -> RocCurve:
    """Compute the empirical ROC curve at every distinct score; no point is dropped.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.

    Raises
    ------
    DataError : one class only, a NaN score, or lengths that differ.

    Examples
    --------
    >>> curve = roc_curve([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    >>> curve.thresholds.tolist(), curve.true_positive_rate.tolist()
    ([inf, 0.8, 0.4, 0.1], [0.0, 0.5, 1.0, 1.0])
    """
    positive, values = checked_scores(y, score)
    order = np.argsort(-values, kind="stable")
    ranked, hits = values[order], positive[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), ranked.size - 1)
    true_positives = np.concatenate([[0], np.cumsum(hits)[last]]).astype(np.int64)
    false_positives = np.concatenate([[0], last + 1 - true_positives[1:]]).astype(np.int64)
    return RocCurve(
        thresholds=np.concatenate([[np.inf], ranked[last]]),
        false_positive_rate=false_positives / false_positives[-1],
        true_positive_rate=true_positives / true_positives[-1],
        false_positives=false_positives,
        true_positives=true_positives,
    )


def auc(y: ArrayLike, score: ArrayLike) -> float:
    """Compute the area under the ROC curve: the probability that a positive scores above a negative, ties half.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.

    Examples
    --------
    >>> auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    positive, values = checked_scores(y, score)
    return float(rank_auc(stats.rankdata(values), positive))

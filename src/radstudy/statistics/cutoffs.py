"""A cut-off on a score, found on training patients and kept for all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.roc import RocCurve, roc_curve

CutoffRule = Literal["youden", "sensitivity", "specificity", "cost"]


@dataclass(frozen=True)
class Cutoff:
    """A cut-off: positive when ``score >= cutoff``; ``tied`` thresholds are equally good by the rule.

    The cut-off is infinite where the rule calls nobody positive.
    """

    cutoff: float
    youden: float
    sensitivity: float
    specificity: float
    tied: int
    rule: str = "youden"


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
    return _at(curve, int(best[-1]) + 1, int(best.size), "youden")


def cutoff(
    y: ArrayLike,
    score: ArrayLike,
    rule: CutoffRule = "youden",
    *,
    target: float | None = None,
    cost_ratio: float = 1.0,
    prevalence: float | None = None,
) -> Cutoff:
    """A cut-off by one of four rules; it is one of the scores, or infinite where nobody should be called positive.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.
    rule :
        - "youden": the largest sensitivity + specificity - 1;
        - "sensitivity": the highest cut-off whose sensitivity is at least `target`;
        - "specificity": the lowest cut-off whose specificity is at least `target`;
        - "cost": the smallest expected cost, ``cost_ratio prevalence (1 - sensitivity) + (1 - prevalence)
          (1 - specificity)``; of equals the lowest.
    target : in (0, 1], for the rules "sensitivity" and "specificity".
    cost_ratio : cost of a false negative over that of a false positive.
    prevalence : of the patients to whom it will be applied; None: of these.

    Raises
    ------
    DataError : as `roc_curve`; an unknown rule; a target, cost or prevalence that cannot be.

    References
    ----------
    Youden WJ, Cancer 1950;3:32. Metz CE, Semin Nucl Med 1978;8:283, doi 10.1016/S0001-2998(78)80014-2 (cost).

    Examples
    --------
    >>> found = cutoff([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "specificity", target=1.0)
    >>> found.cutoff, found.sensitivity
    (0.8, 0.5)
    """
    if rule not in get_args(CutoffRule):
        raise DataError(f"{rule!r} is no rule for a cut-off; known are {', '.join(get_args(CutoffRule))}.")
    if rule == "youden":
        return youden_cutoff(y, score)
    curve = roc_curve(y, score)
    m, n = int(curve.true_positives[-1]), int(curve.false_positives[-1])
    if rule == "cost":
        share = m / (m + n) if prevalence is None else prevalence
        if not cost_ratio > 0 or not 0 < share < 1:
            raise DataError(f"The cost ratio must be above 0 ({cost_ratio}) and the prevalence in (0, 1) ({share}).")
        # false negatives and false positives are whole: rounding alone tells no two thresholds apart
        cost = cost_ratio * share * (m - curve.true_positives) * n + (1 - share) * curve.false_positives * m
        best = np.flatnonzero(cost <= cost.min() * (1 + 1e-12))
        return _at(curve, int(best[-1]), int(best.size), rule)
    if target is None or not 0 < target <= 1:
        raise DataError(f"The rule {rule!r} needs a target above 0 and at most 1, for instance 0.9; not {target}.")
    slack = 1e-12  # 0.9 of ten patients is nine of them
    if rule == "sensitivity":
        return _at(curve, int(np.flatnonzero(curve.true_positives >= target * m * (1 - slack))[0]), 1, rule)
    return _at(curve, int(np.flatnonzero(n - curve.false_positives >= target * n * (1 - slack))[-1]), 1, rule)


def _at(curve: RocCurve, index: int, tied: int, rule: str) -> Cutoff:
    m, n = int(curve.true_positives[-1]), int(curve.false_positives[-1])
    hits, alarms = int(curve.true_positives[index]), int(curve.false_positives[index])
    return Cutoff(
        cutoff=float(curve.thresholds[index]),
        youden=(hits * n - alarms * m) / (m * n),
        sensitivity=hits / m,
        specificity=(n - alarms) / n,
        tied=tied,
        rule=rule,
    )

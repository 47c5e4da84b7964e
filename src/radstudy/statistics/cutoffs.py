"""Cut-off on a score, chosen on training patients and kept for all others."""

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
    """A cut-off: positive if ``score >= cutoff``; ``tied`` thresholds are equally good by the rule.

    The cut-off is infinite if the rule classifies no case as positive.
    """

    cutoff: float
    youden: float
    sensitivity: float
    specificity: float
    tied: int
    rule: str = "youden"


def youden_cutoff(y: ArrayLike, score: ArrayLike) -> Cutoff:
    """Return the observed score at which sensitivity + specificity - 1 is largest.

    A case is positive if its score is at or above the cut-off. The cut-off is one of the scores (not a midpoint), so
    that it can be applied unchanged to other patients. Among thresholds with the same index the lowest is taken, which
    has the highest sensitivity. Ties are determined by whole numbers of patients, not by rounded rates.

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
    """Choose a cut-off by one of four rules: one of the scores, or infinite if no case should be positive.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.
    rule :
        - "youden": the largest sensitivity + specificity - 1;
        - "sensitivity": the highest cut-off whose sensitivity is at least `target`;
        - "specificity": the lowest cut-off whose specificity is at least `target`;
        - "cost": the smallest expected cost, ``cost_ratio prevalence (1 - sensitivity) + (1 - prevalence)
          (1 - specificity)``; in a tie the lowest.
    target : in (0, 1], for the rules "sensitivity" and "specificity".
    cost_ratio : cost of a false negative divided by that of a false positive.
    prevalence : among the patients to whom it will be applied; None: as among these.

    Raises
    ------
    DataError : as for `roc_curve`; an unknown rule; an impossible target, cost or prevalence.

    References
    ----------
    Youden WJ, Cancer 1950;3:32. Metz CE, Semin Nucl Med 1978;8:283, doi 10.1016/S0001-2998(78)80014-2 (cost).

    Examples
    --------
    >>> chosen = cutoff([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], "specificity", target=1.0)
    >>> chosen.cutoff, chosen.sensitivity
    (0.8, 0.5)
    """
    if rule not in get_args(CutoffRule):
        raise DataError(f"Unknown rule for a cut-off {rule!r}; choose from {', '.join(get_args(CutoffRule))}.")
    if rule == "youden":
        return youden_cutoff(y, score)
    curve = roc_curve(y, score)
    m, n = int(curve.true_positives[-1]), int(curve.false_positives[-1])
    if rule == "cost":
        share = m / (m + n) if prevalence is None else prevalence
        if not cost_ratio > 0 or not 0 < share < 1:
            raise DataError(f"The cost ratio must be above 0 ({cost_ratio}) and the prevalence in (0, 1) ({share}).")
        # false negatives and false positives are whole numbers: no two thresholds differ by rounding alone
        cost = cost_ratio * share * (m - curve.true_positives) * n + (1 - share) * curve.false_positives * m
        best = np.flatnonzero(cost <= cost.min() * (1 + 1e-12))
        return _at(curve, int(best[-1]), int(best.size), rule)
    if target is None or not 0 < target <= 1:
        raise DataError(f"The rule {rule!r} needs a target above 0 and at most 1, for instance 0.9; not {target}.")
    slack = 1e-12  # so that 0.9 of ten patients are nine
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

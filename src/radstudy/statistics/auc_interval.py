"""Confidence interval of the area under the ROC curve, by seven methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from radstudy.errors import DataError
from radstudy.statistics.bootstrap import bca_limits, no_information, percentile_limits, resampled_counts
from radstudy.statistics.delong import delong_variance, placements
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_level, checked_scores
from radstudy.statistics.proportions import normal_quantile
from radstudy.statistics.univariate import rank_auc

AucInterval = Literal["delong", "logit-delong", "hanley-mcneil", "newcombe", "bootstrap", "bca"]


@dataclass(frozen=True)
class AucCi:
    """AUC ``auc`` with its interval ``ci`` = (low, high) within [0, 1].

    `method` is the requested method; `note` reports if another interval was used or if it carries no information.
    ``se`` is the standard error of the AUC if the method has one, else NaN.
    """

    auc: float
    ci: tuple[float, float]
    se: float
    method: str
    level: float
    positives: int
    negatives: int
    note: str = ""


def auc_ci(
    y: ArrayLike,
    score: ArrayLike,
    *,
    method: AucInterval = "delong",
    level: float = 0.95,
    resamples: int = 2000,
    rng: np.random.Generator | None = None,
) -> AucCi:
    """Compute the area under the ROC curve with a confidence interval within [0, 1].

    docs/statistics.md shows how often each method's interval covers the true area.

    Parameters
    ----------
    y : (n,) 0 or 1.
    score : (n,), higher means positive.
    method :
        - "newcombe": Newcombe's method 5, the score-like interval of the Hanley-McNeil variance; defined for every
          AUC, including 0, 1 and equal scores;
        - "delong": ``auc +- z se`` with DeLong's variance, limited to [0, 1], as in pROC;
        - "logit-delong": the same on the logit of the AUC, ``se / (auc (1 - auc))``; stays inside without limiting and
          covers better near 1. If DeLong's variance is zero or undefined (AUC 0 or 1, all scores equal, a single case
          in a class), it has no value: Newcombe's interval is returned with a note;
        - "hanley-mcneil": ``auc +- z se`` with the 1982 variance, limited to [0, 1];
        - "bootstrap": percentiles of resamples within the classes;
        - "bca": the same resamples, corrected for bias and acceleration.
    level : of the interval.
    resamples, rng : of the bootstrap; without a generator, one seeded with 0.

    Returns
    -------
    AucCi. An AUC of exactly 0 or 1 is defined with every method; if the method's variance is zero, the interval is a
    single point, and the note states that it carries no information.

    Raises
    ------
    DataError : one class only, a NaN score, lengths that differ, an unknown method.

    References
    ----------
    DeLong ER et al., Biometrics 1988;44:837, doi 10.2307/2531595.
    Hanley JA, McNeil BJ, Radiology 1982;143:29, doi 10.1148/radiology.143.1.7063747.
    Newcombe RG, Stat Med 2006;25:559, doi 10.1002/sim.2324.
    Pepe MS, The Statistical Evaluation of Medical Tests, 2003, 5.2 (the logit).
    Efron B, J Am Stat Assoc 1987;82:171, doi 10.1080/01621459.1987.10478410 (BCa).

    Examples
    --------
    >>> result = auc_ci([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.2, 0.3, 0.8, 0.9], method="newcombe")
    >>> round(result.auc, 3), [round(limit, 3) for limit in result.ci]
    (0.889, [0.401, 0.988])
    """
    positive, values = checked_scores(y, score)
    if method not in get_args(AucInterval):
        raise DataError(f"Unknown interval of the AUC {method!r}; choose from {', '.join(get_args(AucInterval))}.")
    area = float(rank_auc(stats.rankdata(values), positive))
    m, n = int(positive.sum()), int((~positive).sum())
    z = normal_quantile(checked_level(level))
    if method in ("delong", "logit-delong"):
        se = float(np.sqrt(delong_variance(*placements(positive, values[:, None]))[0]))
        ci, note = (_wald if method == "delong" else _on_logit)(area, se, m, n, z)
    elif method == "hanley-mcneil":
        se = float(np.sqrt(_hanley_mcneil_variance(area, m, n)))
        ci, note = _wald(area, se, m, n, z)
    elif method == "newcombe":
        se, ci, note = np.nan, newcombe_interval(area, m, n, z), ""
    else:
        areas = bootstrap_areas(positive, values, resamples, np.random.default_rng(0) if rng is None else rng)
        se, note = float(areas.std(ddof=1)), no_information(areas, "AUC")
        if method == "bootstrap":
            ci = percentile_limits(areas, level)
        else:
            of_cases, of_controls = placements(positive, values[:, None])
            ci = bca_limits(areas, area, (of_cases[:, 0] - area, of_controls[:, 0] - area), level)
    return AucCi(area, ci, se, method, level, m, n, note)


def _wald(area: float, se: float, _m: int, _n: int, z: float) -> tuple[tuple[float, float], str]:
    if np.isnan(se):
        return (np.nan, np.nan), "a class has a single case: the variance of the AUC is not defined"
    ci = (max(0.0, area - z * se), min(1.0, area + z * se))
    return ci, "" if se > 0 else "the variance of the AUC is zero: the interval carries no information"


def _on_logit(area: float, se: float, m: int, n: int, z: float) -> tuple[tuple[float, float], str]:
    if not se > 0 or area in (0.0, 1.0):
        why = "zero" if se == 0 else "not defined"
        return newcombe_interval(area, m, n, z), f"DeLong's variance is {why}: Newcombe's interval instead"
    centre, half = special.logit(area), z * se / (area * (1 - area))
    return (float(special.expit(centre - half)), float(special.expit(centre + half))), ""


def _hanley_mcneil_variance(area: float, m: int, n: int) -> float:
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    numerator = area * (1 - area) + (m - 1) * (q1 - area * area) + (n - 1) * (q2 - area * area)
    return max(0.0, numerator / (m * n))


def newcombe_interval(area: float, m: int, n: int, z: float) -> tuple[float, float]:
    """Compute Newcombe's interval (method 5): the areas theta with ``|theta - area| = z sqrt(V(theta))``.

    ``V = theta (1 - theta) / (m n) (2 N - 1 - (3 N - 3) / ((2 - theta) (1 + theta)))``, ``N = (m + n) / 2``: the
    variance of Hanley and McNeil with both sample sizes replaced by their mean inside the bracket.

    Parameters
    ----------
    area : observed AUC.
    m, n : positives, negatives.
    z : normal quantile of the level.
    """
    if area == 0:  # symmetric in positives and negatives
        low, high = newcombe_interval(1.0, m, n, z)
        return 1 - high, 1 - low
    mean_size = (m + n) / 2

    def width(theta: float) -> float:
        bracket = 2 * mean_size - 1 - (3 * mean_size - 3) / ((2 - theta) * (1 + theta))
        return float(z * z * theta * bracket / (m * n))

    def excess(theta: float) -> float:
        return float((theta - area) ** 2 - (1 - theta) * width(theta))

    if area == 1:  # the limit 1 is itself a solution: divide it out
        return float(optimize.brentq(lambda theta: 1 - theta - width(theta), 0.0, 1.0, xtol=1e-14)), 1.0
    low = float(optimize.brentq(excess, 0.0, area, xtol=1e-14))
    return low, float(optimize.brentq(excess, area, 1.0, xtol=1e-14))


def bootstrap_areas(positive: BoolArray, values: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Compute the AUC of each resample within the classes, (resamples,), from counts per score, without re-sorting."""
    distinct, place = np.unique(values, return_inverse=True)
    parts = []
    for hits, alarms in resampled_counts((place[positive], place[~positive]), distinct.size, resamples, rng):
        below = np.cumsum(alarms, axis=1) - 0.5 * alarms
        parts.append((hits * below).sum(axis=1))
    m = int(positive.sum())
    return np.concatenate(parts) / (m * (positive.size - m))

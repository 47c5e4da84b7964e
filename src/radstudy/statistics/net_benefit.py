"""Decision curves: the net benefit of a model compared with treating all or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.errors import DataError
from radstudy.statistics.bootstrap import percentile_limits, resampled_counts
from radstudy.statistics.calibration import checked_probabilities
from radstudy.statistics.outcome import BoolArray, FloatArray, as_float, checked_level


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit per patient at each threshold probability, all (thresholds,).

    ``net_benefit`` of the model with its pointwise ``low`` and ``high``; ``treat_all``; ``treat_none`` is 0.
    ``avoided``: interventions avoided per 100 patients, compared with treating all, without missing a positive.
    """

    thresholds: FloatArray
    net_benefit: FloatArray
    low: FloatArray
    high: FloatArray
    treat_all: FloatArray
    treat_none: FloatArray
    avoided: FloatArray
    level: float
    resamples: int


def decision_curve(
    y: ArrayLike,
    probability: ArrayLike,
    thresholds: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> DecisionCurve:
    """Compute the net benefit of a model over threshold probabilities, with a bootstrap band.

    The net benefit is ``tp / n - fp / n t / (1 - t)``, treating if ``probability >= t``: in units of true positives, a
    false positive is weighted by the odds of the threshold. That of treating all is
    ``prevalence - (1 - prevalence) t / (1 - t)``.

    Parameters
    ----------
    y : (n,) 0 or 1, of patients representative of those to be treated: the prevalence matters.
    probability : (n,) of the positive outcome.
    thresholds : in (0, 1); by default 0.01 to 0.99 in steps of 0.01.
    level : of the band, pointwise percentiles.
    resamples : of all patients, not within the classes, because the prevalence is estimated too; 0 for no band (NaN).
    rng : by default seeded with 0.

    Raises
    ------
    DataError : one class only, NaN, a probability outside [0, 1], a threshold outside (0, 1), 1 to 99 resamples.

    References
    ----------
    Vickers AJ, Elkin EB, Med Decis Making 2006;26:565, doi 10.1177/0272989X06295361.
    Vickers AJ et al., BMC Med Inform Decis Mak 2008;8:53, doi 10.1186/1472-6947-8-53 (band, interventions avoided).

    Examples
    --------
    >>> curve = decision_curve([0, 0, 0, 1], [0.1, 0.2, 0.6, 0.8], [0.5], resamples=0)
    >>> curve.net_benefit.tolist(), curve.treat_all.tolist()
    ([0.0], [-0.5])
    """
    positive, values = checked_probabilities(y, probability)
    checked_level(level)
    cuts = np.arange(1, 100) / 100 if thresholds is None else as_float(thresholds, "The thresholds")
    if cuts.ndim != 1 or not cuts.size or not ((cuts > 0) & (cuts < 1)).all():
        raise DataError("Threshold probabilities lie between 0 and 1, both excluded.")
    odds = cuts / (1 - cuts)
    worth = _worth(positive, values, cuts, odds)
    prevalence = float(positive.mean())
    treat_all = prevalence - (1 - prevalence) * odds
    benefit = worth.mean(axis=0)
    low = high = np.full(cuts.shape, np.nan)
    if resamples:
        generator = np.random.default_rng(0) if rng is None else rng
        drawn = _resampled(worth, resamples, generator)
        limits = np.array([percentile_limits(column, level) for column in drawn.T])
        low, high = limits[:, 0], limits[:, 1]
    return DecisionCurve(
        thresholds=cuts,
        net_benefit=benefit,
        low=low,
        high=high,
        treat_all=treat_all,
        treat_none=np.zeros(cuts.shape),
        avoided=100 * (benefit - treat_all) / odds,
        level=level,
        resamples=resamples,
    )


def _worth(positive: BoolArray, values: FloatArray, cuts: FloatArray, odds: FloatArray) -> FloatArray:
    """Return each patient's contribution to the net benefit, (n, thresholds): 1, minus the odds, or 0."""
    treated = values[:, None] >= cuts
    return np.where(treated, np.where(positive[:, None], 1.0, -odds), 0.0)


def _resampled(worth: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    n = len(worth)
    everyone: NDArray[np.intp] = np.arange(n)
    return np.concatenate([counts @ worth / n for (counts,) in resampled_counts((everyone,), n, resamples, rng)])

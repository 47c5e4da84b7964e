"""Logistic regression by Firth's penalised likelihood, which has an estimate even if the outcome is separated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from radstudy.statistics.outcome import FloatArray, checked_level
from radstudy.statistics.regression.likelihood import ratio_of
from radstudy.statistics.regression.logistic_fit import (
    LogisticFit,
    Problem,
    RegressionInterval,
    check_interval,
    fit_of,
    problem_of,
    with_profile,
)
from radstudy.statistics.regression.penalised_likelihood import maximise_penalised

_STARTS, _SPREAD = 12, 5.0  # starting points for a penalised profile: standardised variables, log odds ratios


def firth(
    X: ArrayLike,
    y: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    interval: RegressionInterval = "profile",
) -> LogisticFit:
    """Fit a logistic regression with intercept by Firth's penalised likelihood, which tolerates separation.

    It maximises ``log likelihood + log det(X' W X) / 2``, which also removes the first-order bias of small samples.

    Parameters
    ----------
    X, y, names, level : as for `logistic`.
    interval : "profile", of the penalised likelihood, with the penalised likelihood-ratio test's p-values (the default
        of R's logistf); or "wald" for both.

    Raises
    ------
    DataError : as for `logistic`; no convergence.

    References
    ----------
    Firth D, Biometrika 1993;80:27, doi 10.1093/biomet/80.1.27.
    Heinze G, Schemper M, Stat Med 2002;21:2409, doi 10.1002/sim.1047.

    Examples
    --------
    >>> x = [[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]
    >>> fit = firth(x, [0, 0, 0, 1, 1, 1], ["dose"])
    >>> fit.separated, bool(np.isfinite(fit.odds_ratios[0]))
    (('dose',), True)
    """
    check_interval(interval)
    checked_level(level)
    problem = problem_of(X, y, names)
    return firth_fit(problem, level, interval)


def firth_fit(problem: Problem, level: float, interval: str) -> LogisticFit:
    """Fit `firth` to a checked problem."""
    design, positive = problem.design, problem.positive
    beta, best = maximise_penalised(design, positive)
    pairs = [_penalised_profiles(problem, column, beta) for column in range(1, design.shape[1])]
    quick, surer = [one for one, _ in pairs], [one for _, one in pairs]
    lr_p_values = np.array([ratio_of(best - profile(0.0), 1).p_value for profile in surer])
    _, null = maximise_penalised(design, positive, held=np.arange(1, design.shape[1]))
    shared = {
        "lr_p_values": lr_p_values,
        "log_likelihood": best,
        "likelihood_ratio": ratio_of(best - null, len(pairs)),
        "r2_cox_snell": np.nan,
        "r2_nagelkerke": np.nan,
        "aic": np.nan,
        "estimator": "Firth",
    }
    note = f"separated by {', '.join(problem.separated)}" if problem.separated else ""
    fit = fit_of(problem, beta, level, interval, note, shared)
    if interval == "wald":
        return fit
    return with_profile(fit, problem, quick, best, surer)


def _penalised_profiles(
    problem: Problem, column: int, estimate: FloatArray
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return the maximal penalised log likelihood as quick and surer functions of one standardised coefficient.

    Quick climbs start where the last one ended. If few cases are separated by many variables, the others have several
    maxima: surer climbs start at many points, and the best is kept (no number of starts is certain to find the
    highest); quick climbs then start from there.
    """
    latest = anchor = estimate
    draws = np.random.default_rng(0).normal(scale=_SPREAD, size=(_STARTS, estimate.size))

    def climbed(value: float, starts: Sequence[FloatArray]) -> tuple[FloatArray, float]:
        climbs = []
        for start in starts:
            begin = start.copy()
            begin[column] = value
            climbs.append(maximise_penalised(problem.design, problem.positive, start=begin, held=np.array([column])))
        return max(climbs, key=lambda one: one[1])

    def quick(value: float) -> float:
        nonlocal latest
        latest, best = climbed(value, (latest, anchor, estimate))
        return best

    def surer(value: float) -> float:
        nonlocal latest, anchor
        anchor, best = climbed(value, (latest, anchor, estimate, np.zeros_like(estimate), *draws))
        latest = anchor
        return best

    return quick, surer

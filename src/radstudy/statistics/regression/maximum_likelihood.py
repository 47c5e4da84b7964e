"""Logistic regression for inference by maximum likelihood: odds ratios, intervals, likelihood-ratio tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import checked_level
from radstudy.statistics.regression.firth import firth_fit
from radstudy.statistics.regression.likelihood import maximise_log_likelihood, null_log_likelihood, ratio_of
from radstudy.statistics.regression.logistic_fit import (
    LogisticFit,
    Problem,
    RegressionInterval,
    check_interval,
    fit_of,
    problem_of,
    with_profile,
)


def logistic(
    X: ArrayLike,
    y: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    interval: RegressionInterval = "wald",
    on_separation: Literal["note", "firth"] = "note",
) -> LogisticFit:
    """Fit a logistic regression with intercept by maximum likelihood, without penalty.

    Parameters
    ----------
    X : float (n, variables), any units; the coefficients are per unit. One variable: the univariate regression.
    y : (n,) 0 or 1.
    names : of the variables; by default x1, x2, ...
    level : of the intervals.
    interval : "wald", ``exp(b +- z se)``, with Wald's p-values, or "profile", where the profile log likelihood falls by
        half the chi-square quantile, with the likelihood-ratio test's p-values.
    on_separation : "note" returns NaN with a note; "firth" returns `firth`'s fit with a note.

    Returns
    -------
    LogisticFit. Separation (a combination of variables that splits the outcome without error, or with ties only) is
    detected exactly by a linear program, not by large coefficients, and reported.

    Raises
    ------
    DataError : values are NaN or infinite, a variable is constant or determined by others, or shapes do not fit.

    References
    ----------
    Albert A, Anderson JA, Biometrika 1984;71:1, doi 10.1093/biomet/71.1.1 (separation).
    Konis K, DPhil thesis, Oxford 2007 (its linear program).
    Venzon DJ, Moolgavkar SH, Appl Stat 1988;37:87, doi 10.2307/2347496 (profile intervals).
    Nagelkerke NJD, Biometrika 1991;78:691, doi 10.1093/biomet/78.3.691 (R2).

    Examples
    --------
    >>> x = [[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]
    >>> fit = logistic(x, [0, 0, 1, 0, 1, 1], ["dose"])
    >>> round(float(fit.odds_ratios[0]), 3), fit.separated
    (3.367, ())
    """
    check_interval(interval)
    if on_separation not in ("note", "firth"):
        raise DataError(f'on_separation must be "note" or "firth", not {on_separation!r}.')
    checked_level(level)
    problem = problem_of(X, y, names)
    if problem.separated and on_separation == "firth":
        fit = firth_fit(problem, level, "profile")
        return replace(fit, note=f"{_separation_note(problem)}; Firth's penalised likelihood instead")
    return _maximum_likelihood(problem, level, interval)


def _maximum_likelihood(problem: Problem, level: float, interval: str) -> LogisticFit:
    design, positive = problem.design, problem.positive
    beta, best = maximise_log_likelihood(design, positive)
    profiles = [_likelihood_profile(problem, column) for column in range(1, design.shape[1])]
    lr_p_values = np.array([ratio_of(best - profile(0.0), 1).p_value for profile in profiles])
    null = null_log_likelihood(positive)
    ratio = ratio_of(best - null, len(profiles), _separation_note(problem))
    n = positive.size
    cox_snell = 1 - float(np.exp(2 * (null - best) / n))
    shared = {
        "lr_p_values": lr_p_values,
        "log_likelihood": best,
        "likelihood_ratio": ratio,
        "r2_cox_snell": cox_snell,
        "r2_nagelkerke": cox_snell / (1 - float(np.exp(2 * null / n))),
        "aic": 2 * design.shape[1] - 2 * best,
        "estimator": "maximum likelihood",
    }
    if problem.separated:
        return fit_of(problem, np.full(design.shape[1], np.nan), level, interval, _separation_note(problem), shared)
    fit = fit_of(problem, beta, level, interval, "", shared)
    return fit if interval == "wald" else with_profile(fit, problem, profiles, best)


def _likelihood_profile(problem: Problem, column: int) -> Callable[[float], float]:
    """Return the maximal log likelihood as a function of one standardised coefficient."""
    others = np.delete(problem.design, column, axis=1)
    own = problem.design[:, column]
    return lambda value: maximise_log_likelihood(others, problem.positive, value * own)[1]


def _separation_note(problem: Problem) -> str:
    if not problem.separated:
        return ""
    return f"the outcome is separated by {', '.join(problem.separated)}: no maximum-likelihood estimate exists"

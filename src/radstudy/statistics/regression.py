"""Logistic regression for inference: odds ratios, intervals, likelihood-ratio tests, Firth's penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.likelihood import (
    LikelihoodRatio,
    checked_variables,
    information_matrix,
    maximise_log_likelihood,
    null_log_likelihood,
    ratio_of,
    refuse_collinear,
    refuse_constant,
    separating,
    with_intercept,
)
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_level
from radstudy.statistics.penalised import maximise_penalised
from radstudy.statistics.profile import profile_limits
from radstudy.statistics.proportions import normal_quantile

_STARTS, _SPREAD = 12, 5.0  # of the climbs of a penalised profile: standardised variables, log odds ratios

RegressionInterval = Literal["wald", "profile"]


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A logistic regression, one entry a variable (the intercept apart).

    Attributes
    ----------
    coefficients, se : log odds ratio per unit of the variable, its standard error.
    odds_ratios : above 1 where higher values go with the positive outcome.
    ci : (low, high), arrays: intervals of the odds ratios, by `interval`.
    p_values : Wald's two-sided; of Firth's fit the penalised likelihood-ratio test's with profile intervals.
    covariance : (1 + variables, 1 + variables), intercept first.
    log_likelihood : at the estimate; penalised for Firth's fit.
    likelihood_ratio : all variables together against the intercept alone.
    separated : variables by which the outcome can be separated. Maximum likelihood then has no estimate: coefficients,
        intervals and Wald p-values are NaN, while the likelihood-ratio tests remain valid. Firth's fit has all.
    note : the same in words.
    lr_p_values : likelihood-ratio test of each variable, the others in the model.
    vif : variance inflation ``1 / (1 - R2)`` of each variable on the others.
    r2_cox_snell, r2_nagelkerke, aic : NaN for Firth's fit, whose likelihood is not the maximum.
    events_per_variable : cases of the rarer class over the number of variables.
    estimator : "maximum likelihood" or "Firth".
    interval : "wald" or "profile".
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    se: FloatArray
    odds_ratios: FloatArray
    ci: tuple[FloatArray, FloatArray]
    p_values: FloatArray
    intercept: float
    intercept_se: float
    covariance: FloatArray
    log_likelihood: float
    likelihood_ratio: LikelihoodRatio
    n: int
    level: float
    separated: tuple[str, ...]
    note: str
    lr_p_values: FloatArray
    vif: FloatArray
    r2_cox_snell: float
    r2_nagelkerke: float
    aic: float
    events_per_variable: float
    estimator: str
    interval: str


@dataclass(frozen=True, eq=False)
class _Problem:
    """Standardised variables with an intercept, and the way back to the variables' own units."""

    design: FloatArray
    positive: BoolArray
    labels: tuple[str, ...]
    back: FloatArray
    scale: FloatArray
    separated: tuple[str, ...]
    vif: FloatArray


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
    interval : "wald", ``exp(b +- z se)``, or "profile", where the profile log likelihood falls by half the chi-square
        quantile.
    on_separation : "note" gives NaN and says why; "firth" gives `firth`'s fit and says so.

    Returns
    -------
    LogisticFit. Separation (some combination of variables splits the outcome without error, or with ties only) is
    detected exactly, by a linear program, not by large coefficients, and named.

    Raises
    ------
    DataError : NaN or infinite values; a constant variable or one that the others determine; shapes that do not fit.

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
    _check_interval(interval)
    if on_separation not in ("note", "firth"):
        raise DataError(f'On separation, "note" or "firth" can be done, not {on_separation!r}.')
    checked_level(level)
    problem = _problem(X, y, names)
    if problem.separated and on_separation == "firth":
        fit = _firth(problem, level, "profile")
        return replace(fit, note=f"{_separation_note(problem)}; Firth's penalised likelihood instead")
    return _maximum_likelihood(problem, level, interval)


def firth(
    X: ArrayLike,
    y: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    interval: RegressionInterval = "profile",
) -> LogisticFit:
    """Fit a logistic regression with intercept by Firth's penalised likelihood, which separation does not break.

    The maximum of ``log likelihood + log det(X' W X) / 2``, which also takes the first-order bias of small samples out.

    Parameters
    ----------
    X, y, names, level : as `logistic`.
    interval : "profile", of the penalised likelihood, with the penalised likelihood-ratio test's p-values (as R's
        logistf does by default); or "wald" for both.

    Raises
    ------
    DataError : as `logistic`; no convergence.

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
    _check_interval(interval)
    checked_level(level)
    problem = _problem(X, y, names)
    return _firth(problem, level, interval)


def _maximum_likelihood(problem: _Problem, level: float, interval: str) -> LogisticFit:
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
        return _fit(problem, np.full(design.shape[1], np.nan), level, interval, _separation_note(problem), shared)
    fit = _fit(problem, beta, level, interval, "", shared)
    return fit if interval == "wald" else _with_profile(fit, problem, profiles, best)


def _firth(problem: _Problem, level: float, interval: str) -> LogisticFit:
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
    fit = _fit(problem, beta, level, interval, note, shared)
    if interval == "wald":
        return fit
    return replace(_with_profile(fit, problem, quick, best, surer), p_values=lr_p_values)


def _likelihood_profile(problem: _Problem, column: int) -> Callable[[float], float]:
    """Maximal log likelihood as a function of one standardised coefficient."""
    others = np.delete(problem.design, column, axis=1)
    own = problem.design[:, column]
    return lambda value: maximise_log_likelihood(others, problem.positive, value * own)[1]


def _penalised_profiles(
    problem: _Problem, column: int, estimate: FloatArray
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """The same, penalised: climbed from where the last value ended, and climbed with care.

    Where few cases are separated by many variables the others have several maxima: with care is from many places, and
    the best is kept.
    """
    latest = estimate
    draws = np.random.default_rng(0).normal(scale=_SPREAD, size=(_STARTS, estimate.size))
    places = (estimate, np.zeros_like(estimate), *draws)

    def climbed(value: float, starts: tuple[FloatArray, ...]) -> float:
        nonlocal latest
        found = []
        for start in starts:
            begin = start.copy()
            begin[column] = value
            found.append(maximise_penalised(problem.design, problem.positive, start=begin, held=np.array([column])))
        latest, best = max(found, key=lambda one: one[1])
        return best

    return (
        lambda value: climbed(value, (latest,)),
        lambda value: climbed(value, (latest, *places)),
    )


def _with_profile(
    fit: LogisticFit,
    problem: _Problem,
    profiles: list[Callable[[float], float]],
    best: float,
    surer: list[Callable[[float], float]] | None = None,
) -> LogisticFit:
    def deviance(profile: Callable[[float], float]) -> Callable[[float], float]:
        return lambda value: 2 * (best - profile(value))

    limits = []
    for index, profile in enumerate(profiles):
        scale = problem.scale[index]
        low, high = profile_limits(
            deviance(profile), float(fit.coefficients[index] * scale), float(fit.se[index] * scale), fit.level,
            surer=deviance(surer[index]) if surer else None,
        )  # fmt: skip
        limits.append((low / scale, high / scale))
    with np.errstate(over="ignore"):
        low_, high_ = np.exp(np.array(limits).reshape(-1, 2)).T
    return replace(fit, ci=(low_, high_))


def _fit(
    problem: _Problem, beta: FloatArray, level: float, interval: str, note: str, shared: dict[str, object]
) -> LogisticFit:
    z = normal_quantile(level)
    if np.isnan(beta).any():
        covariance = np.full((beta.size, beta.size), np.nan)
    else:
        covariance = problem.back @ np.linalg.inv(information_matrix(problem.design, beta)) @ problem.back.T
        beta = problem.back @ beta
    se = np.sqrt(np.diag(covariance))
    b, s = beta[1:], se[1:]
    with np.errstate(over="ignore"):
        ci = (np.exp(b - z * s), np.exp(b + z * s))
        odds_ratios = np.exp(b)
    rarer = min(int(problem.positive.sum()), int((~problem.positive).sum()))
    return LogisticFit(
        names=problem.labels, coefficients=b, se=s, odds_ratios=odds_ratios, ci=ci,
        p_values=2 * special.ndtr(-np.abs(b / s)), intercept=float(beta[0]), intercept_se=float(se[0]),
        covariance=covariance, n=problem.positive.size, level=level, separated=problem.separated, note=note,
        vif=problem.vif, events_per_variable=rarer / len(problem.labels) if problem.labels else np.inf,
        interval=interval, **shared,  # type: ignore[arg-type]
    )  # fmt: skip


def _problem(X: ArrayLike, y: ArrayLike, names: Sequence[str] | None) -> _Problem:
    values, positive, labels = checked_variables(X, y, names)
    refuse_constant(values, labels)
    centre, scale = values.mean(axis=0), values.std(axis=0)
    design = with_intercept((values - centre) / scale)
    refuse_collinear(design, labels)
    back = np.diag(np.concatenate([[1.0], 1 / scale]))  # to the variables' own units
    back[0, 1:] = -centre / scale
    runs_off = separating(design, positive)[1:]
    separated = tuple(label for label, part in zip(labels, runs_off, strict=True) if part)
    standardised = design[:, 1:]
    vif = np.diag(np.linalg.inv(standardised.T @ standardised / positive.size))
    return _Problem(design, positive, labels, back, scale, separated, vif)


def _separation_note(problem: _Problem) -> str:
    if not problem.separated:
        return ""
    return f"the outcome is separated by {', '.join(problem.separated)}: no maximum-likelihood estimate exists"


def _check_interval(interval: str) -> None:
    if interval not in ("wald", "profile"):
        raise DataError(f'The interval of an odds ratio must be "wald" or "profile", not {interval!r}.')

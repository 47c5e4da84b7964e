"""Common parts of all logistic regressions, whichever likelihood they maximise: the problem and the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, FloatArray
from radstudy.statistics.proportions import normal_quantile
from radstudy.statistics.regression.likelihood import (
    LikelihoodRatio,
    checked_variables,
    information_matrix,
    refuse_collinear,
    refuse_constant,
    separating,
    with_intercept,
)
from radstudy.statistics.regression.profile import profile_limits

RegressionInterval = Literal["wald", "profile"]


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted logistic regression, with one entry per variable (without the intercept).

    Attributes
    ----------
    coefficients, se : log odds ratio per unit of the variable, its standard error.
    odds_ratios : above 1 if higher values are associated with the positive outcome.
    ci : (low, high), arrays: intervals of the odds ratios, by `interval`.
    p_values : of the test that matches the interval, so that the two agree: Wald's two-sided with Wald intervals, the
        (penalised) likelihood-ratio test's with profile intervals.
    covariance : (1 + variables, 1 + variables), intercept first.
    log_likelihood : at the estimate; penalised for Firth's fit.
    likelihood_ratio : test of all variables together against the intercept alone.
    separated : variables by which the outcome can be separated. Maximum likelihood then has no estimate: coefficients,
        intervals and Wald p-values are NaN, while the likelihood-ratio tests remain valid. Firth's fit has all values.
    note : the same as text.
    lr_p_values : likelihood-ratio test of each variable, with the others in the model.
    vif : variance inflation ``1 / (1 - R2)`` of each variable on the others.
    r2_cox_snell, r2_nagelkerke, aic : NaN for Firth's fit, whose likelihood is not the maximum.
    events_per_variable : cases of the rarer class divided by the number of variables.
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
class Problem:
    """Standardised variables with an intercept, and the conversion back to the variables' own units."""

    design: FloatArray
    positive: BoolArray
    labels: tuple[str, ...]
    back: FloatArray
    scale: FloatArray
    separated: tuple[str, ...]
    vif: FloatArray


def problem_of(X: ArrayLike, y: ArrayLike, names: Sequence[str] | None) -> Problem:
    """Standardise the variables and find those that separate the outcome; parameters and errors as for `logistic`."""
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
    return Problem(design, positive, labels, back, scale, separated, vif)


def check_interval(interval: str) -> None:
    """Refuse an interval other than "wald" and "profile"."""
    if interval not in ("wald", "profile"):
        raise DataError(f'The interval of an odds ratio must be "wald" or "profile", not {interval!r}.')


def fit_of(
    problem: Problem, beta: FloatArray, level: float, interval: str, note: str, shared: dict[str, object]
) -> LogisticFit:
    """Return the result at an estimate, with Wald's intervals and p-values.

    Parameters
    ----------
    problem : the fitted problem.
    beta : (1 + variables,) standardised, intercept first; NaN if there is no estimate.
    level, interval, note : as in the result.
    shared : the result's other attributes, which depend on the type of likelihood.
    """
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


def with_profile(
    fit: LogisticFit,
    problem: Problem,
    profiles: list[Callable[[float], float]],
    best: float,
    surer: list[Callable[[float], float]] | None = None,
) -> LogisticFit:
    """Return the fit with profile likelihood intervals and likelihood-ratio p-values instead of Wald's.

    Parameters
    ----------
    fit, problem : at the estimate.
    profiles : one per variable, the maximal log likelihood as a function of its standardised coefficient.
    best : the log likelihood at the estimate.
    surer : the same profiles, slower but more reliable; see `profile_limits`.
    """

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
    return replace(fit, ci=(low_, high_), p_values=fit.lr_p_values)

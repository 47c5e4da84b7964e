"""Sample size for a prediction model of a binary outcome, by Riley's four criteria."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from radstudy.errors import DataError

Z = 1.96  # as published
FEW_PARAMETERS = 30  # the formula of criterion 4 was fitted to simulations of 2 to 30 parameters


@dataclass(frozen=True)
class PredictionSampleSize:
    """The smallest number of patients to develop a prediction model.

    ``n`` meets all criteria; ``shrinkage``, ``optimism``, ``overall_risk`` and ``mape`` are the numbers that each
    criterion needs alone (`mape` None if not requested). ``events`` and ``events_per_parameter`` are those at `n`.
    ``r2_cox_snell``, ``r2_nagelkerke`` and ``r2_max`` are the anticipated values. ``note``: facts about the numbers.
    """

    n: int
    shrinkage: int
    optimism: int
    overall_risk: int
    mape: int | None
    events: float
    events_per_parameter: float
    r2_cox_snell: float
    r2_nagelkerke: float
    r2_max: float
    parameters: int
    prevalence: float
    note: str = ""


def prediction_sample_size(
    parameters: int,
    prevalence: float,
    *,
    auc: float | None = None,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
    mape: float | None = 0.05,
) -> PredictionSampleSize:
    """Compute the patients needed to develop a logistic prediction model, by the criteria of Riley and colleagues.

    With P parameters, outcome proportion f, Cox and Snell's R2 and its largest possible value
    ``R2max = 1 - (f^f (1 - f)^(1 - f))^2``:

    1. shrinkage of the effects by no more than a tenth: ``P / ((S - 1) ln(1 - R2 / S))``, S = 0.9;
    2. optimism of Nagelkerke's R2 of at most 0.05: the same with ``S = R2 / (R2 + 0.05 R2max)``;
    3. the overall risk known to within 0.05: ``(1.96 / 0.05)^2 f (1 - f)``;
    4. mean absolute error of the predicted probabilities of at most 0.05:
       ``exp((-0.508 + 0.259 ln f + 0.504 ln P - ln 0.05) / 0.544)``.

    Parameters
    ----------
    parameters : number of candidate parameters, all that the selection may choose from before it sees the outcome.
    prevalence : expected share of positives, between 0 and 1.
    auc, r2_cox_snell, r2_nagelkerke : the performance expected in new patients, one of the three; be conservative.
    shrinkage, optimism, margin, mape : the targets of the criteria; ``mape=None`` leaves out the fourth, as in the
        program pmsampsize.

    Returns
    -------
    PredictionSampleSize, in whole patients, rounded up.

    Raises
    ------
    DataError : a value is outside its range, or none or several of the three performances are given.

    References
    ----------
    Riley RD et al., Stat Med 2019;38:1276, doi 10.1002/sim.7992 (criteria 1 to 3).
    van Smeden M et al., Stat Methods Med Res 2019;28:2455, doi 10.1177/0962280218784726 (criterion 4).
    Riley RD et al., BMJ 2020;368:m441, doi 10.1136/bmj.m441 (all four).

    Examples
    --------
    The diagnostic model of Chagas disease in the first paper:

    >>> size = prediction_sample_size(24, 0.174, r2_cox_snell=0.288, mape=None)
    >>> size.n, round(size.events_per_parameter, 1)
    (662, 4.8)
    """
    _check(parameters, prevalence, shrinkage=shrinkage, optimism=optimism, margin=margin)
    if mape is not None and not 0 < mape < 1:
        raise DataError(f"The mean absolute prediction error must lie between 0 and 1; this one is {mape}.")
    r2_max = _r2_max(prevalence)
    r2 = _anticipated(prevalence, r2_max, auc, r2_cox_snell, r2_nagelkerke)
    _check_reachable(r2, r2_max, shrinkage, optimism)
    first = _for_shrinkage(parameters, r2, shrinkage)
    second = _for_shrinkage(parameters, r2, r2 / (r2 + optimism * r2_max))
    third = math.ceil((Z / margin) ** 2 * prevalence * (1 - prevalence))
    fourth = None if mape is None else _for_mape(parameters, prevalence, mape)
    n = max(first, second, third, fourth or 0)
    few = parameters > FEW_PARAMETERS and fourth is not None
    note = f"criterion 4 extrapolates beyond the {FEW_PARAMETERS} parameters that it was fitted to" if few else ""
    return PredictionSampleSize(
        n=n, shrinkage=first, optimism=second, overall_risk=third, mape=fourth, events=n * prevalence,
        events_per_parameter=n * prevalence / parameters, r2_cox_snell=r2, r2_nagelkerke=r2 / r2_max, r2_max=r2_max,
        parameters=parameters, prevalence=prevalence, note=note,
    )  # fmt: skip


def parameters_allowed(n: int, prevalence: float, *, auc: float, shrinkage: float = 0.9, optimism: float = 0.05) -> int:
    """Compute the number of candidate parameters that n patients allow by criteria 1 and 2.

    Parameters
    ----------
    n : number of patients to develop the model.
    prevalence : expected share of positives.
    auc : expected in new patients.
    shrinkage, optimism : as in `prediction_sample_size`.

    Examples
    --------
    >>> parameters_allowed(74, 0.39, auc=0.8)
    2
    """
    _check(1, prevalence, shrinkage=shrinkage, optimism=optimism)
    if n < 1:
        raise DataError(f"The number of patients must be at least 1; this one is {n}.")
    r2, r2_max = r2_of_auc(auc, prevalence), _r2_max(prevalence)
    _check_reachable(r2, r2_max, shrinkage, optimism)
    bounds = (shrinkage, r2 / (r2 + optimism * r2_max))
    return math.floor(min(n * (s - 1) * math.log(1 - r2 / s) for s in bounds) + 1e-9)


def r2_of_auc(auc: float, prevalence: float) -> float:
    """Compute Cox and Snell's R2 of a logistic model with a given AUC and a normal linear predictor in each class.

    The predictor is N(0, 1) in negatives and N(m, 1) in positives, ``m = sqrt(2) z(AUC)``; then the outcome's log odds
    are ``ln(f / (1 - f)) - m^2 / 2 + m x`` exactly, and ``R2 = 1 - exp(-2 (E[l] - l0))`` with the mean log likelihoods
    of that model and of the prevalence. Riley and colleagues simulate a million patients; here the mean is an integral.

    Parameters
    ----------
    auc : above 0.5, below 1.
    prevalence : share of positives.

    References
    ----------
    Riley RD et al., Stat Med 2021;40:859, doi 10.1002/sim.8806.

    Examples
    --------
    >>> round(r2_of_auc(0.89, 0.174), 3)
    0.291
    """
    if not 0.5 < auc < 1:
        raise DataError(f"The expected AUC must lie between 0.5 and 1; this one is {auc}.")
    if not 0 < prevalence < 1:
        raise DataError(f"The share of positives must lie between 0 and 1; this one is {prevalence}.")
    shift = math.sqrt(2) * float(special.ndtri(auc))
    at, weights = np.polynomial.hermite_e.hermegauss(120)  # mean over a standard normal
    weights = weights / weights.sum()
    base = math.log(prevalence / (1 - prevalence)) - shift**2 / 2

    def mean_of(centre: float, sign: int) -> float:
        return float(-(weights * np.logaddexp(0, -sign * (base + shift * (at + centre)))).sum())

    fitted = prevalence * mean_of(shift, 1) + (1 - prevalence) * mean_of(0.0, -1)
    return 1 - math.exp(-2 * (fitted - _null_log_likelihood(prevalence)))


def _null_log_likelihood(prevalence: float) -> float:
    return prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)


def _r2_max(prevalence: float) -> float:
    return 1 - math.exp(2 * _null_log_likelihood(prevalence))


def _anticipated(
    prevalence: float, r2_max: float, auc: float | None, r2_cox_snell: float | None, r2_nagelkerke: float | None
) -> float:  # fmt: skip
    given = [name for name, value in (("auc", auc), ("r2_cox_snell", r2_cox_snell), ("r2_nagelkerke", r2_nagelkerke))
             if value is not None]  # fmt: skip
    if len(given) != 1:
        raise DataError(f"Give one of auc, r2_cox_snell and r2_nagelkerke, not {' and '.join(given) or 'none'}.")
    if auc is not None:
        return r2_of_auc(auc, prevalence)
    r2 = r2_cox_snell if r2_cox_snell is not None else (r2_nagelkerke or 0.0) * r2_max
    if not 0 < r2 < r2_max:
        raise DataError(
            f"Cox and Snell's R2 must lie between 0 and its largest value at this prevalence, {r2_max:.3g}; "
            f"this one is {r2:.3g}."
        )
    return r2


def _check_reachable(r2: float, r2_max: float, shrinkage: float, optimism: float) -> None:
    """Check that R2 is below S of both criteria (shrinkage and optimism), which contain ``ln(1 - R2 / S)``."""
    if r2 >= shrinkage:
        raise DataError(f"Cox and Snell's R2 of {r2:.3g} is not below the shrinkage of {shrinkage:g}: no such size.")
    if r2 + optimism * r2_max >= 1:
        raise DataError(
            f"Cox and Snell's R2 of {r2:.3g} and the optimism of {optimism:g} of its largest value, {r2_max:.3g}, "
            "reach 1: no such size."
        )


def _for_shrinkage(parameters: int, r2: float, shrinkage: float) -> int:
    return math.ceil(parameters / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def _for_mape(parameters: int, prevalence: float, mape: float) -> int:
    rare = min(prevalence, 1 - prevalence)
    return math.ceil(
        math.exp((-0.508 + 0.259 * math.log(rare) + 0.504 * math.log(parameters) - math.log(mape)) / 0.544)
    )  # fmt: skip


def _check(parameters: int, prevalence: float, **targets: float) -> None:
    if parameters < 1:
        raise DataError(f"The number of candidate parameters must be at least 1; this one is {parameters}.")
    if not 0 < prevalence < 1:
        raise DataError(f"The share of positives must lie between 0 and 1; this one is {prevalence}.")
    for name, value in targets.items():
        if not 0 < value < 1:
            raise DataError(f"The target '{name}' must lie between 0 and 1; this one is {value}.")

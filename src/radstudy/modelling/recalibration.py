"""Recalibration of a formula to another population: in the large, by slope and intercept, and by refitting.

What a recalibration reaches is measured on patients that it was not estimated on: each fold's patients get the
probabilities of a formula that was recalibrated on the other folds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.modelling.folds import inner_folds
from radstudy.modelling.models import LinearForm
from radstudy.statistics import auc, calibration_intercept_slope, logistic

FOLDS = 10
FORMULA = "as published"


@dataclass(frozen=True)
class Recalibration:
    """One kind of recalibration.

    Parameters
    ----------
    name : in tables.
    words : what is estimated, as the report says it.
    fit : recalibrates a formula: outcome (rows,) and design table to another formula.
    """

    name: str
    words: str
    fit: Callable[[LinearForm, NDArray[np.int64], pd.DataFrame], LinearForm]


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Probabilities of recalibrated formulas for patients that these were not estimated on.

    Parameters
    ----------
    probability : (rows,) of the positive outcome; NaN in all rows if nothing could be estimated.
    auc : mean over the folds, weighted by their pairs of a positive and a negative row: a probability of one fold is
        not compared with one of another formula.
    folds : number of folds.
    note : why there is none, or "".
    """

    probability: NDArray[np.float64]
    auc: float
    folds: int
    note: str = ""


def _in_the_large(form: LinearForm, y: NDArray[np.int64], design: pd.DataFrame) -> LinearForm:
    shift = calibration_intercept_slope(y, form.probability(design)).intercept
    if not np.isfinite(shift):
        raise DataError("a probability is exactly 0 or 1")
    return replace(form, intercept=form.intercept + shift)


def _slope(form: LinearForm, y: NDArray[np.int64], design: pd.DataFrame) -> LinearForm:
    linear = form.log_odds(design)
    if np.ptp(linear) == 0:
        raise DataError("all log-odds are the same")
    fit = logistic(linear[:, None], y, ["log-odds"], on_separation="firth")
    by = float(fit.coefficients[0])
    terms = tuple(replace(term, coefficient=by * term.coefficient) for term in form.terms)
    return LinearForm(fit.intercept + by * form.intercept, terms)


def _refit(form: LinearForm, y: NDArray[np.int64], design: pd.DataFrame) -> LinearForm:
    if not form.terms:
        raise DataError("the formula has no feature")
    columns = []
    for term in form.terms:
        values = design[term.name].to_numpy(dtype=float)
        values = values if term.imputation is None else np.where(np.isnan(values), term.imputation, values)
        columns.append((values - term.centre) / term.scale)
    fit = logistic(np.column_stack(columns), y, [term.name for term in form.terms], on_separation="firth")
    terms = zip(form.terms, fit.coefficients, strict=True)
    return LinearForm(fit.intercept, tuple(replace(term, coefficient=float(value)) for term, value in terms))


RECALIBRATIONS = (
    Recalibration("in the large", "the intercept alone", _in_the_large),
    Recalibration("slope", "intercept and slope of the log-odds", _slope),
    Recalibration("refit", "all coefficients of the same features, by maximum likelihood", _refit),
)


def recalibrated(
    method: Recalibration, form: LinearForm, y: NDArray[np.int64], design: pd.DataFrame
) -> tuple[LinearForm | None, str]:
    """Recalibrate a formula on all given rows; None with the reason if it has no estimate.

    Parameters
    ----------
    method : of `RECALIBRATIONS`.
    form : the formula.
    y : (rows,) 0 or 1.
    design : its columns.
    """
    try:
        return method.fit(form, y, design), ""
    except DataError as error:
        return None, str(error)


def cross_fitted(
    method: Recalibration, form: LinearForm, y: NDArray[np.int64], design: pd.DataFrame, *, seed: int
) -> CrossFitted:
    """Recalibrate on all folds but one, and predict that one; folds are stratified, a patient's lesions together.

    Parameters
    ----------
    method, form : the kind of recalibration, and the formula.
    y : (rows,) 0 or 1.
    design : the formula's columns, indexed (patient, lesion).
    seed : of the folds.
    """
    nothing = np.full(len(y), np.nan)
    folds = inner_folds(y, design.index.get_level_values("patient"), FOLDS, seed)
    if not folds:
        return CrossFitted(nothing, np.nan, 0, "a class has fewer than two patients")
    probability, areas, pairs = nothing.copy(), [], []
    for others, left in folds:
        fitted, why = recalibrated(method, form, y[others], design.iloc[others])
        if fitted is None:
            return CrossFitted(nothing, np.nan, len(folds), f"not estimated without one of {len(folds)} folds: {why}")
        probability[left] = fitted.probability(design.iloc[left])
        positive = int(y[left].sum())
        if count := positive * (len(left) - positive):
            areas.append(auc(y[left], probability[left]))
            pairs.append(count)
    if np.isnan(probability).any():
        return CrossFitted(nothing, np.nan, len(folds), "a fold cannot be left out: the others have one class only")
    mean = float(np.average(areas, weights=pairs)) if areas else float("nan")
    return CrossFitted(probability, mean, len(folds))

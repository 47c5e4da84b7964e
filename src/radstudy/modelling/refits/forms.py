"""Formulas of one model on bootstrap samples of its training patients, every step of the selection redone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from radstudy.modelling.models import CLASSIFIER, LinearForm, build, linear_form
from radstudy.modelling.refits.chunks import ONE_PROCESS, Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine, ModelFit
from radstudy.modelling.refits.repeats import keyed
from radstudy.streams import Stream, generator_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEW = 5  # resamples per chunk, as in the bootstrap
_AGREE = 1e-8  # log-odds: a formula that is rebuilt from a fit has to give the fit's own scores


@dataclass(frozen=True, eq=False)
class RawForm:
    """A formula of values as measured: log-odds = intercept + sum of slope * value.

    Parameters
    ----------
    intercept : of the log-odds.
    names : columns of the design table.
    slopes : (names,) change of the log-odds per unit of the value.
    imputations : (names,) replacement of a missing value; NaN if the selection does not impute.
    """

    intercept: float
    names: tuple[str, ...]
    slopes: Array
    imputations: Array

    def log_odds(self, values: Array) -> float:
        """Compute the log-odds of one lesion; NaN if a value is missing and has no replacement.

        Parameters
        ----------
        values : (names,) NaN where missing.

        Examples
        --------
        >>> form = RawForm(0.5, ("T2:a", "T2:b"), np.array([2.0, 1.0]), np.array([np.nan, 3.0]))
        >>> form.log_odds(np.array([1.0, np.nan]))
        5.5
        """
        return float(self.intercept + self.slopes @ np.where(np.isnan(values), self.imputations, values))

    @classmethod
    def of(cls, form: LinearForm) -> RawForm:
        """Return a formula of standardised values as one of values as measured."""
        slopes = np.array([term.coefficient / term.scale for term in form.terms])
        centres = np.array([term.centre for term in form.terms])
        gaps = np.array([np.nan if term.imputation is None else term.imputation for term in form.terms])
        return cls(
            float(form.intercept - slopes @ centres), tuple(term.name for term in form.terms), slopes,
            gaps.astype(np.float64),
        )  # fmt: skip


def refitted_forms(
    engine: Engine, outcome: IntArray, rows: IntArray, *, resamples: int, chunks: Chunks = ONE_PROCESS
) -> tuple[RawForm, ...]:
    """Fit one model to training patients drawn with replacement, and return the formula of each resample.

    Parameters
    ----------
    engine : of one model, whose classifier is a formula.
    outcome : (rows of the table,) 0 or 1.
    rows : positions of the training rows.
    resamples : number of resamples; one without two lesions of each class has no formula and is left out.
    chunks : see `Chunks`.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows, dtype=np.int64)
    kept = keyed(chunks, engine, outcome, kind="forms", rows=rows)
    arrays = in_chunks(partial(_resamples, engine, outcome, rows), resamples, kept, size=_FEW)
    ends = np.cumsum(arrays["counts"])
    columns = [str(name) for name in engine.design.columns]
    return tuple(
        RawForm(
            float(intercept), tuple(columns[place] for place in arrays["places"][end - count : end]),
            arrays["slopes"][end - count : end], arrays["imputations"][end - count : end],
        )
        for intercept, count, end in zip(arrays["intercepts"], arrays["counts"], ends, strict=True)
        if np.isfinite(intercept)
    )  # fmt: skip


def _resamples(engine: Engine, outcome: IntArray, rows: IntArray, numbers: range) -> Arrays:
    place_of = {str(name): place for place, name in enumerate(engine.design.columns)}
    patients = np.unique(engine.patients[rows])
    forms = []
    for number in numbers:
        drawn = generator_of(engine.protocol.seed, Stream.FORMS, number).choice(patients, len(patients))
        sample = np.concatenate([rows[engine.patients[rows] == patient] for patient in drawn])
        (fit,) = engine.fit(outcome, sample, rows).values()
        forms.append(_form(engine, outcome, fit))
    return {
        "intercepts": np.array([form.intercept for form in forms]),
        "counts": np.array([len(form.names) for form in forms], dtype=np.int64),
        "places": np.array([place_of[name] for form in forms for name in form.names], dtype=np.int64),
        "slopes": np.concatenate([form.slopes for form in forms]),
        "imputations": np.concatenate([form.imputations for form in forms]),
    }


def _form(engine: Engine, outcome: IntArray, fit: ModelFit) -> RawForm:
    if fit.note:
        return RawForm(float("nan"), (), np.empty(0), np.empty(0))
    rebuilt = _rebuilt(engine, fit)
    if rebuilt is not None:
        return rebuilt
    pipeline = build(engine.protocol, fit.model)
    training = engine.design.iloc[fit.training_rows]
    pipeline.fit(training, outcome[fit.training_rows], **{f"{CLASSIFIER}__groups": engine.patients[fit.training_rows]})
    form = linear_form(pipeline, training)
    assert form is not None
    return RawForm.of(form)


def _rebuilt(engine: Engine, fit: ModelFit) -> RawForm | None:
    """Rebuild the formula from the fit's coefficients; None if it does not give the fit's own scores.

    The centre, scale and replacement of each feature are those of the rows that the model was fitted on, as
    `modelling.selection.preprocessing` computes them.
    """
    if len(fit.coefficients) != len(fit.features):
        return None
    values = engine.design[list(fit.features)].to_numpy(dtype=np.float64)
    training = values[fit.training_rows]
    if np.isnan(training).all(axis=0).any():
        return None
    medians = np.nanmedian(training, axis=0) if training.shape[1] else np.empty(0)
    filled = np.where(np.isnan(training), medians, training)
    scale = filled.std(axis=0)
    if (scale <= 0).any():
        return None
    slopes = fit.coefficients / scale
    form = RawForm(float(fit.intercept - slopes @ filled.mean(axis=0)), fit.features, slopes, medians)
    for rows, own in ((fit.training_rows, fit.training_log_odds), (fit.testing_rows, fit.testing_log_odds)):
        given = form.intercept + np.where(np.isnan(values[rows]), medians, values[rows]) @ slopes
        if not np.allclose(given, own, rtol=_AGREE, atol=_AGREE):
            return None
    return form

"""Fits by the model's scikit-learn pipeline, for protocols with steps that the engine does not support."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from sklearn.base import clone

from radstudy.modelling.models import CLASSIFIER, build
from radstudy.modelling.refits.engine.kernels.logistic import fold_aucs
from radstudy.modelling.refits.engine.penalty import TIE, Folds, TunedFit, folds_of, tuned_fit
from radstudy.modelling.refits.engine.plan import why_not_classifier
from radstudy.modelling.validation import TooFewError
from radstudy.protocol.classifiers import Logistic
from radstudy.protocol.sections import Protocol

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FOLDS = 5  # if the classifier names none


def fit_with_scikit_learn(
    protocol: Protocol,
    name: str,
    design: pd.DataFrame,
    training: IntArray,
    testing: IntArray,
    outcome: IntArray,
    groups: IntArray,
) -> tuple[tuple[str, ...], float, TunedFit, tuple[Array, Array]]:
    """Fit one pipeline; return its features, penalty, folds, and the log-odds of training and testing rows.

    Parameters
    ----------
    protocol, name : the model.
    design : the design table.
    training, testing : positions of rows.
    outcome, groups : (training rows,).
    """
    pipeline = build(protocol, name)
    inner, outer = design.iloc[training], design.iloc[testing]
    pipeline.fit(inner, outcome, **{f"{CLASSIFIER}__groups": groups})
    values = pipeline[:-1].transform(inner)
    features = tuple(str(column) for column in values.columns)
    classifier = pipeline.named_steps[CLASSIFIER]
    fit = protocol.model.fit_of(name)
    settings = fit if isinstance(fit, Logistic) else None
    folds = folds_of(outcome, groups, getattr(settings, "folds", _FOLDS), protocol.seed)
    if not features or not why_not_classifier(protocol, name):
        tuned = tuned_fit(values.to_numpy(dtype=np.float64), outcome, folds, getattr(settings, "strengths", 1))
    else:
        tuned = _cross_validated(classifier, values.to_numpy(dtype=np.float64), outcome, groups, folds)
    strength = float(getattr(classifier, "C_", np.nan))
    return features, strength, tuned, (_log_odds(pipeline, inner), _log_odds(pipeline, outer))


def _log_odds(estimator: Any, table: Any) -> Array:
    if not len(table):
        return np.empty(0)
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(table), dtype=np.float64)
    return np.asarray(special.logit(estimator.predict_proba(table)[:, 1]), dtype=np.float64)


def _cross_validated(classifier: Any, values: Array, outcome: IntArray, groups: IntArray, folds: Folds) -> TunedFit:
    """Refit a classifier that the engine does not know without each fold, including its own tuning."""
    left_out, where = np.full(len(outcome), np.nan), np.full(len(outcome), -1, dtype=np.int64)
    for number, (inner, outer) in enumerate(folds):
        try:
            fold = clone(classifier).fit(values[inner], outcome[inner], groups=groups[inner])
        except TooFewError:  # this fold has no AUC
            continue
        left_out[outer] = _log_odds(fold, values[outer])
        where[outer] = number
    aucs = fold_aucs(np.round(left_out, TIE), outcome.astype(np.float64), where, len(folds))
    return TunedFit(
        np.asarray(getattr(classifier, "coefficients_", np.empty(0))), float(getattr(classifier, "intercept_", np.nan)),
        float("nan"), np.asarray(getattr(classifier, "losses_", np.empty(0))), left_out, aucs,
    )  # fmt: skip

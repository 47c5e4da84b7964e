"""The same fit by the model's scikit-learn pipeline, for protocols with steps that the engine does not carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from radstudy.modelling.engine.kernels.logistic import fold_aucs
from radstudy.modelling.engine.penalty import TIE, TunedFit, folds_of, tuned_fit
from radstudy.modelling.models import CLASSIFIER, build
from radstudy.protocol.sections import Protocol

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def fit_with_scikit_learn(
    protocol: Protocol,
    name: str,
    design: pd.DataFrame,
    training: IntArray,
    testing: IntArray,
    outcome: IntArray,
    groups: IntArray,
) -> tuple[tuple[str, ...], float, TunedFit, tuple[Array, Array]]:
    """Fit one pipeline: its features, its penalty, its folds, and the log-odds of training and testing rows.

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
    folds = folds_of(outcome, groups, protocol.model.fit.logistic.folds, protocol.seed)
    if protocol.model.fit.logistic.penalty == "l2" and not features:
        tuned = tuned_fit(np.empty((len(outcome), 0)), outcome, folds, 1)
    else:
        tuned = _cross_validated(classifier, values, outcome, groups, folds)
    strength = float(getattr(classifier, "C_", np.nan))
    return features, strength, tuned, (pipeline.decision_function(inner), _scores(pipeline, outer))


def _scores(estimator: Any, table: pd.DataFrame) -> Array:
    scores: Array = estimator.decision_function(table) if len(table) else np.empty(0)
    return scores


def _cross_validated(
    classifier: Any, values: pd.DataFrame, outcome: IntArray, groups: IntArray, folds: list[tuple[IntArray, IntArray]]
) -> TunedFit:
    """The classifier's own left-out scores at the settings it chose."""
    from radstudy.modelling.classifier import _logistic

    table = values.to_numpy()
    left_out, where = np.full(len(outcome), np.nan), np.full(len(outcome), -1, dtype=np.int64)
    chosen = getattr(classifier, "C_", None)
    for number, (inner, outer) in enumerate(folds):
        fold = _logistic(chosen) if chosen is not None else clone(classifier)
        left_out[outer] = fold.fit(table[inner], outcome[inner]).decision_function(table[outer])
        where[outer] = number
    aucs = fold_aucs(np.round(left_out, TIE), outcome.astype(np.float64), where, len(folds))
    return TunedFit(
        np.asarray(getattr(classifier, "coefficients_", np.empty(0))), float(getattr(classifier, "intercept_", np.nan)),
        float("nan"), np.asarray(getattr(classifier, "losses_", np.empty(0))), left_out, aucs,
    )  # fmt: skip

"""The engine's logistic regression is the classifier's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.refits.engine.penalty import auc, folds_of, tuned_fit


def case(seed, shift):
    rng = np.random.default_rng(seed)
    rows, features = int(rng.integers(20, 120)), int(rng.integers(1, 12))
    y = np.zeros(rows, dtype=np.int64)
    y[: rows * 2 // 5] = 1
    rng.shuffle(y)
    X = rng.normal(size=(rows, features)) + shift * y[:, None]
    groups = np.arange(rows) if seed % 2 else rng.integers(0, rows * 3 // 4, rows)
    return (X - X.mean(axis=0)) / X.std(axis=0), y, groups


@pytest.mark.parametrize("shift", [0.0, 0.5, 5.0])  # 5: separable
@pytest.mark.parametrize("seed", range(6))
def test_penalty_coefficients_and_losses_are_the_classifiers(seed, shift):
    X, y, groups = case(seed, shift)
    theirs = CrossValidatedLogistic(random_state=seed).fit(X, y, groups)
    ours = tuned_fit(X, y, folds_of(y, groups, 5, seed), 10)
    assert ours.strength == theirs.C_
    np.testing.assert_allclose(ours.losses, theirs.losses_, atol=1e-6)
    np.testing.assert_allclose(ours.log_odds(X), theirs.decision_function(X), rtol=1e-5, atol=1e-7)
    assert abs(auc(ours.log_odds(X), y) - auc(theirs.decision_function(X), y)) < 1e-9


def test_left_out_scores_are_those_of_a_fit_without_the_fold():
    X, y, groups = case(1, 0.5)
    folds = folds_of(y, groups, 5, 3)
    fit = tuned_fit(X, y, folds, 10)
    for number, (inner, outer) in enumerate(folds):
        model = LogisticRegression(C=fit.strength, tol=1e-12, max_iter=10000).fit(X[inner], y[inner])
        np.testing.assert_allclose(fit.left_out[outer], model.decision_function(X[outer]), atol=1e-5)
        assert fit.fold_aucs[number] == pytest.approx(roc_auc_score(y[outer], model.decision_function(X[outer])))


def test_without_features_the_model_is_its_intercept():
    y = np.array([0] * 30 + [1] * 10)
    fit = tuned_fit(np.empty((40, 0)), y, folds_of(y, np.arange(40), 5, 0), 10)
    assert fit.intercept == pytest.approx(np.log(10 / 30))
    assert np.isnan(fit.strength)
    assert auc(fit.log_odds(np.empty((40, 0))), y) == 0.5
    assert (fit.fold_aucs == 0.5).all()


def test_without_folds_the_penalty_is_the_strongest():
    X = np.random.default_rng(0).normal(size=(8, 2))
    y = np.array([1, 0, 0, 0, 0, 0, 0, 0])
    fit = tuned_fit(X, y, folds_of(y, np.arange(8), 5, 0), 10)
    assert fit.strength == 1e-4
    assert CrossValidatedLogistic().fit(X, y).C_ == 1e-4


def test_auc_counts_ties_half_and_needs_both_classes():
    y = np.array([1, 1, 0, 0, 0])
    scores = np.array([1.0, 0.5, 0.5, 0.2, 1.0 + 1e-13])
    assert auc(scores, y) == pytest.approx(roc_auc_score(y, np.round(scores, 9)))
    assert np.isnan(auc(scores, np.ones(5, dtype=int)))

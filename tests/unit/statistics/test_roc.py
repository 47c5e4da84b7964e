from __future__ import annotations

import time

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import (
    auc,
    auc_ci,
    auc_columns,
    delong_all_pairs,
    delong_test,
    delong_unpaired,
    diagnostic_measures,
    mann_whitney_columns,
    roc_curve,
    student_columns,
    youden_cutoff,
)

METHODS = ("delong", "logit-delong", "hanley-mcneil", "newcombe", "bootstrap", "bca")
Y = np.repeat([0, 1], [20, 13])
SCORE = np.random.default_rng(1).normal(size=33) + Y


@pytest.mark.parametrize("method", METHODS)
def test_intervals_stay_in_bounds_and_narrow_with_the_level(method: str) -> None:
    wide, narrow = auc_ci(Y, SCORE, method=method), auc_ci(Y, SCORE, method=method, level=0.5)
    assert 0 <= wide.ci[0] < narrow.ci[0] < wide.auc < narrow.ci[1] < wide.ci[1] <= 1
    assert wide.note == ""


@pytest.mark.parametrize("method", METHODS)
def test_a_perfect_model_has_an_auc_and_an_interval(method: str) -> None:
    for score, value in ((Y, 1.0), (-Y, 0.0)):
        result = auc_ci(Y, score, method=method)
        assert result.auc == value
        assert 0 <= result.ci[0] <= value <= result.ci[1] <= 1
        if method in ("logit-delong", "newcombe"):
            assert 0.7 < result.ci[0] < result.ci[1] == 1 or 0 == result.ci[0] < result.ci[1] < 0.3
        else:
            assert "carries no information" in result.note
    assert "Newcombe" in auc_ci(Y, Y, method="logit-delong").note


def test_equal_scores_and_a_single_positive() -> None:
    flat = auc_ci(Y, np.zeros(33), method="logit-delong")
    assert flat.auc == 0.5 and flat.ci[0] < 0.5 < flat.ci[1] and "zero" in flat.note
    single = np.arange(6) == 4
    assert np.isnan(auc_ci(single, np.arange(6), method="delong").ci[0])
    assert "single case" in auc_ci(single, np.arange(6), method="delong").note
    assert auc_ci(single, np.arange(6), method="logit-delong").ci[1] <= 1


@pytest.mark.parametrize("y", [[0, 1], [0, 0, 1], Y])
def test_newcombes_interval_is_sane_wherever_there_is_an_auc(y: object) -> None:
    for score in (np.zeros(len(y)), np.asarray(y), -np.asarray(y)):  # type: ignore[arg-type]
        result = auc_ci(y, score, method="newcombe")  # type: ignore[arg-type]
        assert 0 <= result.ci[0] <= result.auc <= result.ci[1] <= 1 and result.ci[1] - result.ci[0] > 0.05
    assert auc_ci(Y, np.zeros(33), method="newcombe").ci[0] < 0.5 < auc_ci(Y, np.zeros(33), method="newcombe").ci[1]


def test_newcombes_limits_solve_its_equation() -> None:
    result = auc_ci(Y, SCORE, method="newcombe")
    m, n = 13, 20
    for theta in result.ci:  # written out from Hanley and McNeil's terms, sizes replaced by their mean
        q1, q2, size = theta / (2 - theta), 2 * theta**2 / (1 + theta), (m + n) / 2 - 1
        variance = (theta * (1 - theta) + size * (q1 + q2 - 2 * theta**2)) / (m * n)
        assert abs(theta - result.auc) == pytest.approx(1.959963985 * np.sqrt(variance), rel=1e-8)


def test_bootstrap_is_repeatable_and_near_delong() -> None:
    one, other = auc_ci(Y, SCORE, method="bootstrap"), auc_ci(Y, SCORE, method="bootstrap")
    assert one.ci == other.ci
    assert one.ci != auc_ci(Y, SCORE, method="bootstrap", rng=np.random.default_rng(7)).ci
    assert one.ci == pytest.approx(auc_ci(Y, SCORE, method="delong").ci, abs=0.05)


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([0, 0], [1, 2], "both classes"),
        ([0, 2], [1, 2], "must be 0"),
        ([0, np.nan], [1, 2], "must be 0"),
        ([0, 1], [1, np.nan], "NaN"),
        ([0, 1], [1, 2, 3], "one score per case"),
        (["no", "yes"], [1, 2], "numbers"),
        ([[0, 1]], [1, 2], "one-dimensional"),
    ],
)
def test_what_is_refused(y: list[float], score: list[float], message: str) -> None:
    for function in (auc, auc_ci, roc_curve, youden_cutoff):
        with pytest.raises(DataError, match=message):
            function(y, score)
    with pytest.raises(DataError, match=message):
        delong_test(y, score, score)


def test_unknown_interval() -> None:
    with pytest.raises(DataError, match="newcombe"):
        auc_ci(Y, SCORE, method="wald")


def test_identical_predictions_have_p_1_and_a_note() -> None:
    for other in (SCORE, np.exp(SCORE)):
        result = delong_test(Y, SCORE, other)
        assert (result.p_value, result.difference, result.z, result.ci) == (1.0, 0.0, 0.0, (0.0, 0.0))
        assert "zero" in result.note


def test_no_variance_but_a_difference_is_no_test() -> None:
    result = delong_test(Y, Y, -Y)
    assert result.difference == 1.0 and np.isnan(result.p_value) and "not defined" in result.note
    assert np.isnan(delong_all_pairs(Y, np.column_stack([Y, -Y])).p_value[0, 1])
    assert np.isnan(delong_unpaired(Y, Y, Y, -Y).p_value)


def test_all_55_pairs_take_milliseconds() -> None:
    scores = np.random.default_rng(0).normal(size=(33, 11)) + Y[:, None]
    scores[:, 10] = scores[:, 0]
    delong_all_pairs(Y, scores)
    start = time.perf_counter()
    matrix = delong_all_pairs(Y, scores)
    assert time.perf_counter() - start < 0.05
    assert matrix.p_value[0, 10] == 1.0 and (np.diag(matrix.p_value) == 1).all()
    assert matrix.auc == pytest.approx(auc_columns(scores, Y))


def test_youden_is_an_observed_score_and_ties_go_to_sensitivity() -> None:
    # at 3: 1/2 and 2/2; at 1: 2/2 and 1/2
    result = youden_cutoff([0, 1, 0, 1], [0, 1, 2, 3])
    assert (result.cutoff, result.youden, result.sensitivity, result.specificity, result.tied) == (1, 0.5, 1, 0.5, 2)
    inverse = youden_cutoff([1, 1, 0, 0], [0, 1, 2, 3])
    assert (inverse.cutoff, inverse.youden, inverse.sensitivity) == (0, 0.0, 1.0)


def test_cutoff_and_classes_give_the_same_measures() -> None:
    cutoff = youden_cutoff(Y, SCORE)
    one = diagnostic_measures(Y, SCORE, cutoff.cutoff)
    assert one == diagnostic_measures(Y, np.greater_equal(SCORE, cutoff.cutoff))
    assert one.sensitivity.value == cutoff.sensitivity and one.specificity.value == cutoff.specificity
    assert one.tp + one.fn == 13 and one.tn + one.fp == 20
    exact = diagnostic_measures(Y, SCORE, cutoff.cutoff, method="clopper-pearson")
    assert exact.accuracy.ci[0] < one.accuracy.ci[0] < one.accuracy.value


def test_f1_and_balanced_accuracy_lie_in_their_intervals() -> None:
    measures = diagnostic_measures([1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0])
    assert measures.f1.value == pytest.approx(0.75)
    assert measures.balanced_accuracy.value == pytest.approx((3 / 4 + 2 / 3) / 2)
    for measure in (measures.f1, measures.balanced_accuracy):
        assert 0 <= measure.ci[0] < measure.value < measure.ci[1] <= 1
    nobody = diagnostic_measures([1, 0], [0, 0])
    assert np.isnan(nobody.ppv.value) and nobody.f1.value == 0
    with pytest.raises(DataError, match="pass the cut-off"):
        diagnostic_measures([1, 0], [0.2, 0.1])


def test_columns_that_cannot_be_tested_are_nan() -> None:
    X = np.column_stack([np.ones(33), SCORE, np.where(np.arange(33) == 3, np.nan, SCORE)])
    for function in (mann_whitney_columns, student_columns):
        p = function(X, Y)
        assert np.isnan(p[[0, 2]]).all() and 0 < p[1] < 1
    areas = auc_columns(X, Y)
    assert areas[0] == 0.5 and areas[1] == pytest.approx(auc(Y, SCORE)) and np.isnan(areas[2])
    assert auc_columns(np.empty((33, 0)), Y).shape == (0,)


def test_thousands_of_columns_take_milliseconds() -> None:
    rng = np.random.default_rng(0)
    y, X = np.repeat([0, 1], [45, 29]), rng.normal(size=(74, 4872))
    for function in (auc_columns, mann_whitney_columns, student_columns):
        function(X, y)
        start = time.perf_counter()
        function(X, y)
        assert time.perf_counter() - start < 0.5

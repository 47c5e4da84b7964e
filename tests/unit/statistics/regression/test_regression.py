from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from radstudy.errors import DataError
from radstudy.statistics import (
    benjamini_hochberg,
    brier,
    calibration_intercept_slope,
    holm,
    likelihood_ratio_test,
    logistic,
    proportion,
)

RNG = np.random.default_rng(2)
X = np.column_stack([RNG.normal(50, 10, 80), RNG.integers(0, 2, 80), 1e-4 * RNG.normal(size=80)])
Y = (RNG.random(80) < 1 / (1 + np.exp(-(X[:, 0] - 50) / 8 - X[:, 1] + 0.5))).astype(int)


def test_statsmodels_agrees_whatever_the_units() -> None:
    expected = sm.Logit(Y, sm.add_constant(X)).fit(disp=0, method="newton", tol=1e-12)
    fit = logistic(X, Y, ["age", "er", "tiny"])
    assert np.append(fit.intercept, fit.coefficients) == pytest.approx(expected.params, rel=1e-6)
    assert fit.covariance == pytest.approx(expected.cov_params(), rel=1e-6)
    assert fit.likelihood_ratio.p_value == pytest.approx(expected.llr_pvalue, rel=1e-8)
    assert fit.odds_ratios[:2] == pytest.approx(np.exp(expected.params[1:3]))
    assert np.log(fit.ci[1][:2]) == pytest.approx(expected.conf_int()[1:3, 1])
    assert np.log(fit.ci[0][:2]) == pytest.approx(expected.conf_int()[1:3, 0])
    assert fit.separated == () and fit.note == ""


def test_the_direction_of_an_odds_ratio() -> None:
    """Peripheral oedema in the training set of the reference study: 24 of 45 negatives, 7 of 29 positives."""
    oedema = np.repeat([1, 0, 1, 0], [24, 21, 7, 22])
    y = np.repeat([0, 0, 1, 1], [24, 21, 7, 22])
    fit = logistic(oedema[:, None], y, ["oedema"])
    assert fit.odds_ratios[0] == pytest.approx(7 * 21 / (22 * 24))
    assert fit.se[0] == pytest.approx(np.sqrt(1 / 24 + 1 / 21 + 1 / 7 + 1 / 22))


def test_complete_and_quasi_separation_are_named() -> None:
    x = np.arange(10.0)
    complete = logistic(np.column_stack([x, RNG.normal(size=10)]), x > 4, ["size", "noise"])
    assert "size" in complete.separated and np.isnan(complete.coefficients).all()
    assert "no maximum-likelihood estimate" in complete.note
    assert complete.log_likelihood == pytest.approx(0, abs=1e-8)
    y = np.repeat([0, 1, 1], [10, 8, 5])
    quasi = logistic(np.repeat([0, 0, 1], [10, 8, 5])[:, None], y, ["rim"])
    assert quasi.separated == ("rim",)
    overlapping = logistic(np.append(x, 4.5)[:, None], np.append(x > 4, False), ["size"])
    assert overlapping.separated == ("size",)
    assert logistic(np.append(x, 5.5)[:, None], np.append(x > 4, False), ["size"]).separated == ()


def test_likelihood_ratio_under_separation_is_the_limit() -> None:
    y, rim = np.repeat([0, 1, 1], [10, 8, 5]), np.repeat([0, 0, 1], [10, 8, 5])
    result = likelihood_ratio_test(rim[:, None], y)
    limit = 10 * np.log(10 / 18) + 8 * np.log(8 / 18)
    null = 10 * np.log(10 / 23) + 13 * np.log(13 / 23)
    assert result.statistic == pytest.approx(2 * (limit - null), abs=1e-7)
    assert "separates" in result.note


def test_a_factor_has_one_p_value_and_redundant_columns_do_not_count() -> None:
    level = RNG.integers(0, 3, 80)
    indicators = np.column_stack([level == value for value in range(3)]).astype(float)
    all_three, two = likelihood_ratio_test(indicators, Y), likelihood_ratio_test(indicators[:, 1:], Y)
    assert all_three.dof == two.dof == 2
    assert all_three.p_value == pytest.approx(two.p_value)
    constant = likelihood_ratio_test(np.full((80, 1), 0.1), Y)
    assert np.isnan(constant.p_value) and constant.note == "the variable is constant"
    assert np.isnan(likelihood_ratio_test(X[:, :1] * 2 + 1, Y, base=X).p_value)


def test_what_regression_refuses() -> None:
    with pytest.raises(DataError, match="Constant in all 80 cases: b"):
        logistic(np.column_stack([X[:, 0], np.full(80, 0.1)]), Y, ["a", "b"])
    with pytest.raises(DataError, match="c is determined by"):
        logistic(np.column_stack([X[:, :2], X[:, 0] - 3 * X[:, 1]]), Y, ["a", "b", "c"])
    with pytest.raises(DataError, match="Missing or infinite values in b"):
        logistic(np.column_stack([X[:, 0], np.where(Y, np.nan, 1.0)]), Y, ["a", "b"])
    with pytest.raises(DataError, match="2 names for 3"):
        logistic(X, Y, ["a", "b"])


def test_calibration_of_right_and_of_extreme_probabilities() -> None:
    rng = np.random.default_rng(0)
    linear = rng.normal(size=4000)
    y = rng.random(4000) < 1 / (1 + np.exp(-linear))
    right = calibration_intercept_slope(y, 1 / (1 + np.exp(-linear)))
    assert right.slope_ci[0] < 1 < right.slope_ci[1] and right.intercept_ci[0] < 0 < right.intercept_ci[1]
    extreme = calibration_intercept_slope(y, 1 / (1 + np.exp(-2 * linear)))
    assert extreme.slope == pytest.approx(right.slope / 2)
    assert extreme.brier > right.brier
    low = calibration_intercept_slope(y, 1 / (1 + np.exp(-linear + 1)))
    assert low.intercept == pytest.approx(right.intercept + 1)


def test_calibration_that_is_not_defined_says_why() -> None:
    assert "logit is infinite" in calibration_intercept_slope([0, 1], [0.0, 0.5]).note
    assert "no slope" in calibration_intercept_slope([0, 1, 1], [0.5, 0.5, 0.5]).note
    separated = calibration_intercept_slope([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8])
    assert np.isnan(separated.slope) and "separated" in separated.note and np.isfinite(separated.intercept)
    with pytest.raises(DataError, match="between 0 and 1"):
        brier([0, 1], [0.2, 1.2])


def test_adjustment_skips_what_was_not_tested() -> None:
    p = [0.01, np.nan, 0.04]
    assert holm(p) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert benjamini_hochberg(p) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert holm([]).size == 0
    with pytest.raises(DataError):
        holm([1.2])


def test_proportions_at_their_ends() -> None:
    for method in ("wilson", "clopper-pearson"):
        assert proportion(0, 13, method=method).ci[0] == 0.0
        assert proportion(13, 13, method=method).ci[1] == 1.0
        assert np.isnan(proportion(0, 0, method=method).value)
    with pytest.raises(DataError):
        proportion(14, 13)
    with pytest.raises(DataError, match="wilson"):
        proportion(1, 2, method="wald")


def test_a_profile_interval_has_the_p_value_of_the_likelihood_ratio() -> None:
    """p is below 0.05 exactly where the 95 % interval leaves out 1; the p-value is that of two statsmodels fits."""
    rng = np.random.default_rng(11)
    against_wald = 0
    for _ in range(60):
        x = rng.normal(size=(24, 2)) * (1.0, 3.0)
        y = (rng.random(24) < 1 / (1 + np.exp(-0.9 * x[:, 0]))).astype(int)
        if y.min() == y.max():
            continue
        fit, wald = logistic(x, y, interval="profile"), logistic(x, y)
        if fit.separated:
            continue
        full = sm.Logit(y, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-12).llf
        less = [sm.Logit(y, sm.add_constant(x[:, [1 - i]])).fit(disp=0, method="newton", tol=1e-12).llf for i in (0, 1)]
        assert fit.p_values == pytest.approx(stats.chi2.sf(2 * (full - np.array(less)), 1), rel=1e-6)
        outside = (fit.ci[0] > 1) | (fit.ci[1] < 1)
        assert ((fit.p_values < 0.05) == outside).all()
        against_wald += int(((wald.p_values < 0.05) != outside).sum())
    assert against_wald >= 3  # Wald's p-values contradict these intervals

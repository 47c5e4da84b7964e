"""Firth's regression, profile limits, Bland-Altman, standardised differences, exact ranks, and what time they take."""

from __future__ import annotations

import time

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import (
    bland_altman,
    continuous_test,
    delong_all_pairs,
    firth,
    icc,
    logistic,
    scaled_brier,
    smd_categorical,
    smd_continuous,
)
from radstudy.statistics.regression.penalised_likelihood import maximise_penalised

# Bland and Altman 1986: peak flow by two meters, l/min, 17 subjects
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_bland_and_altmans_published_example() -> None:
    """Lancet 1986;327:307: -2.1 (-22.0 to 17.8), SD 38.8; limits by 1.96 SD; theirs have intervals of +- 34.6."""
    result = bland_altman(WRIGHT, MINI)
    assert result.bias == pytest.approx(-2.1, abs=0.05) and result.sd == pytest.approx(38.8, abs=0.05)
    assert result.bias_ci == pytest.approx((-22.0, 17.8), abs=0.1)
    assert (result.lower, result.upper) == pytest.approx((-2.1 - 1.96 * 38.8, -2.1 + 1.96 * 38.8), abs=0.1)
    assert result.upper_ci[1] - result.upper == pytest.approx(34.6, abs=0.3)
    assert result.n == 17 and result.missing == 0 and 0 < result.slope_p_value < 1


def test_bland_altman_with_missing_and_few_pairs() -> None:
    result = bland_altman([*WRIGHT, np.nan], [*MINI, 300])
    assert result.missing == 1 and result.bias == bland_altman(WRIGHT, MINI).bias
    few = bland_altman([1.0, 2.0], [1.0, 3.0])
    assert np.isnan(few.bias) and "fewer than 3" in few.note
    same = bland_altman(WRIGHT, WRIGHT)
    assert same.bias == same.lower == same.upper == 0 and "do not vary" in same.note
    with pytest.raises(DataError, match="same cases"):
        bland_altman([1.0, 2.0], [1.0])


def test_separation_is_said_and_firth_takes_over() -> None:
    x = np.column_stack([np.arange(12.0), np.tile([0.0, 1.0], 6)])
    y = (x[:, 0] > 5.5).astype(int)
    fit = logistic(x, y, ["size", "side"])
    assert "size" in fit.separated and np.isnan(fit.odds_ratios).all() and fit.lr_p_values[0] < 0.01
    instead = logistic(x, y, ["size", "side"], on_separation="firth")
    assert instead.estimator == "Firth" and "Firth" in instead.note and np.isfinite(instead.odds_ratios).all()
    assert np.isfinite(instead.p_values).all() and instead.ci[0][0] > 1 and np.isnan(instead.aic)
    assert instead.odds_ratios == pytest.approx(firth(x, y).odds_ratios)


def test_firth_of_a_two_by_two_table_adds_half_a_case() -> None:
    """With one binary variable Firth's estimate is Haldane and Anscombe's: a half added to each cell."""
    a, b, c, d = 0, 22, 7, 356  # exposed events, exposed others, ...
    x = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])[:, None]
    y = np.repeat([1, 0, 1, 0], [a, b, c, d])
    fit = firth(x, y)
    assert fit.coefficients[0] == pytest.approx(np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))), rel=1e-7)


def test_one_event_per_variable_and_two_cases() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 2)), np.arange(20) < 2
    fit = logistic(x, y, on_separation="firth")
    assert fit.events_per_variable == 1 and np.isfinite(fit.odds_ratios).all()
    tiny = logistic([[0.0], [1.0]], [0, 1], on_separation="firth")
    assert tiny.estimator == "Firth" and np.isfinite(tiny.odds_ratios).all()


def test_profile_limits_hold_the_estimate_and_ignore_the_unit() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] + rng.normal(size=60) > 0).astype(int)
    fit = logistic(x, y, interval="profile")
    assert (fit.ci[0] < fit.odds_ratios).all() and (fit.odds_ratios < fit.ci[1]).all() and fit.interval == "profile"
    scaled = logistic(1000 * x + 5, y, interval="profile")
    assert np.log(scaled.ci[1]) * 1000 == pytest.approx(np.log(fit.ci[1]), rel=1e-6)
    with pytest.raises(DataError, match="wald"):
        logistic(x, y, interval="score")  # type: ignore[arg-type]


def test_vif_of_nearly_equal_variables_is_large() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=50)
    fit = logistic(np.column_stack([x, x + 0.1 * rng.normal(size=50), rng.normal(size=50)]), np.arange(50) % 2)
    assert fit.vif[0] > 30 and fit.vif[2] < 2


def test_standardised_differences_of_odd_data() -> None:
    assert smd_categorical([[5, 5], [5, 5]]).value == 0
    assert smd_categorical([[10, 0], [7, 0]]).note == "all cases have the same level"
    apart = smd_categorical([[10, 0], [0, 7]])
    assert np.isnan(apart.value) and "overlap" in apart.note
    assert np.isnan(smd_categorical([[0, 0], [3, 4]]).value)
    constant = smd_continuous([1.0, 1.0], [1.0, 1.0])
    assert constant.value == 0 and constant.note == "the variable is constant"
    assert np.isnan(smd_continuous([1.0, 1.0], [2.0, 2.0]).value)
    missing = smd_continuous([1.0, np.nan, 2.0], [np.nan, np.nan])
    assert np.isnan(missing.value) and missing.missing == (1, 2)


def test_exact_ranks_of_all_ties_and_of_many_values() -> None:
    tied = continuous_test([1.0, 1.0, 2.0], [1.0, 2.0, 2.0], method="mann-whitney-exact")
    assert tied.test == "Mann-Whitney U (exact)" and tied.p_value == 1.0
    rng = np.random.default_rng(6)
    many = continuous_test(rng.normal(size=900), rng.normal(size=900), method="mann-whitney-exact")
    assert many.test == "Mann-Whitney U (asymptotic)" and "too many" in many.note


def test_scaled_brier_of_the_prevalence_is_zero() -> None:
    assert scaled_brier([0, 0, 0, 1], [0.25] * 4) == pytest.approx(0)


def test_thousands_of_iccs_and_all_pairs_are_quick() -> None:
    rng = np.random.default_rng(7)
    ratings = rng.normal(size=(35, 1, 4 * 1218)) + 0.3 * rng.normal(size=(35, 2, 4 * 1218))
    began = time.perf_counter()
    assert np.isfinite(icc(ratings).ci[0]).all()
    assert time.perf_counter() - began < 1
    y, scores = np.repeat([0, 1], [20, 13]), rng.normal(size=(33, 11))
    delong_all_pairs(y, scores)
    began = time.perf_counter()
    assert delong_all_pairs(y, scores).p_value.shape == (11, 11)
    assert time.perf_counter() - began < 0.05


def held_from_elsewhere(seed: int, variable: int) -> tuple[float, list[float]]:
    """Nine variables that separate 74 cases; one held at its upper limit, the others climbed from twenty places.

    The penalised log likelihood at the estimate, and those reached.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(74, 9))
    y = x[:, 0] + x[:, 1] > 0
    fit = firth(x, y.astype(int))
    centre, scale = x.mean(axis=0), x.std(axis=0)
    design = np.column_stack([np.ones(74), (x - centre) / scale])
    held = np.array([1 + variable])
    found = []
    for start in np.random.default_rng(7).normal(scale=5.0, size=(20, 10)):
        start[held] = np.log(fit.ci[1][variable]) * scale[variable]
        found.append(maximise_penalised(design, y, start=start, held=held)[1])
    return fit.log_likelihood, found


def test_a_firth_profile_limit_is_on_the_highest_of_several_maxima() -> None:
    best, found = held_from_elsewhere(0, 1)
    assert np.ptp(found) > 0.1
    assert 2 * (best - max(found)) == pytest.approx(3.841459, abs=1e-4)


def test_a_firth_profile_limit_is_searched_on_where_a_lower_maximum_ended_it() -> None:
    """A single search ends at an odds ratio of 9e4, where another maximum has a deviance of 2.0; the limit is 1e9."""
    best, found = held_from_elsewhere(9, 0)
    assert 2 * (best - max(found)) > 3.841459 - 1e-4

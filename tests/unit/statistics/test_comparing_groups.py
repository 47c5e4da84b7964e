from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors

from radstudy.errors import DataError
from radstudy.statistics import categorical_test, continuous_test, levene_p_value, lilliefors_p_value

RNG = np.random.default_rng(11)
NORMAL, WIDE = (scale * stats.norm.ppf((np.arange(n) + 0.5) / n) for scale, n in ((1, 40), (3, 35)))
SKEWED = RNG.exponential(size=40) ** 2


def test_rule_between_chi_square_and_fisher() -> None:
    assert categorical_test([[10, 10], [10, 10]]).test == "Pearson chi-square"
    just_under = categorical_test([[10, 10], [10, 9]])
    assert just_under.test == "Fisher exact" and "39 cases are fewer than 40" in just_under.note
    thin = categorical_test([[40, 4], [40, 4]])
    assert thin.test == "Fisher exact" and "2 of 4 expected counts are under 5" in thin.note
    assert thin.min_expected == 4
    assert categorical_test([[20, 5, 5], [20, 3, 2]]).test == "Fisher exact (Freeman-Halton)"


def test_levels_that_nobody_has_are_left_out_and_said() -> None:
    result = categorical_test([[0, 17, 3], [0, 13, 0]])
    assert result.p_value == categorical_test([[17, 3], [13, 0]]).p_value
    assert "levels without cases, left out: 1" in result.note
    assert result.test == "Fisher exact"


@pytest.mark.parametrize("counts", [[[5, 0], [7, 0]], [[0, 0], [3, 4]], [[0, 0], [0, 0]], [[3, 4]]])
def test_nothing_to_test(counts: list[list[int]]) -> None:
    result = categorical_test(counts)
    assert np.isnan(result.p_value) and result.test == "not tested" and result.note


@pytest.mark.parametrize("counts", [[[1.5, 2], [3, 4]], [[-1, 2], [3, 4]], [[np.nan, 2], [3, 4]], [1, 2, 3]])
def test_counts_that_are_refused(counts: list) -> None:  # type: ignore[type-arg]
    with pytest.raises(DataError, match="counts"):
        categorical_test(counts)


def test_exact_tables_of_a_study_are_quick_and_a_vast_one_says_why_not() -> None:
    start = time.perf_counter()
    assert categorical_test([[20, 3, 9, 5, 2, 6], [4, 8, 3, 9, 5, 1]]).test == "Fisher exact (Freeman-Halton)"
    assert time.perf_counter() - start < 1
    vast = categorical_test(np.full((5, 6), 4))
    assert vast.test == "Pearson chi-square" and "too large for the exact test" in vast.note


@pytest.mark.parametrize("method", ["student", "welch", "mann-whitney"])
def test_methods_agree_with_scipy(method: str) -> None:
    expected = {
        "student": stats.ttest_ind(NORMAL, WIDE).pvalue,
        "welch": stats.ttest_ind(NORMAL, WIDE, equal_var=False).pvalue,
        "mann-whitney": stats.mannwhitneyu(NORMAL, WIDE, method="asymptotic", use_continuity=False).pvalue,
    }[method]
    assert continuous_test(NORMAL, WIDE, method=method).p_value == pytest.approx(expected, rel=1e-10)


def test_automatic_choice_follows_lilliefors_then_levene() -> None:
    assert continuous_test(NORMAL, NORMAL[:30] + 1, method="auto-spss").test == "Student's t"
    assert continuous_test(NORMAL, WIDE, method="auto-spss").test == "Welch's t"
    assert continuous_test(NORMAL, SKEWED, method="auto-spss").test == "Mann-Whitney U (asymptotic)"
    assert continuous_test([1.0, 2.0, 4.0], [2.0, 3.0, 9.0], method="auto-spss").test.startswith("Mann-Whitney")


def test_assumptions_agree_with_statsmodels_and_scipy() -> None:
    for values in (SKEWED, SKEWED[:12], np.round(NORMAL, 0)):
        expected = lilliefors(values, pvalmethod="approx")[1]
        if expected < 0.1:
            assert lilliefors_p_value(values) == pytest.approx(expected, rel=1e-6)
    assert levene_p_value(NORMAL, WIDE) == pytest.approx(stats.levene(NORMAL, WIDE, center="mean").pvalue, rel=1e-10)
    assert np.isnan(lilliefors_p_value(np.ones(9))) and np.isnan(levene_p_value(np.ones(9), np.zeros(9)))


def test_missing_values_are_counted() -> None:
    result = continuous_test([1, 2, np.nan, 4, 5], [2, np.nan, np.nan, 5, 7])
    assert (result.n, result.missing) == ((4, 3), (1, 2))
    assert result.p_value == continuous_test([1, 2, 4, 5], [2, 5, 7]).p_value
    assert result.mean == (3.0, pytest.approx(14 / 3))
    pooled = np.sqrt((np.var([1, 2, 4, 5], ddof=1) + np.var([2, 5, 7], ddof=1)) / 2)
    assert result.smd == pytest.approx((3 - 14 / 3) / pooled)


@pytest.mark.parametrize("method", ["student", "welch", "mann-whitney", "auto-spss"])
@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([1.0], [1.0, 2.0]), ([3.0] * 5, [3.0] * 4), ([np.nan] * 3, [1.0, 2.0])]
)
def test_degenerate_groups_are_named(a: list[float], b: list[float], method: str) -> None:
    result = continuous_test(a, b, method=method)
    assert np.isnan(result.p_value) and result.test == "not tested" and result.note


def test_constant_groups_that_differ_have_ranks_but_no_t() -> None:
    assert continuous_test([0.1] * 5, [0.3] * 5).note == "the variable does not vary within the groups"
    assert continuous_test([0.1] * 5, [0.3] * 5, method="mann-whitney").p_value < 0.01


def test_exact_u_with_and_without_ties() -> None:
    assert continuous_test([1, 2, 3], [4, 5, 6], method="mann-whitney-exact").p_value == pytest.approx(0.1)
    tied = continuous_test([1, 2, 3], [3, 5, 6], method="mann-whitney-exact")
    assert tied.test == "Mann-Whitney U (exact)" and tied.note == ""
    assert tied.p_value == pytest.approx(4 / 20)  # of 20 splits, sums 6 and 6.5 (two ways each end) are as far out


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="welch"):
        continuous_test([1, 2], [3, 4], method="bayes")
    with pytest.raises(DataError, match="finite"):
        continuous_test([1, np.inf], [3, 4])

"""Missing, infinite and overflowing values: an error or a documented NaN in every statistic, never a silent number."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import DataError
from radstudy.modelling.leaks.scaling import effective_number
from radstudy.statistics import (
    bland_altman,
    clopper_pearson_interval,
    cohen_kappa,
    continuous_test,
    icc,
    levene_p_value,
    lilliefors_p_value,
    shapiro_wilk_p_value,
    smd_continuous,
    wilson_interval,
)

RATINGS = np.random.default_rng(6).normal(size=(10, 2))
VALUES = np.random.default_rng(7).normal(size=30)


def with_value(values, value):
    changed = np.array(values, dtype=float)
    changed.flat[3] = value
    return changed


@pytest.mark.parametrize("missing", [None, np.nan])
def test_kappa_refuses_a_case_without_a_category(missing):
    with pytest.raises(DataError, match="1 of 4 cases have no category of one reader"):
        cohen_kappa(["a", missing, "b", "a"], ["a", "a", "b", "b"])


def test_kappa_refuses_categories_that_have_no_order():
    with pytest.raises(DataError, match="cannot be put in order"):
        cohen_kappa(np.array(["a", 1, "b"], dtype=object), np.array(["a", 1, "b"], dtype=object))


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_icc_says_that_a_rating_is_infinite_or_overflows(value):
    found = icc(with_value(RATINGS, value))
    assert np.isnan(found.value) and np.isnan(found.ci).all()
    assert found.reason == "1 rating(s) are infinite or beyond 1e+150"


def test_icc_leaves_out_a_missing_rating_and_counts():
    found = icc(with_value(RATINGS, np.nan))
    assert found.n == 9 and found.reason == ""
    assert found.value == pytest.approx(icc(np.delete(RATINGS, 1, axis=0)).value)


@pytest.mark.parametrize(
    "test", [lilliefors_p_value, shapiro_wilk_p_value, lambda values: levene_p_value(values, VALUES)]
)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_the_assumptions_of_the_t_test_refuse_what_is_no_number(test, value):
    with pytest.raises(DataError, match=r"NaN|infinite or beyond"):
        test(with_value(VALUES, value))


@pytest.mark.parametrize("test", [continuous_test, smd_continuous, bland_altman])
def test_differences_of_groups_refuse_what_overflows(test):
    with pytest.raises(DataError, match=r"infinite or beyond 1e\+150, such as 1e\+200"):
        test(with_value(VALUES, 1e200), VALUES)


@pytest.mark.parametrize("interval", [wilson_interval, clopper_pearson_interval])
@pytest.mark.parametrize("counts", [(np.nan, 10), (np.inf, 10), (11, 10), (-1, 10), (2.5, 10)])
def test_intervals_of_proportions_refuse_counts_that_cannot_be(interval, counts):
    with pytest.raises(DataError, match="not a proportion"):
        interval(*counts)


def test_huge_features_have_an_effective_number():
    values = np.random.default_rng(8).normal(size=(40, 6))
    assert effective_number(values * 1e160) == pytest.approx(effective_number(values))


def test_a_frame_of_missing_scores_is_no_category():
    table = pd.DataFrame({"one": ["x", "y", "x"], "two": ["x", None, "y"]})
    with pytest.raises(DataError, match="no category"):
        cohen_kappa(table["one"], table["two"])

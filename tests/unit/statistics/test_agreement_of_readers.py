from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import cohen_kappa, icc

# Shrout and Fleiss 1979, Table 2, and the six coefficients of their Table 4
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
PUBLISHED = {
    "ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71, "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91,
}  # fmt: skip


@pytest.mark.parametrize(("form", "value"), PUBLISHED.items())
def test_the_published_example(form: str, value: float) -> None:
    assert round(icc(SHROUT_FLEISS, form).value, 2) == value


@pytest.mark.parametrize(
    ("alias", "form"),
    [("ICC(1)", "ICC(1,1)"), ("ICC(A,1)", "ICC(2,1)"), ("ICC(C,1)", "ICC(3,1)"), ("ICC(k)", "ICC(1,k)"),
     ("ICC(A,k)", "ICC(2,k)"), ("icc(c, k)", "ICC(3,k)"), ("ICC2k", "ICC(2,k)")],
)  # fmt: skip
def test_mcgraw_and_wongs_names(alias: str, form: str) -> None:
    assert icc(SHROUT_FLEISS, alias).form == form
    assert icc(SHROUT_FLEISS, alias).value == icc(SHROUT_FLEISS, form).value


@pytest.mark.parametrize("form", PUBLISHED)
def test_pingouin_agrees(form: str) -> None:
    pandas = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pingouin's own, at import and for its future names
        pingouin = pytest.importorskip("pingouin")
        ratings = np.random.default_rng(3).normal(size=(35, 2)) + np.arange(35)[:, None] / 9
        long = pandas.DataFrame(
            {"target": np.repeat(np.arange(35), 2), "rater": np.tile([0, 1], 35), "value": ratings.ravel()}
        )
        table = pingouin.intraclass_corr(long, "target", "rater", "value")
    row = table.iloc[list(PUBLISHED).index(form)]
    assert icc(ratings, form).value == pytest.approx(row["ICC"], rel=1e-9)
    low, high = row[next(name for name in table.columns if name.startswith("CI95"))]
    assert icc(ratings, form).ci == pytest.approx((low, high), abs=0.0051)  # printed to two decimals


def test_features_are_those_one_by_one_and_a_missing_rating_drops_its_subject_there_only() -> None:
    ratings = np.random.default_rng(0).normal(size=(12, 3, 5)) + np.arange(12)[:, None, None]
    ratings[4, 1, 2] = np.nan
    ratings[7, 0, 2] = np.nan
    for form in PUBLISHED:
        result = icc(ratings, form)
        assert result.n.tolist() == [12, 12, 10, 12, 12]
        for feature in range(5):
            rows = np.isfinite(ratings[:, :, feature]).all(axis=1)
            alone = icc(ratings[rows, :, feature], form)
            assert result.value[feature] == pytest.approx(alone.value, rel=1e-12)
            assert (result.ci[0][feature], result.ci[1][feature]) == pytest.approx(alone.ci, rel=1e-12)


def test_undefined_is_nan_with_a_reason_and_never_reliable() -> None:
    ratings = np.random.default_rng(0).normal(size=(5, 2, 4))
    ratings[:, :, 0] = 0.1
    ratings[:, 0, 1], ratings[:, 1, 1] = 3.0, 4.0
    ratings[2:, 0, 2] = np.nan
    result = icc(ratings)
    assert np.isnan(result.value[:3]).all() and np.isfinite(result.value[3])
    assert result.reason[0] == result.reason[1] == "the ratings do not vary between subjects"
    assert result.reason[2] == "2 complete subjects are fewer than 3"
    assert result.reason[3] == ""
    assert not (result.value[:3] > -np.inf).any()
    assert np.isnan(result.ci[0][:3]).all() and np.isnan(result.p_value[:3]).all()
    assert icc(np.empty((0, 2))).reason == "0 complete subjects are fewer than 3"


@pytest.mark.parametrize("form", PUBLISHED)
def test_readers_who_agree_perfectly(form: str) -> None:
    result = icc(np.column_stack([np.arange(6.0), np.arange(6.0)]), form)
    assert (result.value, result.ci) == (1.0, (1.0, 1.0))


def test_a_constant_offset_costs_absolute_agreement_only() -> None:
    ratings = np.column_stack([np.arange(6.0), np.arange(6.0) + 2])
    assert icc(ratings, "ICC(3,1)").value == pytest.approx(1.0)
    absolute = icc(ratings, "ICC(2,1)")
    assert absolute.value == pytest.approx(3.5 / 5.5)
    assert absolute.ci[0] < absolute.value < absolute.ci[1] <= 1


def test_large_values_keep_their_digits() -> None:
    ratings = np.random.default_rng(5).normal(size=(20, 2)) + np.arange(20)[:, None]
    assert icc(ratings + 1e9).value == pytest.approx(icc(ratings).value, rel=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="Unknown form of the ICC"):
        icc(SHROUT_FLEISS, "ICC(4,1)")
    with pytest.raises(DataError, match="shape"):
        icc(np.zeros((5, 1)))
    with pytest.raises(DataError, match="level"):
        icc(SHROUT_FLEISS, level=95)


def test_a_whole_study_takes_less_than_a_second() -> None:
    ratings = np.random.default_rng(0).normal(size=(35, 2, 4 * 1218))
    start = time.perf_counter()
    icc(ratings)
    assert time.perf_counter() - start < 1


def test_kappa_of_categories() -> None:
    result = cohen_kappa(["a"] * 25 + ["b"] * 25, ["a"] * 20 + ["b"] * 5 + ["a"] * 10 + ["b"] * 15)
    assert (result.value, result.observed, result.expected) == (pytest.approx(0.4), 0.7, 0.5)
    assert cohen_kappa([1, 2, 3], [1, 2, 3]).ci == (1.0, 1.0)
    assert cohen_kappa([1, 1], [1, 1]).reason == "both readers used one category only"
    assert np.isnan(cohen_kappa([1, 1], [1, 1]).value)


def test_weighted_kappa_counts_levels_that_nobody_used() -> None:
    a, b = [1, 1, 4, 4, 2], [1, 2, 4, 2, 2]
    seen = cohen_kappa(a, b, weights="quadratic").value
    assert cohen_kappa(a, b, weights="quadratic", levels=[1, 2, 3, 4]).value != pytest.approx(seen)
    with pytest.raises(DataError, match="not among the levels"):
        cohen_kappa(a, b, weights="linear", levels=[1, 2, 3])

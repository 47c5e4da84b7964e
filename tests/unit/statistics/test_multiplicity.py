"""max-T over tests of the same permutations: its level, what it asks less than Holm, and what is not tested."""

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import holm, max_t


def raw(observed, permuted):
    return (1 + (permuted >= observed - 1e-12).sum(axis=0)) / (len(permuted) + 1)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_the_family_wise_error_rate_is_the_level(shared):
    """600 studies of six models on noise: some corrected p at or below 0.05 in about 5 % of them."""
    rng = np.random.default_rng(5)
    scale = np.array([1.0, 2.0, 0.5, 1.0, 5.0, 1.0])
    wrong = uncorrected = 0
    for _ in range(600):
        drawn = np.sqrt(shared) * rng.normal(size=(100, 1)) + np.sqrt(1 - shared) * rng.normal(size=(100, 6))
        drawn = drawn * scale + 0.5
        adjusted = max_t(drawn[0], drawn[1:])
        assert (adjusted >= raw(drawn[0], drawn[1:]) - 1e-12).all()
        wrong += bool(adjusted.min() <= 0.05)
        uncorrected += bool(raw(drawn[0], drawn[1:]).min() <= 0.05)
    assert 0.025 * 600 < wrong < 0.08 * 600
    assert uncorrected > 2 * wrong or shared


@pytest.mark.parametrize("permutations", [19, 39])
def test_the_family_wise_error_rate_holds_with_few_permutations(permutations):
    """The observed values are one more draw: five models on noise are found in 5 % of studies with few draws, too."""
    rng = np.random.default_rng(8)
    scale, wrong, studies = np.array([1.0, 0.2, 3.0, 0.5, 1.0]), 0, 3000
    for _ in range(studies):
        drawn = (rng.normal(size=(permutations + 1, 1)) + rng.normal(size=(permutations + 1, 5))) * scale
        wrong += bool(max_t(drawn[0], drawn[1:]).min() <= 0.05 + 1e-12)
    assert 0.035 < wrong / studies < 0.065


def test_correlated_models_pay_less_than_with_holms_correction():
    rng = np.random.default_rng(6)
    permuted = rng.normal(size=(999, 1)) + 0.2 * rng.normal(size=(999, 8))
    observed = np.full(8, 2.4)
    assert max_t(observed, permuted).max() < 0.5 * holm(raw(observed, permuted)).max()


def test_the_scale_of_a_statistic_does_not_matter():
    rng = np.random.default_rng(7)
    permuted, observed = rng.normal(size=(199, 4)), np.array([0.5, 1.5, 2.5, 3.5])
    moved = max_t(10 + 3 * observed, 10 + 3 * permuted)
    np.testing.assert_array_equal(max_t(observed, permuted), moved)


def test_what_is_not_known_is_not_tested_and_counts_against_its_own_model():
    permuted = np.array([[0.5, 0.4], [0.6, np.nan], [0.4, 0.6], [0.5, np.nan]])
    adjusted = max_t([np.nan, 0.9], permuted)
    assert np.isnan(adjusted[0]) and adjusted[1] == pytest.approx(3 / 5)
    alone = max_t([0.9, 0.9], permuted)
    assert alone[0] == pytest.approx(1 / 5)
    assert np.isnan(max_t([0.5], np.full((3, 1), np.nan))).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"\(m,\) statistics"):
        max_t([1.0, 2.0], np.zeros((10, 3)))
    with pytest.raises(DataError, match="permutations"):
        max_t([1.0], np.zeros((0, 1)))

"""Nogueira's stability index: its definition, its standard error, and what has no value."""

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import selection_stability


def random_table(rng, resamples=120, features=30):
    return rng.random((resamples, features)) < np.linspace(0.02, 0.9, features) ** 2


def test_value_by_hand():
    # four features, three resamples of two: variances 0, 1/3, 1/3, 0; q = 1/2
    found = selection_stability([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0]])
    assert found.value == pytest.approx(1 - (2 / 3 / 4) / 0.25)
    assert found.size == pytest.approx(2) and found.n == 3


def test_chance_is_zero():
    rng = np.random.default_rng(1)
    values = [selection_stability(rng.random((30, 40)) < 0.1).value for _ in range(200)]
    assert abs(np.mean(values)) < 3.5 * np.std(values, ddof=1) / np.sqrt(len(values))


def test_standard_error_is_the_jackknifes_where_sizes_differ():
    table = random_table(np.random.default_rng(3))
    left_out = np.array([selection_stability(np.delete(table, i, axis=0)).value for i in range(len(table))])
    count = len(table)
    jackknife = np.sqrt((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum())
    assert selection_stability(table).se == pytest.approx(jackknife, rel=0.03)
    assert len(np.unique(table.sum(axis=1))) > 5


def test_the_order_of_resamples_and_features_does_not_matter():
    rng = np.random.default_rng(4)
    table = random_table(rng)
    shuffled = table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])]
    one, two = selection_stability(table), selection_stability(shuffled)
    assert one.value == pytest.approx(two.value, abs=1e-12) and one.se == pytest.approx(two.se, abs=1e-12)


@pytest.mark.parametrize(("value", "why"), [(0, "no feature was ever"), (1, "every feature was selected every")])
def test_no_choice_has_no_stability(value, why):
    found = selection_stability(np.full((5, 4), value))
    assert np.isnan(found.value) and np.isnan(found.se) and why in found.reason


@pytest.mark.parametrize("table", [[[1, 0]], [1, 0], [[1, 2], [0, 0]], [[0.5, 0], [0, 1]], np.empty((3, 0))])
def test_other_tables_are_refused(table):
    with pytest.raises(DataError, match="Stability needs"):
        selection_stability(table)

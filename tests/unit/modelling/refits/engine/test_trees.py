"""The engine's trees are scikit-learn's, split for split."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.utils._sorting import _py_simultaneous_sort

from radstudy.modelling.refits.engine.kernels.ordering import pairwise_sum, sort_together
from radstudy.modelling.refits.engine.trees import tree_importances


def kinds(rng, rows, features):
    smooth = rng.normal(size=(rows, features))
    mixed = smooth.copy()
    mixed[:, ::2] = np.round(mixed[:, ::2])
    mixed[:, 0] = 1.0
    drawn = smooth[rng.integers(0, rows, rows)]  # rows drawn with replacement; their outcomes may differ here
    twins = np.repeat(smooth, 2, axis=1)  # every split ties with its copy
    return {"smooth": smooth, "ties": np.round(smooth, 1), "mixed": mixed, "twins": twins, "drawn": drawn}


@pytest.mark.parametrize("kind", ["smooth", "ties", "mixed", "twins", "drawn"])
@pytest.mark.parametrize("seed", range(4))
def test_importances_are_scikit_learns(kind, seed):
    rng = np.random.default_rng(seed)
    rows, features = int(rng.integers(12, 170)), int(rng.integers(2, 14))
    X = kinds(rng, rows, features)[kind]
    y = np.zeros(rows, dtype=int)
    y[: max(3, rows * 2 // 5)] = 1
    rng.shuffle(y)
    subsample, depth, rate = (1.0, 0.6)[seed % 2], 1 + seed, (0.1, 0.5)[seed % 2]
    ours = tree_importances(X, y, trees=40, depth=depth, learning_rate=rate, subsample=subsample, random_state=seed)
    forest = GradientBoostingClassifier(
        n_estimators=40, max_depth=depth, learning_rate=rate, subsample=subsample, random_state=seed
    )
    expected = forest.fit(X, y).feature_importances_
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("seed", range(4))
def test_rows_drawn_with_replacement_with_their_outcomes(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(74, 12)), np.repeat([0, 1], [45, 29])
    drawn = rng.integers(0, 74, 74)
    expected = GradientBoostingClassifier(n_estimators=60, random_state=seed).fit(X[drawn], y[drawn])
    ours = tree_importances(X[drawn], y[drawn], trees=60, random_state=seed)
    np.testing.assert_array_equal(ours, expected.feature_importances_)


def test_no_feature_that_varies_has_no_importance():
    y = np.array([0, 1] * 10)
    X = np.ones((20, 3))
    np.testing.assert_array_equal(tree_importances(X, y), np.zeros(3))
    np.testing.assert_array_equal(
        GradientBoostingClassifier(random_state=0).fit(X, y).feature_importances_, np.zeros(3)
    )


def test_separable_outcome_and_long_boosting():
    X = np.linspace(0, 1, 30)[:, None] * np.array([1.0, -1.0]) + np.array([[0.0, 0.3]])
    y = (X[:, 0] > 0.5).astype(int)
    expected = GradientBoostingClassifier(n_estimators=900, random_state=3).fit(X, y).feature_importances_
    np.testing.assert_allclose(tree_importances(X, y, trees=900, random_state=3), expected, atol=1e-12)


@pytest.mark.parametrize("count", [1, 7, 8, 127, 128, 129, 1000, 5003])
def test_sums_are_numpys_to_the_last_bit(count):
    values = np.random.default_rng(count).normal(size=count) * 10.0 ** np.random.default_rng(1).integers(-6, 6, count)
    assert pairwise_sum(values, 0, count) == values.sum()


@pytest.mark.parametrize("levels", [1, 2, 5, 40])
@pytest.mark.parametrize("count", [2, 15, 16, 17, 100, 2000])
def test_rows_of_equal_values_end_where_scikit_learn_leaves_them(levels, count):
    rng = np.random.default_rng(count + levels)
    values = rng.integers(0, levels, count).astype(np.float32)
    theirs, rows = values.copy(), np.arange(count, dtype=np.intp)
    _py_simultaneous_sort(theirs, rows, count, use_three_way_partition=True)
    ours, order = values.copy(), np.arange(count, dtype=np.int64)
    sort_together(ours, order, 0, count)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(order, rows)


def test_the_sort_that_goes_on_for_too_long_turns_into_heapsort():
    # the organ pipe with its middle in front defeats the median of three often enough to use up its turns
    values = np.concatenate([np.arange(0, 400, 2), np.arange(399, 0, -2)]).astype(np.float32)
    for turn in range(60):
        moved = np.roll(values, turn)
        order = np.arange(400, dtype=np.int64)
        ours = moved.copy()
        sort_together(ours, order, 0, 400)
        np.testing.assert_array_equal(ours, np.sort(values))
        np.testing.assert_array_equal(moved[order], ours)

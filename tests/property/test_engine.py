"""Properties of the refitting engine: scikit-learn's trees on any table, and what no labelling can change."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from radstudy.modelling.refits.chance import exchanged_rows
from radstudy.modelling.refits.engine import auc
from radstudy.modelling.refits.engine.kernels.collinear import keep_uncorrelated
from radstudy.modelling.refits.engine.kernels.ordering import sort_together
from radstudy.modelling.refits.engine.trees import tree_importances
from radstudy.modelling.selection.boosted_trees import BoostedTreesFilter
from radstudy.modelling.selection.collinear import CollinearityFilter, absolute_correlation
from radstudy.statistics import auc_columns

PATIENT = settings(deadline=None, max_examples=40)


@st.composite
def tables(draw):
    """Rows and columns with many ties, and an outcome of both classes."""
    rows, features = draw(st.integers(8, 40)), draw(st.integers(2, 6))
    values = draw(arrays(np.float64, (rows, features), elements=st.integers(-6, 6).map(lambda v: v / 4)))
    positive = draw(st.integers(3, rows - 3))
    outcome = np.zeros(rows, dtype=np.int64)
    outcome[draw(st.permutations(range(rows)))[:positive]] = 1
    return values, outcome


@PATIENT
@given(tables(), st.integers(0, 1000))
def test_the_filter_by_trees_keeps_what_scikit_learn_would(case, seed):
    values, outcome = case
    theirs = BoostedTreesFilter(keep=1, trees=12, random_state=seed).fit(values, outcome)
    ours = tree_importances(values, outcome, trees=12, random_state=seed)
    np.testing.assert_allclose(ours, theirs.importances_, atol=1e-9)


@PATIENT
@given(tables(), st.floats(0.1, 0.95))
def test_the_greedy_choice_is_the_filters(case, above):
    values, outcome = case
    theirs = CollinearityFilter(above).fit(values, outcome)
    power = np.abs(auc_columns(values, outcome) - 0.5)
    names = np.array([f"x{i}" for i in range(values.shape[1])])
    order = np.lexsort((names, -np.round(power, 12)))
    np.testing.assert_array_equal(keep_uncorrelated(absolute_correlation(values) > above, order), theirs.kept_)


@PATIENT
@given(arrays(np.float32, st.integers(0, 300), elements=st.integers(-20, 20)))
def test_sorting_sorts_and_keeps_rows_with_their_values(values):
    moved, rows = values.copy(), np.arange(len(values), dtype=np.int64)
    sort_together(moved, rows, 0, len(values))
    np.testing.assert_array_equal(moved, np.sort(values))
    np.testing.assert_array_equal(values[rows], moved)
    assert sorted(rows) == list(range(len(values)))


@PATIENT
@given(tables(), st.floats(0.5, 3))
def test_the_auc_is_scikit_learns_and_does_not_change_under_monotone_maps(case, factor):
    values, outcome = case
    scores = values[:, 0]
    assert abs(auc(scores, outcome) - roc_auc_score(outcome, scores)) < 1e-12
    assert auc(scores, outcome) == auc(np.exp(factor * scores), outcome)
    assert abs(auc(-scores, outcome) - (1 - auc(scores, outcome))) < 1e-12


@PATIENT
@given(st.lists(st.integers(0, 9), min_size=4, max_size=30), st.integers(0, 99), st.integers(0, 99))
def test_a_permutation_moves_whole_patients_within_their_set(patients, seed, number):
    patients = np.sort(np.array(patients))
    training, testing = np.flatnonzero(patients < 6), np.flatnonzero(patients >= 6)
    source = exchanged_rows(patients, (training, testing), seed=seed, number=number)
    assert sorted(source) == list(range(len(patients)))
    assert set(source[training]) == set(training)
    for patient in np.unique(patients):
        assert len(np.unique(patients[source[patients == patient]])) == 1
    np.testing.assert_array_equal(source, exchanged_rows(patients, (training, testing), seed=seed, number=number))

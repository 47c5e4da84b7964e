"""The alternatives of the selection chain, each beside the library or the definition that it follows."""

import sys

import numpy as np
import pandas as pd
import pytest
from feature_engine.selection import MRMR
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from statsmodels.stats.multitest import multipletests

from radstudy.errors import UsageError
from radstudy.modelling.classifiers.tuned import TunedRandomForest, TunedSvm
from radstudy.modelling.folds import inner_folds, patients_of
from radstudy.modelling.penalised import fit_path, strengths_of
from radstudy.modelling.selection.boosted_trees import BoostedTreesFilter
from radstudy.modelling.selection.boruta import BorutaFilter
from radstudy.modelling.selection.mrmr import MrmrFilter
from radstudy.modelling.selection.penalised import PenalisedFilter
from radstudy.modelling.selection.ranking import FoundSize, chosen_size, most_of
from radstudy.modelling.selection.recursive import RecursiveFilter
from radstudy.modelling.selection.univariate import UnivariateFilter


def table(seed, rows=60, features=12):
    rng = np.random.default_rng(seed)
    y = rng.permutation([0] * (rows // 2) + [1] * (rows - rows // 2))
    base = rng.normal(size=(rows, 4))
    X = base @ rng.normal(size=(4, features)) + 0.7 * rng.normal(size=(rows, features))
    X[:, :3] += 1.2 * y[:, None]
    return pd.DataFrame(X, columns=[f"f{i:02d}" for i in range(features)]), y


@pytest.mark.parametrize(("ours", "theirs"), [("quotient", "FCQ"), ("difference", "FCD")])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("keep", [2, 4, 7])
def test_mrmr_takes_what_feature_engine_takes(ours, theirs, seed, keep):
    X, y = table(seed)
    other = MRMR(method=theirs, max_features=keep).fit(X, pd.Series(y))
    expected = [name for name in X.columns if name not in other.features_to_drop_]
    assert list(MrmrFilter(keep, ours).fit(X, y).get_feature_names_out()) == expected


def test_mrmr_takes_the_strongest_alone_and_not_its_twin_next():
    X, y = table(0)
    strongest = MrmrFilter(1).fit(X, y).get_feature_names_out()
    relevance = MrmrFilter(1).fit(X, y).relevance_
    assert list(strongest) == [X.columns[int(np.argmax(relevance))]]
    rng = np.random.default_rng(1)
    twins = pd.DataFrame({"strong": X[strongest[0]], "twin": X[strongest[0]] * 2 + 1})
    twins["rival"] = rng.normal(size=60) + 0.8 * y  # less relevant, and not the same
    assert list(MrmrFilter(2).fit(twins, y).get_feature_names_out()) == ["strong", "rival"]


@pytest.mark.parametrize("seed", range(5))
def test_recursive_elimination_is_scikit_learns(seed):
    X, y = table(seed)
    scaled = StandardScaler().fit_transform(X)
    expected = RFE(LogisticRegression(tol=1e-8, max_iter=1000), n_features_to_select=4).fit(scaled, y).support_
    step = RecursiveFilter(4).fit(X, y)
    np.testing.assert_array_equal(step.kept_, expected)
    assert sorted(step.ranking_) == [1, 2, 3, *range(4, 13)]


def test_boruta_is_the_library():
    from boruta import BorutaPy

    X, y = table(3, features=8)
    forest = RandomForestClassifier(max_depth=5, class_weight="balanced", n_jobs=1)
    state = np.random.RandomState(4)
    expected = BorutaPy(forest, n_estimators="auto", max_iter=30, random_state=state).fit(X.to_numpy(), y).support_
    step = BorutaFilter(rounds=30, random_state=4).fit(X, y)
    np.testing.assert_array_equal(step.kept_, expected)
    assert 0 < step.kept_.sum() < 8


@pytest.mark.parametrize(("module", "step"), [("boruta", BorutaFilter()), ("skglm", PenalisedFilter())])
def test_a_library_that_is_absent_is_named_with_its_command(module, step, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"pip install 'radstudy\[selection\]'"):
        step.fit(*table(0))


@pytest.mark.parametrize(("ours", "theirs"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_adjusted_p_values_are_statsmodels(ours, theirs):
    X, y = table(1)
    step = UnivariateFilter(adjust=ours).fit(X, y)
    expected = multipletests(step.p_values_, method=theirs)[1]
    np.testing.assert_allclose(step.adjusted_, expected, rtol=1e-12)
    np.testing.assert_array_equal(step.kept_, expected < 0.05)
    assert step.kept_.sum() < UnivariateFilter().fit(X, y).kept_.sum()


def test_auc_threshold_takes_either_direction():
    X, y = table(1)
    X["f00"] *= -1
    step = UnivariateFilter("auc", above=0.6).fit(X, y)
    from sklearn.metrics import roc_auc_score

    areas = np.array([roc_auc_score(y, X[name]) for name in X])
    np.testing.assert_allclose(step.areas_, np.maximum(areas, 1 - areas))
    assert step.kept_[0]
    assert areas[0] < 0.5


def test_the_lasso_keeps_what_is_not_zero_and_heeds_the_cap():
    X, y = table(2, features=30)
    step = PenalisedFilter(random_state=1).fit(X, y)
    assert 0 < step.kept_.sum() < 30
    np.testing.assert_array_equal(step.kept_, step.coefficients_ != 0)
    sparse = PenalisedFilter(rule="one-se", random_state=1).fit(X, y)
    assert sparse.strength_ >= step.strength_
    assert PenalisedFilter(most="events/10", random_state=1).fit(X, y).kept_.sum() <= 3


def test_at_the_first_strength_nothing_is_kept_and_below_it_something():
    X, y = table(4)
    values = X.to_numpy()
    strengths = strengths_of(values, y, 1.0, 50)
    path = fit_path(values, y, 1.0, strengths * np.r_[1.0001, np.full(49, 1.0)])
    assert (path.coefficients[0] == 0).all()
    assert (path.coefficients[1] != 0).any()


# --- sizes that the folds find ------------------------------------------------------------------------------------


def test_the_one_standard_error_rule_by_hand():
    losses = np.array([[0.70, 0.60, 0.55, 0.56], [0.66, 0.52, 0.51, 0.50], [0.74, 0.62, 0.56, 0.57]])
    mean = losses.mean(axis=0)  # 0.70, 0.58, 0.54, 0.5433
    error = losses[:, 2].std(ddof=1) / np.sqrt(3)  # 0.0153: 0.58 is not within
    assert mean[1] > mean[2] + error
    assert chosen_size(losses, "best") == chosen_size(losses, "one-se") == 3
    losses[0, 2] = 0.65  # a wider spread takes the second size in
    assert chosen_size(losses, "best") == 4
    assert chosen_size(np.array([[0.70, 0.60, 0.50], [0.66, 0.52, 0.58], [0.74, 0.62, 0.62]]), "one-se") == 2


def test_no_fold_means_one_feature():
    assert chosen_size(np.empty((0, 4)), "one-se") == 1


@pytest.mark.parametrize(
    ("most", "events", "cap"), [("events/10", 29, 2), ("events/15", 29, 1), ("events/10", 3, 1), (6, 3, 6)]
)
def test_the_cap_follows_the_events(most, events, cap):
    assert most_of(most, events) == cap


@pytest.mark.parametrize(
    "make", [BoostedTreesFilter, MrmrFilter, pytest.param(RecursiveFilter, marks=pytest.mark.long)]
)
def test_found_sizes_stay_below_their_cap_and_hold_their_losses(make):
    X, y = table(5)
    step = make(keep=FoundSize("best", folds=4, most=6)).fit(X, y)
    assert step.losses_.shape == (4, 6)
    assert step.size_ == step.kept_.sum() <= 6
    capped = make(keep=FoundSize("best", most="events/15")).fit(X, y)
    assert capped.kept_.sum() <= 2


def test_a_patients_lesions_share_an_inner_fold():
    index = pd.MultiIndex.from_product([[f"P{i}" for i in range(20)], ["1", "2"]], names=["patient", "lesion"])
    X = pd.DataFrame({"a": np.arange(40.0)}, index=index)
    patients = patients_of(X)
    folds = inner_folds(np.repeat([0, 1], 20), patients, 5, 0)
    assert len(folds) == 5
    for train, test in folds:
        assert not set(patients[train]) & set(patients[test])
    assert patients_of(X.to_numpy()) is None


# --- classifiers --------------------------------------------------------------------------------------------------


def test_the_svm_is_scikit_learns_with_platts_sigmoid():
    X, y = table(6, features=4)
    ours = TunedSvm(strengths=(0.1, 1.0, 10.0), random_state=2).fit(X, y)
    folds = StratifiedKFold(5, shuffle=True, random_state=2)
    machine = make_pipeline(StandardScaler(), SVC(C=ours.chosen_["C"]))
    reference = CalibratedClassifierCV(machine, cv=folds, ensemble=False).fit(X.to_numpy(), y)
    np.testing.assert_allclose(ours.predict_proba(X), reference.predict_proba(X.to_numpy()), rtol=1e-12)


def test_the_choice_is_grid_search_with_the_brier_score():
    X, y = table(7, features=4)
    ours = TunedRandomForest(trees=20, smallest_leaf=(2, 6, 12), random_state=3).fit(X, y)
    search = GridSearchCV(
        RandomForestClassifier(20, random_state=3), {"min_samples_leaf": [12, 6, 2]}, scoring="neg_brier_score",
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    ).fit(X.to_numpy(), y)  # fmt: skip
    np.testing.assert_allclose(ours.losses_, -search.cv_results_["mean_test_score"], rtol=1e-12)
    assert ours.chosen_ == search.best_params_

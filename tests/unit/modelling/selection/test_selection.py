"""The selection chain: what each step keeps, what it says of the rest, and that it is a proper scikit-learn step."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.selection.boosted_trees import BoostedTreesFilter
from radstudy.modelling.selection.collinear import CollinearityFilter
from radstudy.modelling.selection.preprocessing import MedianImputer, TakeColumns, ZScore
from radstudy.modelling.selection.univariate import UnivariateFilter


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    y = np.array([0] * 30 + [1] * 20)
    frame = pd.DataFrame(rng.normal(size=(50, 6)), columns=list("abcdef"))
    frame["b"] += 2 * y
    frame["c"] = frame["b"] + rng.normal(scale=0.1, size=50)  # a weaker copy of b
    return frame, y


def test_median_of_training_rows_and_reason_for_an_empty_feature():
    X = pd.DataFrame({"a": [1.0, np.nan, 5.0], "b": [np.nan] * 3})
    step = MedianImputer().set_output(transform="pandas").fit(X)
    assert step.dropped_ == {"b": "no training row has a value"}
    assert step.imputed_ == {"a": 1}
    new = pd.DataFrame({"a": [np.nan, 100.0], "b": [1.0, 1.0]})
    assert step.transform(new)["a"].tolist() == [3.0, 100.0]


def test_zscore_is_scipys_and_a_constant_is_zero(data):
    X, _ = data
    X = X.assign(k=7.0)
    scaled = ZScore().set_output(transform="pandas").fit_transform(X)
    np.testing.assert_allclose(scaled["a"], stats.zscore(X["a"]), rtol=1e-12)
    assert (scaled["k"] == 0).all()


def test_of_a_collinear_pair_the_stronger_stays(data):
    X, y = data
    step = CollinearityFilter(0.8).fit(X, y)
    kept = list(step.get_feature_names_out())
    strength = {
        name: abs(stats.mannwhitneyu(X.loc[y == 1, name], X.loc[y == 0, name]).statistic / 600 - 0.5) for name in "bc"
    }
    winner, loser = sorted("bc", key=lambda name: -strength[name])
    assert winner in kept
    assert loser not in kept
    r = abs(np.corrcoef(X["b"], X["c"])[0, 1])
    assert step.dropped_ == {loser: f"|r| = {r:.3f} with {winner}"}


def test_ties_in_strength_go_by_name(data):
    X, y = data
    twins = pd.DataFrame({"z": X["b"], "m": X["b"], "n": -X["b"]})
    assert list(CollinearityFilter(0.8).fit(twins, y).get_feature_names_out()) == ["m"]


def test_no_kept_pair_is_above_the_bound():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 5))
    X = base @ rng.normal(size=(5, 80)) + 0.3 * rng.normal(size=(60, 80))
    y = rng.integers(0, 2, 60)
    step = CollinearityFilter(0.7).fit(X, y)
    r = np.abs(np.corrcoef(step.transform(X), rowvar=False)) - np.eye(step.kept_.sum())
    assert r.max() <= 0.7
    assert step.kept_.sum() + len(step.dropped_) == 80


@pytest.mark.parametrize("test", ["mann-whitney", "student"])
def test_univariate_p_values_are_scipys(data, test):
    X, y = data
    step = UnivariateFilter(test, 0.05).fit(X, y)
    for name, p in zip(X.columns, step.p_values_, strict=True):
        a, b = X.loc[y == 1, name], X.loc[y == 0, name]
        if test == "student":
            expected = stats.ttest_ind(a, b).pvalue
        else:
            expected = stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=False).pvalue
        assert p == pytest.approx(expected, rel=1e-10)
    assert list(step.get_feature_names_out()) == [n for n, p in zip(X, step.p_values_, strict=True) if p < 0.05]


def test_trees_keep_as_many_as_asked_and_the_planted_one(data):
    X, y = data
    step = BoostedTreesFilter(keep=2, random_state=0).fit(X[["a", "b", "d", "e"]], y)
    assert step.kept_.sum() == 2
    assert "b" in step.get_feature_names_out()
    assert all(reason.endswith("of 4") for reason in step.dropped_.values())


def test_trees_are_the_same_for_a_seed(data):
    X, y = data
    steps = [BoostedTreesFilter(keep=3, random_state=5).fit(X, y) for _ in range(2)]
    np.testing.assert_array_equal(steps[0].importances_, steps[1].importances_)


def test_nothing_left_passes_through_every_step(data):
    _, y = data
    empty = pd.DataFrame(index=range(50))
    for step in (ZScore(), CollinearityFilter(), UnivariateFilter(), BoostedTreesFilter()):
        step.set_output(transform="pandas")
        assert step.fit(empty, y).transform(empty).shape == (50, 0)


def test_without_features_the_model_is_its_intercept(data):
    _, y = data
    empty = pd.DataFrame(index=range(50))
    model = CrossValidatedLogistic().fit(empty, y)
    np.testing.assert_allclose(model.predict_proba(empty)[:, 1], 0.4)


def test_logistic_is_scikit_learns_at_the_chosen_penalty(data):
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold

    X, y = data
    X = (X - X.mean()) / X.std()
    ours = CrossValidatedLogistic(folds=5, strengths=10, random_state=3).fit(X, y)
    reference = LogisticRegression(C=ours.C_, tol=1e-8, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.coefficients_, reference.coef_[0], rtol=1e-6)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = LogisticRegressionCV(
            Cs=10,
            cv=StratifiedKFold(5, shuffle=True, random_state=3),
            scoring="neg_log_loss",
            tol=1e-8,
            max_iter=10_000,
        ).fit(X, y)
    assert np.ravel(chosen.C_)[0] == pytest.approx(ours.C_)


def test_a_patients_lesions_share_a_fold(data):
    X, y = data
    patients = np.repeat(np.arange(25), 2)
    outcome = (np.arange(25) % 2).repeat(2)
    model = CrossValidatedLogistic(random_state=0)
    for train, test in model._splits(outcome, patients):
        assert not set(patients[train]) & set(patients[test])
    assert np.isfinite(model.fit(X, outcome, groups=patients).losses_).all()
    assert len(y) == 50


def test_columns_by_prefix_and_whole():
    X = pd.DataFrame(np.ones((2, 4)), columns=["T2:a", "T2WI:a", "clinical:age", "clinical:age2"])
    assert list(TakeColumns(("T2:",)).fit(X).get_feature_names_out()) == ["T2:a"]
    assert list(TakeColumns((), ("clinical:age",)).fit(X).get_feature_names_out()) == ["clinical:age"]

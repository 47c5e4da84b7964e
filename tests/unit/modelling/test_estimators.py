"""scikit-learn's own checks of every step and classifier that the study file may name."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from radstudy.modelling.build import CLASSIFIER_BUILDERS, STEP_BUILDERS, classifier_of, transformer_of
from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.classifiers.tuned import TunedSvm
from radstudy.modelling.selection.ranking import FoundSize
from radstudy.modelling.selection.step import FeatureFilter
from radstudy.protocol.classifiers import (
    ElasticNet,
    GradientBoosting,
    Logistic,
    NearestNeighbours,
    RandomForest,
    Svm,
)
from radstudy.protocol.selection import (
    BoostedTrees,
    Boruta,
    ElasticNetSelection,
    Harmonise,
    Lasso,
    Mrmr,
    Recursive,
    Univariate,
)

QUICK = {  # parameters of its estimator for which a kind takes less time
    Logistic: {"strengths": 3, "folds": 3},
    ElasticNet: {"strengths": 5, "mixes": (1.0,), "folds": 3},
    Svm: {"strengths": (0.1, 1.0), "folds": 3},
    RandomForest: {"trees": 10, "smallest_leaf": (1, 3), "folds": 3},
    GradientBoosting: {"trees": (5, 10), "depth": (1,), "folds": 3},
    NearestNeighbours: {"neighbours": (3, 5), "folds": 3},
    BoostedTrees: {"keep": FoundSize(folds=3), "trees": 5},
    Lasso: {"strengths": 5, "folds": 3},
    ElasticNetSelection: {"strengths": 5, "folds": 3},
    Mrmr: {"keep": 2},
    Boruta: {"rounds": 3},
    Recursive: {"keep": 2},
}
CLASSIFIERS = [classifier_of(kind(), 0).set_params(**QUICK.get(kind, {})) for kind in CLASSIFIER_BUILDERS]
STEPS = [  # harmonise needs columns of the sites: tests/unit/modelling/harmonisation
    *(
        transformer_of(kind(), "", 0).set_params(**QUICK.get(kind, {}))
        for kind in STEP_BUILDERS
        if kind is not Harmonise
    ),
    transformer_of(Univariate(adjust="holm"), "", 0),
    transformer_of(Univariate(test="auc"), "", 0),
    transformer_of(BoostedTrees(trees=5), "", 0),
]
FILTERS = [step for step in STEPS if isinstance(step, FeatureFilter)]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([*CLASSIFIERS, *STEPS])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)
class TestClassifiers:
    def test_without_a_feature_every_probability_is_the_prevalence(self, model):
        empty, y = pd.DataFrame(index=range(50)), np.array([0] * 30 + [1] * 20)
        probabilities = model.fit(empty, y).predict_proba(empty)
        np.testing.assert_allclose(probabilities, np.tile([0.6, 0.4], (50, 1)))

    def test_a_strong_feature_is_found_and_the_same_seed_gives_the_same(self, model):
        rng = np.random.default_rng(0)
        y = rng.permutation([0] * 30 + [1] * 30)
        X = rng.normal(size=(60, 4))
        X[:, 1] += 3 * y
        first, second = (model.fit(X, y).predict_proba(X)[:, 1] for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert ((first > 0.5) == y).mean() > 0.85

    def test_constant_columns_and_scores_all_equal_are_finite(self, model):
        y = np.array([0, 1] * 15)
        probabilities = model.fit(np.ones((30, 3)), y).predict_proba(np.ones((30, 3)))
        assert np.isfinite(probabilities).all()
        assert np.ptp(probabilities[:, 1]) < 1e-9
        assert 0.3 < probabilities[0, 1] < 0.7

    def test_n_too_small_for_the_folds_is_fitted_with_fewer(self, model):
        X, y = np.array([[0.0], [0.2], [1.0], [1.2]]), np.array([0, 0, 1, 1])
        assert np.isfinite(model.fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("step", FILTERS, ids=str)
class TestSteps:
    def test_no_column_is_no_column(self, step):
        y = np.array([0] * 25 + [1] * 25)
        empty = pd.DataFrame(index=range(50))
        assert step.fit(empty, y).transform(empty).shape == (50, 0)
        assert step.dropped_ == {}

    def test_constant_columns_never_win_over_one_that_tells(self, step):
        rng = np.random.default_rng(1)
        y = np.array([0] * 25 + [1] * 25)
        X = pd.DataFrame({"constant": 1.0, "told": rng.normal(size=50) + 2.0 * y, "other": 5.0})
        assert "told" in list(step.fit(X, y).get_feature_names_out())

    def test_kept_and_dropped_are_all(self, step):
        rng = np.random.default_rng(2)
        y = np.array([0] * 25 + [1] * 25)
        X = pd.DataFrame(rng.normal(size=(50, 8)), columns=list("abcdefgh")).assign(a=lambda frame: frame["a"] + 3 * y)
        step.fit(X, y)
        assert sorted([*step.get_feature_names_out(), *step.dropped_]) == list("abcdefgh")
        assert all(step.dropped_.values())


def test_a_patient_of_each_class_alone_has_no_support_vector_probabilities():
    X, y = np.arange(8.0)[:, None], np.array([0, 0, 0, 0, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="two patients in each class"):
        TunedSvm(strengths=(1.0,)).fit(X, y, groups=[1, 1, 1, 1, 2, 2, 2, 2])
    assert CrossValidatedLogistic().fit(X, y, groups=[1, 1, 1, 1, 2, 2, 2, 2]).C_ == 1e-4

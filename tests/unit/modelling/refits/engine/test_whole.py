"""The engine gives what each model's scikit-learn pipeline gives, on any rows."""

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.models import CLASSIFIER, build
from radstudy.modelling.refits.engine import Engine, auc
from radstudy.modelling.refits.engine.penalty import folds_of
from radstudy.modelling.refits.engine.plan import why_not
from radstudy.modelling.refits.engine.sources import ClinicalSource, DesignColumns, FeatureSource
from radstudy.modelling.selection.variance import VarianceFilter
from radstudy.protocol.selection import Impute, Standardise, Variance
from radstudy.statistics import auc_columns, mann_whitney_columns
from unit.modelling.refits.engine import cohorts

HEAD = [Impute(), Standardise()]


def engine_of(protocol, table):
    return Engine(protocol, table, {name: np.ones(len(table), dtype=bool) for name in protocol.model.models})


def assert_equal_to_pipelines(engine, fits, table, outcome, training, testing):
    for name in engine.models:
        pipeline = build(engine.protocol, name)
        groups = engine.patients[training]
        pipeline.fit(table.iloc[training], outcome[training], **{f"{CLASSIFIER}__groups": groups})
        fit = fits[name]
        assert fit.features == tuple(pipeline[:-1].get_feature_names_out()), name
        np.testing.assert_equal(fit.strength, pipeline.named_steps[CLASSIFIER].C_)
        for rows, area, odds in (
            (training, fit.training_auc, fit.training_log_odds),
            (testing, fit.testing_auc, fit.testing_log_odds),
        ):
            expected = pipeline.decision_function(table.iloc[rows])
            np.testing.assert_allclose(odds, expected, rtol=1e-5, atol=1e-6)
            assert abs(area - auc(expected, outcome[rows])) < 1e-9


@pytest.mark.parametrize(
    ("select", "seed"),
    [
        ("PAPER", 0),
        ("PAPER", 1),
        ("TTEST_FIRST", 0),
        ("TTEST_FIRST", 1),
        ("LATE_SCALING", 0),
        ("VARIANCE", 0),
        ("VARIANCE", 1),
        ("VARIANCE_FIRST", 0),
        ("VARIANCE_LAST", 0),
    ],
)
def test_every_model_is_its_pipeline(select, seed):
    rng = np.random.default_rng(seed)
    protocol = cohorts.protocol(getattr(cohorts, select))
    table, outcome = cohorts.design(rng)
    engine = engine_of(protocol, table)
    rows = rng.permutation(len(table))
    training, testing = rows[:42], rows[42:]
    for _ in range(2):  # the second time from what is kept
        assert_equal_to_pipelines(engine, engine.fit(outcome, training, testing), table, outcome, training, testing)
        outcome = rng.permutation(outcome)


@pytest.mark.parametrize("select", ["VARIANCE", "VARIANCE_FIRST", "VARIANCE_LAST"])
@pytest.mark.parametrize("seed", range(3))
def test_what_hardly_varies_is_dropped_by_the_engine_itself_and_is_what_the_pipeline_drops(select, seed):
    rng = np.random.default_rng(seed)
    protocol = cohorts.protocol(getattr(cohorts, select))
    table, outcome = cohorts.design(rng)
    engine = engine_of(protocol, table)
    assert engine.slow == {}
    training = np.sort(rng.integers(0, len(table), 45))  # rows more than once, as in the bootstrap
    pipeline = build(protocol, "side by side")
    pipeline.fit(table.iloc[training], outcome[training], classifier__groups=engine.patients[training])
    constant, dropped = table.nunique() < 2, pipeline.named_steps["variance"].dropped_
    assert select == "VARIANCE_LAST" or any(not constant[name] for name in dropped)
    assert engine.fit(outcome, training, np.arange(60))["side by side"].features == tuple(
        pipeline[:-1].get_feature_names_out()
    )
    steps = [name for name, _ in pipeline.steps]
    source = engine.source("side by side", training)
    head = pipeline[: steps.index("collinear")].transform(table.iloc[training])
    assert list(source.names) == list(head.columns)
    np.testing.assert_array_equal(source.values, head.to_numpy())  # to the last bit
    section = next(step for step in protocol.model.select if isinstance(step, Variance))
    kept = VarianceFilter(section.ratio, section.unique).fit(head).kept_
    np.testing.assert_array_equal(source.varying(section), kept)


def test_several_lesions_of_a_patient_and_rows_drawn_with_replacement():
    rng = np.random.default_rng(5)
    table, outcome = cohorts.design(rng, lesions=3)
    engine = engine_of(cohorts.protocol(), table)
    training = np.sort(rng.integers(0, len(table), 60))
    testing = np.setdiff1d(np.arange(len(table)), training)
    fits = engine.fit(outcome, training, testing)
    assert_equal_to_pipelines(engine, fits, table, outcome, training, testing)


def test_only_late_scaling_is_left_to_scikit_learn_and_says_so():
    table, _ = cohorts.design(np.random.default_rng(0))
    assert engine_of(cohorts.protocol(cohorts.PAPER), table).slow == {}
    assert engine_of(cohorts.protocol(cohorts.TTEST_FIRST), table).slow == {}
    slow = engine_of(cohorts.protocol(cohorts.LATE_SCALING), table).slow
    assert set(slow) == {"T2", "DWI", "both", "all", "side by side"}
    assert "order of the steps impute, univariate, standardise" in slow["T2"]


def test_the_slow_way_gives_the_same_as_the_fast_one():
    rng = np.random.default_rng(3)
    table, outcome = cohorts.design(rng)
    fast, slow = engine_of(cohorts.protocol(), table), engine_of(cohorts.protocol(), table)
    slow.slow = dict.fromkeys(slow.models, "asked for")
    training, testing = np.arange(40), np.arange(40, 60)
    moved = rng.permutation(60)
    a = fast.fit(outcome, training, testing, clinical_from=moved)
    b = slow.fit(outcome, training, testing, clinical_from=moved)
    for name in fast.models:
        assert a[name].features == b[name].features
        assert a[name].cross_validated_auc == pytest.approx(b[name].cross_validated_auc, abs=1e-9)
        assert a[name].testing_auc == pytest.approx(b[name].testing_auc, abs=1e-9)


def test_a_model_goes_without_the_rows_it_cannot_use():
    rng = np.random.default_rng(4)
    table, outcome = cohorts.design(rng)
    protocol = cohorts.protocol()
    usable = {name: np.ones(60, dtype=bool) for name in protocol.model.models}
    usable["both"] = rng.random(60) < 0.8
    fits = Engine(protocol, table, usable).fit(outcome, np.arange(40), np.arange(40, 60))
    pipeline = build(protocol, "both")
    rows = np.flatnonzero(usable["both"][:40])
    pipeline.fit(table.iloc[rows], outcome[rows])
    assert fits["both"].features == tuple(pipeline[:-1].get_feature_names_out())
    np.testing.assert_array_equal(fits["both"].training_rows, rows)
    assert len(fits["T2"].training_rows) == 40


def test_one_case_of_a_class_is_not_fitted_and_says_so():
    table, _ = cohorts.design(np.random.default_rng(0))
    outcome = np.zeros(60, dtype=int)
    outcome[:1] = 1
    fit = engine_of(cohorts.protocol(), table).fit(outcome, np.arange(40), np.arange(40, 60))["T2"]
    assert "fewer than two" in fit.note
    assert np.isnan(fit.training_auc)


def test_an_empty_selection_is_the_intercept_with_auc_one_half():
    protocol = cohorts.protocol(cohorts.PAPER.replace("below: 0.2", "below: 0.0000001"))
    table, outcome = cohorts.design(np.random.default_rng(0))
    fit = engine_of(protocol, table).fit(
        np.random.default_rng(1).permutation(outcome), np.arange(40), np.arange(40, 60)
    )
    assert fit["T2"].features == ()
    assert (fit["T2"].training_auc, fit["T2"].cross_validated_auc, fit["T2"].testing_auc) == (0.5, 0.5, 0.5)


def test_an_outcome_that_is_not_zero_or_one_is_refused():
    table, outcome = cohorts.design(np.random.default_rng(0))
    engine = engine_of(cohorts.protocol(), table)
    with pytest.raises(DataError, match="0 or 1 for each of the 60 rows"):
        engine.fit(outcome[:-1], np.arange(10), np.arange(10, 20))
    with pytest.raises(DataError, match="0 or 1"):
        engine.fit(outcome + 1, np.arange(10), np.arange(10, 20))


def test_univariate_statistics_are_those_of_the_columns():
    table, outcome = cohorts.design(np.random.default_rng(2))
    source = FeatureSource(DesignColumns(table.filter(like="T2:")), np.arange(50), HEAD)
    y = outcome[:50]
    np.testing.assert_array_equal(source.power(y), np.abs(auc_columns(source.values, y) - 0.5))
    every = np.arange(len(source.names))
    np.testing.assert_array_equal(source.mann_whitney(y, every), mann_whitney_columns(source.values, y))


@pytest.mark.parametrize("seed", range(5))
def test_clinical_p_values_are_the_screens(seed):
    rng = np.random.default_rng(seed)
    table, outcome = cohorts.design(rng)
    clinical = table.filter(like="clinical:").copy()
    clinical["clinical:splits"] = outcome * 2.0 + rng.random(60) * 0.1  # separates the outcome
    theirs = ClinicalScreen().fit(clinical, outcome).p_values_
    ours = ClinicalSource(DesignColumns(clinical), np.arange(60)).p_values(outcome)
    assert list(ours) == list(theirs)
    np.testing.assert_allclose(list(ours.values()), list(theirs.values()), rtol=1e-7, atol=1e-12)
    assert np.isnan(ours["fixed"])


def test_a_classifier_that_the_engine_does_not_know_is_tuned_inside_each_fold(monkeypatch):
    rng = np.random.default_rng(6)
    table, outcome = cohorts.design(rng)
    engine = engine_of(cohorts.protocol(), table)
    training, testing = np.arange(40), np.arange(40, 60)
    fast = engine.fit(outcome, training, testing)["T2"]
    monkeypatch.setattr("radstudy.modelling.refits.engine.slow.why_not_classifier", lambda _protocol, _name: "unknown")
    engine.slow = {"T2": "unknown"}
    slow = engine.fit(outcome, training, testing)["T2"]
    assert slow.features == fast.features
    assert slow.testing_auc == pytest.approx(fast.testing_auc, abs=1e-9)
    values = build(engine.protocol, "T2")[:-1].fit(table.iloc[training], outcome[training])
    values = values.transform(table.iloc[training]).to_numpy()
    areas = []
    for inner, outer in folds_of(outcome[training], engine.patients[training], 5, engine.protocol.seed):
        fold = CrossValidatedLogistic(random_state=engine.protocol.seed).fit(values[inner], outcome[training][inner])
        areas.append(auc(fold.decision_function(values[outer]), outcome[training][outer]))
    assert slow.cross_validated_auc == pytest.approx(np.mean(areas), abs=1e-9)


def test_rows_with_too_few_patients_for_a_classifier_leave_the_model_unfitted():
    """A bootstrap sample may hold one positive patient, twice: a support vector machine has no folds then."""
    table, _ = cohorts.design(np.random.default_rng(6), features=10)
    document = cohorts.protocol().model_dump(mode="json", by_alias=True, exclude_unset=True)
    document["model"]["fit"] = {"svm": {"kernel": "linear", "strengths": [1.0]}}
    engine = engine_of(type(cohorts.protocol()).model_validate(document), table)
    engine.models = ("T2",)
    outcome = np.isin(np.arange(60), [3, 8, 50]).astype(np.int64)
    fit = engine.fit(outcome, np.r_[np.arange(3), 3, 3, np.arange(9, 40)], np.arange(60))["T2"]
    assert "two patients in each class" in fit.note and np.isnan(fit.training_auc)
    fit = engine.fit(outcome, np.arange(42), np.arange(42, 60))["T2"]  # two positives: one in each fold's training
    assert not fit.note and np.isfinite(fit.training_auc) and np.isnan(fit.cross_validated_auc)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fit": "svm"}, "the classifier svm"),
        ({"fit": {"logistic": {}}, "keep": {"cv": "one-se"}}, "boosted_trees: a size found by cross-validation"),
    ],
)
def test_what_the_engine_does_not_carry_is_left_to_scikit_learn_and_said(change, why):
    protocol = cohorts.protocol()
    document = protocol.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document["model"]["fit"] = change["fit"]
    for step in document["model"]["select"]:
        if "boosted_trees" in step and "keep" in change:
            step["boosted_trees"]["keep"] = change["keep"]
    changed = type(protocol).model_validate(document)
    assert why_not(changed, "T2") == why

"""Nested cross-validation, other splits and the bootstrap of the whole pipeline."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from radstudy.errors import DataError
from radstudy.modelling.models import CLASSIFIER, build
from radstudy.modelling.refits import chunks
from radstudy.modelling.refits.chance import permuted
from radstudy.modelling.refits.engine import Engine
from radstudy.modelling.refits.optimism import Bootstrap, NestedValidation, selection_frequency
from radstudy.modelling.refits.resampling import bootstrap, bootstrap_of_noise, nested_validation, other_splits
from unit.modelling.refits.engine import cohorts


def study(lesions=1, models=None, seed=1):
    table, outcome = cohorts.design(np.random.default_rng(seed), features=12, lesions=lesions)
    protocol = cohorts.protocol()
    usable = {name: np.ones(len(table), dtype=bool) for name in protocol.model.models}
    return Engine(protocol, table, usable, models=models), outcome


def test_left_out_scores_are_those_of_pipelines_that_never_saw_the_rows():
    engine, outcome = study(lesions=2, models=["both"])
    rows = np.arange(len(outcome))
    result = nested_validation(engine, outcome, rows, repeats=2, folds=3)
    odds = result.log_odds["both"][0]
    assert np.isfinite(odds).all()
    seed = int(np.random.default_rng(np.random.SeedSequence(7, spawn_key=(4, 0))).integers(2**31))
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed).split(rows, outcome, engine.patients)
    for fold, (inner, outer) in enumerate(folds):
        assert not set(engine.patients[inner]) & set(engine.patients[outer])
        pipeline = build(engine.protocol, "both")
        pipeline.fit(engine.design.iloc[inner], outcome[inner], **{f"{CLASSIFIER}__groups": engine.patients[inner]})
        expected = pipeline.decision_function(engine.design.iloc[outer])
        np.testing.assert_allclose(odds[outer], expected, rtol=1e-5, atol=1e-6)
        assert result.fold_aucs["both"][0, fold] == pytest.approx(roc_auc_score(outcome[outer], np.round(expected, 9)))
        assert result.selected["both"][fold] == tuple(pipeline[:-1].get_feature_names_out())


def test_corrected_standard_error_by_hand():
    aucs = np.array([[0.5, 0.7], [0.6, np.nan]])
    result = NestedValidation(2, 2, {"m": aucs}, {}, {}, test_share=1.0)
    assert result.mean_auc("m") == pytest.approx(0.6)
    assert result.standard_error("m") == pytest.approx(np.sqrt((1 / 3 + 1.0) * 0.01))


def test_splits_keep_the_sizes_and_do_not_depend_on_processes(monkeypatch):
    engine, outcome = study(models=["T2"])
    rows = np.arange(60)
    seen = []
    original = Engine.fit

    def watch(self, y, training, testing, **more):
        seen.append((len(training), y[training].sum(), len(testing)))
        return original(self, y, training, testing, **more)

    monkeypatch.setattr(Engine, "fit", watch)
    one = other_splits(engine, outcome, rows, (25, 17), splits=6)
    assert set(seen) == {(42, 17, 18)}
    monkeypatch.setattr(Engine, "fit", original)
    monkeypatch.setattr(chunks, "CHUNK", 3)
    two = other_splits(engine, outcome, rows, (25, 17), splits=6, chunks=chunks.Chunks(jobs=2))
    np.testing.assert_array_equal(one["T2"], two["T2"])
    assert len(np.unique(one["T2"])) > 1


def test_out_of_bag_rows_are_those_of_patients_not_drawn():
    engine, outcome = study(lesions=2, models=["T2"])
    rows = np.arange(len(outcome))
    result = bootstrap(engine, outcome, rows, resamples=3)
    patients = np.unique(engine.patients)
    for number in range(3):
        rng = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(6, number)))
        drawn = rng.choice(patients, len(patients))
        sample = np.concatenate([np.flatnonzero(engine.patients == patient) for patient in drawn])
        outside = np.flatnonzero(~np.isin(engine.patients, drawn))
        pipeline = build(engine.protocol, "T2")
        pipeline.fit(engine.design.iloc[sample], outcome[sample], **{f"{CLASSIFIER}__groups": engine.patients[sample]})
        probability = pipeline.predict_proba(engine.design.iloc[outside])[:, 1]
        assert result.brier["T2"][number] == pytest.approx(brier_score_loss(outcome[outside], probability), abs=1e-7)
        assert result.out_of_bag["T2"][number] == pytest.approx(roc_auc_score(outcome[outside], probability), abs=1e-9)
    assert result.apparent["T2"] == engine.fit(outcome, rows, rows)["T2"].training_auc


def test_corrections_by_hand():
    given = {
        "in_bag": [0.9, 0.9],
        "original": [0.7, 0.8],
        "out_of_bag": [0.6, 0.5],
        "brier": [0.2, 0.2],
        "slope": [1, 1],
    }
    columns = {name: {"m": np.array(values, dtype=float)} for name, values in given.items()}
    result = Bootstrap(2, {"m": 0.85}, **columns, selected={})
    assert result.out_of_bag_auc("m") == pytest.approx(0.55)
    assert result.harrell("m") == pytest.approx(0.85 - 0.15)
    assert result.weighted_632("m") == pytest.approx(0.368 * 0.85 + 0.632 * 0.55)
    overfitting = (0.85 - 0.55) / 0.35
    weight = 0.632 / (1 - 0.368 * overfitting)
    assert result.weighted_632_plus("m") == pytest.approx((1 - weight) * 0.85 + weight * 0.55)


def test_on_noise_only_the_out_of_bag_auc_is_honest():
    rng = np.random.default_rng(5)
    table, outcome = cohorts.design(rng, features=40)
    outcome = rng.permutation(outcome)
    engine = Engine(cohorts.protocol(), table, {"T2": np.ones(60, dtype=bool)}, models=["T2"])
    result = bootstrap(engine, outcome, np.arange(60), resamples=40)
    assert result.apparent["T2"] > result.harrell("T2") > result.out_of_bag_auc("T2")
    assert result.weighted_632("T2") >= result.weighted_632_plus("T2")


def test_selection_frequency_counts_each_fit_once():
    found = selection_frequency((("a", "b"), ("b",), (), ("b", "c")))
    assert found == {"b": 0.75, "a": 0.25, "c": 0.25}
    assert list(found) == ["b", "a", "c"]


def test_coefficients_of_a_resample_are_its_pipelines():
    engine, outcome = study(models=["T2"])
    rows = np.arange(60)
    result = bootstrap(engine, outcome, rows, resamples=2)
    drawn = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(6, 1))).choice(60, 60)
    pipeline = build(engine.protocol, "T2")
    pipeline.fit(engine.design.iloc[drawn], outcome[drawn], **{f"{CLASSIFIER}__groups": drawn})
    assert result.selected["T2"][1] == tuple(pipeline[:-1].get_feature_names_out())
    np.testing.assert_allclose(
        result.coefficients["T2"][1], pipeline.named_steps[CLASSIFIER].coefficients_, rtol=1e-5, atol=1e-6
    )


def test_the_bootstrap_of_noise_is_one_of_permuted_outcomes_whatever_the_processes(tmp_path):
    engine, outcome = study(models=["T2", "DWI"])
    rows = np.arange(50)
    one = bootstrap_of_noise(engine, outcome, rows, outcomes=2, resamples=3)
    kept = chunks.Chunks(jobs=2, folder=tmp_path)
    two = bootstrap_of_noise(engine, outcome, rows, outcomes=2, resamples=3, chunks=kept)
    for name in ("T2", "DWI"):
        for number in range(2):
            labels = permuted(outcome, engine.patients, [rows], seed=7, number=number)
            assert labels[:50].sum() == outcome[:50].sum() and (labels != outcome).any()
            assert one[name][number].apparent[name] == engine.fit(labels, rows, rows)[name].training_auc
            for which in ("in_bag", "original", "out_of_bag"):
                found = getattr(one[name][number], which)[name]
                assert np.isfinite(found).all() and len(np.unique(found)) > 1
                np.testing.assert_array_equal(found, getattr(two[name][number], which)[name])
    assert one["T2"][0].apparent != one["T2"][1].apparent


def test_more_folds_than_cases_are_refused():
    engine, outcome = study(models=["T2"])
    with pytest.raises(DataError, match="30 folds"):
        nested_validation(engine, outcome, np.arange(60), folds=30)


def test_canary_noise_is_chance_inside_the_folds_and_looks_like_an_effect_outside():
    honest, naive = [], []
    for seed in range(25):
        rng = np.random.default_rng(100 + seed)
        table, outcome = cohorts.design(rng, features=30)
        engine = Engine(cohorts.protocol(), table, {"T2": np.ones(60, dtype=bool)}, models=["T2"])
        outcome = rng.permutation(outcome)
        rows = np.arange(60)
        honest.append(nested_validation(engine, outcome, rows, repeats=1).mean_auc("T2"))
        naive.append(engine.fit(outcome, rows, rows)["T2"].training_auc)
    error = np.std(honest, ddof=1) / np.sqrt(len(honest))
    assert abs(np.mean(honest) - 0.5) < 3.5 * error
    assert np.mean(naive) > 0.5 + 3.5 * np.std(naive, ddof=1) / np.sqrt(len(naive))

"""What `evaluate` writes of resampling, on the features of the synthetic run."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import StudyFileError
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.load import parse_protocol
from radstudy.store import read_json

SETTINGS = (
    'resampling: {nested: {repeats: 2, folds: 3}, splits: 6, bootstrap: 5, optimism: [harrell, "632+"], noise: 2}'
)


def resampled(run, name):
    return pd.read_csv(run.path("evaluate", "resampling", f"{name}.csv"), keep_default_na=False, na_values=[""])


def with_settings(made, settings=SETTINGS):
    made.study = made.study.replace("resampling: null", settings)
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory, synthetic_class):
    return with_settings(synthetic_class(tmp_path_factory.mktemp("resampled"))).run()


def test_published_values_are_those_of_table_3(run):
    table = pd.read_csv(run.path("evaluate", "table3.csv")).set_index(["model", "set"])
    summary = resampled(run, "summary").set_index("model")
    assert list(summary.index) == ["clinical", "T2", "DWI", "both", "all"]
    for model, row in summary.iterrows():
        assert row["training_auc"] == pytest.approx(table.loc[(model, "training"), "auc"], abs=1e-6)
        assert row["testing_auc"] == pytest.approx(table.loc[(model, "testing"), "auc"], abs=1e-6)
        assert row["optimism"] == pytest.approx(row["training_auc"] - row["nested_auc"])
    assert summary.loc["DWI", "nested_auc"] > 0.8  # where the effect was planted
    assert summary.loc["T2", "training_auc"] > summary.loc["T2", "nested_auc"]


def test_the_summary_is_that_of_the_long_tables(run):
    summary = resampled(run, "summary").set_index("model")
    folds, splits, bag = (resampled(run, name).groupby("model")["auc"] for name in ("folds", "splits", "resamples"))
    for model in summary.index:
        assert summary.loc[model, "nested_auc"] == pytest.approx(folds.mean()[model], abs=1e-6)
        assert summary.loc[model, "split_median"] == pytest.approx(splits.median()[model], abs=1e-6)
        assert summary.loc[model, "out_of_bag_auc"] == pytest.approx(bag.mean()[model], abs=1e-6)
        assert (folds.size()[model], splits.size()[model], bag.size()[model]) == (6, 6, 5)
    patients = resampled(run, "patients")
    assert (patients.groupby("model").size() == 60).all()
    assert patients["risk_median"].between(0, 1).all() and patients["risk_low"].isna().all()  # of two repeats
    assert summary[["split_low", "out_of_bag_low", "stability_low"]].isna().all(axis=None)
    features = resampled(run, "features")
    own = pd.read_csv(run.path("model", "features.csv"))
    mine = features[features["in_model"]].merge(own, on=["model", "feature"])
    assert len(mine) == len(own)
    np.testing.assert_allclose(mine["model_coefficient"], mine["coefficient"], rtol=1e-5)
    corrections = resampled(run, "corrections")
    assert list(corrections["correction"][:4]) == ["apparent", "harrell", "632+", "out_of_bag"]
    assert corrections["noise_auc"].notna().all()


def test_a_stopped_run_goes_on_and_more_splits_leave_the_rest(run, monkeypatch):
    before = {name: resampled(run, name) for name in ("summary", "folds", "features")}
    run.path("evaluate", "resampling", "provenance.json").unlink()
    fits = []
    original = Engine.fit
    monkeypatch.setattr(Engine, "fit", lambda self, *rest, **more: fits.append(1) or original(self, *rest, **more))
    from radstudy.steps.evaluate import do_evaluate

    do_evaluate(run)
    assert len(fits) == 2  # the study's own split and the apparent fit; every repeat was kept
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, resampled(run, name))
    assert read_json(run.path("evaluate", "resampling", "provenance.json"))["settings"]["resampling"]["splits"] == 6


def test_what_cannot_be_done_is_said_and_the_rest_is_done(synthetic):
    made = with_settings(
        synthetic(), "resampling: {nested: {repeats: 1, folds: 30}, splits: 2, bootstrap: 0, slow: false}"
    )  # fmt: skip
    made.study = made.study.replace("    T2: [T2]", "    T2: {sequences: [T2], fit: {svm: {}}}")
    run = made.run()
    summary = resampled(run, "summary").set_index("model")
    assert summary.loc["T2", "note"] == "no resampling: the classifier svm, and evaluate.resampling.slow is false"
    assert "30 folds need at least 30 patients of each class" in summary.loc["DWI", "note"]
    assert summary.loc["DWI", "splits"] == 2 and np.isnan(summary.loc["DWI", "nested_auc"])
    assert not len(resampled(run, "resamples")) and not len(resampled(run, "folds"))


def test_a_study_that_only_trains_has_no_other_splits(synthetic):
    made = with_settings(synthetic(), "resampling: {nested: {repeats: 1, folds: 3}, splits: 6, bootstrap: 2}")
    made.rows["set"] = "training"
    run = made.run()
    assert not len(resampled(run, "splits"))
    summary = resampled(run, "summary")
    assert summary["split_median"].isna().all()
    assert summary["nested_auc"].notna().all()


def test_corrections_without_resamples_are_refused(synthetic):
    with pytest.raises(StudyFileError, match="optimism is corrected by the bootstrap"):
        parse_protocol(with_settings(synthetic(), "resampling: {bootstrap: 0, optimism: [harrell]}").study)

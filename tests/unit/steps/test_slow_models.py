"""Chance and nested validation of models with steps that the engine does not know."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import StudyFileError
from radstudy.modelling.refits.chance import permuted
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.load import parse_protocol
from radstudy.steps import chance as chance_step
from radstudy.steps.design import read_design
from radstudy.steps.evaluate import do_evaluate
from radstudy.steps.run import Run

CHANCE = "chance: {permutations: 19}"
RESAMPLING = "resampling: {nested: {repeats: 1, folds: 3}, splits: 2, bootstrap: 2}"
FAMILY = ["p_max_t", "family"]  # of all models: these are corrected for their number
FOREST = "fit: {random_forest: {trees: 5, smallest_leaf: [5], folds: 2}}"


def table(run, name):
    return pd.read_csv(run.path("evaluate", f"{name}.csv"), keep_default_na=False, na_values=[""])


def with_slow_model(made, chance=CHANCE, resampling=RESAMPLING):
    """T2 by a forest, which the engine does not know; the others by logistic regression, which it does."""
    made.study = made.study.replace("    T2: [T2]", f"    T2: {{sequences: [T2], {FOREST}}}")
    made.study = made.study.replace("chance: null", chance).replace("resampling: null", resampling)
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory, synthetic_class):
    return with_slow_model(synthetic_class(tmp_path_factory.mktemp("slow"), features=8)).run()


def test_a_model_that_the_engine_does_not_know_has_its_chance_without_being_asked_for(run):
    chance = table(run, "chance/chance")
    own = chance[(chance["model"] == "T2") & (chance["kind"] == "outcome")].set_index("measure")
    assert list(own.index) == ["training", "cross_validated", "testing"]
    assert (own["permutations"] == 19).all() and own["p_value"].between(0.05, 1).all()
    design = read_design(run)
    sets = design.places("training"), design.places("testing")
    engine = Engine(run.protocol, design.table, {"T2": design.usable["T2"]}, models=["T2"])
    areas = table(run, "chance/aucs")
    areas = areas[(areas["model"] == "T2") & (areas["measure"] == "testing")].set_index("permutation")["auc"]
    for number in (0, 7, 18):
        labels = permuted(design.outcome, engine.patients, sets, seed=3, number=number)
        assert areas[number] == pytest.approx(engine.fit(labels, *sets)["T2"].testing_auc, abs=1e-6)


def test_it_is_validated_inside_the_folds_too(run):
    summary = table(run, "resampling/summary").set_index("model")
    assert list(summary.index) == ["clinical", "T2", "DWI", "both", "all"]
    assert summary["nested_auc"].notna().all() and summary["out_of_bag_auc"].notna().all()
    assert summary.loc["T2", "splits"] == 2 and summary.loc["T2", "resamples"] == 2
    folds = table(run, "resampling/folds")
    assert (folds.groupby("model").size() == 3).all() and set(folds["model"]) == set(summary.index)


def test_the_files_say_who_was_computed_and_by_what(run):
    for name in ("chance/chance", "resampling/summary"):
        frame = table(run, name).drop_duplicates("model").set_index("model")
        assert frame["computed"].all()
        assert frame["by"].to_dict() == {n: "scikit-learn" if n == "T2" else "engine" for n in frame.index}
        assert frame.loc["T2", "engine_why_not"] == "the classifier random_forest"
        assert frame.drop("T2")["engine_why_not"].isna().all()
    assert table(run, "chance/chance")["exchanged"].nunique() == 1  # all met the same permutations


def test_slow_and_fast_models_are_one_family_and_the_correction_is_over_all_of_them(run):
    chance, areas = table(run, "chance/chance"), table(run, "chance/aucs")
    outcome = chance[chance["kind"] == "outcome"]
    assert (outcome["family"] == 5).all() and outcome["p_max_t"].notna().all()
    for measure in ("training", "testing"):
        own = outcome[outcome["measure"] == measure].set_index("model")
        drawn = areas[(areas["kind"] == "outcome") & (areas["measure"] == measure)]
        drawn = drawn.pivot_table(index="permutation", columns="model", values="auc")[list(own.index)]
        every = np.vstack([own["observed"].to_numpy(), drawn.to_numpy()])  # the observed AUCs are one more draw
        distance = (every - every.mean(axis=0)) / every.std(axis=0)
        reached = distance[1:].max(axis=1)
        expected = [(1 + (reached >= value - 1e-9).sum()) / 20 for value in distance[0]]
        assert own["p_max_t"].tolist() == pytest.approx(expected)


def test_the_engines_models_have_the_numbers_that_they_had_without_the_slow_one(run, synthetic_class, tmp_path):
    without = with_slow_model(
        synthetic_class(tmp_path, features=8), "chance: {permutations: 19, slow: false}",
        RESAMPLING.replace("bootstrap: 2", "bootstrap: 2, slow: false"),
    ).run()  # fmt: skip
    for name in ("chance/chance", "chance/aucs", "chance/roc",
                 "resampling/summary", "resampling/folds", "resampling/splits",
                 "resampling/resamples", "resampling/features", "resampling/patients"):  # fmt: skip
        frames = [table(one, name).drop(columns=FAMILY, errors="ignore") for one in (run, without)]
        ours, theirs = (frame[frame["model"] != "T2"].reset_index(drop=True) for frame in frames)
        assert len(ours)
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
    for name in ("chance/chance", "resampling/summary"):
        frame = table(without, name).set_index("model")
        assert not frame.loc["T2", "computed"]
        assert "the classifier random_forest" in frame.loc["T2", "note"] and "slow is false" in frame.loc["T2", "note"]


def said_of(made):
    """A run's messages, of `evaluate` alone."""
    run, lines = made.run(), []
    for step in ("chance", "resampling"):
        run.path("evaluate", step, "provenance.json").unlink()
    again = Run(run.protocol, run.data, run.out, 1, lines.append, run.bar)
    do_evaluate(again)
    return lines


def test_the_time_is_said_before_the_first_refit_and_a_number_limits_them(synthetic):
    made = with_slow_model(
        synthetic(features=8), "chance: {permutations: 30, slow: 19}",
        "resampling: {nested: {repeats: 3, folds: 2}, splits: 4, bootstrap: 3, slow: 1}",
    )  # fmt: skip
    lines = said_of(made)
    (chance,) = [line for line in lines if line.startswith("Chance calibration by scikit-learn")]
    assert "T2 (the classifier random_forest)" in chance and "x 19 refits" in chance and "about " in chance
    assert "evaluate.chance.slow" in chance
    (resampling,) = [line for line in lines if line.startswith("Resampling by scikit-learn")]
    assert "x 4 refits" in resampling  # 1 repeat of 2 folds, 1 split, 1 resample
    assert lines.index(chance) < next(i for i, line in enumerate(lines) if line.startswith("evaluate/chance: done"))
    chance = pd.read_csv(made.out / "evaluate/chance/chance.csv").groupby("model")["permutations"].max()
    assert chance["T2"] == 19 and chance["DWI"] == 30
    family = pd.read_csv(made.out / "evaluate/chance/chance.csv")
    assert family.loc[family["model"] == "T2", "p_max_t"].isna().all()  # it met fewer permutations
    assert set(family.loc[(family["model"] != "T2") & (family["kind"] == "outcome"), "family"]) == {4}
    summary = pd.read_csv(made.out / "evaluate/resampling/summary.csv").set_index("model")
    assert summary.loc["T2", ["repeats", "splits", "resamples"]].tolist() == [1, 1, 1]
    assert summary.loc["DWI", ["repeats", "splits", "resamples"]].tolist() == [3, 4, 3]


def test_a_slow_model_that_fails_takes_nothing_from_the_others_and_says_why(synthetic, monkeypatch):
    original = chance_step.calibrate

    def failing(engine, *arguments, **settings):
        if "T2" in engine.models:
            raise ValueError("no convergence")
        return original(engine, *arguments, **settings)

    monkeypatch.setattr(chance_step, "calibrate", failing)
    run = with_slow_model(synthetic(features=8), resampling="resampling: null").run()
    chance = table(run, "chance/chance").set_index("model")
    assert not chance.loc["T2", "computed"] and "ValueError: no convergence" in chance.loc["T2", "note"]
    assert chance.loc["DWI", "p_value"].notna().all() and chance.loc["DWI", "computed"].all()


def test_a_stopped_run_keeps_every_refit_of_a_slow_model(run, monkeypatch):
    before = table(run, "chance/chance")
    run.path("evaluate", "chance", "provenance.json").unlink()
    fits = []
    original = Engine.fit
    monkeypatch.setattr(
        Engine, "fit", lambda self, *rest, **more: fits.append(self.models) or original(self, *rest, **more)
    )
    monkeypatch.setattr("radstudy.steps.refits._TIMED", 1)
    chance_step.do_chance(run, run.protocol.evaluate.chance)
    assert fits.count(("T2",)) == 2  # one to be timed, one to be observed: every permutation was kept
    pd.testing.assert_frame_equal(before, table(run, "chance/chance"))
    assert len(list(run.path("evaluate", "chance", "outcome", "scikit-learn", "T2").glob("*.npz"))) == 19


@pytest.mark.parametrize(
    ("setting", "is_valid"),
    [("slow: true", True), ("slow: false", True), ("slow: 50", True), ("slow: 3", False), ("slow: much", False)],
)
def test_the_setting_takes_yes_no_or_a_number(synthetic, setting, is_valid):
    study = synthetic().study.replace("chance: null", f"chance: {{{setting}}}")
    if is_valid:
        given = parse_protocol(study).evaluate.chance.slow
        assert given == {"slow: true": True, "slow: false": False, "slow: 50": 50}[setting]
        assert isinstance(given, bool) == (setting != "slow: 50")
        return
    with pytest.raises(StudyFileError, match="slow"):
        parse_protocol(study)


def test_models_that_met_the_same_permutations_share_a_mark_also_where_a_patient_lacks_a_sequence(synthetic):
    made = with_slow_model(synthetic(features=8), resampling="resampling: null")
    for place in [key for key in made.values if key[0] == "P01" and key[2] == "T2"]:
        del made.values[place]  # a patient whom models without T2 alone can use
    chance = table(made.run(), "chance/chance").drop_duplicates("model").set_index("model")
    assert chance.loc["T2", "exchanged"] == chance.loc["both", "exchanged"]
    assert np.all(chance["computed"])

"""Baselines, another reader's masks and the leak detector, as parts of `evaluate`, on the synthetic run."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import roc_auc_score

from radstudy.errors import StudyFileError
from radstudy.modelling.assessment.baselines import beside_volume, chance_of_variable, log_volume, one_variable, scored
from radstudy.modelling.models import build
from radstudy.modelling.refits.chance import exchanged_rows
from radstudy.protocol.load import parse_protocol
from radstudy.steps import baselines
from radstudy.steps.design import read_design
from radstudy.steps.extract import read_features
from radstudy.steps.leaks import lesion_volumes


def table(run, name):
    return pd.read_csv(run.path("evaluate", f"{name}.csv"), keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def sized(tmp_path_factory, synthetic_class):
    """A run whose features hold a volume that follows the outcome, and whose reader b sees lesions a little larger."""
    made = synthetic_class(tmp_path_factory.mktemp("sized"), effect=0.8)
    made.names[-6] = "original_shape_MeshVolume"
    made.study = made.study.replace("chance: null", "chance: {permutations: 19}")
    y = made.rows.set_index("patient")["outcome"]
    rng = np.random.default_rng(4)
    volume = {patient: np.exp(8 + 0.6 * y[patient] + 0.7 * rng.normal()) for patient in y.index}
    for (patient, _, _, reader), values in made.values.items():
        values[-6] = volume[patient] * (1.1 if reader == "b" else 1.0)
    return made.run()


# --- baselines ---------------------------------------------------------------------------------------------------


def rows_and_volume(seed=0, n=60):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([[f"P{i:02d}" for i in range(n)], ["1"]], names=["patient", "lesion"])
    y = rng.permutation(np.arange(n) % 2)
    rows = pd.DataFrame({"outcome": y, "set": np.where(np.arange(n) % 3 == 0, "testing", "training")}, index=index)
    return rows, pd.Series(np.exp(8 + 0.5 * y + rng.normal(size=n)), index=index)


def test_a_volume_only_model_is_statsmodels_logit():
    rows, volume = rows_and_volume()
    baseline = one_variable("volume, T2", "volume", log_volume(volume), rows)
    training = rows["set"] == "training"
    fit = sm.Logit(rows.loc[training, "outcome"], sm.add_constant(np.log(volume[training]))).fit(disp=0)
    expected = fit.predict(sm.add_constant(np.log(volume)))
    assert np.allclose(baseline.probability, expected, rtol=1e-6)
    for which in ("training", "testing"):
        one = scored(baseline, rows, which)
        mine = rows["set"] == which
        assert roc_auc_score(one.y, one.probability) == pytest.approx(
            roc_auc_score(rows.loc[mine, "outcome"], expected[mine]))  # fmt: skip


def test_a_variable_that_separates_has_firths_estimate():
    rows, _ = rows_and_volume()
    told = pd.Series(rows["outcome"] + np.linspace(0, 0.5, len(rows)), index=rows.index)
    baseline = one_variable("age", "age", told, rows)
    assert baseline.note != ""
    assert ((baseline.probability > 0) & (baseline.probability < 1)).all()


def test_a_variable_without_two_values_has_no_row_but_a_reason():
    rows, _ = rows_and_volume()
    baseline = one_variable("age", "age", pd.Series(50.0, index=rows.index), rows)
    assert not len(baseline.probability)
    assert baseline.note.startswith("not fitted")


def test_a_model_beside_the_volume_has_scikit_learns_aucs_and_scipys_rho():
    rows, volume = rows_and_volume()
    scores = pd.Series(np.random.default_rng(1).random(len(rows)), index=rows.index)[5:]
    baseline = one_variable("volume, T2", "volume", log_volume(volume), rows)
    records = beside_volume("T2", scores, rows, {"T2": baseline}, ["T2"], 0.95)
    assert [record["set"] for record in records] == ["training", "testing"]
    for record in records:
        mine = scores.index[(rows["set"][5:] == record["set"]).to_numpy()]
        y = rows.loc[mine, "outcome"]
        assert record["rows"] == len(mine)
        assert record["auc"] == pytest.approx(roc_auc_score(y, scores[mine]))
        assert record["volume_auc"] == pytest.approx(roc_auc_score(y, baseline.probability[mine]))
        assert record["rho"] == pytest.approx(stats.spearmanr(scores[mine], baseline.probability[mine]).statistic)
        assert record["low"] < record["difference"] == pytest.approx(record["auc"] - record["volume_auc"])
    assert beside_volume("clinical", scores, rows, {"T2": baseline}, [], 0.95) == []


@pytest.mark.parametrize("effect", [0.0, -0.8])
def test_the_chance_of_a_variable_is_that_of_the_fitted_model(effect):
    rows, _ = rows_and_volume(seed=3)
    rng = np.random.default_rng(5)
    x = pd.Series(np.round(effect * rows["outcome"] + rng.normal(size=len(rows)), 1), index=rows.index)  # with ties
    x.iloc[::9] = np.nan
    chance = chance_of_variable("age", x, rows, permutations=60, seed=11)
    patients = pd.factorize(rows.index.get_level_values("patient"))[0]
    sets = [np.flatnonzero((rows["set"] == which).to_numpy()) for which in ("training", "testing")]
    for number in range(60):
        source = exchanged_rows(patients, sets, seed=11, number=number, like=x.notna().to_numpy().astype(int))
        moved = rows.assign(outcome=rows["outcome"].to_numpy()[source])
        baseline = one_variable("age", "age", x, moved)
        for which in ("training", "testing"):
            one = scored(baseline, moved, which)
            assert chance.permuted["age"][which][number] == pytest.approx(
                roc_auc_score(one.y, one.probability), abs=1e-12
            )
    baseline = one_variable("age", "age", x, rows)
    one = scored(baseline, rows, "training")
    assert chance.observed["age"]["training"] == pytest.approx(roc_auc_score(one.y, one.probability), abs=1e-12)


def test_the_chance_of_a_variable_in_a_set_without_a_class_is_not_a_number():
    rows, volume = rows_and_volume()
    rows["outcome"] = np.where(rows["set"] == "testing", 1, rows["outcome"])
    chance = chance_of_variable("age", volume, rows, permutations=19, seed=1)
    assert np.isnan(chance.permuted["age"]["testing"]).all()
    assert np.isnan(chance.p_value("age", "testing"))
    assert not np.isnan(chance.permuted["age"]["training"]).any()


def test_every_baseline_stands_beside_its_chance(sized):
    found, chance = table(sized, "baselines/table3"), table(sized, "baselines/chance")
    count = sized.protocol.evaluate.chance.permutations
    assert (chance["permutations"] == count).all()
    for _, row in found.iterrows():
        (own,) = chance[(chance["model"] == row["model"]) & (chance["measure"] == row["set"])].itertuples()
        assert own.observed == pytest.approx(row["auc"], abs=1e-9)
        assert 1 / (count + 1) <= own.p_value <= 1
        assert own.chance_low <= own.chance_median <= own.chance_high


def test_shuffled_images_that_were_not_shuffled_have_the_models_chance(sized, monkeypatch):
    features = read_features(sized)
    monkeypatch.setattr(baselines, "read_shuffled", lambda _: features)
    monkeypatch.setattr(baselines, "shuffled_key", lambda _: "key")
    images = baselines.ShuffledImages.of(sized, read_design(sized))
    (chance,) = images.calibrations(sized.protocol.evaluate.chance)
    own = table(sized, "chance/chance")
    for name in ("T2", "DWI", "both", "all"):
        for measure in ("training", "cross_validated", "testing"):
            mine = own[(own["kind"] == "outcome") & (own["model"] == name) & (own["measure"] == measure)].iloc[0]
            assert chance.observed[f"shuffled image, {name}"][measure] == pytest.approx(mine["observed"], nan_ok=True)
            assert chance.p_value(f"shuffled image, {name}", measure) == pytest.approx(mine["p_value"], nan_ok=True)
    assert list(images.calibrations(None)) == []


def test_baselines_are_rows_of_their_own_and_in_no_comparison(sized):
    found = table(sized, "baselines/table3")
    assert list(dict.fromkeys(found["model"])) == ["volume, T2", "volume, DWI", "age"]
    volumes = lesion_volumes(sized.protocol, read_features(sized), sized.out)
    rows = read_design(sized).rows
    for _, row in found[found["kind"] == "volume"].iterrows():
        values = volumes[row["model"].split(", ")[1]]
        mine = values.index[(rows["set"].reindex(values.index) == row["set"]).to_numpy()]
        assert row["auc"] == pytest.approx(roc_auc_score(rows.loc[mine, "outcome"], values[mine]))
    for name in ("table3", "delong", "mcnemar", "incremental"):
        assert not table(sized, name).astype(str).apply(lambda column: column.str.contains("volume,")).any().any()
    beside = table(sized, "baselines/beside_volume")
    assert set(beside["model"]) == {"T2", "DWI", "both", "all"}


def test_without_a_volume_there_is_none(finished):
    assert set(table(finished, "baselines/table3")["kind"]) == {"age"}
    assert not len(table(finished, "baselines/beside_volume"))


def test_the_baseline_of_images_that_were_not_shuffled_is_the_model(finished, monkeypatch):
    features = read_features(finished)
    monkeypatch.setattr(baselines, "read_shuffled", lambda _: features)
    scores = pd.read_csv(finished.path("model", "predictions.csv"), dtype={"lesion": str})
    found = list(baselines.ShuffledImages.of(finished, read_design(finished)).baselines())
    assert [one.name for one in found] == [f"shuffled image, {name}" for name in ("T2", "DWI", "both", "all")]
    for one in found:
        own = scores[scores["model"] == one.name.removeprefix("shuffled image, ")].set_index(["patient", "lesion"])
        assert np.allclose(one.probability, own["probability"].loc[one.probability.index], atol=1e-7)


def test_a_feature_table_has_no_images_to_shuffle(finished):
    text = finished.protocol.model_dump_json()
    assert '"shuffled":false' in text
    study = STUDY_OF_FEATURES.replace("{shuffled}", "true")
    with pytest.raises(StudyFileError, match="no images to shuffle"):
        parse_protocol(study)
    assert not parse_protocol(study.replace("shuffled: true", "shuffled: false")).evaluate.baselines.shuffled


STUDY_OF_FEATURES = """
study: test
cohort:
  patient: id
  outcome: {column: y}
  split: {train: 0.7}
sequences: [T2]
features: {table: f.csv}
model: {select: [{impute: median}, {boosted_trees: {keep: 2}}], models: {T2: [T2]}}
evaluate: {baselines: {shuffled: {shuffled}}}
"""


# --- another reader ----------------------------------------------------------------------------------------------


def test_another_readers_probabilities_are_the_fitted_pipelines(sized):
    design = read_design(sized)
    found = pd.read_csv(sized.path("evaluate", "other_reader", "probabilities.csv"), dtype={"lesion": str})
    assert set(found["model"]) == {"T2", "DWI", "both", "all"}  # not the clinical model: it has no mask
    for name, rows in found.groupby("model"):
        usable = design.usable[name]
        training = usable & (design.rows["set"] == "training")
        groups = design.table[training].index.get_level_values("patient")
        pipeline = build(sized.protocol, name)
        pipeline.fit(design.table[training], design.rows.loc[training, "outcome"], classifier__groups=groups)
        part = rows.set_index(["patient", "lesion"])
        other = design.table.loc[part.index].copy()
        for sequence in ("T2", "DWI"):
            drawn = design.features.of(sequence, "b").loc[part.index]
            for column in (c for c in other.columns if c.startswith(f"{sequence}:")):
                other[column] = drawn[column.split(":", 1)[1]]
        assert len(part) == 20
        assert np.allclose(part["first"], pipeline.predict_proba(design.table.loc[part.index])[:, 1], atol=1e-12)
        assert np.allclose(part["other"], pipeline.predict_proba(other)[:, 1], atol=1e-12)
        assert not np.allclose(part["first"], part["other"], atol=1e-3)


def test_how_far_they_move_by_numpy_and_scikit_learn(sized):
    moved = table(sized, "other_reader/moved").set_index(["model", "set"])
    found = pd.read_csv(sized.path("evaluate", "other_reader", "probabilities.csv"))
    for (name, which), row in moved.iterrows():
        part = found[(found["model"] == name) & ((found["set"] == which) | (which == "all"))]
        difference = part["first"] - part["other"]
        assert row["rows"] == len(part)
        assert row["mean_absolute_difference"] == pytest.approx(difference.abs().mean())
        assert row["bias"] == pytest.approx(difference.mean())
        assert row["upper"] == pytest.approx(difference.mean() + stats.norm.ppf(0.975) * difference.std())
        assert row["changed"] == ((part["first"] >= part["cutoff"]) != (part["other"] >= part["cutoff"])).sum()
        if part["outcome"].nunique() == 2:
            assert row["auc_other"] == pytest.approx(roc_auc_score(part["outcome"], part["other"]))
    assert (moved.xs("all", level="set")["rows"] == 20).all()


def test_one_reader_moves_nothing(synthetic):
    made = synthetic("alone")
    made.study = made.study.replace("readers: [a, b]", "readers: [a]")
    made.values = {key: value for key, value in made.values.items() if key[3] == "a"}
    run = made.run()
    assert not len(table(run, "other_reader/moved"))
    assert list(pd.read_csv(run.path("evaluate", "other_reader", "probabilities.csv")).columns)[-3:] == [
        "first", "other", "cutoff"]  # fmt: skip


# --- leaks -------------------------------------------------------------------------------------------------------


def test_a_sound_run_has_no_finding(finished):
    assert not len(table(finished, "leaks/leaks"))


def test_a_model_that_chose_the_volume_alone_is_told_of(sized):
    found = table(sized, "leaks/leaks").iloc[0]
    assert (found["severity"], found["check"]) == ("warning", "volume as a confounder")
    beside = table(sized, "baselines/beside_volume")
    assert beside.loc[beside["model"] == found["where"], "rho"].abs().min() > 0.6


def test_a_leak_of_the_run_is_written_and_said(synthetic):
    made = synthetic("leaky")
    made.rows["age"] = 40 + 20 * made.rows["outcome"] + np.linspace(0, 5, len(made.rows))
    found = table(made.run(), "leaks/leaks")
    assert list(found["where"]) == ["age"]
    assert list(found["severity"]) == ["error"]

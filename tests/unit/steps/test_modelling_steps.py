"""From a feature table to Table 3: nothing leaks, nothing is imputed in silence, and a run can be picked up."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.models import build
from radstudy.signature.document import read_signature, write_signature
from radstudy.signature.predict import Prediction
from radstudy.steps.design import read_design
from radstudy.store import read_json

TRAINED = tuple(f"model/{name}" for name in ("funnel.csv", "dropped.csv", "features.csv", "clinical_screen.csv"))


def training_part(run):
    """Every fitted object and every training figure of a run, as bytes and tables."""
    parts = {name: (run.out / name).read_bytes() for name in (*TRAINED, "model/models.json")}
    for name in ("model/predictions.csv", "evaluate/table3.csv", "evaluate/roc.csv", "evaluate/delong.csv"):
        frame = pd.read_csv(run.out / name)
        parts[name] = frame[frame["set"] == "training"].to_csv().encode()
    for number in (1, 2):
        frame = pd.read_csv(run.out / f"evaluate/table{number}.csv")
        parts[f"table{number}"] = frame[frame["set"] == "training"].to_csv().encode()
    for file in sorted((run.out / "model/signatures").iterdir()):
        parts[file.name] = file.read_bytes()
    return parts


def test_the_planted_effect_is_found_where_it_was_planted(synthetic):
    run = synthetic().run()
    table = pd.read_csv(run.out / "evaluate/table3.csv").set_index(["model", "set"])
    assert table.loc[("DWI", "testing"), "auc"] > 0.8
    features = pd.read_csv(run.out / "model/features.csv")
    chosen = set(features.loc[features["model"] == "DWI", "feature"])
    assert chosen & {"DWI:original_made_F00", "DWI:original_made_F01", "DWI:original_made_F02"}


def test_outcomes_of_testing_patients_change_nothing_that_was_trained(synthetic):
    one, other = synthetic("one"), synthetic("other")
    testing = other.rows["set"] == "testing"
    other.rows.loc[testing, "outcome"] = 1 - other.rows.loc[testing, "outcome"]
    a, b = one.run(), other.run()
    assert training_part(a) == training_part(b)
    assert (a.out / "evaluate/table3.csv").read_bytes() != (b.out / "evaluate/table3.csv").read_bytes()


@pytest.mark.parametrize(("patients", "leaks"), [("training", False), ("all", True)])
def test_features_of_testing_patients_change_nothing_in_the_strict_mode(synthetic, patients, leaks):
    parts = []
    for name in ("one", "other"):
        made = synthetic(name)
        made.study += f"agree: {{icc: {{patients: {patients}}}}}\n"
        if name == "other":
            rng = np.random.default_rng(9)
            for row in made.rows.loc[made.rows["set"] == "testing", "patient"]:
                for key in list(made.values):
                    if key[0] == row:
                        made.values[key] = made.values[key] + rng.normal(size=40) * 5
                made.rows.loc[made.rows["patient"] == row, "age"] += 7
        parts.append(training_part(made.run()))
    # As published, the ICC may see testing patients' features; the strict mode may not.
    assert (parts[0] != parts[1]) == leaks


def test_unreproducible_features_do_not_reach_a_model(synthetic):
    run = synthetic().run()
    icc = pd.read_csv(run.out / "agree/icc.csv")
    noise = icc["feature"].isin([f"original_made_F{i:02d}" for i in range(35, 40)])
    assert not icc.loc[noise, "kept"].any()
    assert icc.loc[~noise, "kept"].all()
    assert (icc["lesions"] == 20).all()
    entered = pd.read_csv(run.out / "model/funnel.csv").query("model == 'T2' and step == 'impute'")["entered"]
    assert entered.tolist() == [35]


def test_no_surviving_feature_is_an_intercept_model_with_auc_one_half(synthetic):
    made = synthetic(effect=0.0)
    made.study = made.study.replace("univariate: {below: 0.05}", "univariate: {below: 1.0e-9}")
    run = made.run()
    models = read_json(run.out / "model/models.json")
    table = pd.read_csv(run.out / "evaluate/table3.csv").set_index(["model", "set"])
    assert models["T2"]["empty"]
    assert "no feature survived" in models["T2"]["note"]
    for which in ("training", "testing"):
        assert table.loc[("T2", which), "auc"] == 0.5
    assert "no feature survived" in table.loc[("T2", "testing"), "note"]


def test_a_missing_sequence_is_never_imputed(synthetic):
    made = synthetic()
    for patient in ("P00", "P01", "P03"):  # P00 and P03 are testing patients
        for reader in ("a", "b"):
            made.values.pop((patient, "1", "DWI", reader), None)
    run = made.run()
    models = read_json(run.out / "model/models.json")
    assert [models[name]["not_used"] for name in ("T2", "DWI", "both", "all")] == [0, 3, 3, 3]
    scores = pd.read_csv(run.out / "model/predictions.csv")
    assert not scores.query("model == 'both' and patient in ['P00', 'P01', 'P03']").size
    pairs = pd.read_csv(run.out / "evaluate/delong.csv").set_index(["set", "model_a", "model_b"])
    assert pairs.loc[("testing", "T2", "DWI"), "rows"] == 18
    assert pairs.loc[("testing", "clinical", "T2"), "rows"] == 20


def test_a_missing_clinical_value_is_never_imputed(synthetic):
    made = synthetic()
    made.rows.loc[[1, 3], "age"] = np.nan
    made.rows.loc[[6], "margin"] = None
    models = read_json(made.run().out / "model/models.json")
    assert [models[name]["not_used"] for name in ("clinical", "T2", "all")] == [3, 0, 3]


def test_a_missing_feature_is_imputed_with_the_training_median(synthetic):
    made = synthetic()
    for key in made.values:
        if key[0] in ("P01", "P02") and key[2] == "DWI":
            made.values[key][0] = np.nan
    run = made.run()
    assert not pd.read_csv(run.out / "model/predictions.csv")["probability"].isna().any()


def test_the_formula_gives_the_models_own_probabilities(synthetic):
    from radstudy.cohort.codebook import design_columns
    from radstudy.modelling.design import design_table
    from radstudy.steps.agree import read_reproducible
    from radstudy.steps.cohort import read_rows
    from radstudy.steps.extract import read_features

    run = synthetic().run()
    rows = read_rows(run)
    clinical = design_columns(run.protocol.cohort.clinical, rows)
    design = design_table(read_features(run), read_reproducible(run), clinical, reader="a")
    scores = pd.read_csv(run.out / "model/predictions.csv", dtype={"lesion": str})
    for name in ("clinical", "T2", "DWI", "both", "all"):
        signature = read_signature(run.out / f"model/signatures/{name}.json")
        ours = 1 / (1 + np.exp(-signature.form.log_odds(design)))
        theirs = scores[scores["model"] == name].set_index(["patient", "lesion"])["probability"]
        np.testing.assert_allclose(pd.Series(ours, index=design.index)[theirs.index], theirs, rtol=1e-12)
        training = (rows["set"] == "training").to_numpy()
        pipeline = build(run.protocol, name).fit(design[training], rows.loc[training, "outcome"])
        np.testing.assert_allclose(ours, pipeline.predict_proba(design)[:, 1], rtol=1e-12)


def test_the_saved_formula_gives_table_3s_probabilities_to_the_last_digit(finished):
    """The cut-off is one of them: a last digit would put its patient on the other side."""
    from radstudy.store import read_csv

    predictions = read_csv(finished.out / "model/predictions.csv", dtype={"patient": str, "lesion": str})
    table3 = read_csv(finished.out / "evaluate/table3.csv").set_index(["model", "set"])
    design = read_design(finished).table
    for name, rows in predictions.groupby("model"):
        signature = read_signature(finished.out / f"model/signatures/{name}.json")
        part = rows.set_index(["patient", "lesion"])
        again = signature.form.probability(design.loc[part.index])
        np.testing.assert_array_equal(again, part["probability"])
        for which in ("training", "testing"):
            row = table3.loc[(name, which)]
            called = again[(part["set"] == which).to_numpy()] >= row["cutoff"]
            assert called.sum() == row["tp"] + row["fp"]
            assert signature.cutoff == row["cutoff"]


def test_a_finished_step_is_not_done_again_and_a_changed_one_is(synthetic):
    made = synthetic()
    run = made.run()
    stamp = (run.out / "model/models.json").stat().st_mtime_ns
    again = made.run()
    assert (again.out / "model/models.json").stat().st_mtime_ns == stamp
    made.study = made.study.replace("keep: 2", "keep: 1")
    changed = made.run()
    assert (changed.out / "model/models.json").stat().st_mtime_ns != stamp


def test_a_class_that_the_training_rows_lack_is_said_not_crashed(synthetic):
    made = synthetic()
    positive = made.rows.query("outcome == 1 and set == 'training'")["patient"]
    for key in [key for key in made.values if key[0] in set(positive) and key[2] == "DWI"]:
        del made.values[key]
    run = made.run()
    models = read_json(run.out / "model/models.json")
    assert not models["DWI"]["fitted"]
    assert "fewer than two patients in a class" in models["DWI"]["note"]
    assert models["T2"]["fitted"]


@pytest.mark.parametrize("gone", ["sequence", "second reader", "second reader of a sequence"])
def test_a_sequence_without_features_is_said_not_crashed(synthetic, gone):
    """Nobody has the sequence, or nobody has drawn it twice, so that no feature is known to be reproducible."""
    made = synthetic()
    for key in [key for key in made.values if (key[2] == "DWI" or gone == "second reader")]:
        if gone == "sequence" or key[3] == "b":
            del made.values[key]
    run = made.run()
    models = read_json(run.out / "model/models.json")
    without = {"T2", "DWI"} if gone == "second reader" else {"DWI"}
    for facts in models.values():
        assert facts["fitted"] != bool(without & set(facts["sequences"]))
        if not facts["fitted"]:
            assert ("two patients in a class" if gone == "sequence" else "reproducibility filter") in facts["note"]
    table = pd.read_csv(run.out / "evaluate/table3.csv").set_index("model")
    assert not table.loc[table.index == "DWI", "auc"].notna().any()


@pytest.mark.parametrize("rule", ["{sensitivity: 0.95}", "{specificity: 0.9}", "{cost_ratio: 0.0001}"])
def test_a_signature_has_the_cut_off_of_table_3(synthetic, rule):
    made = synthetic()
    made.study = made.study.replace("evaluate:\n", f"evaluate:\n  cutoff: {rule}\n")
    run = made.run()
    table = pd.read_csv(run.path("evaluate", "table3.csv")).set_index(["model", "set"])["cutoff"]
    for name in ("DWI", "both", "all"):
        signature = read_signature(run.path("model", "signatures", f"{name}.json"))
        assert signature.cutoff == pytest.approx(table[name, "training"], rel=1e-12)
        assert signature.cutoff == pytest.approx(table[name, "testing"], rel=1e-12)


def test_a_cut_off_that_calls_nobody_positive_is_said(finished, tmp_path):
    signature = read_signature(finished.path("model", "signatures", "DWI.json"))
    write_signature(replace(signature, cutoff=np.inf), tmp_path / "s.json")
    again = read_signature(tmp_path / "s.json")
    assert again.cutoff == np.inf
    prediction = Prediction(0.9, False, again.cutoff, (), (), again)
    assert "classifies no patient as positive" in prediction.as_text()
    json.dumps(prediction.as_dict(), allow_nan=False)

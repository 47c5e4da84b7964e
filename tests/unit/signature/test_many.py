"""Predictions of a table: features or files, each row for itself, and every reason for a row without a probability."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from radstudy import cli
from radstudy.errors import CaseError, RefusedError
from radstudy.signature.many import predict_table, unused_columns


@pytest.fixture(scope="module")
def own(small):
    """The run's probabilities of the model, by patient."""
    scores = pd.read_csv(small / "run" / "model" / "predictions.csv", dtype={"patient": str})
    return scores[scores["model"] == "both"].set_index("patient")["probability"]


@pytest.fixture(scope="module")
def features(small, signature):
    """One row per patient: the columns of the formula as the run has computed them, and the clinical variables."""
    frame = pd.read_parquet(small / "run" / "extract" / "features.parquet").reset_index()
    cohort = pd.read_csv(small / "cohort.csv", dtype=str).set_index("id")
    table = cohort[["age", "margin"]].copy()
    for term in signature.form.terms:
        sequence, _, name = term.name.partition(":")
        if sequence != "clinical":
            values = frame[frame["sequence"] == sequence].set_index("patient")[name]
            table[term.name] = [repr(float(values[patient])) for patient in table.index]
    return table.rename_axis("patient").reset_index()


def written(folder, table):
    table.to_csv(folder / "p.csv", index=False)
    return folder / "p.csv"


def test_features_give_the_run_s_probabilities(signature, features, own, tmp_path):
    made = list(predict_table(signature, written(tmp_path, features)))
    assert [one.patient for one in made] == list(features["patient"])
    assert all(one.error is None for one in made)
    given = np.array([one.prediction.probability for one in made])
    np.testing.assert_allclose(given, own[features["patient"]].to_numpy(), rtol=0, atol=1e-12)
    assert "images and masks were not checked" in made[0].as_row()["reasons"]


def test_files_give_the_run_s_probabilities(small, signature, features, own, tmp_path):
    table = features[["patient", "age", "margin"]].head(5)
    for name in ("T2", "DWI"):
        table = table.assign(**{
            f"image:{name}": [f"{patient}/{name}.nii.gz" for patient in table["patient"]],
            f"mask:{name}": [f"{patient}/{name}_a.nii.gz" for patient in table["patient"]],
        })  # fmt: skip
    table.to_csv(small / "files.csv", index=False)
    made = list(predict_table(signature, small / "files.csv"))
    given = [one.prediction.probability for one in made]
    np.testing.assert_allclose(given, own[table["patient"]].to_numpy(), rtol=0, atol=1e-12)


def test_a_row_that_does_not_fit_has_its_reason_and_the_others_go_on(signature, features, tmp_path):
    first = signature.form.terms[0].name
    table = features.head(7).astype(object)
    table.loc[0, "age"] = "590"
    table.loc[1, "age"] = ""
    table.loc[2, first] = ""
    table.loc[3, first] = "inf"
    table.loc[4, first] = "much"
    table.loc[5, "margin"] = "sharp"
    made = list(predict_table(signature, written(tmp_path, table)))
    for one, says in zip(made, (
        "--clinical age=590: training had", "--clinical age=VALUE is missing", f"{first} has no value",
        f"{first}=inf: this is not a number", f"{first}=much: this is not a number",
        "--clinical margin=sharp: unknown value",
    ), strict=False):  # fmt: skip
        assert one.refused and says in str(one.error)
        assert one.as_row()["probability"] is None and says in one.as_row()["reasons"]
    assert made[6].prediction is not None
    overruled = next(predict_table(signature, written(tmp_path, table), outside_range=True))
    assert overruled.as_row()["outside_range"] and "age=590" in overruled.as_row()["reasons"]


def test_a_table_without_a_column_is_refused_with_all_of_them(signature, features, tmp_path):
    first = signature.form.terms[0].name
    with pytest.raises(RefusedError) as caught:
        list(predict_table(signature, written(tmp_path, features.drop(columns=["patient", "age", first]))))
    assert f"has no column patient, {first}, age" in str(caught.value)
    with pytest.raises(CaseError, match="cannot be read as a table"):
        list(predict_table(signature, tmp_path / "none.csv"))
    assert unused_columns(signature, written(tmp_path, features.assign(agee=1))) == ["agee"]


def called(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["radstudy", "predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        cli.main()
    printed = capsys.readouterr()
    return done.value.code or 0, printed.out, printed.err


def test_the_command_writes_every_row_and_ends_with_5_if_one_is_refused(
    small, signature, features, tmp_path, monkeypatch, capsys
):
    file, out = small / "run" / "signature.json", tmp_path / "out.csv"
    table = written(tmp_path, features.assign(remark="x").head(3))
    code, printed, error = called(monkeypatch, capsys, file, "--table", table)
    assert code == 0 and printed.count("Research use only, not a medical device.") == 3
    assert "Not used: remark." in error
    features.head(3).assign(age=["50", "590", "50"]).to_csv(table, index=False)
    code, printed, error = called(monkeypatch, capsys, file, "--table", table, "--out", out, "--json")
    assert code == 5 and "1 of 3 patients have no probability:" in error and "age=590" in error
    rows = pd.read_csv(out)
    assert rows["refused"].tolist() == [False, True, False] and rows["probability"].notna().tolist() == [
        True,
        False,
        True,
    ]
    answers = json.loads(printed)
    assert [one["probability"] for one in answers] == [pytest.approx(rows.at[0, "probability"]), None,
                                                        pytest.approx(rows.at[2, "probability"])]  # fmt: skip
    assert answers[1]["findings"][1]["bound_high"] == pytest.approx(69 + 29 * math.log(3 / (0.005 * 19)) / math.log(18))
    for wrong in (("--table", table, "--html", "x"), ("--out", out)):
        assert called(monkeypatch, capsys, file, *wrong)[0] == 2
    out.write_text("mine", encoding="utf-8")
    assert called(monkeypatch, capsys, file, "--table", table, "--out", out)[0] == 2
    assert out.read_text(encoding="utf-8") == "mine"

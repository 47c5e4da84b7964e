"""A study that begins at a feature table: from the table to the report, and every mistake in the table named."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError, DataError, RefusedError
from radstudy.protocol.load import parse_protocol
from radstudy.signature.document import read_signature
from radstudy.signature.predict import predict_patient
from radstudy.store import read_json
from radstudy.study import run

STUDY = """
study: test
seed: 3
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {train: 0.7}
  {cohort}
sequences: [T2, DWI]
features: {features}
model:
  fit: {fit}
  select: {select}
  models: {T2: [T2], DWI: [DWI], both: {pool: [T2, DWI]}}
evaluate: {chance: {permutations: 19, slow: false}, resampling: null}
"""
SELECT = "[{impute: median}, {standardise: zscore}, {univariate: {}}, {boosted_trees: {keep: 2, trees: 10}}]"
WIDE = "{table: features.csv, columns: {T2: T2_, DWI: {suffix: _dwi}}}"


def made(folder, seed=0, rows=60, features=12):
    """cohort.csv and features.csv (wide); features 0-2 of DWI carry the outcome."""
    rng = np.random.default_rng(seed)
    y = rng.permutation([0] * (rows // 2) + [1] * (rows // 2))
    ids = [f"P{i:02d}" for i in range(rows)]
    pd.DataFrame({"id": ids, "y": y}).to_csv(folder / "cohort.csv", index=False)
    t2 = pd.DataFrame(rng.normal(size=(rows, features)), columns=[f"T2_a{i}" for i in range(features)])
    dwi = pd.DataFrame(rng.normal(size=(rows, features)), columns=[f"b{i}_dwi" for i in range(features)])
    dwi.iloc[:, :3] += 2 * y[:, None]
    wide = pd.concat([pd.Series(ids, name="id"), t2, dwi], axis=1)
    wide.to_csv(folder / "features.csv", index=False)
    return wide


def study(features=WIDE, cohort="", fit="logistic", select=SELECT):
    text = STUDY
    for name, value in (("cohort", cohort), ("features", features), ("fit", fit), ("select", select)):
        text = text.replace(f"{{{name}}}", value)
    return parse_protocol(text)


def go(folder, protocol, until="evaluate", out="out"):
    lost = run(protocol, data=folder, out=folder / out, until=until, jobs=1)
    return lost, folder / out


def areas(out):
    return pd.read_csv(out / "evaluate" / "table3.csv").set_index(["model", "set"])["auc"]


def test_from_the_table_to_the_report(tmp_path):
    made(tmp_path)
    lost, out = go(tmp_path, study(), until="report")
    assert lost == 0
    assert areas(out)["DWI", "testing"] > 0.85
    assert not (out / "prepare").exists()
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "The study started from a table of features" in report
    assert "could not be made" not in report
    funnel = pd.read_csv(out / "model" / "funnel_sequences.csv").fillna({"model": ""})
    start = funnel[funnel["model"] == ""].set_index(["step", "sequence"])["kept"]
    assert start.to_dict() == {("extract", "T2"): 12, ("agree", "T2"): 12, ("extract", "DWI"): 12, ("agree", "DWI"): 12}
    pooled = funnel[(funnel["model"] == "both") & (funnel["branch"] == "both")]
    assert set(pooled["sequence"]) <= {"T2", "DWI"}
    assert pooled["kept"].sum() == 2
    said = []
    run(study(), data=tmp_path, out=out, until="evaluate", jobs=1, say=said.append)
    assert [text for text in said if "already done" in text] == [
        f"{step}: already done"
        for step in ("cohort", "extract", "agree", "model", "evaluate", "evaluate/chance", "evaluate/baselines",
                     "evaluate/other_reader", "evaluate/leaks", "evaluate/signature")
    ]  # fmt: skip


@pytest.mark.long
def test_every_layout_gives_the_same_models(tmp_path):
    wide = made(tmp_path)
    _, reference = go(tmp_path, study())
    t2 = wide[["id", *[c for c in wide if c.startswith("T2_")]]].rename(columns=lambda c: c.removeprefix("T2_"))
    dwi = wide[["id", *[c for c in wide if c.endswith("_dwi")]]].rename(columns=lambda c: c.removesuffix("_dwi"))
    t2.to_csv(tmp_path / "t2.csv", index=False)
    dwi.to_excel(tmp_path / "dwi.xlsx", index=False)
    pd.concat([t2.assign(seq="T2"), dwi.assign(seq="DWI")]).to_csv(tmp_path / "long.csv", index=False)
    wide.set_index("id").to_parquet(tmp_path / "wide.parquet")
    wide.to_csv(tmp_path / "german.csv", index=False, sep=";", decimal=",")
    layouts = {
        "files": "{tables: {T2: t2.csv, DWI: dwi.xlsx}}",
        "parquet": "{table: wide.parquet, columns: {T2: T2_, DWI: {pattern: '(.*)_dwi'}}}",
        "german": "{table: german.csv, columns: {T2: T2_, DWI: {suffix: _dwi}}}",
    }
    expected = pd.read_csv(reference / "model" / "predictions.csv")
    for name, features in layouts.items():
        _, out = go(tmp_path, study(features), out=name)
        pd.testing.assert_frame_equal(pd.read_csv(out / "model" / "predictions.csv"), expected, rtol=1e-9)
    # In a long table every sequence has the columns of all; those it has no value of are dropped, and said.
    _, out = go(tmp_path, study("{table: long.csv, sequence: seq}"), out="long")
    pd.testing.assert_frame_equal(pd.read_csv(out / "model" / "predictions.csv"), expected, rtol=1e-9)
    dropped = pd.read_csv(out / "model" / "dropped.csv")
    assert (dropped.loc[dropped["step"] == "impute", "reason"] == "no training row has a value").all()


def test_the_cohort_table_may_be_the_feature_table(tmp_path):
    wide = made(tmp_path)
    cohort = pd.read_csv(tmp_path / "cohort.csv")
    wide.merge(cohort).to_csv(tmp_path / "cohort.csv", index=False)
    _, out = go(tmp_path, study("{table: cohort.csv, columns: {T2: T2_, DWI: {suffix: _dwi}}}"))
    assert areas(out)["DWI", "testing"] > 0.85


def test_rows_of_several_readers_are_compared(tmp_path):
    wide = made(tmp_path)
    rng = np.random.default_rng(5)
    second = wide.iloc[:20].copy()
    second.iloc[:, 1:] += rng.normal(scale=0.2, size=(20, 24))
    second[["T2_a0", "b5_dwi"]] = rng.normal(size=(20, 2))
    both = pd.concat([wide.assign(who="a"), second.assign(who="b")])
    both.to_csv(tmp_path / "features.csv", index=False)
    features = WIDE.replace("{table", "{reader: who, table")
    _, out = go(tmp_path, study(features, cohort="readers: [a, b]"))
    summary = read_json(out / "agree" / "summary.json")
    assert summary["kept"] == {"T2": 11, "DWI": 11}
    assert summary["lesions"] == {"T2": 20, "DWI": 20}
    assert summary["of_sequence"] == {"T2": 12, "DWI": 12}
    with pytest.raises(CohortError, match="several rows for the same lesion"):
        go(tmp_path, study(WIDE.replace("{table", "{ignore: [who], table")), out="unnamed")


def test_who_is_not_in_the_table_is_a_lost_case_unless_allowed(tmp_path):
    wide = made(tmp_path)
    wide.loc[3, [name for name in wide if name.startswith("T2_")]] = np.nan
    wide.loc[5, "b4_dwi"] = np.nan
    wide.loc[len(wide)] = ["stranger", *np.zeros(24)]
    wide.to_csv(tmp_path / "features.csv", index=False)
    lost, out = go(tmp_path, study())
    assert lost == 1
    failures = pd.read_csv(out / "cohort" / "failures.csv")
    assert failures[["patient", "sequence"]].to_numpy().tolist() == [["P03", "T2"]]
    missing = pd.read_csv(out / "extract" / "missing.csv")
    assert missing[["patient", "feature"]].to_numpy().tolist() == [["P05", "b4"]]
    assert any("1 lesion(s) that are not in the cohort" in note for note in read_json(out / "cohort" / "notes.json"))
    lost, out = go(tmp_path, study(cohort="optional_sequences: [T2]"), out="optional")
    assert lost == 0
    assert pd.read_csv(out / "cohort" / "absent.csv")["patient"].tolist() == ["P03"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda t: t.rename(columns={"id": "ID"}),
            "features.patient names the column 'id', which the file does not",
        ),
        (
            lambda t: pd.concat([t, t.iloc[[4]]]),
            "Patient P04, lesion 1, T2, reader reader: is in more than",
        ),
        (
            lambda t: t.assign(T2_a3=np.where(t.index == 7, "n.d.", "1.5")),
            "row 9, column 'T2_a3': 'n.d.' is not a number",
        ),
        (lambda t: t.assign(b2_dwi=np.where(t.index == 2, np.inf, 0.0)), "row 4, column 'b2_dwi': 'inf' is infinite"),
        (lambda t: t.assign(id=t["id"].where(t.index != 1)), "row 3, column 'id': this is empty"),
        (lambda t: t[[c for c in t if not c.endswith("_dwi")]], "no column holds a feature of DWI"),
        (lambda t: t.assign(id="x" + t["id"]), "the feature table, features.csv, has, for instance"),
        pytest.param(
            lambda t: t.iloc[:0], "the feature table has no value for any lesion:\n  1. features.csv.", id="no rows"
        ),
    ],
)
def test_what_is_wrong_with_the_table_is_named(tmp_path, spoil, says):
    spoil(made(tmp_path)).to_csv(tmp_path / "features.csv", index=False)
    with pytest.raises(CohortError) as caught:
        go(tmp_path, study())
    assert says in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_table_that_is_not_there(tmp_path):
    made(tmp_path)
    with pytest.raises(DataError, match=r"nothere.csv does not exist"):
        go(tmp_path, study(WIDE.replace("features.csv", "nothere.csv")))


def test_gaps_without_imputation_are_an_error_that_says_what_to_do(tmp_path):
    wide = made(tmp_path)
    wide.loc[5, "b4_dwi"] = np.nan
    wide.to_csv(tmp_path / "features.csv", index=False)
    with pytest.raises(DataError, match=r"DWI:b4, patient P05, .* '- impute: median'"):
        go(tmp_path, study(select="[{univariate: {}}]"))


def test_all_missing_and_constant_columns_are_dropped_and_said(tmp_path):
    made(tmp_path).assign(b4_dwi=np.nan, b5_dwi=3.0).to_csv(tmp_path / "features.csv", index=False)
    select = SELECT.replace("{standardise: zscore}", "{variance: }, {standardise: zscore}")
    _, out = go(tmp_path, study(select=select))
    dropped = pd.read_csv(out / "model" / "dropped.csv").query("model == 'DWI'").set_index("feature")["reason"]
    assert dropped["DWI:b4"] == "no training row has a value"
    assert dropped["DWI:b5"] == "constant"


def test_a_signature_of_a_table_refuses_images(tmp_path):
    made(tmp_path)
    _, out = go(tmp_path, study())
    with pytest.raises(RefusedError, match="made from a table of features"):
        predict_patient(read_signature(out / "signature.json"), images={}, masks={}, clinical={})


# --- classifiers in a study ---------------------------------------------------------------------------------------


@pytest.mark.long
def test_several_classifiers_stand_in_the_same_tables(tmp_path):
    made(tmp_path)
    fit = "[logistic, {svm: {strengths: [1]}}, {random_forest: {trees: 20, smallest_leaf: [3]}}, knn]"
    _, out = go(tmp_path, study(fit=fit), until="report")
    table = areas(out)
    for kind in ("svm", "random_forest", "knn"):
        assert table[f"DWI ({kind})", "testing"] > 0.8
    pairs = pd.read_csv(out / "evaluate" / "delong.csv").set_index(["set", "model_a", "model_b"])
    assert not pairs.loc[("testing", "T2", "T2 (svm)"), "nested"]
    assert pairs.loc[("testing", "T2", "both (svm)"), "nested"]
    features = pd.read_csv(out / "model" / "features.csv").groupby("model")["feature"].agg(list)
    assert features["both (knn)"] == features["both"]  # the same selection, another classifier
    assert sorted(path.stem for path in (out / "model" / "signatures").iterdir()) == ["DWI", "T2", "both"]
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "could not be made" not in report
    assert "no formula" in report


@pytest.mark.long
def test_a_study_without_a_formula_writes_no_signature(tmp_path):
    made(tmp_path)
    _, out = go(tmp_path, study())
    assert (out / "signature.json").exists()
    _, out = go(tmp_path, study(fit="knn"), until="report")
    assert not (out / "signature.json").exists()
    assert "none that could be fitted is a formula" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["logistic", "svm", "random_forest", "gradient_boosting", "knn", "elastic_net"])
def test_an_empty_selection_is_an_intercept_for_every_classifier(tmp_path, kind):
    made(tmp_path)
    _, out = go(tmp_path, study(fit=kind, select="[{univariate: {below: 1.0e-12}}]"))
    models = read_json(out / "model" / "models.json")
    assert "no feature survived" in models["T2"]["note"]
    table = pd.read_csv(out / "evaluate" / "table3.csv").query("model == 'T2'")
    assert (table["auc"] == 0.5).all()
    assert table["auc_low"].notna().all()


def test_sizes_that_the_folds_found_are_in_the_facts(tmp_path):
    made(tmp_path)
    select = SELECT.replace("keep: 2", "keep: {cv: one-se, most: events/10}")
    _, out = go(tmp_path, study(select=select))
    models = read_json(out / "model" / "models.json")
    assert set(models["DWI"]["sizes"]) == {"boosted_trees"}
    assert 1 <= models["DWI"]["sizes"]["boosted_trees"] <= 2  # 21 patients in the smaller class
    assert set(models["both"]["sizes"]) >= {"DWI/boosted_trees", "boosted_trees"}

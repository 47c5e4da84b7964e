"""A study of three scanners: harmonised inside the pipeline, compared with itself without, and its refusals."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError, DataError, StudyFileError
from radstudy.modelling.refits.engine.plan import why_not
from radstudy.protocol.load import parse_protocol
from radstudy.steps.harmonisation import without_harmonising
from radstudy.study import run

STUDY = """
study: sites
seed: 1
cohort:
  table: cohort.csv
  patient: id
  site: scanner
  outcome: {column: y, positive: "1"}
  split: {column: set}
  clinical: {age: {unit: years}, result: {column: y2}}
sequences: [DWI]
features: {table: features.csv, patient: id}
model:
  select: [{harmonise: {method: combat, keep: [age]}}, {impute: median}, {standardise: zscore}, {univariate: {}}]
  models: {DWI: [DWI], age: {clinical: {variables: [age]}}}
evaluate: {chance: null, resampling: null, baselines: null}
"""


def write_tables(folder, rows=90):
    rng = np.random.default_rng(4)
    sites = np.resize(["Bern", "Lyon", "Wien"], rows)
    outcome = rng.permutation(np.arange(rows) % 2)
    values = rng.normal(size=(rows, 10)) + 1.5 * outcome[:, None] * (np.arange(10) < 2)
    values += np.searchsorted(["Bern", "Lyon", "Wien"], sites)[:, None] * rng.normal(0, 2, 10)
    cohort = pd.DataFrame({
        "id": [f"P{row:02d}" for row in range(rows)], "scanner": sites, "y": outcome, "y2": 3 - 2 * outcome,
        "age": rng.integers(30, 80, rows), "set": np.where(np.arange(rows) % 10 < 7, "training", "testing"),
    })  # fmt: skip
    cohort.to_csv(folder / "cohort.csv", index=False)
    pd.DataFrame(values, columns=[f"f{number}" for number in range(10)]).assign(id=cohort["id"]).to_csv(
        folder / "features.csv", index=False
    )
    return cohort


def _run(folder, text=STUDY):
    return run(parse_protocol(text), data=folder, out=folder / "out", until="evaluate", jobs=1)


def test_a_study_is_harmonised_and_compared_with_itself(tmp_path):
    cohort = write_tables(tmp_path)
    _run(tmp_path)
    rows = pd.read_csv(tmp_path / "out" / "cohort" / "rows.csv")
    assert rows["scan_site"].tolist() == cohort["scanner"].tolist()
    funnel = pd.read_csv(tmp_path / "out" / "model" / "funnel.csv").set_index(["model", "step"])
    assert funnel.loc[("DWI", "harmonise"), ["entered", "kept"]].tolist() == [10, 10]
    beside = pd.read_csv(tmp_path / "out" / "evaluate" / "harmonisation" / "with_and_without.csv").set_index("model")
    table3 = pd.read_csv(tmp_path / "out" / "evaluate" / "table3.csv").set_index(["model", "set"])
    assert beside.index.tolist() == ["DWI"]
    assert beside.loc["DWI", "testing_auc_with"] == pytest.approx(table3.loc[("DWI", "testing"), "auc"], abs=1e-12)
    assert beside.loc["DWI", "testing_auc_with"] > beside.loc["DWI", "testing_auc_without"] + 0.05
    assert beside.loc["DWI", "folds"] == 5
    effect = (
        pd.read_csv(tmp_path / "out" / "evaluate" / "harmonisation" / "site_effect.csv").groupby("set").median(True)
    )
    assert (effect["eta_squared_after"] < effect["eta_squared_before"]).all()
    assert effect.loc["training", "eta_squared_after"] < 0.02 < effect.loc["testing", "eta_squared_after"]
    signatures = [file.name for file in (tmp_path / "out" / "model" / "signatures").glob("*.json")]
    assert signatures == ["age.json"]


def test_the_plain_study_is_what_without_means(tmp_path):
    write_tables(tmp_path)
    _run(tmp_path)
    beside = pd.read_csv(tmp_path / "out" / "evaluate" / "harmonisation" / "with_and_without.csv").set_index("model")
    plain = STUDY.replace("{harmonise: {method: combat, keep: [age]}}, ", "").replace("  site: scanner\n", "")
    run(parse_protocol(plain), data=tmp_path, out=tmp_path / "plain", until="evaluate", jobs=1)
    table3 = pd.read_csv(tmp_path / "plain" / "evaluate" / "table3.csv").set_index(["model", "set"])
    assert beside.loc["DWI", "testing_auc_without"] == pytest.approx(table3.loc[("DWI", "testing"), "auc"], abs=1e-12)
    assert not (tmp_path / "plain" / "evaluate" / "harmonisation").exists()
    assert "scan_site" not in pd.read_csv(tmp_path / "plain" / "cohort" / "rows.csv")


def test_a_study_without_a_site_has_the_settings_of_before():
    plain = STUDY.replace("{harmonise: {method: combat, keep: [age]}}, ", "").replace("  site: scanner\n", "")
    settings = parse_protocol(plain).model_dump(mode="json")
    assert "site" not in settings["cohort"] and "harmonise" not in settings["model"]["select"][0]


def test_the_engine_leaves_it_to_scikit_learn_and_says_why():
    protocol = parse_protocol(STUDY)
    assert why_not(protocol, "DWI") == "the step harmonise"
    assert why_not(without_harmonising(protocol), "DWI") == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  site: scanner\n", "", "cohort.site"),
        ("keep: [age]", "keep: [y]", "names the outcome"),
        ("{column: y2}", "{column: y}", "names the outcome"),
        ("keep: [age]", "keep: [weight]", "weight"),
        ("{impute: median}, ", "{impute: median}, {harmonise: {method: combat}}, ", "first step"),
        ("  models:", "  signature: DWI\n  models:", "cannot yet hold"),
    ],
)
def test_mistakes_in_the_study_file(old, new, message):
    text = STUDY.replace(old, new)
    if new == "{column: y}":
        text = text.replace("keep: [age]", "keep: [result]")
    with pytest.raises(StudyFileError, match=message):
        parse_protocol(text)


def test_the_outcome_under_another_name_is_refused_by_its_values(tmp_path):
    write_tables(tmp_path)
    with pytest.raises(DataError, match="'clinical:result' is the outcome"):
        _run(tmp_path, STUDY.replace("keep: [age]", "keep: [result]"))


def test_a_site_that_is_only_tested_is_refused(tmp_path):
    cohort = write_tables(tmp_path)
    cohort.assign(scanner=np.where(cohort["set"] == "testing", "Rom", cohort["scanner"])).to_csv(
        tmp_path / "cohort.csv", index=False
    )
    with pytest.raises(DataError, match="'Rom' has 27 testing rows and no training row"):
        _run(tmp_path)


def test_a_patient_without_a_site_is_named(tmp_path):
    cohort = write_tables(tmp_path)
    cohort.loc[3, "scanner"] = None
    cohort.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(CohortError, match="Patient P03: the site"):
        _run(tmp_path)

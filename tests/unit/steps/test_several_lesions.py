"""Several lesions of a patient, and patients whom no model could use: what `evaluate` counts and what it says."""

import numpy as np
import pandas as pd
import pytest

from radstudy.report.facts import read_facts
from radstudy.report.tables import TABLES
from radstudy.report.text.summary import summary
from radstudy.store import write_json

INDEPENDENT = "the intervals take them as independent and are too narrow"


def table(run, name):
    return pd.read_csv(run.path("evaluate", f"{name}.csv"), keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def clustered(synthetic_class, tmp_path_factory):
    """30 patients with two lesions each: one age a patient, a margin that differs between lesions."""
    made = synthetic_class(tmp_path_factory.mktemp("clustered"), effect=1.2)
    rows, names = made.rows, list(made.rows["patient"])
    number = np.arange(60) % 30
    rows["patient"], rows["lesion"] = [f"P{n:02d}" for n in number], np.where(np.arange(60) < 30, "1", "2")
    rows["age"] = rows["age"].to_numpy()[number]
    made.values = {
        (f"P{names.index(patient) % 30:02d}", "1" if names.index(patient) < 30 else "2", *rest): values
        for (patient, _, *rest), values in made.values.items()
    }
    return made, made.run()


def test_tables_1_and_2_count_patients_once_and_lesions_where_the_value_is_the_lesions(clustered):
    made, run = clustered
    positive = made.rows.groupby("patient")["outcome"].max()
    age = table(run, "table1").set_index("set").loc["all"]
    assert (age["negative_n"], age["positive_n"]) == ((positive == 0).sum(), (positive == 1).sum())
    assert age["positive_mean"] == pytest.approx(
        made.rows.drop_duplicates("patient").set_index("patient")["age"][positive == 1].mean()
    )
    margin = table(run, "table2").query("set == 'all'")
    assert margin[["negative_n", "positive_n"]].to_numpy().sum() == 60
    assert age["counted"] == "patients" and set(margin["counted"]) == {"lesions"}


@pytest.mark.parametrize("name", ["table3", "calibration", "delong", "mcnemar", "incremental", "regression_models",
                                  "regression", "baselines/table3"])  # fmt: skip
def test_every_table_of_intervals_says_that_lesions_are_taken_as_independent(clustered, name):
    _, run = clustered
    frame = table(run, name)
    assert len(frame)
    assert frame["note"].str.contains(INDEPENDENT).all()


def test_one_lesion_a_patient_needs_no_such_note(finished):
    for name in ("table3", "calibration", "delong", "mcnemar", "incremental", "regression_models"):
        assert not table(finished, name)["note"].astype(str).str.contains("independent").any()
    assert (table(finished, "table1")["negative_n"] + table(finished, "table1")["positive_n"]).max() == 60


def test_nested_models_have_no_delong_test_on_the_patients_they_were_fitted_on(finished):
    pairs = table(finished, "delong")
    nested = pairs["nested"] & (pairs["set"] == "training")
    assert nested.sum() == 6
    assert pairs.loc[nested, ["p_value", "p_adjusted", "low", "high"]].isna().all(axis=None)
    assert pairs.loc[nested, "note"].str.startswith("nested models: DeLong's test").all()
    assert pairs.loc[nested, "difference"].notna().all()
    assert pairs.loc[~nested, "p_value"].notna().all()
    assert (pairs.loc[~nested, "p_adjusted"] >= pairs.loc[~nested, "p_value"]).all()
    added = table(finished, "incremental")
    training = added["set"] == "training"
    assert added.loc[training, ["auc_p_value", "auc_low", "auc_high"]].isna().all(axis=None)
    assert added.loc[~training, "auc_p_value"].notna().all()


def test_events_are_counted_per_candidate(finished):
    fits = table(finished, "regression_models").set_index("model")
    assert fits.loc["T2", "candidates"] == 35  # of 40 features five are not reproducible
    assert fits.loc["all", "candidates"] == 70 + 2  # both sequences, the age and one indicator of the margin
    assert fits.loc["all", "events_per_candidate"] == pytest.approx(fits.loc["all", "events"] / 72)


def test_the_p_value_of_a_regression_never_contradicts_its_interval(finished, clustered):
    for run in (finished, clustered[1]):
        rows = table(run, "regression").dropna(subset=["low", "high"])
        outside = (rows["low"] > 1) | (rows["high"] < 1)
        assert ((rows["p_value"] < 0.05) == outside).all()
        assert (rows["p_value"] == rows["lr_p_value"]).all() and set(rows["interval"]) == {"profile"}


@pytest.fixture(scope="module")
def partly(synthetic_class, tmp_path_factory):
    """60 patients of whom twelve have no image, and a study without a clinical model."""
    made = synthetic_class(tmp_path_factory.mktemp("partly"), effect=1.2)
    made.study = made.study.replace("    clinical: {clinical: {univariate_below: 0.05}}\n", "").replace(
        "    all: {add: [both, clinical]}\n", ""
    )
    made.values = {key: value for key, value in made.values.items() if key[0] < "P48"}
    run = made.run()
    sets = {
        which: {"patients": len(part), "negative": int((part["outcome"] == 0).sum()),
                "positive": int((part["outcome"] == 1).sum())}
        for which, part in made.rows.groupby("set")
    }  # fmt: skip
    whole = {"negative": 36, "positive": 24}
    write_json(run.path("cohort", "flow.json"),
               {"screened": 61, "excluded": [{"reason": "no MRI", "patients": 1}], "kept": 60, "lesions": 60, **whole,
                **sets})  # fmt: skip
    return made, run, read_facts(run.protocol, run.out)


def test_table_1_is_of_those_who_were_analysed(partly):
    _, run, facts = partly
    rows = table(run, "table1")
    assert (rows["negative_n"] + rows["positive_n"]).tolist() == [32, 16, 48]
    shown = TABLES["clinical"](facts)
    assert [cell.text for cell in shown.header[0]][1:] == ["Training set (n = 32)", "Testing set (n = 16)"]
    assert any("left out (12; see the flowchart)" in line for line in shown.footnotes)


def test_flowchart_and_summary_name_those_who_were_never_analysed(partly):
    from radstudy.report.figures import FIGURES
    from radstudy.report.figures.style import style

    _, _, facts = partly
    with style():
        drawing = FIGURES["flowchart"](facts)
    assert "60 included, 12 not analysed (a value that every model needs is missing 12)" in drawing.alt
    assert "32 in the training set and 16 in the testing set" in drawing.alt
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert "Not analysed (n = 12)" in texts and "Analysed (n = 48)" in texts and "Training set (n = 32)" in texts
    told = "No model could use 12 patients, who contribute to no AUC; 48 patients were analysed: 32 training patients"
    assert told in " ".join(paragraph.text for paragraph in summary(facts))


def test_the_flowchart_of_a_study_that_used_everybody_has_no_such_box(finished):
    from radstudy.report.figures import FIGURES
    from radstudy.report.figures.style import style

    facts = read_facts(finished.protocol, finished.out)
    facts.documents["cohort/flow.json"] = {
        "screened": 60, "excluded": [], "kept": 60, "lesions": 60, "negative": 36, "positive": 24,
        "training": {"patients": 40, "negative": 24, "positive": 16},
        "testing": {"patients": 20, "negative": 12, "positive": 8},
    }  # fmt: skip
    with style():
        assert "nalysed" not in FIGURES["flowchart"](facts).alt

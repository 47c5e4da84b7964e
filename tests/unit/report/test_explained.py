"""Predictions explained patient by patient: contributions that sum to the run's own probabilities, and their data."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.report.cited import plain
from radstudy.report.explained import FILE, distances, linear
from radstudy.report.facts import AbsentError
from radstudy.report.interactive import INTERACTIVE, movable_cutoff, patient_picker
from radstudy.report.out_of_fold import counts_at
from radstudy.report.tables import TABLES
from radstudy.statistics import decision_curve


def of_model(whole):
    scores = whole.frames["model/predictions.csv"]
    return scores[scores["model"] == "combined"], whole.frames[FILE]


def test_the_primary_model_is_explained_else_the_study_s(whole):
    assert whole.explained_model == "combined"
    own = whole.protocol.evaluate.model_copy(update={"primary": None})
    other = replace(whole, protocol=whole.protocol.model_copy(update={"evaluate": own}))
    assert other.explained_model == other.study_model


def test_contributions_that_do_not_sum_to_the_probability_are_not_printed(whole):
    predicted, frame = of_model(whole)
    assert linear(whole, frame)
    assert distances(predicted, frame, -0.7).max() < 1e-9
    whole.frames[FILE] = frame.assign(contribution=frame["contribution"].where(frame.index != 3, 9.0))
    with pytest.raises(AbsentError, match=r"1 of 62 predictions do not sum to the log-odds"):
        TABLES["contributions"](whole)
    data = patient_picker(whole).data
    assert "hundredths" not in data and "do not sum" in data["why"]


def test_a_patient_without_contributions_is_found(whole):
    predicted, frame = of_model(whole)
    assert np.isnan(distances(predicted, frame.iloc[5:], -0.7)[0])


def test_a_probability_that_is_rounded_to_one_is_no_contradiction():
    predicted = pd.DataFrame({"patient": ["1"], "lesion": ["1"], "probability": [1.0]})
    frame = pd.DataFrame({"patient": ["1"], "lesion": ["1"], "contribution": [50.0]})
    assert distances(predicted, frame, 0.0)[0] == 0.0
    assert np.isinf(distances(predicted, frame.assign(contribution=3.0), 0.0)[0])


def test_the_table_and_the_page_s_data_have_the_same_numbers(whole):
    facts = whole.cited()
    data = json.loads(patient_picker(facts).json)
    rows = TABLES["contributions"](facts).plain().rows
    predicted = TABLES["predicted"](facts).plain().rows
    assert len(rows) == len(predicted) == len(data["patients"]) == 62
    for place, (row, probability) in enumerate(zip(rows, predicted, strict=True)):
        printed = [float(cell.text.replace("−", "-")) for cell in row[1:]]
        assert row[0].text == probability[0].text == data["patients"][place]
        assert printed[:-1] == [hundredths / 100 for hundredths in data["hundredths"][place]]
        assert printed[-1] == data["log_odds"][place]
        assert float(probability[3].text) == data["probabilities"][place]


def test_every_printed_contribution_cites_its_cell(whole):
    rows = TABLES["contributions"](whole.cited()).rows
    assert all("report/contributions.csv" in cell.text for row in rows for cell in row[1:])
    assert all("model/predictions.csv" in row[3].text for row in TABLES["predicted"](whole.cited()).rows)


def test_a_model_that_is_no_formula_says_so_and_its_features_are_still_placed(whole):
    whole.frames[FILE] = whole.frames[FILE].assign(contribution=np.nan)
    whole.documents["model/models.json"]["combined"] |= {"intercept": None}
    with pytest.raises(AbsentError, match="combined is not a linear model"):
        TABLES["contributions"](whole)
    data = patient_picker(whole).data
    assert len(data["percentiles"]) == 62 and "hundredths" not in data
    assert data["why"].startswith("combined is not a linear model")


def test_a_run_of_an_earlier_version_has_probabilities_alone(whole):
    del whole.frames[FILE]
    data = patient_picker(whole).data
    assert data["features"] == [] and "radstudy report" in data["why"]
    assert len(TABLES["predicted"](whole).rows) == 62


def test_a_model_that_was_not_fitted_is_absent(whole):
    scores = whole.frames["model/predictions.csv"]
    whole.frames["model/predictions.csv"] = scores[scores["model"] != "combined"]
    for make in (patient_picker, TABLES["predicted"], TABLES["contributions"]):
        with pytest.raises(AbsentError):
            make(whole)


def test_the_data_of_a_thousand_patients_and_twenty_features_stay_small(whole):
    rng = np.random.default_rng(4)
    patients = [f"MRN-{number:06d}" for number in range(1000)]
    shares = rng.normal(size=(1000, 20))
    odds = shares.sum(axis=1) - 0.7
    whole.frames["model/predictions.csv"] = pd.DataFrame({
        "patient": patients, "lesion": "1", "set": np.where(rng.random(1000) < 0.7, "training", "testing"),
        "outcome": rng.integers(0, 2, 1000), "model": "combined", "probability": 1 / (1 + np.exp(-odds)),
    })  # fmt: skip
    whole.frames[FILE] = pd.DataFrame({
        "model": "combined", "patient": np.repeat(patients, 20), "lesion": "1",
        "feature": np.tile([f"T2:log-sigma-3-0-mm-3D_glcm_Feature{number}" for number in range(20)], 1000),
        "value": np.exp(rng.normal(0, 4, 20000)), "imputed": np.nan, "percentile": 100 * rng.random(20000),
        "contribution": shares.ravel(),
    })  # fmt: skip
    assert len(patient_picker(whole).json) < 300_000


def test_hostile_names_cannot_end_the_script_element(whole):
    scores = whole.frames["model/predictions.csv"]
    whole.frames["model/predictions.csv"] = scores.assign(patient="</script><script>alert(1)</script>&\u2028\x00")
    text = patient_picker(whole).json
    assert not re.search(r"[<>&\u2028]", text) and text.isascii()
    assert json.loads(text)["patients"][0] == "</script><script>alert(1)</script>&\u2028\ufffd"


# --- the movable cut-off ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cutoff", [0.1, 0.25, 0.37, 0.5, 0.82])
def test_counts_and_net_benefit_are_those_of_the_statistics_package(whole, cutoff):
    facts = whole.cited()
    own = facts.frame("evaluate/resampling/patients.csv")
    counts = counts_at(own, "combined", cutoff)
    called = own["risk_median"].to_numpy() >= cutoff
    positive = own["outcome"].to_numpy() == 1
    assert (counts.tp, counts.fp) == ((called & positive).sum(), (called & ~positive).sum())
    assert (counts.tn, counts.fn) == ((~called & ~positive).sum(), (~called & positive).sum())
    curve = decision_curve(positive.astype(int), own["risk_median"].to_numpy(), [cutoff], resamples=0)
    frame = TABLES["cutoffs"](whole).frame
    if cutoff in set(frame["cutoff"]):
        assert frame.set_index("cutoff").loc[cutoff, "net_benefit"] == pytest.approx(curve.net_benefit[0])


def test_without_nested_cross_validation_the_part_is_absent_with_the_reason(whole):
    frame = whole.frames["evaluate/resampling/patients.csv"]
    whole.frames["evaluate/resampling/patients.csv"] = frame.assign(model="T2")
    for make in (movable_cutoff, TABLES["cutoffs"]):
        with pytest.raises(AbsentError, match=r"evaluate\.resampling\.nested"):
            make(whole)


def test_the_exploratory_parts_say_so(whole):
    assert any("Exploratory" in line for line in movable_cutoff(whole).lines)
    assert "Exploratory" in plain(TABLES["cutoffs"](whole).footnotes[0])


@pytest.mark.parametrize("name", INTERACTIVE)
def test_without_scripts_each_part_names_the_tables_with_its_numbers(whole, name):
    assert re.search(r"Table S\d+", INTERACTIVE[name](whole).without)

"""The tables of the patients: training against testing, missing data, sample size, lesions per patient."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import AbsentError
from radstudy.report.needed import patients_needed
from radstudy.report.tables import TABLES
from radstudy.statistics import categorical_test, continuous_test
from unit.report.conftest import MORE_STUDY


def cells(table):
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.plain().rows}


def test_the_sets_are_compared_by_the_studys_own_tests(whole):
    rows = whole.frames["cohort/rows.csv"]
    table = TABLES["comparability"](whole)
    of_set = dict(iter(rows.groupby("set")))
    ages = [of_set[which]["age"].to_numpy() for which in ("training", "testing")]
    age = table.frame[table.frame["variable"] == "age"].iloc[0]
    assert age["training_mean"] == pytest.approx(ages[0].mean())
    assert age["testing_sd"] == pytest.approx(ages[1].std(ddof=1))
    method = whole.protocol.evaluate.continuous
    assert age["p_value"] == continuous_test(ages[0], ages[1], method=method).p_value
    counts = [[int((of_set[which]["margin"] == level).sum()) for level in ("smooth", "lobed", "spiculated")]
              for which in ("training", "testing")]  # fmt: skip
    margin = table.frame[table.frame["variable"] == "margin"]
    assert margin["training_n"].tolist() == counts[0] and margin["testing_n"].tolist() == counts[1]
    assert set(margin["p_value"]) == {categorical_test(np.array(counts)).p_value}
    assert cells(table)["malignant"][:2] == ["20 (50.0)", "11 (50.0)"]


def test_one_set_alone_is_compared_with_nothing(whole):
    rows = whole.frames["cohort/rows.csv"]
    whole.frames["cohort/rows.csv"] = rows[rows["set"] == "training"]
    with pytest.raises(AbsentError, match="only one set"):
        TABLES["comparability"](whole)


def test_missing_values_and_sequences_are_counted_by_set(whole):
    rows = whole.frames["cohort/rows.csv"].copy()
    training = rows.index[rows["set"] == "training"]
    rows.loc[training[:3], "age"] = np.nan
    rows.loc[training[0], "margin"] = ""
    whole.frames["cohort/rows.csv"] = rows
    tested = rows.loc[rows["set"] == "testing", "patient"].iloc[0]
    place = {"patient": tested, "lesion": "1", "sequence": "DWI"}
    whole.frames["cohort/absent.csv"] = pd.DataFrame([place])
    undefined = whole.frames["extract/missing.csv"].iloc[0].to_dict()
    whole.frames["extract/missing.csv"] = pd.DataFrame([
        {**undefined, "patient": tested, "feature": name, "reader": reader} for name in ("f", "g") for reader in "ab"
    ])  # fmt: skip
    told = cells(TABLES["missing_data"](whole))
    assert told["Age"] == ["3 of 40 (7.5)", "0 of 22 (0.0)"]
    assert told["Margin"] == ["1 of 40 (2.5)", "0 of 22 (0.0)"]
    assert told["DWI not acquired, or lesion not visible on it"] == ["0 of 40 (0.0)", "1 of 22 (4.5)"]
    assert told["T2: at least one feature not defined"] == ["0 of 40 (0.0)", "1 of 22 (4.5)"]  # a lesion, not 4 values


def test_missing_data_are_said_to_be_imputed_only_where_a_step_does_so(whole):
    assert "select: impute" not in " ".join(TABLES["missing_data"](whole).footnotes)
    text = MORE_STUDY.replace("select: [", "select: [{impute: median}, ")
    imputed = replace(whole, protocol=parse_protocol(text))
    assert "select: impute" in " ".join(TABLES["missing_data"](imputed).footnotes)


def test_the_rows_needed_do_not_depend_on_the_studys_performance(whole):
    """Criterion 1 by hand: 5 / ((0.9 - 1) ln(1 - R2 / 0.9)), R2 = 0.15 (1 - (0.5^0.5 0.5^0.5)^2) = 0.1125: 375."""
    by_hand = int(np.ceil(5 / (-0.1 * np.log(1 - 0.1125 / 0.9))))
    assert by_hand == 375
    whole.frames["evaluate/regression_models.csv"]["events"] = 20
    before = TABLES["sample_size"](whole).frame.set_index("model")["rows_needed"]
    assert before["combined"] == max(by_hand, patients_needed(1, 20, 40))  # criterion 3 asks for 385 whatever the model
    whole.frames["evaluate/table3.csv"]["auc"] = 0.99
    whole.frames["evaluate/regression_models.csv"]["r2_nagelkerke"] = 0.99
    assert TABLES["sample_size"](whole).frame.set_index("model")["rows_needed"].equals(before)


@pytest.mark.parametrize(("parameters", "events", "rows"), [(0, 20, 40), (3, 0, 40), (3, 40, 40)])
def test_of_no_model_or_one_outcome_no_number_is_needed(parameters, events, rows):
    assert patients_needed(parameters, events, rows) is None


def test_lesions_are_counted_per_patient_and_set(whole):
    with pytest.raises(AbsentError, match="Every patient has one lesion \\(62 patients\\)"):
        TABLES["lesions_per_patient"](whole)
    for name in ("cohort/rows.csv", "model/predictions.csv"):
        frame = whole.frames[name]
        twice = frame[frame["patient"].isin(["training0", "training1", "testing0"])]
        whole.frames[name] = pd.concat([frame, twice.assign(lesion="2")])
    told = cells(TABLES["lesions_per_patient"](whole))
    assert told == {"1": ["38", "21", "59"], "2": ["2", "1", "3"], "Patients": ["40", "22", "62"],
                    "Lesions": ["42", "23", "65"]}  # fmt: skip

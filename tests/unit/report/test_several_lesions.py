"""Several lesions of a patient: every table and figure with an interval or a test says what that does to it."""

import re

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.lesions import SEVERAL_LESIONS
from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import style
from radstudy.report.tables import TABLES
from radstudy.report.text.methods import methods
from radstudy.report.text.summary import summary

INDEPENDENT = "the intervals treat them as independent and are too narrow"
# intervals and tests that keep a patient's lesions together, count patients, or say of lesions what they are
ELSEWHERE = {"honest", "stability", "selection_frequency", "optimism", "chance", "clinical", "imaging",
             "clinical_whole_cohort", "imaging_whole_cohort", "selected_features", "choices", "versions"}  # fmt: skip
WITH_INTERVALS = {"auc", "roc", "delong", "calibration", "decision", "forest"}


def pairs(frame):
    return pd.DataFrame([
        {"set": which, "model_a": "T2", "model_b": "both", "rows": 22, "difference": 0.1, "low": -0.1, "high": 0.3,
         "z": 1.0, "p_value": 0.04, "p_adjusted": 0.04, "nested": True, "note": ""}
        for which in ("training", "testing")
    ])  # fmt: skip


def told(facts):
    """All that Summary and Methods say."""
    return "\n".join(getattr(line, "text", line) for line in (*summary(facts), *methods(facts)))


@pytest.fixture
def lesions(facts):
    """The study's rows as two lesions of each of 31 patients."""
    frame = facts.frames["model/predictions.csv"]
    number = frame["patient"].str.extract(r"(\d+)")[0].astype(int)
    frame["patient"] = frame["set"] + (number // 2).astype(str)
    frame["lesion"] = (number % 2 + 1).astype(str)
    rows = frame[frame["model"] == "T2"][["patient", "lesion", "set", "outcome"]]
    facts.frames["cohort/rows.csv"] = rows.assign(age=50.0, margin="smooth")
    facts.frames["evaluate/delong.csv"] = pairs(facts)
    facts.frames["model/clinical_screen.csv"] = pd.DataFrame(
        [("clinical", "age", 0.03, True)], columns=["model", "variable", "p_value", "kept"]
    )
    return facts


def test_every_table_with_an_interval_or_a_test_says_so(lesions):
    said = []
    for name in [name for name in TABLES if name not in ELSEWHERE]:
        try:
            table = TABLES[name](lesions)
        except AbsentError:
            continue
        words = " ".join([*(cell.text for row in table.header for cell in row), *table.footnotes])
        if re.search(r"\(CI\)|confidence interval|p-value|\bp,", words):
            notes = [line for line in table.footnotes if INDEPENDENT in line]
            assert len(notes) == 1, name
            assert "31 of 31 patients have several lesions (62 in all)" in notes[0]
            said.append(name)
    assert {"performance", "performance_measures", "delong_testing", "delong_training", "mcnemar", "incremental_value",
            "multivariable_regression", "regression_fit", "clinical_screen", "kappa"} <= set(said)  # fmt: skip
    assert any(INDEPENDENT in line for line in TABLES["performance_counts"](lesions).footnotes)


def test_every_figure_with_an_interval_or_a_test_says_so(lesions):
    with style():
        for name in WITH_INTERVALS:
            assert any(INDEPENDENT in note for note in FIGURES[name](lesions).notes), name


def test_summary_and_methods_say_so(lesions):
    for text in (summary, methods):
        assert any(INDEPENDENT in getattr(line, "text", line) for line in text(lesions)), text


def test_only_what_was_done_is_said_to_keep_lesions_together(lesions):
    assert "keep the lesions of a patient together" not in told(lesions)
    row = {"kind": "outcome", "model": "T2", "measure": "testing", "permutations": 999, "observed": 0.8,
           "p_value": 0.01, "chance_median": 0.5, "chance_low": 0.4, "chance_high": 0.7, "note": ""}  # fmt: skip
    lesions.frames["evaluate/chance/chance.csv"] = pd.DataFrame([row])
    assert "Only the permutations of Chance keep the lesions of a patient together" in told(lesions)


def test_one_lesion_a_patient_is_not_remarked_upon(facts):
    facts.frames["cohort/rows.csv"] = pd.DataFrame({"patient": ["a", "b"], "lesion": "1", "set": "training",
                                                    "outcome": [0, 1]})  # fmt: skip
    for name in ("performance", "mcnemar", "multivariable_regression"):
        assert not any("independent" in line for line in TABLES[name](facts).footnotes)
    assert "independent" not in told(facts)


def test_the_note_is_not_repeated_in_every_row(lesions):
    for file in ("table3", "mcnemar", "incremental", "regression", "regression_models", "delong", "calibration"):
        lesions.frames[f"evaluate/{file}.csv"]["note"] = SEVERAL_LESIONS
    for name in ("performance", "mcnemar", "incremental_value", "multivariable_regression", "regression_fit",
                 "delong_testing", "performance_measures"):  # fmt: skip
        table = TABLES[name](lesions)
        assert sum(INDEPENDENT in line for line in table.footnotes) == 1, name
        assert not any(SEVERAL_LESIONS in cell.text for row in table.rows for cell in row), name
        assert not any(cell.mark for row in table.rows for cell in row), name


def test_notes_on_degenerate_intervals_reach_table_3_and_figures_3_and_4(facts):
    frame = facts.frames["evaluate/table3.csv"]
    why = "the variance of the AUC is zero: the interval carries no information"
    place = (frame["model"] == "T2") & (frame["set"] == "testing")
    frame.loc[place, ["auc", "auc_low", "auc_high", "note"]] = [1.0, 1.0, 1.0, why]
    table = TABLES["performance"](facts)
    assert f"a: {why}." in table.footnotes
    marked = [row for row in table.rows if any(cell.mark for cell in row)]
    assert len(marked) == 1 and marked[0][3].text == "1.000"
    with style():
        for name in ("auc", "roc"):
            assert f"T2, testing: {why}." in FIGURES[name](facts).notes


def test_a_note_of_the_calibration_stands_beside_a_value_too(facts):
    frame = facts.frames["evaluate/calibration.csv"]
    place = (frame["model"] == "both") & (frame["set"] == "testing")
    frame.loc[place, "note"] = "the spline separates the outcome: a straight line in logit(p)"
    table = TABLES["performance_measures"](facts)
    row = next(row for row in table.rows if row[0].text == "both")
    assert row[5].text == "0.83" and row[5].mark
    assert f"{row[5].mark}: the spline separates the outcome: a straight line in logit(p)." in table.footnotes


def test_nested_pairs_have_no_p_value_on_their_training_set_in_runs_of_before_either(lesions):
    table = TABLES["delong_training"](lesions)
    assert [cell.text for cell in table.rows[0]][3:7] == ["0.100", "–", "–", "–"]
    assert [cell.text for cell in TABLES["delong_testing"](lesions).rows[0]][5] == "0.040"
    added = TABLES["incremental_value"](lesions)
    training = [row for row in added.rows if len(row) > 4][1]
    assert [cell.text for cell in training][3:5] == ["0.080", "–"]
    with style():
        drawn = FIGURES["delong"](lesions).figure
    assert "–" in [text.get_text() for text in drawn.axes[0].texts]


def test_a_run_that_counted_lesions_in_table_1_says_so(lesions):
    row = {"variable": "age", "label": "Age", "unit": "year", "kind": "continuous", "level": "", "negative_n": 20,
           "positive_n": 20, "negative_mean": 50.0, "positive_mean": 51.0, "negative_sd": 9.0, "positive_sd": 9.0,
           "negative_missing": 0, "positive_missing": 0, "smd": 0.1, "p_value": 0.4, "test": "Student's t",
           "note": ""}  # fmt: skip
    frame = pd.DataFrame([{"set": which, **row} for which in ("training", "testing", "all")])
    lesions.frames["evaluate/table1.csv"] = frame
    older = TABLES["clinical_whole_cohort"](lesions)
    assert older.header[0][1].text == "Whole cohort (n = 62)"
    assert any("counted lesions, not patients" in line for line in older.footnotes)
    lesions.frames["evaluate/table1.csv"] = frame.assign(counted=np.where(frame["set"] == "all", "lesions", "patients"))
    newer = TABLES["clinical_whole_cohort"](lesions)
    assert newer.header[0][1].text == "Whole cohort (n = 31)"
    assert newer.rows[0][0].text == "Age (year), per lesion, mean ± SD" and newer.rows[0][0].mark == "a"
    assert any("Patients count once" in line and "62 lesions" in line for line in newer.footnotes)

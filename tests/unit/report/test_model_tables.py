"""The report's tables of models and readers: cells, headings and footnotes from the run's files."""

import numpy as np
import pandas as pd
import pytest

from radstudy.report.facts import AbsentError
from radstudy.report.tables import TABLES
from radstudy.report.tables.regression import odds_ratio

APPARENT = "Training set: apparent, selection ignored"


def texts(row):
    return [cell.text for cell in row]


def block(table, heading):
    """The rows below a heading, to the next one."""
    rest = table.rows[[row[0].text for row in table.rows].index(heading) + 1 :]
    end = next((i for i, row in enumerate(rest) if row[0].kind == "group"), len(rest))
    return rest[:end]


def test_further_measures_come_with_their_intervals_testing_first(facts):
    table = TABLES["performance_measures"](facts)
    assert [row[0].text for row in table.rows if row[0].kind == "group"] == ["Testing set", APPARENT]
    row = block(table, "Testing set")[0]
    assert texts(row) == ["clinical", "0.700", "0.660", "0.710", "0.187", "0.83", "−0.12"]
    assert [cell.below for cell in row] == ["", "0.500 to 0.850", "0.500 to 0.800", "0.600 to 0.800", "",
                                            "0.21 to 1.45", "−0.90 to 0.70"]  # fmt: skip
    lost = block(table, "Testing set")[1]
    assert (lost[5].text, lost[5].mark) == ("–", "a")
    assert "a: all probabilities are equal: no slope." in table.footnotes
    assert len(table.frame) == 10


def test_a_run_without_the_newer_columns_has_dashes(facts):
    older = facts.frames["evaluate/table3.csv"]
    facts.frames["evaluate/table3.csv"] = older[["model", "set", "rows", "positives", "auc", "cutoff"]]
    row = block(TABLES["performance_measures"](facts), "Testing set")[0]
    assert texts(row)[1:5] == ["–", "–", "–", "0.187"]


def test_what_a_model_adds_and_what_to_beware_of(facts):
    table = TABLES["incremental_value"](facts)
    row = block(table, "Testing set")[0]
    assert texts(row) == ["combined", "clinical", "22", "0.080 (−0.020 to 0.180)", "0.117", "0.050 (0.010 to 0.090)",
                          "0.40 (−0.10 to 0.90)", "0.30", "0.10"]  # fmt: skip
    assert row[0].mark == "a"
    assert table.footnotes[0] == "a: nested models."
    assert len(block(table, APPARENT)) == 1


def test_mcnemar_of_every_pair(facts):
    row = block(TABLES["mcnemar"](facts), "Testing set")[0]
    assert texts(row) == ["T2", "both", "22", "5", "2", "13.6", "0.453", "0.906"]


def test_a_pair_that_could_not_be_tested_keeps_its_row(facts):
    frame = facts.frames["evaluate/mcnemar.csv"]
    numbers = ["only_a", "only_b", "difference", "p_value", "p_adjusted"]
    frame[numbers] = frame[numbers].astype(float)
    frame.loc[0, numbers] = np.nan
    frame.loc[0, "note"] = "no shared patient"
    table = TABLES["mcnemar"](facts)
    assert texts(block(table, APPARENT)[0])[3:] == ["–"] * 5
    assert "a: no shared patient." in table.footnotes


def test_the_regression_is_headed_by_what_it_is_worth(facts):
    table = TABLES["multivariable_regression"](facts)
    rows = block(table, "combined")
    assert texts(rows[0]) == ["T2 original_firstorder_Mean", "2.00 (1.10 to 3.64)", "<0.001", "1.25",
                              "maximum likelihood"]  # fmt: skip
    assert texts(rows[1])[1::3] == ["0.250 (0.00200 to 40,000)", "Firth"]
    assert texts(rows[2])[:2] == ["Age", "not estimated"]
    assert texts(rows[3])[0] == "Margin: lobed (against smooth)"
    assert rows[2][1].mark == "a"
    assert "a: a linear combination of others." in table.footnotes
    assert table.footnotes[-1].startswith("Training set: apparent, selection ignored.")


@pytest.mark.parametrize(
    ("values", "words"),
    [((2.0, 1.1, 3.636), "2.00 (1.10 to 3.64)"), ((0.36, 2.2e-5, 1.84), "0.360 (<0.001 to 1.84)"),
     ((14.5, 0.9, 20787.4), "14.5 (0.900 to 20,787)"), ((3.0, 0.0, np.inf), "3.00 (<0.001 to >10,000,000)")],
)  # fmt: skip
def test_odds_ratios_are_printed_without_powers_of_ten(values, words):
    assert odds_ratio(dict(zip(("odds_ratio", "low", "high"), values, strict=True))) == words


def test_the_fit_of_the_regressions(facts):
    table = TABLES["regression_fit"](facts)
    assert texts(table.rows[-1]) == ["combined", "40", "20", "–", "–", "4.0", "12.35 (5)", "0.012", "0.456", "41.2",
                                     "maximum likelihood"]  # fmt: skip
    assert table.footnotes[0] == "a: few events."
    frame = facts.frames["evaluate/regression_models.csv"]
    frame.loc[0, ["lr_statistic", "lr_p_value", "r2_nagelkerke", "aic"]] = np.nan
    assert texts(TABLES["regression_fit"](facts).rows[0])[6:10] == ["–"] * 4


def test_masks_by_sequence_with_median_and_quartiles(facts):
    table = TABLES["mask_agreement"](facts)
    assert [row[0].text for row in table.rows] == ["T2", "DWI"]
    assert texts(table.rows[0])[1:3] == ["3", "0.850 (0.825 to 0.875)"]
    assert table.rows[0][2].below == "0.800 to 0.900"
    assert table.footnotes[0].startswith("a and b: median (quartiles)")


def test_masks_of_three_readers_are_shown_pair_by_pair(facts):
    frame = facts.frames["agree/masks.csv"]
    other = frame.assign(reader_b="c", hausdorff_mm=np.nan, note="the mask of c is empty")
    facts.frames["agree/masks.csv"] = pd.concat([frame, other], ignore_index=True)
    table = TABLES["mask_agreement"](facts)
    assert [row[0].text for row in table.rows] == ["a and b", "T2", "DWI", "a and c", "T2", "DWI"]
    assert texts(table.rows[4])[4] == "–"
    assert table.footnotes[-1] == "Pairs of masks with a note in the CSV file: 6."


def test_kappa_names_its_weights_and_why_it_is_not_defined(facts):
    table = TABLES["kappa"](facts)
    assert texts(table.rows[0]) == ["Margin", "30", "90.0", "0.71 (0.50 to 0.92)", "quadratic"]
    assert texts(table.rows[1]) == ["Age", "30", "100.0", "–", "none"]
    assert table.footnotes[0] == "a: one category only."


@pytest.mark.parametrize(
    ("name", "file"),
    [("performance_measures", "evaluate/calibration.csv"), ("incremental_value", "evaluate/incremental.csv"),
     ("mcnemar", "evaluate/mcnemar.csv"), ("multivariable_regression", "evaluate/regression.csv"),
     ("regression_fit", "evaluate/regression_models.csv"), ("mask_agreement", "agree/masks.csv"),
     ("kappa", "agree/kappa.csv")],
)  # fmt: skip
def test_a_file_that_is_not_there_or_empty_is_said(facts, name, file):
    facts.frames[file] = pd.DataFrame()
    if name == "performance_measures":
        assert texts(block(TABLES[name](facts), "Testing set")[0])[4:] == ["–"] * 3
    else:
        with pytest.raises(
            AbsentError, match=r"There is no|Fewer than two|No multivariable|No lesion|names no characteristic"
        ):
            TABLES[name](facts)
    facts.frames.pop(file)
    with pytest.raises(AbsentError, match=file.split("/")[1]):
        TABLES[name](facts)


def test_both_tables_of_measures_have_the_testing_set_first(whole):
    for name in ("performance_counts", "performance_measures"):
        heads = [row[0].text for row in TABLES[name](whole).rows if len(row) == 1]
        assert heads == ["Testing set", "Training set: apparent, selection ignored"]

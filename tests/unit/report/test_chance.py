"""What chance reaches, in Table 3 and Figure 3."""

import numpy as np
import pandas as pd
import pytest

from radstudy.report.chance import CHANCE_FILE, chance_note, chance_of
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import style
from radstudy.report.tables import TABLES

COLUMNS = [
    "kind",
    "model",
    "measure",
    "permutations",
    "observed",
    "p_value",
    "chance_median",
    "chance_low",
    "chance_high",
    "note",
]


@pytest.fixture
def calibrated(facts):
    """The facts, with a chance calibration of the first model; the second is left out."""
    first, second = facts.fitted[:2]
    rows = [("outcome", first, which, 999, 0.8, p, median, 0.4, high, "") for which, p, median, high in
            (("training", 0.2, 0.78, 0.9), ("testing", 0.012, 0.5, 0.68))]  # fmt: skip
    rows += [("incremental", first, "testing", 999, 0.8, 0.3, 0.7, 0.6, 0.8, "")]
    rows += [("outcome", second, None, None, None, None, None, None, None, "no chance calibration: the classifier svm")]
    facts.frames[CHANCE_FILE] = pd.DataFrame(rows, columns=COLUMNS)
    return facts


def test_table_3_has_chance_beside_the_auc(calibrated):
    table = TABLES["performance"](calibrated)
    at = [cell.text for cell in table.header[0]].index("Chance")
    rows = [row for row in table.rows if len(row) == len(table.header[0])]
    assert [(row[at].text, row[at].below) for row in rows[:2]] == [
        ("0.780, p 0.200", "0.400 to 0.900"), ("0.500, p 0.012", "0.400 to 0.680"),
    ]  # fmt: skip
    assert rows[2][at].text == "–"


def test_who_is_left_out_is_said(calibrated):
    note = chance_note(calibrated)
    assert "999 permutations" in note
    assert f"Not for {calibrated.fitted[1]}: no chance calibration: the classifier svm." in note


def test_without_a_calibration_the_table_says_so(facts):
    assert chance_of(facts, facts.fitted[0], "testing") is None
    assert "No chance calibration yet" in chance_note(facts)
    assert "No chance calibration yet" in TABLES["performance"](facts).footnotes[-1]


def test_figure_3_explains_its_grey_bands_only_where_it_has_them(calibrated):
    with style():
        assert "Grey bands" in FIGURES["auc"](calibrated).notes[-1]
        del calibrated.frames[CHANCE_FILE]
        assert "Grey bands" not in " ".join(FIGURES["auc"](calibrated).notes)


@pytest.fixture
def corrected(calibrated):
    """The same with the columns of today."""
    frame = calibrated.frames[CHANCE_FILE]
    calibrated.frames[CHANCE_FILE] = frame.assign(
        p_max_t=np.where(frame["kind"] == "outcome", 0.29, 0.4), family=5, empty_percent=12.0, p_floor=0.001
    ).where(frame["permutations"].notna(), other=np.nan).assign(
        kind=frame["kind"], model=frame["model"], note=frame["note"]
    )  # fmt: skip
    return calibrated


def test_table_3_corrects_for_the_models_and_shows_what_radiomics_adds(corrected):
    table = TABLES["performance"](corrected)
    at = [cell.text for cell in table.header[0]].index("p, all models")
    rows = [row for row in table.rows if len(row) == len(table.header[0])]
    assert [(row[at].text, row[at].below) for row in rows[:2]] == [("0.290", ""), ("0.290", "radiomics 0.400")]
    notes = " ".join(table.footnotes)
    assert "the smallest possible p is 1 / (999 + 1) = 0.001" in notes
    assert "central 95% of the AUCs" in notes
    assert f"corrected for having tried 1 model ({corrected.fitted[0]}" in notes
    assert "It tests whether radiomics adds to the clinical variables" in notes
    assert "Radiomics permuted (below p, all models, and corrected over the models of both)" in notes
    assert "Table 3" not in notes
    assert f"no feature survived (AUC 0.5; they count): {corrected.fitted[0]} 120 of 999" in notes


def test_the_incremental_test_stands_beside_the_plain_one_in_a_run_of_before_too(calibrated):
    table = TABLES["performance"](calibrated)
    rows = [row for row in table.rows if len(row) == len(table.header[0])]
    assert any(cell.below == "radiomics, not corrected 0.300" for cell in rows[1])


def test_the_table_of_permutation_tests_has_both_questions(corrected):
    table = TABLES["chance"](corrected)
    assert [cell.text for cell in table.rows[1]] == [
        corrected.fitted[0], "0.800", "0.500 (0.400 to 0.680)", "0.012", "0.290", "12.0", "0.700 (0.600 to 0.800)",
        "0.300", "0.400",
    ]  # fmt: skip
    assert [(cell.text, cell.span) for cell in table.header[0]] == [
        ("", 2), ("Outcome permuted", 4), ("Radiomics permuted", 3)]  # fmt: skip
    assert sum(cell.span for cell in table.header[0]) == len(table.header[1]) == len(table.rows[1])
    assert len(table.frame) == 4


def test_the_bands_say_which_share_they_are(calibrated):
    with style():
        assert "central 95% of the AUCs" in FIGURES["auc"](calibrated).notes[1]


def test_few_permutations_have_no_central_share(calibrated):
    frame = calibrated.frames[CHANCE_FILE]
    frame["permutations"] = frame["permutations"].where(frame["permutations"].isna(), 19)
    table = TABLES["performance"](calibrated)
    at = [cell.text for cell in table.header[0]].index("Chance")
    rows = [row for row in table.rows if len(row) == len(table.header[0])]
    assert (rows[1][at].text, rows[1][at].below) == ("0.500, p 0.012", "")
    with style():
        notes = " ".join(FIGURES["auc"](calibrated).notes)
    assert "Grey bands" not in notes
    assert "Grey tick of clinical: the median AUC of the same models on permuted outcomes" in notes
    for text in (notes, *TABLES["chance"](calibrated).footnotes):
        assert "in brackets" not in text.lower()


def test_no_band_of_figure_3_is_cut_off_by_the_axis(calibrated):
    frame = calibrated.frames[CHANCE_FILE]
    frame["chance_low"] = frame["chance_low"].where(frame["permutations"].isna(), 0.0)
    with style():
        left, _ = FIGURES["auc"](calibrated).figure.axes[0].get_xlim()
    assert left < 0.0

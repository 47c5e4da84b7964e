"""What chance reaches, in Table 3 and Figure 3."""

import pandas as pd
import pytest

from radstudy.report.chance import NULL, chance_note, chance_of
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
    "null_median",
    "null_low",
    "null_high",
    "note",
]


@pytest.fixture
def calibrated(facts):
    """The facts, with a null calibration of the first model; the second is left out."""
    first, second = facts.fitted[:2]
    rows = [("outcome", first, which, 999, 0.8, p, median, 0.4, high, "") for which, p, median, high in
            (("training", 0.2, 0.78, 0.9), ("testing", 0.012, 0.5, 0.68))]  # fmt: skip
    rows += [("incremental", first, "testing", 999, 0.8, 0.3, 0.7, 0.6, 0.8, "")]
    rows += [("outcome", second, None, None, None, None, None, None, None, "no null calibration: the classifier svm")]
    facts.frames[NULL] = pd.DataFrame(rows, columns=COLUMNS)
    return facts


def test_table_3_has_the_null_beside_the_auc(calibrated):
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
    assert f"Not for {calibrated.fitted[1]}: no null calibration: the classifier svm." in note


def test_without_a_calibration_the_table_says_so(facts):
    assert chance_of(facts, facts.fitted[0], "testing") is None
    assert "No null calibration yet" in chance_note(facts)
    assert "No null calibration yet" in TABLES["performance"](facts).footnotes[-1]


def test_figure_3_explains_its_grey_bands_only_where_it_has_them(calibrated):
    with style():
        assert "Grey bands" in FIGURES["areas"](calibrated).notes[-1]
        del calibrated.frames[NULL]
        assert "Grey bands" not in " ".join(FIGURES["areas"](calibrated).notes)

"""Numbers as people type them: one decimal mark per file; what nothing decides is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radstudy.cohort.feature_table import read_feature_table
from radstudy.cohort.manifest import Cohort, read_cohort
from radstudy.errors import CohortError
from radstudy.protocol.load import parse_protocol

STUDY = """
study: test
cohort:
  patient: id
  table: {table}
  outcome: {{column: y, positive: "1"}}
  split: {{column: set}}
  readers: [a]
  clinical: {{ki: {{}}, size: {{}}}}
sequences: [T2]
features: {{table: {features}, columns: {{T2: f_}}}}
model: {{select: [{{boosted_trees: {{keep: 2}}}}], models: {{T2: [T2]}}}}
"""
ROWS = [("p1", "0", "train"), ("p2", "1", "train"), ("p3", "0", "test"), ("p4", "1", "test")]


def cohort_of(folder, cells, separator=";", encoding="utf-8", name="cohort.csv", quote=False) -> Cohort:
    """A cohort whose patients have these (ki, size)."""
    lines = [["id", "y", "set", "ki", "size"], *([*row, *cell] for row, cell in zip(ROWS, cells, strict=True))]
    if name.endswith(".xlsx"):
        pd.DataFrame(lines[1:], columns=lines[0]).to_excel(folder / name, index=False)
    else:
        mark = '"' if quote else ""
        text = "".join(separator.join(f"{mark}{value}{mark}" for value in line) + "\n" for line in lines)
        (folder / name).write_bytes(text.encode(encoding))
    (folder / "features.csv").write_text("id,f_a\np1,1\np2,2\np3,3\np4,4\n")
    return read_cohort(parse_protocol(STUDY.format(table=name, features="features.csv")), folder)


def test_a_point_before_three_digits_is_a_group_mark_where_the_decimal_mark_is_a_comma(tmp_path):
    cohort = cohort_of(tmp_path, [("12.864", "5,1"), ("13501", "6,25"), ("1.002.003", "7"), ("1.234,5", "8")])
    assert cohort.rows["ki"].tolist() == [12864, 13501, 1002003, 1234.5]
    assert cohort.rows["size"].tolist() == [5.1, 6.25, 7, 8]
    assert any("digit group separator" in note and "'12.864' was read as 12864" in note for note in cohort.notes)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_comma_before_three_digits_is_a_group_mark_where_the_decimal_mark_is_a_point(tmp_path, separator):
    cohort = cohort_of(tmp_path, [("12,864", "5.1"), ("13501", "6.25"), ("900", "7"), ("1,234.5", "8")], separator)
    assert cohort.rows["ki"].tolist() == [12864, 13501, 900, 1234.5]


def test_two_decimal_marks_in_one_file_are_refused_with_the_cell(tmp_path):
    with pytest.raises(
        CohortError, match=r"line 3, column 'size': '6\.25' has a decimal point, but line 2, column 'size'"
    ):
        cohort_of(tmp_path, [("1", "5,1"), ("2", "6.25"), ("3", "7,5"), ("4", "8")])


@pytest.mark.parametrize("cell", ["12.864", "12,864"])
def test_what_nothing_decides_is_refused_with_the_cell_and_the_study_file_can_say(tmp_path, cell):
    cells = [(cell, "5"), ("13501", "6"), ("900", "7"), ("800", "8")]
    with pytest.raises(
        CohortError, match=r"line 2, column 'ki': '12[.,]864' may be 12864 or 12\.864: nothing in the file"
    ):
        cohort_of(tmp_path, cells)
    for told, is_decimal in (("point", cell == "12.864"), ("comma", cell == "12,864")):
        text = STUDY.replace("patient: id", f"patient: id\n  decimal: {told}")
        study = parse_protocol(text.format(table="cohort.csv", features="features.csv"))
        assert read_cohort(study, tmp_path).rows["ki"].iloc[0] == (12.864 if is_decimal else 12864)


def test_a_comma_separated_table_of_three_decimals_reads_as_before(tmp_path):
    cohort = cohort_of(tmp_path, [("1.234", "5"), ("2.345", "6"), ("3.456", "7"), ("4.567", "8")], ",")
    assert cohort.rows["ki"].tolist() == [1.234, 2.345, 3.456, 4.567]


@pytest.mark.parametrize(
    "how",
    [
        {"separator": "\t"},
        {"separator": "\t", "encoding": "utf-16"},
        {"separator": ",", "quote": True},
        {"name": "cohort.xlsx"},
        {"separator": ";"},
    ],
    ids=["tabs", "utf-16", "quoted", "xlsx text", "semicolons"],
)
def test_a_decimal_comma_is_read_in_every_kind_of_file(tmp_path, how):
    cohort = cohort_of(tmp_path, [("5,1", "10"), ("6,25", "11"), ("0,125", "12"), ("7", "13")], **how)
    assert cohort.rows["ki"].tolist() == [5.1, 6.25, 0.125, 7]


def test_numbers_that_excel_holds_as_numbers_are_never_doubted(tmp_path):
    cells = [(12.864, "5,5"), (13.501, "6,5"), (900.0, "7"), (800, "8")]
    cohort = cohort_of(tmp_path, cells, name="cohort.xlsx")
    assert cohort.rows["ki"].tolist() == [12.864, 13.501, 900, 800]
    assert cohort.rows["size"].tolist() == [5.5, 6.5, 7, 8]


def test_group_marks_in_a_feature_table(tmp_path):
    cohort_of(tmp_path, [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")])
    (tmp_path / "features.csv").write_text("id;f_a;f_b\np1;12.864;0,5\np2;13501;0,25\np3;3;1\np4;4;2\n")
    study = parse_protocol(STUDY.format(table="cohort.csv", features="features.csv"))
    np.testing.assert_array_equal(read_feature_table(study, tmp_path).table.of("T2", "a")["a"], [12864, 13501, 3, 4])
    (tmp_path / "features.csv").write_text("id;f_a\np1;12.864\np2;13501\np3;3\np4;4\n")
    with pytest.raises(
        CohortError, match=r"line 2, column 'f_a': '12\.864' may be 12864 or 12\.864.*features\.decimal"
    ):
        read_feature_table(study, tmp_path)


def test_identifiers_that_lost_their_zeros_are_shown_as_both_tables_have_them(tmp_path):
    cohort_of(tmp_path, [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")])
    text = (tmp_path / "cohort.csv").read_text()
    (tmp_path / "cohort.csv").write_text(text.replace("p1", "007"))
    (tmp_path / "features.csv").write_text("id,f_a\n7,1\np2,2\np3,3\np4,4\n")
    cohort = read_cohort(parse_protocol(STUDY.format(table="cohort.csv", features="features.csv")), tmp_path)
    assert "it has '7', the cohort table '007': make both the same" in str(cohort.failures[0])


@pytest.mark.parametrize("cell", ["1e160", "-2e154"])
def test_a_feature_of_which_no_variance_can_be_computed_is_refused_with_its_cell(tmp_path, cell):
    cohort_of(tmp_path, [("1", "1"), ("2", "2"), ("3", "3"), ("4", "4")])
    (tmp_path / "features.csv").write_text(f"id,f_a\np1,{cell}\np2,2\np3,3\np4,4\n")
    study = parse_protocol(STUDY.format(table="cohort.csv", features="features.csv"))
    with pytest.raises(CohortError, match=r"row 2, column 'f_a': '.*' is infinite or beyond 1e\+150"):
        read_feature_table(study, tmp_path)

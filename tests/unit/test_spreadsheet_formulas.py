"""No table that the program writes holds a formula of somebody else, and every reader gives the texts back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CaseError
from radstudy.intake.csv_rows import read_rows, write_listing, write_rows
from radstudy.intake.review import read_answers, read_review, write_review
from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import open_source
from radstudy.steps.run import read_failures, write_failures
from radstudy.store import csv_bytes, read_csv, write_csv
from radstudy.workbook import xlsx_bytes
from unit.intake import synthetic

FORMULAS = [
    "=1+1", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x","y")', "'=1",
    "''@x", "-fs T2", " =1", "\uff1d1+1",
]  # fmt: skip
ORDINARY = [
    "T2",
    "-",
    "--",
    "+",
    "-1.5",
    "+3",
    "-1e-05",
    "-1,5",
    "-50%",
    "'s-Gravenhage",
    "",
    "007",
    "a=b",
    "it's",
    "王芳",
]


def computed(cell: str) -> bool:
    """Whether a spreadsheet may compute the cell of a CSV."""
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or not cell.strip("+-"):
        return False
    try:
        float(cell.rstrip("%").replace(",", "."))
    except ValueError:
        return True
    return False


def cells_of(file: Path) -> list[str]:
    text = io.StringIO(file.read_bytes().decode("utf-8"), newline="")
    return [cell for row in csv.reader(text) for cell in row]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_is_a_formula_is_none_in_a_table_and_comes_back(tmp_path, text):
    frame = pd.DataFrame({"patient": ["1", "2"], "name": [text, "T2"], "value": [-1.5, 2.0]})
    write_csv(tmp_path / "a.csv", frame)
    assert not any(map(computed, cells_of(tmp_path / "a.csv")))
    pd.testing.assert_frame_equal(
        read_csv(tmp_path / "a.csv", dtype={"patient": str}), frame, check_dtype=False, check_exact=True
    )


@pytest.mark.parametrize("text", FORMULAS)
def test_a_row_of_the_import_comes_back(tmp_path, text):
    write_rows(tmp_path / "a.csv", ["name", "b"], [{"name": text, "b": "x"}])
    assert not any(map(computed, cells_of(tmp_path / "a.csv")))
    assert read_rows(tmp_path / "a.csv") == [{"name": text, "b": "x"}]


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-2+3", "@SUM(A1)"])
@pytest.mark.parametrize("kept", [True, False])
def test_it_comes_back_whether_excel_keeps_the_apostrophe_or_not(tmp_path, text, kept):
    write_rows(tmp_path / "a.csv", ["name", "b"], [{"name": text, "b": "x"}])
    saved = (tmp_path / "a.csv").read_text(encoding="utf-8").replace(",", ";")
    assert f"'{text}" in saved
    (tmp_path / "a.csv").write_text(saved if kept else saved.replace("'", ""), encoding="utf-8")
    assert read_rows(tmp_path / "a.csv") == [{"name": text, "b": "x"}]
    assert read_table(tmp_path / "a.csv")[0]["name"].tolist() == [text]


def test_ordinary_tables_are_the_same_bytes_as_ever():
    frame = pd.DataFrame(
        {"text": ORDINARY, "number": [-1.5 * n for n in range(len(ORDINARY))], "-1": range(len(ORDINARY))}
    )
    assert csv_bytes(frame) == frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def test_names_of_columns_are_texts_too(tmp_path):
    frame = pd.DataFrame({"=cmd": ["007", "008"], "-x": [1, 2]})
    write_csv(tmp_path / "a.csv", frame)
    assert not any(map(computed, cells_of(tmp_path / "a.csv")))
    again = read_csv(tmp_path / "a.csv", dtype={"=cmd": str})
    assert again["=cmd"].tolist() == ["007", "008"] and list(again.columns) == ["=cmd", "-x"]


@pytest.mark.parametrize("writer", ["frame", "rows"])
def test_a_carriage_return_begins_no_row(tmp_path, writer):
    if writer == "frame":
        write_csv(tmp_path / "a.csv", pd.DataFrame({"name": ["a\r=1+1", "b"], "n": [1, 2]}))
    else:
        write_rows(tmp_path / "a.csv", ["name", "n"], [{"name": "a\r=1+1", "n": 1}, {"name": "b", "n": 2}])
    assert read_rows(tmp_path / "a.csv") == [{"name": "a\r=1+1", "n": "1"}, {"name": "b", "n": "2"}]
    assert read_csv(tmp_path / "a.csv")["n"].tolist() == [1, 2]


@pytest.mark.parametrize("text", [text for text in FORMULAS if text.isprintable()])
def test_a_workbook_holds_texts_as_texts(tmp_path, text):
    write_listing(tmp_path / "a.csv", ["name", text], [{"name": text, text: "x"}])
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert sheet["A2"].number_format == "@"
    table, _ = read_table(tmp_path / "a.xlsx")
    assert (table["name"].tolist(), list(table.columns)) == ([text.strip()], ["name", text.strip()])


def test_a_formula_that_is_edited_in_excel_stays_a_text(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(xlsx_bytes(pd.DataFrame({"a": ["=1+1", "T2"]})))
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert (sheet["A2"].value, sheet["A2"].quotePrefix) == ("=1+1", True)
    assert not sheet["A3"].quotePrefix


def test_failures_come_back(tmp_path):
    given = CaseError("=1+1", "@x", patient="-A1", sequence="+T2", file="=a.nii")
    write_failures(tmp_path / "failures.csv", [given])
    assert not any(map(computed, cells_of(tmp_path / "failures.csv")))
    (again,) = read_failures(tmp_path / "failures.csv")
    assert str(again) == str(given)


def test_a_reader_s_own_column_and_remark_stay_as_they_are(tmp_path):
    out, private = tmp_path / "out", tmp_path / "private"
    row = {"patient": "P1", "volume": "v0123456789abcdef", "description": "=1+1", "=my column": "@remark", "role": "-"}
    write_rows(out / "review.csv", list(row), [row])
    for _ in range(3):
        write_review(read_review(out), out, private)
    assert not any(map(computed, cells_of(out / "review.csv")))
    sheet = openpyxl.load_workbook(out / "review.xlsx").active
    assert "f" not in {cell.data_type for line in sheet.iter_rows() for cell in line}
    (again,) = read_review(out)
    assert (again["description"], again["=my column"], again["role"]) == ("=1+1", "@remark", "-")
    assert read_answers(out, private).roles == {"0123456789abcdef": "-"}


@pytest.fixture
def hostile(tmp_path):
    """An import of a patient whose texts are formulas."""
    tags = {**synthetic.T2, "SeriesDescription": "=cmd|'/C calc'!A0", "PatientID": "=1+1", "ProtocolName": "@SUM(1)"}
    synthetic.write(tmp_path / "in", synthetic.t2(tags=tags))
    (tmp_path / "in" / "-2+3.txt").write_text("not DICOM")
    options = Options(tmp_path / "out", tmp_path / "out.private")

    def run():
        return run_import(open_source(str(tmp_path / "in")), options)

    run()
    return run


def test_no_table_of_an_import_holds_a_formula(hostile, tmp_path):
    for _ in range(2):
        tables = sorted(tmp_path.glob("out*/*.csv"))
        assert {"series.csv", "review.csv", "cohort.csv", "pseudonyms.csv", "skipped.csv"} <= {
            one.name for one in tables
        }
        assert [(one.name, cell) for one in tables for cell in cells_of(one) if computed(cell)] == []
        for book in tmp_path.glob("out/*.xlsx"):
            sheet = openpyxl.load_workbook(book).active
            assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
        (row,) = read_rows(tmp_path / "out" / "series.csv")
        assert row["description"] == "=cmd|'/C calc'!A0"
        hostile()  # the second import finds the patient under the same pseudonym
    assert len(read_rows(tmp_path / "out" / "cohort.csv")) == 1


def test_an_outcome_finds_its_patient(hostile, tmp_path):
    (tmp_path / "outcomes.csv").write_text("pid,fish\n=1+1,1\n")
    from radstudy.cohort.outcomes import join_outcomes

    joined = join_outcomes(
        tmp_path / "out" / "cohort.csv", tmp_path / "outcomes.csv", tmp_path / "out.private" / "pseudonyms.csv",
        identifier="pid", outcome="fish",
    )  # fmt: skip
    assert joined.table["fish"].tolist() == ["1"]


def test_derive_gives_the_cells_of_its_table_back(tmp_path):
    (tmp_path / "table.csv").write_text("id,b0,b800,note\np1,b0.nii,b800.nii,=1+1\np2,b0.nii,b800.nii,-1.5\n")
    (tmp_path / "recipe.yaml").write_text("patient: id\nadc: {images: {0: b0, 800: b800}}\n")
    CliRunner().invoke(app, ["derive", str(tmp_path / "table.csv"), "--recipe", str(tmp_path / "recipe.yaml"), "--out",
                             str(tmp_path / "out"), "--jobs", "1"])  # fmt: skip
    written = tmp_path / "out" / "cohort.csv"
    assert not any(map(computed, cells_of(written)))
    assert read_table(written)[0]["note"].tolist() == ["=1+1", "-1.5"]

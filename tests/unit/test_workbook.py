"""Tables for people: what Excel opens is what was computed, identifiers and letters included."""

import numpy as np
import openpyxl
import pandas as pd
import pytest

from radstudy.cohort.spreadsheet import read_table
from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import open_source
from radstudy.intake.tables import SERIES_COLUMNS, read_rows
from radstudy.report import files as report
from radstudy.report.sections import Part
from radstudy.report.tables import Table
from unit.intake import synthetic

FRAME = pd.DataFrame(
    {
        "patient": ["007", "1E5", "=1+1"], "name": ["Müller", "王芳", "a\x0bb"], "n": [1, 2, 3],
        "share": [0.1, np.nan, 1 / 3], "limit": [np.inf, 1.0, 2.0], "seen": [True, False, True],
    }
)  # fmt: skip


def files_of(frame):
    return report._files_of(Part("table", "any", Table([], [], frame), number="1", caption="Any"), "", ("svg",))


def test_a_table_of_the_report_opens_in_excel_as_it_is(tmp_path):
    content = files_of(FRAME)["xlsx"]
    (tmp_path / "any.xlsx").write_bytes(content)
    rows = list(openpyxl.load_workbook(tmp_path / "any.xlsx").active.iter_rows(values_only=True))
    assert rows == [
        tuple(FRAME.columns),
        ("007", "Müller", 1, 0.1, "inf", True),
        ("1E5", "王芳", 2, None, 1, False),
        ("=1+1", "ab", 3, 1 / 3, 2, True),
    ]
    again, _ = read_table(tmp_path / "any.xlsx")
    assert again["patient"].tolist() == ["007", "1E5", "=1+1"]


def test_one_table_gives_one_file():
    assert files_of(FRAME)["xlsx"] == files_of(FRAME)["xlsx"]


def test_an_import_lists_its_series_for_excel_too(tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    run_import(open_source(str(tmp_path / "in")), Options(tmp_path / "out", tmp_path / "out.private"))
    rows = list(openpyxl.load_workbook(tmp_path / "out" / "series.xlsx").active.iter_rows(values_only=True))
    assert rows[0] == tuple(SERIES_COLUMNS) and rows[1][5] == "T2WI"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("patient,note\np1,良性\n", "gbk"), ("patient;note\np1;süß\n", "cp1252"), ("patient\tnote\np1\té\n", "utf-16")],
)
def test_a_table_of_the_import_is_read_as_excel_has_saved_it(tmp_path, text, encoding):
    (tmp_path / "cohort.csv").write_bytes(text.encode(encoding))
    (row,) = read_rows(tmp_path / "cohort.csv")
    assert row["patient"] == "p1" and row["note"] == text.splitlines()[1][3:]

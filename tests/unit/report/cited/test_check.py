"""The check of a report's numbers, on a small run folder."""

import re

import pandas as pd
import pytest

from radstudy.errors import UsageError
from radstudy.report.cited import cited_documents, cited_frame
from radstudy.report.cited.check import agrees, check_numbers
from radstudy.report.cited.listing import NUMBERS_FILE, Listing
from radstudy.report.cited.reader import CellReader
from radstudy.report.display import number
from radstudy.store import csv_bytes, read_json, write_bytes, write_csv, write_json, write_text

TABLE = "evaluate/mcnemar.csv"


@pytest.fixture
def run(tmp_path):
    frame = pd.DataFrame({"model_a": ["a", "b"], "model_b": ["c", "c"], "only_a": [3, 5], "p_value": [0.25, 0.00004]})
    write_csv(tmp_path / TABLE, frame)
    write_json(tmp_path / "cohort/flow.json", {"screened": 40})
    cited = cited_frame(frame, TABLE)
    flow = cited_documents({"cohort/flow.json": read_json(tmp_path / "cohort/flow.json")})["cohort/flow.json"]
    total = number(cited.iloc[0]["only_a"] + cited.iloc[1]["only_a"], 0)
    page = (f'<section id="s"><img alt="{number(cited.iloc[0]["p_value"])}"><p>Of {flow["screened"]}, {total}; '
            f'largest {number(cited["p_value"].max())}; 95 &lt; 96</p></section>')  # fmt: skip
    listing = Listing()
    write_text(tmp_path / "report.html", listing.page(page))
    write_bytes(tmp_path / NUMBERS_FILE, csv_bytes(listing.frame(CellReader(tmp_path))))
    return tmp_path


def test_the_report_of_its_run_has_no_mismatch(run):
    assert check_numbers(run) == []
    page = (run / "report.html").read_text()
    assert 'alt="0.250"' in page
    assert re.findall("<data [^>]*>([^<]*)</data>", page) == ["40", "8", "0.250"]


@pytest.mark.parametrize("row, column, value", [(0, "only_a", 4), (1, "only_a", 6), (0, "p_value", 0.2500001),
                                                (1, "p_value", 0.9)])  # fmt: skip
def test_every_changed_cell_is_found(run, row, column, value):
    frame = pd.read_csv(run / TABLE)
    frame.loc[row, column] = value
    write_csv(run / TABLE, frame)
    (problem, *_) = check_numbers(run)
    assert TABLE in problem.cited
    assert problem.where == "report.html#s"


def test_a_changed_page_is_found(run):
    page = run / "report.html"
    page.write_text(page.read_text().replace(">8</data>", ">9</data>"))
    (problem,) = check_numbers(run)
    assert (problem.shown, "listed as 8" in problem.problem) == ("9", True)


def test_a_wrong_list_is_found_by_the_shown_text_alone(run):
    file = run / NUMBERS_FILE
    file.write_text(file.read_text().replace(",40,", ",41,", 1))
    assert "the value is 40" in check_numbers(run)[0].problem


@pytest.mark.parametrize("change", ["row", "column", "file"])
def test_a_missing_cell_is_told(run, change):
    frame = pd.read_csv(run / TABLE)
    if change == "file":
        (run / TABLE).unlink()
    else:
        write_csv(run / TABLE, frame.iloc[:1] if change == "row" else frame.drop(columns="only_a"))
    assert any(change in problem.problem or "cannot be read" in problem.problem for problem in check_numbers(run))


def test_a_run_without_a_list_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"report_numbers\.csv is missing"):
        check_numbers(tmp_path)


@pytest.mark.parametrize("shown, value, expected", [
    ("0.750", 0.7504, True), ("0.750", 0.7506, False), ("<0.001", 0.0009, True), ("<0.001", 0.001, False),
    ("p < 0.001", 0.0002, True), ("1,218", 1218, True), ("1,218", 1217, False), ("−0.25", -0.25, True),
    ("0.25", -0.25, False), ("2.77e−06", 2.766e-6, True), ("45%", 0.452, True), ("∞", float("inf"), True),
    (">10,000,000", 9.3e7, True), (">10,000,000", 9.3e6, False),
    ("0.5", float("nan"), False), ("words", 1.0, False),
])  # fmt: skip
def test_a_number_is_compared_at_the_precision_shown(shown, value, expected):
    assert agrees(shown, value) is expected

"""The review table: keys that no spreadsheet spoils, answers that are checked, and what an answer settles."""

import json
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.errors import RadstudyError, UsageError


def table(tmp_path, name="review.csv"):
    return pd.read_csv(tmp_path / "out" / name, dtype=str, keep_default_na=False)


def answer(tmp_path, answers, column="role"):
    """Fill in the review table: series number to answer."""
    rows = table(tmp_path)
    for series, role in answers.items():
        assert (rows["series"] == str(series)).any(), f"series {series} is not asked about"
        rows.loc[rows["series"] == str(series), column] = role
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)


def twins(synthetic, tmp_path):
    """Two volumes that fit T2WI."""
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(number=4, uid="twin"))
    return tmp_path / "in"


def files(tmp_path):
    return sorted(file.relative_to(tmp_path / "out").as_posix().partition("/")[2]
                  for file in (tmp_path / "out").rglob("*.nii.gz"))  # fmt: skip


def contents(tmp_path):
    return {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_no_spreadsheet_can_take_a_key_for_a_number(synthetic, imported, tmp_path):
    imported(twins(synthetic, tmp_path))
    for name in ("review.csv", "series.csv"):
        assert table(tmp_path, name)["volume"].str.fullmatch("v[0-9a-f]{16}").all()
    rows = table(tmp_path)
    rows["volume"] = rows["volume"].str.removeprefix("v")  # as earlier versions wrote them
    rows["role"] = ["T2WI", "-"]
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    assert files(tmp_path) == ["T2WI.nii.gz"]
    assert table(tmp_path)["role"].tolist() == ["T2WI", "-"]


@pytest.mark.parametrize(
    ("key", "role", "says"),
    [
        ("1.23457E+15", "T2WI", "row 2 .*series 3.*'1.23457E.15' in the column volume is not a key"),
        ("1234567890123450", "T2WI", "row 2 .*no volume, mask or examination has this key"),
        (None, "t2wi", "row 2 .*the role 't2wi' is not known. Did you mean T2WI"),
        (None, "T2-WI", "Did you mean T2WI"),
        (None, "DWI800", "Did you mean DWI_b800"),
        (None, "dce_03", "Did you mean DCE3"),
        (None, "T2W", "Did you mean T2WI"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_an_error_and_nothing_is_written(
    synthetic, imported, tmp_path, key, role, says
):
    imported(twins(synthetic, tmp_path))
    rows = table(tmp_path)
    rows.loc[0, "role"] = role
    rows.loc[0, "volume"] = key or rows.loc[0, "volume"]
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    before = contents(tmp_path)
    with pytest.raises(RadstudyError, match=says):
        imported(tmp_path / "in")
    assert contents(tmp_path) == before


def test_a_role_of_ones_own_is_taken_in_one_spelling(synthetic, imported, tmp_path):
    imported(twins(synthetic, tmp_path))
    answer(tmp_path, {3: "T2WI_sag", 4: "t2wi_Sag"})
    with pytest.raises(UsageError, match=r"'T2WI_sag' .*'t2wi_Sag' .*the same role in several spellings"):
        imported(tmp_path / "in")
    answer(tmp_path, {3: "T2WI_sag", 4: "T2WI"})
    imported(tmp_path / "in")
    assert files(tmp_path) == ["T2WI.nii.gz", "T2WI_sag.nii.gz"]


def test_a_row_of_another_source_stays_an_answer_and_a_spoilt_row_without_one_goes(synthetic, imported, tmp_path):
    imported(twins(synthetic, tmp_path))
    answer(tmp_path, {3: "T2WI", 4: "-"})
    synthetic.write(tmp_path / "later", synthetic.dynamic(3))
    imported(tmp_path / "later")
    assert table(tmp_path)["role"].tolist() == ["T2WI", "-"]
    answer(tmp_path, {3: "", 4: ""})
    rows = table(tmp_path)
    rows["volume"] = ["1.2E+9", rows["volume"][1]]
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    assert table(tmp_path)["volume"].str.fullmatch("v[0-9a-f]{16}").tolist() == [True, True]


def test_a_table_that_a_spreadsheet_saved_in_another_encoding_is_read(synthetic, imported, tmp_path):
    imported(twins(synthetic, tmp_path))
    answer(tmp_path, {3: "T2WI", 4: "-"})
    file = tmp_path / "out" / "review.csv"
    file.write_bytes(file.read_text("utf-8").replace("T2 TSE AX", "Schädel").encode("cp1252"))
    imported(tmp_path / "in")
    assert table(tmp_path)["role"].tolist() == ["T2WI", "-"]


def two_examinations(synthetic, tmp_path):
    first = synthetic.t2()
    second = synthetic.t2(study="two", number=4, volumes=(synthetic.Volume(500),))
    synthetic.write(tmp_path / "in", first, second)
    for file in (tmp_path / "in").iterdir():
        dataset = synthetic.read(file)
        if dataset.SeriesNumber == 4:
            dataset.StudyDate = "20250305"
            dataset.save_as(file)
    return tmp_path / "in"


def test_no_row_stays_that_can_no_longer_be_answered(synthetic, imported, tmp_path):
    source = two_examinations(synthetic, tmp_path)
    imported(source)
    assert files(tmp_path) == ["unsure/1.nii.gz", "unsure/2.nii.gz"]
    assert set(table(tmp_path)["series"]) >= {"3", "4"}
    imported(source, examination="first")
    assert files(tmp_path) == ["T2WI.nii.gz"]
    assert not {"3", "4"} & set(table(tmp_path)["series"])
    assert table(tmp_path, "series.csv")["series"].tolist() == ["3"]
    outcome = imported(source, examination="last")
    assert outcome.failures == ()  # the other examination is no other source
    assert table(tmp_path, "series.csv")["series"].tolist() == ["4"]
    assert files(tmp_path) == ["T2WI.nii.gz"]


def test_the_examination_can_be_chosen_for_each_patient(synthetic, imported, tmp_path):
    source = two_examinations(synthetic, tmp_path)
    imported(source)
    rows = table(tmp_path)
    choice = rows["kind"] == "examination"
    assert rows.loc[choice, "description"].tolist() == ["1: T2WI; 2 (365 days later): T2WI"]
    for given, series in (("2", "4"), ("first", "3")):
        rows = table(tmp_path)
        rows.loc[rows["kind"] == "examination", "role"] = given
        rows.to_csv(tmp_path / "out" / "review.csv", index=False)
        assert imported(source, examination="last").to_review == 0  # the answer goes before the option
        assert table(tmp_path, "series.csv")["series"].tolist() == [series]
        assert files(tmp_path) == ["T2WI.nii.gz"]
    for wrong, says in (("3", "has 2 examinations, not 3"), ("T2WI", "'T2WI' is not an examination")):
        rows.loc[rows["kind"] == "examination", "role"] = wrong
        rows.to_csv(tmp_path / "out" / "review.csv", index=False)
        with pytest.raises(UsageError, match=says):
            imported(source)


def test_a_choice_between_examinations_is_asked_again_when_there_are_more_of_them(synthetic, imported, tmp_path):
    source = two_examinations(synthetic, tmp_path)
    imported(source)
    rows = table(tmp_path)
    rows.loc[rows["kind"] == "examination", "role"] = "1"
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    synthetic.write(source, synthetic.t2(study="zero", number=2))
    with pytest.raises(UsageError, match="no volume, mask or examination has this key"):
        imported(source)


def stray(synthetic, number=9, **tags):
    """A volume on the grid of the dynamic scan that may be a phase of it, and is a subtraction in truth."""
    return synthetic.Scan({**synthetic.GRE, "SeriesDescription": "sb 2-1", "FlipAngle": 12, **tags}, number=number)


def times_of(tmp_path):
    """Role to seconds, by the sidecars."""
    found = [json.loads(file.read_text("utf-8")) for file in (tmp_path / "out").rglob("*.json")]
    return {made["role"]: made["seconds_since_first_phase"] for made in found if "role" in made}


def test_leaving_out_the_subtraction_settles_the_phases_of_its_grid(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(7), stray(synthetic))
    assert imported(tmp_path / "in").to_review == 8
    rows = table(tmp_path)
    assert rows.loc[rows["series"] == "7", "suggested"].tolist() == [f"DCE{n}" for n in range(1, 8)]
    assert rows.loc[rows["series"] == "7", "seconds"].astype(float).tolist() == [90.0 * n for n in range(7)]
    answer(tmp_path, {9: "-"})
    outcome = imported(tmp_path / "in")
    assert outcome.to_review == 0 and outcome.failures == ()
    assert times_of(tmp_path) == {f"DCE{n}": 90.0 * (n - 1) for n in range(1, 8)}


def test_a_phase_from_another_series_shifts_the_others_by_one_answer_more(synthetic, imported, tmp_path):
    before = replace(stray(synthetic), volumes=(synthetic.Volume(7, {"AcquisitionTime": synthetic.time_of(-60)}),))
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), before)
    imported(tmp_path / "in")
    answer(tmp_path, {9: "DCE1"})
    assert imported(tmp_path / "in").to_review == 3
    rows = table(tmp_path)
    assert rows.loc[rows["series"] == "7", "reason"].str.contains("DCE1 was given to another volume").all()
    rows.loc[(rows["series"] == "7") & (rows["suggested"] == "DCE1"), "role"] = "DCE2"
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert imported(tmp_path / "in").to_review == 0
    assert times_of(tmp_path) == {"DCE1": 0.0, "DCE2": 60.0, "DCE3": 150.0, "DCE4": 240.0}


def disputed(synthetic):
    """Phases whose two times run against each other."""
    volumes = [
        synthetic.Volume(1000 * (n + 1), {"AcquisitionTime": synthetic.time_of(90 * n),
                                          "ContentTime": synthetic.time_of(1000 - 80 * n)})
        for n in range(4)
    ]  # fmt: skip
    return synthetic.dynamic(1, volumes=tuple(volumes))


@pytest.mark.parametrize(("value", "seconds"), [(1000, [0, 90, 180, 270]), (4000, [0, 80, 160, 240])])
def test_one_answer_says_which_of_two_clocks_is_right(synthetic, imported, tmp_path, value, seconds):
    """Whichever end of the scan is the first phase: the others follow, with the times of the clock that agrees."""
    synthetic.write(tmp_path / "in", disputed(synthetic))
    (plan,) = imported(tmp_path / "in").plans
    rows = table(tmp_path)
    marks = {item.decision.stack.times["AcquisitionTime"]: item.mark for item in plan.items}
    first = marks[min(marks) if value == 1000 else max(marks)]
    rows.loc[rows["volume"].str.endswith(first), "role"] = "DCE1"
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert imported(tmp_path / "in").to_review == 0
    assert times_of(tmp_path) == {f"DCE{n}": s for n, s in enumerate(seconds, 1)}


RECIPE = """
mask: null
dce:
  phases: ["{patient}/DCE1.nii.gz", "{patient}/DCE2.nii.gz", "{patient}/DCE3.nii.gz", "{patient}/DCE4.nii.gz"]
  motion: false
"""


def test_phases_that_were_unsure_can_be_derived_from_once_they_have_roles(synthetic, imported, tmp_path):
    """Every phase is typed: each has its time, as `radstudy derive` needs it."""
    synthetic.write(tmp_path / "in", disputed(synthetic))
    (plan,) = imported(tmp_path / "in").plans
    order = sorted(plan.items, key=lambda item: item.decision.stack.times["AcquisitionTime"])
    roles = {item.mark: f"DCE{number}" for number, item in enumerate(order, 1)}
    rows = table(tmp_path)
    rows["role"] = [roles[key[-16:]] for key in rows["volume"]]
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    assert times_of(tmp_path) == {"DCE1": 0.0, "DCE2": 90.0, "DCE3": 180.0, "DCE4": 270.0}
    (tmp_path / "derive.yaml").write_text(RECIPE)
    out = tmp_path / "derived"
    arguments = ["derive", tmp_path / "out" / "cohort.csv", "--recipe", tmp_path / "derive.yaml", "--out", out]
    done = CliRunner().invoke(app, [*map(str, arguments), "--data", str(tmp_path / "out"), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert list(out.rglob("DCE_*.nii.gz"))


def test_two_minus_signs_leave_out_a_whole_series(synthetic, imported, tmp_path):
    twice = synthetic.dynamic(3, number=8, uid="again")
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), twice)
    imported(tmp_path / "in")
    rows = table(tmp_path)
    rows.loc[rows.index[rows["series"] == "8"][0], "role"] = "--"
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert imported(tmp_path / "in").to_review == 0
    assert files(tmp_path) == ["DCE1.nii.gz", "DCE2.nii.gz", "DCE3.nii.gz"]
    assert set(table(tmp_path, "series.csv").query("series == '8'")["reason"]) == {"left out by a reader"}


def in_workbook(tmp_path, answers):
    book = openpyxl.load_workbook(tmp_path / "out" / "review.xlsx")
    sheet = book.active
    names = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        series = row[names.index("series")].value
        if series in answers:
            row[names.index("role")].value = answers[series]
    book.save(tmp_path / "out" / "review.xlsx")


def test_the_workbook_holds_text_alone_and_its_answers_count(synthetic, imported, tmp_path):
    scan = synthetic.t2(number=4, uid="twin", tags={**synthetic.T2, "SeriesDescription": "=T2 TSE"})
    synthetic.write(tmp_path / "in", synthetic.t2(), scan)
    imported(tmp_path / "in")
    sheet = openpyxl.load_workbook(tmp_path / "out" / "review.xlsx").active
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"} and {cell.number_format for cell in cells} == {"@"}
    assert "=T2 TSE" in [cell.value for cell in cells]
    in_workbook(tmp_path, {"3": "T2WI", "4": "-"})
    imported(tmp_path / "in")
    assert files(tmp_path) == ["T2WI.nii.gz"]
    assert table(tmp_path)["role"].tolist() == ["T2WI", "-"]
    answer(tmp_path, {3: "-", 4: "T2WI"})  # changed in the other table since
    imported(tmp_path / "in")
    assert table(tmp_path)["role"].tolist() == ["-", "T2WI"]
    sheet = openpyxl.load_workbook(tmp_path / "out" / "review.xlsx").active
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == ["-", "T2WI"]


def test_two_tables_that_disagree_are_an_error(synthetic, imported, tmp_path):
    imported(twins(synthetic, tmp_path))
    answer(tmp_path, {3: "T2WI"})
    in_workbook(tmp_path, {"3": "-"})
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=r"review\.csv, row 2 .* says 'T2WI', but review\.xlsx, row 2 .* '-'"):
        imported(tmp_path / "in")
    assert contents(tmp_path) == before
    (tmp_path / "out" / "review.xlsx").unlink()
    answer(tmp_path, {4: "-"})
    imported(tmp_path / "in")
    assert files(tmp_path) == ["T2WI.nii.gz"]


def test_a_column_of_remarks_stays_with_its_rows(synthetic, imported, tmp_path):
    imported(two_examinations(synthetic, tmp_path))
    rows = table(tmp_path)
    rows["remark"] = [f"ask about {number}" for number in range(len(rows))]
    rows.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    after = table(tmp_path).set_index("volume")
    assert after["remark"].to_dict() == rows.set_index("volume")["remark"].to_dict()
    assert (
        openpyxl.load_workbook(tmp_path / "out" / "review.xlsx").active.cell(2, after.shape[1] + 1).value
        == "ask about 0"
    )
    imported(tmp_path / "in")
    assert table(tmp_path).set_index("volume")["remark"].to_dict() == after["remark"].to_dict()

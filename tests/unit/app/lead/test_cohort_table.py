"""The cohort table as a sheet: kinds of its cells, decimal marks of what is typed, what is kept, and kills."""

import os
import random
import subprocess
import sys
import time

import openpyxl
import pytest

from radstudy.app.lead.cohort_checks import state_of
from radstudy.app.lead.cohort_table import begin_table, read_table_sheet, save_cells, understood
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.projects import Project
from radstudy.cohort.changes import Added, CannotChangeError, CellChange
from radstudy.cohort.table_file import ChangedSinceError
from radstudy.errors import UsageError

STUDY = """
study: a small study
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "yes"}
  exclude: why
  split: {train: 0.5}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [anna]
  clinical: {age: {unit: year}, grade: {levels: [I, II, III]}, size: {range: [1, 90]}}
sequences: [T2]
agree: {icc: null}
model: {select: [{impute: median}], models: {T2: [T2]}}
"""
HEAD = "id,y,why,age,grade,size,other\n"
ROWS = "p1,yes,,50,I,3.5,\np2,no,,51,II,4.5,\np3,yes,late,52,,,\np4,no,,53,III,1.5,\np5,yes,,54,I,2.5,\n"


@pytest.fixture
def study(tmp_path):
    """A study of five patients without images."""
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "cohort.csv").write_text(HEAD + ROWS)
    return Project(tmp_path / "study.yaml")


def sheet_of(study, content=None):
    if content is not None:
        (study.folder / "cohort.csv").write_text(content)
    return read_table_sheet(study, protocol_of(study))


def test_each_column_has_the_kind_of_its_role(study):
    columns = {column.name: (column.role, column.kind, column.values) for column in sheet_of(study).columns}
    assert columns == {
        "id": ("patient", "text", ()), "y": ("outcome.column", "choice", ("no", "yes")),
        "why": ("exclude", "reason", ("late",)), "age": ("clinical.age", "number", ()),
        "grade": ("clinical.grade", "choice", ("I", "II", "III")), "size": ("clinical.size", "number", ()),
        "other": ("", "text", ()),
    }  # fmt: skip
    assert [column.range for column in sheet_of(study).columns][3:6] == [(0, 120), None, (1, 90)]


POINT, COMMA = HEAD + ROWS, (HEAD + ROWS).replace(",", ";").replace(".", ",")
NONE = HEAD + "p1,yes,,50,I,3,\n"


@pytest.mark.parametrize(
    ("table", "typed", "written"),
    [
        (POINT, "63,5", "63.5"), (POINT, "63.5", "63.5"), (POINT, "1,234", "1,234"), (POINT, "1.234,5", "1234.5"),
        (COMMA, "63.5", "63,5"), (COMMA, "63,5", "63,5"), (COMMA, "1,234.5", "1234,5"), (COMMA, "1.234", "1.234"),
        (NONE, "63,5", "63,5"), (POINT, "old", "old"), (POINT, "7", "7"),
    ],
)  # fmt: skip
def test_a_typed_number_gets_the_decimal_mark_of_the_table(study, table, typed, written):
    assert understood(sheet_of(study, table), [3, 6], [[typed, typed]]) == [[written, typed]]


@pytest.mark.parametrize("cells", [["1,5", "1.25"], ["1,234"]])
def test_a_number_that_can_be_read_in_two_ways_is_refused(study, cells):
    with pytest.raises(CannotChangeError, match="decimal"):
        understood(sheet_of(study, NONE), [3], [[cell] for cell in cells])


def test_the_first_version_is_kept_once_and_a_newer_file_is_never_overwritten(study):
    protocol, first = protocol_of(study), (study.folder / "cohort.csv").read_bytes()
    version = sheet_of(study).table.version
    saved = save_cells(study, protocol, version, [CellChange(2, 3, "60")], Added((), (("", ""), ("p6", "no"))))
    assert saved.changes == ((2, "age", "50", "60"),)
    assert saved.added == (7,)
    assert saved.table.raw == first.replace(b"yes,,50", b"yes,,60") + b"p6,no,,,,,\n"
    with pytest.raises(ChangedSinceError):
        save_cells(study, protocol, version, [CellChange(2, 3, "61")])
    save_cells(study, protocol, saved.table.version, [CellChange(2, 3, "62")])
    assert [file.read_bytes() for file in study.notes.glob("first versions of tables/*")] == [first]


def test_a_table_is_begun_in_no_others_place(study):
    with pytest.raises(UsageError, match="not overwritten"):
        begin_table(study, protocol_of(study))


def problems_of(study, content):
    sheet = sheet_of(study, content)
    return {problem.text[:26]: problem.cells for problem in state_of(study, protocol_of(study), sheet).problems}


def test_problems_stand_at_their_cells(study):
    content = POINT.replace("p1,yes,,50", "p1,maybe,,590").replace("III", "IV").replace("3.5", "many")
    assert problems_of(study, content) == {
        "the outcome 'y' has 3 valu": (),
        "Patient p1: age is 590 yea": ((2, 3),),
        "Patient p4: grade is 'IV',": ((5, 4),),
        "Patient p1: size is 'many'": ((2, 5),),
    }
    doubled = problems_of(study, POINT.replace("p2,", "p1,").replace("p5", ""))
    assert ((6, 0),) in doubled.values()
    assert ((2, 0), (3, 0)) in doubled.values()
    assert ((3, 3),) in problems_of(study, POINT.replace("51", '"5,1"')).values()


def test_patients_are_counted_while_the_table_has_problems(study):
    counts = state_of(study, protocol_of(study), sheet_of(study, POINT.replace("p4,no", "p4,"))).counts
    assert (counts.screened, counts.excluded, counts.kept) == (5, (("late", 1),), 4)
    assert (counts.negative, counts.positive, counts.unknown, counts.training) == (1, 2, 1, None)


def test_missing_images_are_told_with_their_rows(study):
    state = state_of(study, protocol_of(study), sheet_of(study))
    assert state.problems == ()
    assert [(one.lines, one.place, one.problem) for one in state.missing][:1] == [
        ((2,), "T2", state.missing[0].problem)
    ]
    assert state.missing[0].remedy
    assert (state.counts.training, state.counts.testing) == (2, 2)


def test_a_workbook_gets_numbers_as_numbers(study, tmp_path):
    book = openpyxl.Workbook()
    for line in (HEAD + ROWS).splitlines():
        book.active.append([float(cell) if cell[:1].isdigit() else cell or None for cell in line.split(",")])
    book.save(tmp_path / "cohort.xlsx")
    (tmp_path / "study.yaml").write_text(STUDY.replace("cohort.csv", "cohort.xlsx"))
    sheet = sheet_of(study)
    [[text]] = understood(sheet, [3], [["63,5"]])
    save_cells(study, protocol_of(study), sheet.table.version, [CellChange(3, 3, text), CellChange(4, 2, "=late")])
    active = openpyxl.load_workbook(tmp_path / "cohort.xlsx").active
    assert (active["D3"].value, active["C4"].value, active["C4"].data_type) == (63.5, "=late", "s")


WRITER = """
import itertools, sys
from pathlib import Path
from radstudy.app.lead.cohort_table import read_table_sheet, save_cells
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.projects import Project
from radstudy.cohort.changes import CellChange
project = Project(Path(sys.argv[1]))
protocol = protocol_of(project)
for number in itertools.count(20):
    sheet = read_table_sheet(project, protocol)
    row = sheet.grid.rows[number % len(sheet.grid.rows)]
    save_cells(project, protocol, sheet.table.version, [CellChange(row.line, 3, str(20 + number % 80))])
    print(number, flush=True)
"""


@pytest.mark.long
def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_table(study):
    pattern = [line.split(",") for line in (HEAD + ROWS).splitlines()]
    kills = saves = 0
    rng = random.Random(7)
    while kills < 50:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(study.study)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.25))
        process.kill()
        saves += len(process.communicate()[0].splitlines()) + 1
        kills += 1
        rows = [line.split(",") for line in (study.folder / "cohort.csv").read_text().splitlines()]
        assert [row[:3] + row[4:] for row in rows] == [row[:3] + row[4:] for row in pattern]
        assert all(20 <= int(row[3]) < 100 for row in rows[1:])
        sheet_of(study)
    assert saves > kills

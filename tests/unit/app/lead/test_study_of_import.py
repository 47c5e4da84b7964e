"""The study file that fits an import, and outcomes joined to it: the page gets counts and pseudonyms only."""

import shlex
from dataclasses import asdict

import openpyxl
import pytest

from radstudy.app.lead.projects import STUDY, Project
from radstudy.app.lead.study_of_import import (
    OutcomeChoices,
    patients_file,
    preview_outcomes,
    start_command,
    start_study,
)
from radstudy.cli import main
from radstudy.errors import UsageError
from radstudy.intake.csv_rows import write_rows

PATIENTS = {f"00{4711 + number}": f"P{number:07d}" for number in range(8)}


@pytest.fixture
def project(tmp_path):
    """A project with an import's tables."""
    project = Project(tmp_path / "study" / STUDY)
    write_import(project)
    return project


def write_import(project):
    """An import's tables of eight patients."""
    names = list(PATIENTS.values())
    write_rows(project.images / "cohort.csv", ["patient_id", "lesion", "fish"],
               [{"patient_id": name, "lesion": "1"} for name in names])  # fmt: skip
    rows = [{"patient": name, "status": "role", "role": role, "file": f"{name}/{role}.nii.gz"}
            for name in names for role in ("T2WI", "DCE1")]  # fmt: skip
    write_rows(project.images / "series.csv", ["patient", "status", "role", "file"], rows)
    write_rows(project.private / "pseudonyms.csv", ["pseudonym", "patient_id", "issuer"],
               [{"pseudonym": name, "patient_id": number} for number, name in PATIENTS.items()])  # fmt: skip


@pytest.fixture
def outcomes(tmp_path):
    return write_outcomes(tmp_path / "outcomes.xlsx", PATIENTS)


def write_outcomes(file, patients, heading=True):
    table = openpyxl.Workbook()
    if heading:
        table.active.append(["Name", "Hospital no", "HER2", "Margin", "Age"])
    for number, patient in enumerate(patients):
        margin = ("smooth", "rough")[number // 4]
        table.active.append([f"MUSTERMANN {number}", patient, ("neg", "pos")[number % 2], margin, 50 + number])
    table.save(file)
    return str(file)


def test_the_columns_are_proposed_and_the_matches_counted_without_an_identifier(project, outcomes):
    seen = preview_outcomes(project, OutcomeChoices(outcomes))
    assert (seen.identifier, seen.likely, seen.patients, seen.matched) == ("Hospital no", ("HER2", "Margin"), 8, 8)
    assert "2 columns have two values" in seen.problem
    seen = preview_outcomes(project, OutcomeChoices(outcomes, outcome="HER2"))
    assert (seen.problem, seen.values, seen.matched) == ("", ("neg", "pos"), 8)
    assert not [secret for secret in (*PATIENTS, "MUSTERMANN") if secret in str(asdict(seen))]


def test_rows_without_a_match_are_named_by_line_and_pseudonym(project, tmp_path):
    file = write_outcomes(tmp_path / "o.xlsx", [*list(PATIENTS)[:6], "0099", list(PATIENTS)[6].lstrip("0")])
    seen = preview_outcomes(project, OutcomeChoices(file, outcome="HER2"))
    assert (seen.matched, seen.problem) == (6, "")
    told = " ".join(seen.notes)
    assert "line(s) 8" in told and "line(s) 9" in told and "P0000007" in told
    assert not [secret for secret in (*PATIENTS, "0099") if secret in told]


def test_values_that_may_be_names_are_not_shown(project, outcomes):
    seen = preview_outcomes(project, OutcomeChoices(outcomes, outcome="Name"))
    assert seen.values == ()
    assert "8 different values" in seen.problem
    with pytest.raises(UsageError, match="8 different values"):
        start_study(project, OutcomeChoices(outcomes, outcome="Name"))
    assert not project.has_study


def test_a_table_without_a_heading_is_refused_without_showing_its_first_row(project, tmp_path):
    file = write_outcomes(tmp_path / "o.xlsx", PATIENTS, heading=False)
    with pytest.raises(UsageError, match="not a heading") as refused:
        preview_outcomes(project, OutcomeChoices(file))
    assert not [secret for secret in PATIENTS if secret in str(refused.value)]


def test_a_table_of_other_patients_says_so(project, tmp_path):
    seen = preview_outcomes(project, OutcomeChoices(write_outcomes(tmp_path / "o.xlsx", ["1", "2"])))
    assert (seen.identifier, seen.matched) == ("", 0)
    assert "no column holds the hospital numbers" in seen.problem


def test_the_command_that_is_shown_writes_the_same_files(project, outcomes, tmp_path, monkeypatch):
    choices = OutcomeChoices(outcomes, "Hospital no", "HER2", "pos", ("Margin", "Age"))
    command = shlex.split(start_command(project, choices))
    start_study(project, choices)
    written = {path.name: path.read_bytes() for path in project.folder.iterdir() if path.is_file()}
    assert sorted(written) == ["cohort_with_outcomes.csv", "study.yaml"]
    for name in written:
        (project.folder / name).unlink()
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert {path.name: path.read_bytes() for path in project.folder.iterdir() if path.is_file()} == written
    assert not [secret for secret in PATIENTS for content in written.values() if secret.encode() in content]


def test_there_is_one_table_of_patients_and_those_imported_later_are_named(project, outcomes):
    assert patients_file(project).file == project.images / "cohort.csv"
    start_study(project, OutcomeChoices(outcomes, outcome="HER2"))
    assert patients_file(project).file == project.folder / "cohort_with_outcomes.csv"
    names = [*PATIENTS.values(), "PNEW"]
    write_rows(project.images / "cohort.csv", ["patient_id"], [{"patient_id": name} for name in names])
    assert patients_file(project).missing == ("PNEW",)


def test_a_study_file_is_never_overwritten(project):
    start_study(project)
    before = project.study.read_bytes()
    assert patients_file(project).file == project.folder / "images" / "cohort.csv"
    with pytest.raises(UsageError, match="never overwritten"):
        start_study(project)
    assert project.study.read_bytes() == before

import os

from radstudy.app.lead.flow import next_stage, stages
from radstudy.app.lead.projects import Project
from radstudy.store import write_json


def states(project):
    return {stage.word: stage.state for stage in stages(project)}


def test_a_study_with_files_waits_for_its_run(project):
    assert states(project) == {
        "import": "unused", "protocol": "done", "cohort": "done", "reading": "done", "run": "nothing",
        "results": "nothing",
    }  # fmt: skip
    assert next_stage(stages(project)).word == "run"


def test_each_stage_says_what_is_wrong_with_it(project):
    (project.folder / "P1_anna.nii.gz").unlink()
    table = project.folder / "cohort.csv"
    before = table.read_text()
    table.write_text(before.replace("P0,0", "P0,perhaps"))
    assert states(project)["cohort"] == "ready"
    table.write_text(before)
    reading = next(stage for stage in stages(project) if stage.word == "reading")
    assert (reading.state, reading.values["n"]) == ("ready", 1)
    project.study.write_text(project.study.read_text().replace("sequences: [T2]", "sequnces: [T2]"))
    found = {stage.word: stage for stage in stages(project)}
    assert found["protocol"].state == "failed" and "sequnces" in found["protocol"].values["why"]
    assert found["cohort"].state == "nothing"


def test_a_report_is_out_of_date_when_the_study_was_changed(project):
    report = project.run / "report.html"
    for step in ("cohort", "prepare", "extract", "agree", "model", "evaluate", "report"):
        (project.run / step).mkdir(parents=True)
        write_json(project.run / step / "provenance.json", {"key": "k"})
    report.write_text("page")
    assert states(project)["results"] == "done"
    os.utime(project.study, (report.stat().st_mtime + 5,) * 2)
    assert states(project)["results"] == "stale" and states(project)["run"] == "stale"


def test_a_study_without_a_file_begins_with_its_images(tmp_path):
    project = Project(tmp_path / "new" / "study.yaml")
    project.note_setup(**{"from": "dicom"})
    assert next_stage(stages(project)).word == "import"

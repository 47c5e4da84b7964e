import os

import pytest

from radstudy.protocol import load_protocol
from radstudy.protocol.load import parse_protocol
from radstudy.steps.status import as_text, status_of
from radstudy.study import run
from unit.app.pages.conftest import write_study


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A small study, run up to the features."""
    project = write_study(tmp_path_factory.mktemp("status") / "small")
    run(load_protocol(project.study), data=project.folder, out=project.run, until="extract", jobs=1)
    return project


def states(project, text=None):
    protocol = load_protocol(project.study) if text is None else parse_protocol(text)
    return {step.step: step for step in status_of(protocol, project.folder, project.run)}


def test_what_is_done_is_done_and_the_rest_is_not(done):
    steps = states(done)
    assert [steps[name].state for name in ("cohort", "prepare", "extract")] == ["done"] * 3
    assert [steps[name].state for name in ("agree", "model", "evaluate", "report")] == ["nothing"] * 4
    assert "next: radstudy run, which begins with agree" in as_text(list(steps.values()), done.run, None)


def test_a_changed_setting_makes_its_step_stale_and_those_after_it(done):
    text = done.study.read_text() + "extract: {bin_width: 10}\n"
    steps = states(done, text)
    assert (steps["cohort"].state, steps["extract"].state) == ("done", "stale")
    assert steps["extract"].reasons == ("its settings were changed", "the step prepare is stale")
    steps = states(done, done.study.read_text() + "prepare: [{zscore: {}}]\n")
    assert steps["prepare"].state == "stale"
    assert steps["extract"].reasons == ("the step prepare is stale",)


def test_a_changed_table_and_a_newer_image_are_named(done):
    table, image = done.folder / "cohort.csv", done.folder / "P2.nii.gz"
    before, times = table.read_text(), image.stat()
    try:
        table.write_text(before + "\n")
        os.utime(image, (times.st_mtime + 3_600,) * 2)
        steps = states(done)
    finally:
        table.write_text(before)
        os.utime(image, (times.st_atime, times.st_mtime))
    assert steps["cohort"].reasons == ("cohort.csv was changed",)
    assert steps["prepare"].reasons == (f"{image} was written since",)


def test_the_same_run_says_that_nothing_is_due(done):
    said = []
    run(load_protocol(done.study), data=done.folder, out=done.run, until="extract", jobs=1, say=said.append)
    assert said == ["cohort: already done", "prepare: already done", "extract: already done"]

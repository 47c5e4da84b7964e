import json
import time

import pytest

from radstudy.app.lead.jobs import job_of, jobs_of, last_job, start_job
from radstudy.errors import UsageError
from radstudy.parallel import end_program
from radstudy.working import only_run


def until_over(job, seconds=60):
    end = time.monotonic() + seconds
    while job.state in ("running", "stopping"):
        assert time.monotonic() < end, job.output()
        time.sleep(0.05)
    return job


def test_a_command_runs_apart_and_is_found_again_with_its_output_and_its_end(project):
    started = start_job(project, "run", ["run", "nothing.yaml"])
    job = until_over(job_of(project, started.id))
    assert (job.state, job.exit_code, job.command) == ("failed", 3, "radstudy run nothing.yaml")
    assert "radstudy: " in job.output() and "nothing.yaml" in job.output()
    assert job.ended
    good = until_over(start_job(project, "check", ["--version"]))
    assert (good.state, good.exit_code) == ("done", 0)
    assert [one.id for one in jobs_of(project)] == [good.id, started.id]
    assert last_job(project, "run").id == started.id and last_job(project, "import") is None


def test_what_a_command_prints_is_its_owner_s_alone(project):
    job = until_over(start_job(project, "check", ["--version"]))
    assert job.folder.parent.stat().st_mode & 0o077 == 0


def test_a_command_that_was_ended_from_outside_is_lost_and_one_that_the_page_ended_is_not(project):
    job = start_job(project, "run", ["run", str(project.study)], works_in=project.run)
    end_program(job.asked.pid)
    assert (until_over(job).state, job.exit_code) == ("lost", None)
    job = start_job(project, "run", ["run", str(project.study)], works_in=project.run)
    job.kill()
    assert (until_over(job).state, job.exit_code) == ("ended", None)


def test_a_folder_in_which_another_command_works_is_not_entered(project):
    with only_run(project.run), pytest.raises(UsageError, match=r"another command works in .* \(process"):
        start_job(project, "run", ["run", str(project.study)], works_in=project.run)


def test_damaged_notes_cost_nothing(project):
    job = until_over(start_job(project, "check", ["--version"]))
    (job.folder / "job.json").write_text("{")
    assert jobs_of(project) == []
    (job.folder.parent / "00009-run").mkdir()
    (job.folder.parent / "00009-run" / "job.json").write_text(json.dumps({"kind": "run"}))
    assert jobs_of(project) == []

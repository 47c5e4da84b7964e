"""The run of a study as its page shows it: what is done, what it costs, what failed and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.jobs import Job, last_job, start_job
from radstudy.app.lead.projects import Project
from radstudy.errors import RadstudyError, UsageError
from radstudy.protocol import STEPS, load_protocol
from radstudy.steps.run import read_failures
from radstudy.steps.status import StepStatus, status_of
from radstudy.working import WorkingProcess, is_locked, worker_in

RUN = "run"


def start_run(project: Project, *, until: str, jobs: int | None) -> Job:
    """Start the study's run as a process of its own.

    Parameters
    ----------
    project : the study.
    until : the last step.
    jobs : processes; None: one per core.

    Raises
    ------
    UsageError : there is no such step, or a run is working already.
    StudyFileError : the study file is refused.
    """
    if until not in STEPS:
        raise UsageError(f"there is no step '{until}'; the steps are {', '.join(STEPS)}")
    load_protocol(project.study)
    return start_job(project, RUN, run_arguments(project, until=until, jobs=jobs), works_in=project.run)


def run_arguments(project: Project, *, until: str = STEPS[-1], jobs: int | None = None) -> list[str]:
    """The command line that the page starts, after `radstudy`."""
    more = [] if until == STEPS[-1] else ["--step", until]
    usual = project.folder / "runs" / project.study.stem
    more += [] if project.run == usual else ["--out", str(project.run)]
    more += [] if jobs is None else ["--jobs", str(jobs)]
    return ["run", str(project.study), *more]


def steps_of(project: Project) -> tuple[StepStatus, ...]:
    """The state of each step; empty if the study file is refused."""
    protocol = protocol_of(project)
    return () if protocol is None else status_of(protocol, project.folder, project.run)


def failures_of(project: Project) -> list[Mapping[str, Any]]:
    """The cases that could not be used, by step: what is wrong, and what to do."""
    listed: list[Mapping[str, Any]] = []
    for file in sorted(project.run.glob("*/failures.csv")):
        try:
            failures = read_failures(file)
        except (OSError, RadstudyError, ValueError, KeyError):
            continue
        listed += [{"step": file.parent.name, "place": failure.place, "patient": failure.patient,
                    "problem": failure.problem, "remedy": failure.remedy, "file": failure.file}
                   for failure in failures]  # fmt: skip
    return listed


def elsewhere(project: Project) -> WorkingProcess | None:
    """The process that works in the run's folder, if this page has not started it."""
    job = last_job(project, RUN)
    if not is_locked(project.run) or (job is not None and job.state in ("running", "stopping")):
        return None
    return worker_in(project.run)

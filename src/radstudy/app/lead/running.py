"""The run of a study as its page shows it: what is done, what it costs, what failed and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radstudy.app.lead.flow import cohort_of, protocol_of
from radstudy.app.lead.jobs import UNDER_WAY, Job, last_job, start_job
from radstudy.app.lead.projects import Project
from radstudy.artefacts.cohort import UNUSABLE
from radstudy.cohort.case_files import Case
from radstudy.doctor import quickly_examined
from radstudy.errors import RadstudyError, UsageError
from radstudy.protocol import STEPS, load_protocol
from radstudy.provenance import PROVENANCE
from radstudy.steps.cohort import cases_in
from radstudy.steps.run import read_failures
from radstudy.steps.sealing import seal_state
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
    more += project.out_option
    more += [] if jobs is None else ["--jobs", str(jobs)]
    return ["run", str(project.study), *more]


def steps_of(project: Project) -> tuple[StepStatus, ...]:
    """The state of each step; empty if the study file is refused."""
    protocol = protocol_of(project)
    return () if protocol is None else status_of(protocol, project.folder, project.run)


def failures_of(project: Project) -> list[Mapping[str, Any]]:
    """The cases that could not be used, by step: what is wrong, and what to do."""
    listed: list[Mapping[str, Any]] = []
    files = sorted(project.run.glob("*/failures.csv"))
    if not (project.run / "prepare" / PROVENANCE).exists():  # it says the same
        files.append(UNUSABLE.file(project.run))
    for file in files:
        try:
            failures = read_failures(file)
        except (OSError, RadstudyError, ValueError, KeyError):
            continue
        listed += [{"step": file.parent.name, "place": failure.place, "patient": failure.patient,
                    "sequence": failure.sequence, "problem": failure.problem, "remedy": failure.remedy,
                    "file": failure.file} for failure in failures]  # fmt: skip
    return listed


def warnings_of(project: Project) -> list[str]:
    """Remarks that matter before hours of work start: on the computer, the table and the missing files."""
    seen = [f"{check.seen}: {check.remedy}" for check in quickly_examined(project.folder) if check.verdict != "good"]
    protocol = protocol_of(project)
    if protocol is None:
        return seen
    try:
        cohort = cohort_of(project, protocol)
    except RadstudyError as error:
        return [*seen, str(error)]
    lost = f"{len(cohort.failures)} lesion(s) lack an image or a mask and are left out: see the page Reading"
    return [*seen, *([lost] if cohort.failures else []), *cohort.notes]


def shows_at_once(project: Project) -> bool:
    """True if the next run shows testing results for the first time, because the study does not seal them."""
    protocol = protocol_of(project)
    if protocol is None:
        return False
    sealing = seal_state(protocol, project.folder, project.run)
    return not sealing.asked and not sealing.history["testing_first_predicted"]


def case_of(project: Project, patient: str, sequence: str) -> Case | None:
    """The case of a patient on a sequence, as the run knows it; None if it knows none."""
    try:
        cases = cases_in(project.run)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((case for case in cases if (case.patient, case.sequence) == (patient, sequence)), None)


def elsewhere(project: Project) -> WorkingProcess | None:
    """The process that works in the run's folder, if this page has not started it."""
    job = last_job(project, RUN)
    if not is_locked(project.run) or (job is not None and job.state in UNDER_WAY):
        return None
    return worker_in(project.run)

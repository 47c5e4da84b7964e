"""The way of a study from the images to the report: the state of each stage, and the next thing to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from radstudy.app.lead.jobs import UNDER_WAY, last_job
from radstudy.app.lead.projects import Project
from radstudy.app.lead.reviewing import review_state
from radstudy.cohort.manifest import Cohort, read_cohort
from radstudy.cohort.reading import record_files
from radstudy.errors import CohortError, RadstudyError
from radstudy.protocol import STEPS, Protocol, load_protocol
from radstudy.provenance import StepFolder
from radstudy.working import is_locked

StageState = Literal["nothing", "ready", "running", "done", "stale", "failed", "unused"]
_TO_DO = ("nothing", "ready", "running", "stale", "failed")


@dataclass(frozen=True)
class StudyStage:
    """One stage of a study.

    Parameters
    ----------
    word : its page's name, and that of its texts.
    state : ``unused`` where the study does not need it.
    why : name of the sentence on the state, in the catalogue under flow.why; "" for none.
    values : that the sentence is filled in with.
    """

    word: str
    state: StageState
    why: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_to_do(self) -> bool:
        """True if something is to be done here."""
        return self.state in _TO_DO


def stages(project: Project) -> tuple[StudyStage, ...]:
    """All stages, in the order of the work.

    Parameters
    ----------
    project : the study.
    """
    return tuple(stage(project) for stage in _STAGES)


def next_stage(of_study: tuple[StudyStage, ...]) -> StudyStage | None:
    """The first stage at which something is to be done; None if the report is there and fits."""
    return next((stage for stage in of_study if stage.is_to_do), None)


def _import(project: Project) -> StudyStage:
    job = last_job(project, "import")
    if job is not None and job.state in UNDER_WAY:
        return StudyStage("import", "running")
    if not (project.images / "cohort.csv").is_file():
        if job is not None and job.state in ("failed", "lost"):
            return StudyStage("import", "failed", "import_failed")
        begun_with_images = project.setup().get("from") == "dicom"
        state: tuple[StageState, str] = ("nothing", "no_images") if begun_with_images else ("unused", "own_files")
        return StudyStage("import", *state)
    return StudyStage("import", *review_state(project))


def _protocol(project: Project) -> StudyStage:
    if not project.has_study:
        return StudyStage("protocol", "nothing", "no_study")
    try:
        _loaded(project.study, _stamp(project.study))
    except (RadstudyError, OSError) as error:
        return StudyStage("protocol", "failed", "study_refused", {"why": str(error).splitlines()[0]})
    return StudyStage("protocol", "done")


def _cohort(project: Project) -> StudyStage:
    protocol = protocol_of(project)
    if protocol is None:
        return StudyStage("cohort", "nothing", "study_first")
    try:
        cohort = cohort_of(project, protocol)
    except CohortError as error:
        return StudyStage("cohort", "ready", "cells", {"n": len(error.problems)})
    except RadstudyError as error:
        return StudyStage("cohort", "failed", "cohort_refused", {"why": str(error).splitlines()[0]})
    sets = cohort.rows.reset_index().groupby("patient")["set"].first().value_counts()
    counts = {"training": int(sets.get("training", 0)), "testing": int(sets.get("testing", 0))}
    return StudyStage("cohort", "done", "sets", counts)


def _reading(project: Project) -> StudyStage:
    protocol = protocol_of(project)
    if protocol is None or protocol.features is not None:
        return StudyStage("reading", "unused", "no_reading")
    try:
        cohort = cohort_of(project, protocol)
    except RadstudyError:
        return StudyStage("reading", "nothing", "cohort_first")
    missing = len(cohort.failures)
    if missing:
        return StudyStage("reading", "ready", "masks_missing", {"n": missing, "all": missing + len(cohort.cases)})
    return StudyStage("reading", "done", "masks_there", {"n": len(cohort.cases)})


def _run(project: Project) -> StudyStage:
    job = last_job(project, "run")
    if (job is not None and job.state in UNDER_WAY) or is_locked(project.run):
        return StudyStage("run", "running")
    finished = [step for step in STEPS if StepFolder(project.run / step).finished_key() is not None]
    if job is not None and job.state in ("failed", "lost") and "report" not in finished:
        return StudyStage("run", "failed", "run_failed")
    if not finished:
        return StudyStage("run", "nothing", "not_run")
    if "report" not in finished:
        return StudyStage("run", "ready", "steps_done", {"n": len(finished), "all": len(STEPS)})
    if changed_since(project):
        return StudyStage("run", "stale", "changed_since")
    return StudyStage("run", "done")


def _results(project: Project) -> StudyStage:
    if not (project.run / "report.html").is_file():
        return StudyStage("results", "nothing", "no_report")
    return StudyStage("results", "stale", "older") if changed_since(project) else StudyStage("results", "done")


_STAGES: tuple[Callable[[Project], StudyStage], ...] = (_import, _protocol, _cohort, _reading, _run, _results)


def changed_since(project: Project) -> bool:
    """True if the study file or its table was changed after the report was written."""
    report = project.run / "report.html"
    protocol = protocol_of(project)
    files = [project.study] + ([] if protocol is None else [project.folder / protocol.cohort.table])
    written = report.stat().st_mtime if report.is_file() else 0.0
    return any(file.is_file() and file.stat().st_mtime > written for file in files)


def protocol_of(project: Project) -> Protocol | None:
    """The study file as it is read; None if there is none, or it is refused."""
    try:
        return _loaded(project.study, _stamp(project.study))
    except (RadstudyError, OSError):
        return None


def cohort_of(project: Project, protocol: Protocol) -> Cohort:
    """The cohort as the study would use it now; kept for a moment, and no longer than its tables stay as they are.

    Raises
    ------
    CohortError : all problems of the table that are to be resolved first.
    RadstudyError : it cannot be read.
    """
    files = (project.study, project.folder / protocol.cohort.table, *record_files(protocol, project.folder))
    key = [(str(file), *(_stamp(file) if file.is_file() else ())) for file in files]
    with _READING:
        known = _READ.get(project.study)
        if known is None or known[0] != key or time.monotonic() - known[1] > _KEPT_S:
            read = _cohort_or_error(protocol, project.folder)
            known = key, time.monotonic(), read
            _READ[project.study] = known
    if isinstance(known[2], RadstudyError):
        raise known[2].with_traceback(None)
    return known[2]


def _cohort_or_error(protocol: Protocol, folder: Path) -> Cohort | RadstudyError:
    try:
        return read_cohort(protocol, folder)
    except RadstudyError as error:
        return error


_KEPT_S = 2.0  # image files and masks may come and go
_READING = threading.Lock()
_READ: dict[Path, tuple[object, float, Cohort | RadstudyError]] = {}


@lru_cache(maxsize=64)
def _loaded(study: Path, _: tuple[int, int]) -> Protocol:
    return load_protocol(study)


def _stamp(file: Path) -> tuple[int, int]:
    known = file.stat()
    return known.st_mtime_ns, known.st_size

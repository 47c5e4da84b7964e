"""Readers of a study: which lesions each has drawn, and the command that opens the reading room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.app.lead.flow import cohort_of, protocol_of
from radstudy.app.lead.jobs import UNDER_WAY, Job, last_job, start_job
from radstudy.app.lead.projects import Project
from radstudy.app.reading.roster import TASKS, readers_of
from radstudy.cohort.case_files import Case
from radstudy.errors import CaseError, RadstudyError, UsageError
from radstudy.protocol import Protocol

ROOM = "read"


@dataclass(frozen=True)
class ReaderRow:
    """One reader of a study.

    Parameters
    ----------
    reader : name.
    tasks : what the reader reads: masks, characteristics, arbitration.
    drawn : sequence to the number of lesions with this reader's mask.
    lesions : sequence to the number of lesions with an image.
    """

    reader: str
    tasks: tuple[str, ...]
    drawn: dict[str, int]
    lesions: dict[str, int]


@dataclass(frozen=True)
class Readings:
    """The reading of a study as its files say.

    Parameters
    ----------
    rows : of its readers.
    sequences : of the study.
    missing : lesions without an image or without the first reader's mask.
    """

    rows: tuple[ReaderRow, ...] = ()
    sequences: tuple[str, ...] = ()
    missing: tuple[CaseError, ...] = ()


def reading_of(project: Project) -> Readings:
    """The readers and what each has drawn; empty if the study file or its table is refused."""
    protocol = protocol_of(project)
    if protocol is None or protocol.features is not None:
        return Readings()
    try:
        cohort = cohort_of(project, protocol)
    except RadstudyError:
        return Readings(_rows(protocol, (), ()), protocol.sequences)
    return Readings(_rows(protocol, cohort.cases, cohort.failures), protocol.sequences, cohort.failures)


def _rows(protocol: Protocol, cases: Sequence[Case], failures: Sequence[CaseError]) -> tuple[ReaderRow, ...]:
    panel = {task: readers_of(task, protocol.cohort.readers, protocol.reading) for task in TASKS}
    names = dict.fromkeys(name for readers in panel.values() for name in readers)
    lesions = Counter(case.sequence for case in cases)
    lesions.update(failure.sequence for failure in failures if failure.reader)  # its image exists, the mask does not
    rows = []
    for name in names:
        drawn = Counter(case.sequence for case in cases if name in dict(case.masks))
        tasks = tuple(task for task, readers in panel.items() if name in readers)
        rows.append(ReaderRow(name, tasks, dict(drawn), dict(lesions)))
    return tuple(rows)


def room_arguments(project: Project, reader: str = "") -> list[str]:
    """The command line that opens the reading room as the study lead, after `radstudy`."""
    return ["read", str(project.study), "--lead", *(["--reader", reader] if reader else []), *project.out_option]


def open_room(project: Project) -> Job:
    """The server of the reading room: the one that runs, or a new one.

    Parameters
    ----------
    project : the study.

    Raises
    ------
    UsageError : the study has no readers.
    StudyFileError : the study file is refused.
    """
    if not reading_of(project).rows:
        raise UsageError("the study has no readers yet: name them on the page Protocol, under Cohort")
    running = last_job(project, ROOM)
    if running is not None and running.state in UNDER_WAY:
        return running
    return start_job(project, ROOM, [*room_arguments(project), "--no-browser"])

"""The reading of a study: who has drawn what, and the way into the reading room, which is a server of its own.

A process of its own, because readers go on when these pages are closed, and because nothing that the lead's pages know
of outcomes is then in the memory of the server that readers ask.
"""

from __future__ import annotations

import shlex
import time
from typing import Annotated

from pydantic import Field

from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.jobs import UNDER_WAY, last_job
from radstudy.app.lead.projects import Project
from radstudy.app.lead.readers import ROOM, open_room, reading_of, room_arguments
from radstudy.app.pages.study_page import Doing, StudyPage
from radstudy.app.web.answers import Body, NothingBody
from radstudy.app.web.needs import Json
from radstudy.app.web.running import RUNNING, Entrance, link_of_running
from radstudy.cohort.reading import reading_folder
from radstudy.errors import UsageError

_PATIENCE_S, _PAUSE_S = 45.0, 0.2
_MOST_MISSING = 200


class EnterBody(Body):
    """The lead who enters, and may also read as one of the readers."""

    reader: Annotated[str, Field(max_length=64)] = ""


def _shown(project: Project) -> Json:
    reading, job = reading_of(project), last_job(project, ROOM)
    is_open = job is not None and job.state in UNDER_WAY
    return {
        "reading": reading, "missing": reading.missing[:_MOST_MISSING], "is_open": is_open, "job": job,
        "command_line": shlex.join(["radstudy", *room_arguments(project)]),
    }  # fmt: skip


def _enter(project: Project, body: EnterBody) -> Json:
    """Open the room, and give a link into it for this once."""
    protocol = protocol_of(project)
    if protocol is None:
        raise UsageError("the study file is refused: correct it on the page Protocol first")
    job, folder = open_room(project), reading_folder(protocol, project.folder)
    until = time.monotonic() + _PATIENCE_S
    while not (folder / RUNNING).exists():
        if job.state not in UNDER_WAY:
            raise UsageError(f"the reading room did not open: {job.output().strip() or 'it said nothing'}")
        if time.monotonic() > until:
            raise UsageError("the reading room does not answer yet: try again in a moment")
        time.sleep(_PAUSE_S)
    return {"url": link_of_running(folder, Entrance("lead", body.reader))}


def _close(project: Project, _: NothingBody) -> Json:
    """End the reading room; what readers have done is stored."""
    job = last_job(project, ROOM)
    if job is not None:
        job.end()
    return {}


READING = StudyPage(
    "reading", _shown, sections=("run",), does={"enter": Doing(EnterBody, _enter), "close": Doing(NothingBody, _close)}
)

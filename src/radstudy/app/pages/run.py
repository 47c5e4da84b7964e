"""The run of a study: started, watched, stopped; its steps and the cases that failed."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import Field
from starlette.datastructures import QueryParams
from starlette.responses import Response

from radstudy.app.lead import running
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.jobs import last_job
from radstudy.app.lead.pictures import picture_of
from radstudy.app.lead.projects import Project
from radstudy.app.pages.study_page import Asking, Doing, StudyPage
from radstudy.app.web.answers import Body
from radstudy.app.web.needs import Json
from radstudy.parallel import cores
from radstudy.protocol import STEPS

_MOST_FAILURES = 500


class StartBody(Body):
    """The last step of the run, and its number of processes (0: one per core)."""

    until: Annotated[str, Field(max_length=32)] = STEPS[-1]
    jobs: Annotated[int, Field(ge=0, le=1_024)] = 0


def _shown(project: Project) -> Json:
    failures = running.failures_of(project)
    return {
        "steps": running.steps_of(project), "failures": failures[:_MOST_FAILURES], "failed": len(failures),
        "job": last_job(project, running.RUN), "elsewhere": running.elsewhere(project), "all_steps": STEPS,
        "cores": cores(), "command_line": shlex.join(["radstudy", *running.run_arguments(project)]),
        "may_run": protocol_of(project) is not None, "warnings": running.warnings_of(project),
        "shows_at_once": running.shows_at_once(project),
    }  # fmt: skip


def _start(project: Project, body: StartBody) -> Json:
    return {"job": running.start_run(project, until=body.until, jobs=body.jobs or None).id}


def _picture(project: Project, query: QueryParams) -> Response:
    """The slice of a failed case on which its lesion is largest, or the middle one."""
    case = running.case_of(project, query.get("patient", ""), query.get("sequence", ""))
    content = None if case is None else picture_of(case)
    return Response(content, media_type="image/png") if content else Response(status_code=404)


RUN = StudyPage("run", _shown, asks={"picture": Asking(_picture)}, does={"start": Doing(StartBody, _start)})

"""The results of a study: the report, its files, two runs compared."""

from __future__ import annotations

import mimetypes
import shlex
from pathlib import Path
from typing import Annotated

from pydantic import Field
from starlette.datastructures import QueryParams
from starlette.responses import FileResponse, Response

from radstudy.app.lead import results
from radstudy.app.lead.flow import changed_since
from radstudy.app.lead.projects import Project
from radstudy.app.pages.study_page import Asking, Doing, StudyPage
from radstudy.app.web.answers import Body, NothingBody
from radstudy.app.web.needs import Json


class CompareBody(Body):
    """The folder of the run to compare with."""

    run: Annotated[str, Field(min_length=1, max_length=4_096)]


def _shown(project: Project) -> Json:
    files = results.files_of(project)
    sealing = results.sealing_of(project)
    return {
        "sealing": sealing, "unseal_command": shlex.join(["radstudy", *results.unseal_arguments(project)]),
        "files": [file for file in files if file["name"] != results.REPORT],
        "has_report": any(file["name"] == results.REPORT for file in files), "run": project.run,
        "stale": changed_since(project), "others": results.other_runs(project),
    }  # fmt: skip


def _file(project: Project, query: QueryParams) -> Response:
    file = results.file_of(project, query.get("name", results.REPORT))
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    shown = file.name == results.REPORT
    return FileResponse(file, media_type="text/html; charset=utf-8" if shown else kind,
                        filename=None if shown else file.name)  # fmt: skip


def _compare(project: Project, body: CompareBody) -> Json:
    other = Path(body.run).expanduser()
    lines = results.compared(project, other).lines()
    return {"lines": lines, "command": shlex.join(["radstudy", "diff", str(other), str(project.run)])}


def _unseal(project: Project, _: NothingBody) -> Json:
    """Open the testing results; the next run computes what was withheld."""
    results.unseal_results(project)
    return {}


RESULTS = StudyPage(
    "results",
    _shown,
    asks={"file": Asking(_file)},
    does={"compare": Doing(CompareBody, _compare), "unseal": Doing(NothingBody, _unseal)},
)

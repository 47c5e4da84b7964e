"""The list of studies, new ones, and the choice of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy.app.lead.beginning import begin_study
from radstudy.app.lead.flow import next_stage, stages
from radstudy.app.lead.places import listed
from radstudy.app.lead.projects import Project, Projects
from radstudy.app.pages.shell import Shell
from radstudy.app.pages.study_page import of_lead
from radstudy.app.web.answers import Body, body_of, json_response
from radstudy.app.web.needs import Json

_FILES = (".csv", ".xlsx", ".zip", ".yaml", ".yml", ".parquet", ".json", "dicomdir")


class BeginBody(Body):
    """A study to begin: its name, what it begins with, and the number of invented patients of a demo."""

    name: Annotated[str, Field(max_length=80)]
    begin: Literal["dicom", "files", "table", "demo"]
    patients: Annotated[int, Field(ge=20, le=1_000)] = 107


class OpenStudyBody(Body):
    """A study of another folder."""

    path: Annotated[str, Field(min_length=1, max_length=4_096)]


@dataclass(frozen=True)
class HomeRoutes:
    """The routes of the list of studies.

    Parameters
    ----------
    projects : of the server.
    shell : makes the page.
    """

    projects: Projects
    shell: Shell

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/home", of_lead(self.home), methods=["GET"]),
            Route("/api/me", of_lead(self.me), methods=["GET"]),
            Route("/api/places", of_lead(self.places), methods=["GET"]),
            Route("/api/begin", of_lead(self.begin), methods=["POST"]),
            Route("/api/open", of_lead(self.open), methods=["POST"]),
        ]

    async def home(self, _: Request) -> Response:
        """The list of studies."""

        def shown() -> Response:
            entries = [_entry(project) for project in self.projects.all()]
            return self.shell.page("home.html", scripts=("home",), sections=("home",), studies=entries,
                                   folder=str(self.projects.folder))  # fmt: skip

        return await run_in_threadpool(shown)

    async def me(self, _: Request) -> Response:
        """That the visitor is the lead."""
        return json_response({"role": "lead"})

    async def places(self, request: Request) -> Response:
        """Folders to choose from."""
        asked = request.query_params
        files = _FILES if asked.get("files") else ()
        content = await run_in_threadpool(
            lambda: listed(asked.get("path", ""), start=self.projects.folder, files=files)
        )
        return json_response(content)

    async def begin(self, request: Request) -> Response:
        """Begin a study."""
        body = await body_of(request, BeginBody)
        project = await run_in_threadpool(
            lambda: begin_study(self.projects, body.name, body.begin, patients=body.patients)
        )
        return json_response({"id": project.id, "to": f"/study/{project.id}/{_FIRST[body.begin]}"})

    async def open(self, request: Request) -> Response:
        """Open a study of another folder."""
        body = await body_of(request, OpenStudyBody)
        project = await run_in_threadpool(lambda: self.projects.open(Path(body.path)))
        return json_response({"id": project.id, "to": f"/study/{project.id}/overview"})


_FIRST = {"dicom": "import", "files": "overview", "table": "overview", "demo": "run"}


def _entry(project: Project) -> Json:
    of_study = stages(project)
    return {"project": project, "stages": of_study, "next": next_stage(of_study), "changed": project.changed()}

"""A page on one study: what it shows, what it is asked for, and what can be done on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy.app.lead.flow import next_stage, stages
from radstudy.app.lead.projects import NoSuchStudyError, Project, Projects
from radstudy.app.pages.shell import Shell
from radstudy.app.web.answers import Body, Handler, answered, body_of, json_response, visitor_of
from radstudy.app.web.needs import IncompleteError, Json, UnknownError
from radstudy.app.web.sessions import require_lead
from radstudy.errors import RadstudyError, StorageError


@dataclass(frozen=True)
class Asking:
    """A question to the study's files, which changes nothing.

    Parameters
    ----------
    answer : from the study and the address's query; a whole answer, or one in JSON.
    """

    answer: Callable[[Project, QueryParams], Json | Response]


@dataclass(frozen=True)
class Doing:
    """Something that is done to the study's files.

    Parameters
    ----------
    body : what the request says.
    act : does it; its answer in JSON.
    part : template that shows ``shown`` of the answer, which goes to the browser as ``html`` instead; "" for none.
    """

    body: type[Body]
    act: Callable[[Project, Any], Json]
    part: str = ""


@dataclass(frozen=True)
class StudyPage:
    """One page on a study.

    Parameters
    ----------
    word : its name: in the address (/study/ID/WORD), in strings.yaml, of its template and of its module.
    show : what the template shows, from the study; called anew for each request, in a thread.
    asks, does : name in the address (/api/study/ID/WORD/NAME) to what is asked and done.
    sections : further sections of strings.yaml for the module.
    styled : whether it has a style of its own in static/app, WORD.css.
    most_bytes : largest body of what is done.
    """

    word: str
    show: Callable[[Project], Json]
    asks: Mapping[str, Asking] = field(default_factory=dict)
    does: Mapping[str, Doing] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    styled: bool = False
    most_bytes: int = 1 << 20

    @property
    def needs(self) -> tuple[str, ...]:
        """The sections of the catalogue that template and module use."""
        return (self.word, *self.sections)

    def routes(self, projects: Projects, shell: Shell) -> list[Route]:
        """The page's own, and those of its questions and deeds."""
        own = f"/study/{{id}}/{self.word}"
        api = f"/api{own}"
        return [
            Route(own, of_lead(self._page(projects, shell)), methods=["GET"]),
            *(
                Route(f"{api}/{name}", of_lead(_asked(projects, one)), methods=["GET"])
                for name, one in self.asks.items()
            ),
            *(
                Route(f"{api}/{name}", of_lead(_done(projects, one, shell)), methods=["POST"])
                for name, one in self.does.items()
            ),
        ]

    def _page(self, projects: Projects, shell: Shell) -> Handler:
        def shown(project_id: str) -> Response:
            project = projects.get(project_id)
            of_study = stages(project)
            return shell.page(
                f"{self.word}.html", scripts=(self.word,), styles=(self.word,) if self.styled else (),
                sections=self.needs, project=project, stages=of_study,
                next=next_stage(of_study), here=self.word, **self.show(project),
            )  # fmt: skip

        async def page(request: Request) -> Response:
            try:
                return await run_in_threadpool(shown, request.path_params["id"])
            except RadstudyError as error:  # a page is read by people: its problem is a page, too
                status = 404 if isinstance(error, NoSuchStudyError) else 422
                return shell.page("problem.html", scripts=("app",), status=status, why=str(error),
                                  address=request.url.path)  # fmt: skip

        return page


def of_lead(handler: Handler) -> Handler:
    """The handler, for the study lead alone, who is told what is wrong with names and files."""

    async def let_in(request: Request) -> Response:
        require_lead(visitor_of(request))
        try:
            return await handler(request)
        except NoSuchStudyError as error:
            raise UnknownError(str(error)) from error
        except StorageError:
            raise
        except RadstudyError as error:
            if hasattr(error, "status"):
                raise
            raise IncompleteError(str(error)) from error

    return answered(let_in)


def _asked(projects: Projects, asking: Asking) -> Handler:
    async def answer(request: Request) -> Response:
        def read() -> Json | Response:
            return asking.answer(projects.get(request.path_params["id"]), request.query_params)

        content = await run_in_threadpool(read)
        return content if isinstance(content, Response) else json_response(content)

    return answer


def _done(projects: Projects, doing: Doing, shell: Shell) -> Handler:
    def done(project_id: str, body: Body) -> Json:
        project = projects.get(project_id)
        answer = doing.act(project, body)
        if not doing.part:
            return answer
        shown = {name: value for name, value in answer.items() if name != "shown"}
        return {**shown, "html": shell.part(doing.part, project=project, **answer["shown"])}

    async def act(request: Request) -> Response:
        body = await body_of(request, doing.body)
        return json_response(await run_in_threadpool(done, request.path_params["id"], body))

    return act

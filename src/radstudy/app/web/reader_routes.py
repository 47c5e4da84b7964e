"""Routes of a reader's pages: the worklist, a case, its images, strokes, answers.

A case is looked up by the session's reader, whatever the request says, so that another reader's case is as unknown as
one that never was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from radstudy.app.reading.roster import TASKS
from radstudy.app.web.answers import (
    Answers,
    Body,
    Count,
    Handler,
    Name,
    TabBody,
    answered,
    body_of,
    checked_view,
    json_response,
    runs_of,
    visitor_of,
)
from radstudy.app.web.events import Events
from radstudy.app.web.needs import (
    CaseAddress,
    ComputeRequest,
    IncompleteError,
    Json,
    ReadingRoom,
    RequestError,
    SentAnswers,
    SentStroke,
    UnknownError,
)
from radstudy.app.web.sessions import Visitor, require_reader
from radstudy.app.web.volumes import ServedImages, curve, octets_response
from radstudy.errors import is_expected


class OpenBody(TabBody):
    """Open a case; `take` takes it from another tab."""

    take: bool = False


class StrokeBody(TabBody):
    """A stroke."""

    sequence: Name
    revision: Count
    tool: Name
    runs: list[Any]
    view: dict[str, Any] = Field(default_factory=dict)


class ComputeBody(Body):
    """An operation to preview."""

    sequence: Name
    what: Literal["interpolate", "smooth", "islands", "holes", "grow"]
    options: dict[str, Any] = Field(default_factory=dict)
    revision: Count


class AnswersBody(TabBody):
    """Answers of a form, also half filled in."""

    revision: Count
    values: Answers = Field(default_factory=dict)
    per_sequence: Annotated[dict[Name, Answers], Field(max_length=100)] = Field(default_factory=dict)


@dataclass(frozen=True)
class ReaderRoutes:
    """The routes of readers.

    Parameters
    ----------
    room : behind them.
    images : of its cases.
    events : told of what other pages should know.
    strings : texts of the pages.
    is_local : whether the server is reached on this computer alone: then images are sent as they are.
    """

    room: ReadingRoom
    images: ServedImages
    events: Events
    strings: Json
    is_local: bool

    def routes(self) -> list[Route]:
        """All of them."""
        case = "/api/case/{task}/{id}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/me", self.me),
            ("GET", "/api/events", self.stream),
            ("GET", "/api/worklist/{task}", self.worklist),
            ("POST", f"{case}/open", self.open),
            ("GET", f"{case}/volume/{{sequence}}/{{image}}", self.volume),
            ("GET", f"{case}/curve", self.curve),
            ("POST", f"{case}/stroke", self.stroke),
            ("POST", f"{case}/compute", self.compute),
            ("POST", f"{case}/answers", self.answers),
            ("POST", f"{case}/lock", self.lock),
            ("POST", f"{case}/close", self.close),
            ("POST", f"{case}/skip", self.skip),
            ("POST", f"{case}/pause", self.pause),
        ]
        return [Route(path, answered(handler), methods=[method]) for method, path, handler in table]

    async def me(self, request: Request) -> Response:
        """The person who entered, and their tasks."""
        visitor = visitor_of(request)
        tasks = await run_in_threadpool(self.room.progress_of, visitor.reader) if visitor.reader else []
        shown = [task for task in tasks if visitor.task in ("", task["task"])]
        return json_response({
            "role": visitor.role, "reader": visitor.reader, "study": self.room.study, "tasks": shown,
            "strings": self.strings,
        })  # fmt: skip

    async def stream(self, request: Request) -> Response:
        """The event stream of a page."""
        told = self.events.stream(visitor_of(request))
        return StreamingResponse(told, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def worklist(self, request: Request) -> Response:
        """The cases of a task."""
        task = _task(request.path_params["task"])
        reader = self._reader(visitor_of(request), task)
        return json_response(await run_in_threadpool(self.room.worklist, reader, task))

    async def open(self, request: Request) -> Response:
        """Open a case; the next one is read meanwhile."""
        case, body = self._case(request), await body_of(request, OpenBody)

        def opened() -> Json:
            document = self.room.open_case(case, tab=body.tab, take=body.take)
            return {**document, "sequences": self.images.document(self.room.images(case))}

        document = await run_in_threadpool(opened)
        if body.take:
            self.events.publish("taken", {"task": case.task, "id": case.id, "tab": body.tab}, reader=case.reader)
        response = json_response(document)
        response.background = BackgroundTask(self.prefetch_after, case)
        return response

    def prefetch_after(self, case: CaseAddress) -> None:
        """Have the images of the case after this one read in the background."""
        prefetch_next(self.room, self.images, case.reader, case.task, after=case.id)

    async def volume(self, request: Request) -> Response:
        """The voxels of one image."""
        case = self._case(request)
        sequence, kind = request.path_params["sequence"], request.path_params["image"]
        stored = await run_in_threadpool(lambda: self.images.image(self.room.images(case), sequence, kind))
        return await octets_response(request, stored, is_local=self.is_local)

    async def curve(self, request: Request) -> Response:
        """The time-intensity curve of a voxel, or of the lesion."""
        case, asked = self._case(request), request.query_params

        def computed() -> Json:
            images = self.room.images(case)
            if asked.get("lesion") == "1":
                return curve(self.images, images, *self.room.lesion(case))
            sequence = asked.get("sequence", "")
            shape = self.images.image(images, sequence, "acquired").grid.shape
            return curve(self.images, images, sequence, _spot([asked.get(axis, "") for axis in "ijk"], shape))

        return json_response(await run_in_threadpool(computed))

    async def stroke(self, request: Request) -> Response:
        """Store a stroke."""
        case, body = self._case(request, "masks"), await body_of(request, StrokeBody)

        def stored() -> int:
            sent = SentStroke(body.sequence, body.revision, body.tool, runs_of(body.runs), checked_view(body.view))
            return self.room.stroke(case, body.tab, sent)

        return json_response({"revision": await run_in_threadpool(stored)})

    async def compute(self, request: Request) -> Response:
        """Preview an operation."""
        case, body = self._case(request, "masks"), await body_of(request, ComputeBody)
        asked = ComputeRequest(body.sequence, body.what, body.options, body.revision)
        return json_response({"runs": await run_in_threadpool(self.room.compute, case, asked)})

    async def answers(self, request: Request) -> Response:
        """Store answers."""
        case, body = self._case(request), await body_of(request, AnswersBody)
        sent = SentAnswers(body.revision, body.values, body.per_sequence)
        return json_response({"revision": await run_in_threadpool(self.room.save_answers, case, body.tab, sent)})

    async def lock(self, request: Request) -> Response:
        """Lock the first answers."""
        case = self._case(request, "characteristics", "arbitration")
        return await self._done(case, request, self.room.lock_answers)

    async def close(self, request: Request) -> Response:
        """Close a case."""
        return await self._done(self._case(request), request, self.room.close_case)

    async def skip(self, request: Request) -> Response:
        """Put a case at the end."""
        return await self._done(self._case(request), request, self.room.skip_case)

    async def pause(self, request: Request) -> Response:
        """Release the tab."""
        return await self._done(self._case(request), request, self.room.pause_case)

    async def _done(
        self, case: CaseAddress, request: Request, action: Callable[[CaseAddress, str], Json | None]
    ) -> Response:
        """Do what needs no more than the tab, and tell the reader's other pages and the lead's."""
        body = await body_of(request, TabBody)
        content = await run_in_threadpool(action, case, body.tab)
        self.events.publish("progress", {"task": case.task}, reader=case.reader)
        return json_response(content or {})

    def _case(self, request: Request, *tasks: str) -> CaseAddress:
        """The case that a request is about, as the session's reader would have it."""
        task = _task(request.path_params["task"])
        if tasks and task not in tasks:
            raise UnknownError("this task has no such thing")
        return CaseAddress(self._reader(visitor_of(request), task), task, request.path_params["id"])

    def _reader(self, visitor: Visitor, task: str) -> str:
        reader = require_reader(visitor, task)
        if task not in self.room.tasks_of(reader):
            raise UnknownError("there is no such case")
        return reader


def prefetch_next(room: ReadingRoom, images: ServedImages, reader: str, task: str, *, after: str = "") -> None:
    """Have the images of a case read in the background.

    Parameters
    ----------
    room, images : of the study.
    reader, task : whose next case.
    after : the case that is open now; "" for none.
    """
    try:
        cases = room.worklist(reader, task)["cases"]
        ids = [one["id"] for one in cases]
        waiting = cases[ids.index(after) + 1 :] if after in ids else cases
        following = next((one["id"] for one in waiting if one["status"] != "closed"), None)
        if following is not None:
            images.prefetch(room.images(CaseAddress(reader, task, following)))
    except RequestError:  # it may not be opened yet
        return
    except Exception as error:  # told when the case is opened; or the server ends
        if not is_expected(error):
            raise


def _task(name: str) -> str:
    if name not in TASKS:
        raise UnknownError("there is no such task")
    return name


def _spot(given: list[str], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """A mask of one voxel."""
    if not all(text.isascii() and text.isdecimal() and len(text) < 7 for text in given):
        raise IncompleteError("give sequence, i, j and k, or lesion=1")
    place = tuple(map(int, given))
    if any(index >= size for index, size in zip(place, shape, strict=True)):
        raise IncompleteError("the voxel lies outside the image")
    mask = np.zeros(shape, bool)
    mask[place] = True
    return mask

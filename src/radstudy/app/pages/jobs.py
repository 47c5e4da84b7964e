"""A command that a page has started, as it goes on: its progress as a stream of events, its stop, its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from radstudy.app.lead.jobs import UNDER_WAY, Job, job_of
from radstudy.app.lead.projects import Projects
from radstudy.app.pages.study_page import of_lead
from radstudy.app.web.answers import NothingBody, body_of, json_response
from radstudy.app.web.needs import Json
from radstudy.store import plain

_LOOK_EVERY_S, _SIGN_OF_LIFE_S = 0.7, 15.0


def job_document(job: Job) -> Json:
    """A command as its page shows it."""
    state = job.state
    return {
        "id": job.id, "kind": job.asked.kind, "command": job.command, "state": state, "started": job.asked.started,
        "ended": job.ended, "exit_code": job.exit_code, "progress": job.progress if state in UNDER_WAY else {},
        "output": job.output(), "memory_mb": job.memory_mb() if state in UNDER_WAY else None,
    }  # fmt: skip


class JobRoutes:
    """The routes of commands that were started.

    Parameters
    ----------
    projects : of the server.
    """

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self._closing = False

    def close(self) -> None:
        """Let the streams end."""
        self._closing = True

    def routes(self) -> list[Route]:
        """All of them."""
        own = "/api/study/{id}/jobs/{job}"
        return [
            Route(own, of_lead(self.shown), methods=["GET"]),
            Route(f"{own}/events", of_lead(self.events), methods=["GET"]),
            Route(f"{own}/stop", of_lead(self.stop), methods=["POST"]),
            Route(f"{own}/kill", of_lead(self.kill), methods=["POST"]),
        ]

    def _job(self, request: Request) -> Job:
        return job_of(self._projects.get(request.path_params["id"]), request.path_params["job"])

    async def shown(self, request: Request) -> Response:
        """The command as it is now."""
        return json_response(await run_in_threadpool(lambda: job_document(self._job(request))))

    async def stop(self, request: Request) -> Response:
        """Ask the command to stop between two cases."""
        await body_of(request, NothingBody)
        await run_in_threadpool(lambda: self._job(request).stop())
        return json_response({})

    async def kill(self, request: Request) -> Response:
        """End the command now."""
        await body_of(request, NothingBody)
        await run_in_threadpool(lambda: self._job(request).kill())
        return json_response({})

    async def events(self, request: Request) -> Response:
        """The command as it goes on, until its end."""
        job = await run_in_threadpool(lambda: self._job(request))
        return StreamingResponse(self._told(job), media_type="text/event-stream")

    async def _told(self, job: Job) -> AsyncIterator[bytes]:
        last: Any = None
        silent = 0.0
        yield b"retry: 2000\n\n"
        while not self._closing:
            document = await run_in_threadpool(lambda: dict(job_document(job)))
            if document != last:
                last, silent = document, 0.0
                yield f"event: job\ndata: {json.dumps(plain(document), ensure_ascii=False)}\n\n".encode()
            if document["state"] not in UNDER_WAY:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
            silent += _LOOK_EVERY_S
            if silent >= _SIGN_OF_LIFE_S:
                silent = 0.0
                yield b": alive\n\n"

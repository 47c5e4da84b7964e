"""Checked bodies, answers in JSON, and errors that tell a reader nothing else, for all routes.

A message of an error may name a patient or a file. Readers see pseudonyms only, so what is no `RequestError` reaches
them as one general sentence; the whole message is printed by the server.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from radstudy.app.web.needs import IncompleteError, Json, RequestError
from radstudy.app.web.sessions import Visitor
from radstudy.bugs import note
from radstudy.errors import CaseError, StorageError, is_expected
from radstudy.store import plain

Handler = Callable[[Request], Awaitable[Response]]
Result = TypeVar("Result")

MOST_RUNS = 2_000_000
_MOST_CODE = 11
_MOST_VIEW = 8_192  # characters of a stroke's display settings
_LOG = logging.getLogger(__name__)
_DISPLAY = "an image of this case cannot be read or prepared: please tell the study lead, and go on with the next case"
_UNSTORED = "the server cannot store anything now, its disk may be full: leave this page open and tell the study lead"
_INTERNAL = "the server could not do this: please tell the study lead"

Name = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=2**53)]
_Answer = str | int | float | bool | None | list[str]
Answers = Annotated[dict[Name, _Answer], Field(max_length=500)]


class Body(BaseModel):
    """A request's body; what it does not name is refused. Pages name their tab in every one."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    tab: Annotated[str, Field(max_length=64)] = ""


Kind = TypeVar("Kind", bound=Body)


class TabBody(Body):
    """The tab of the browser that sends it."""

    tab: Name


class NothingBody(Body):
    """A body without anything in it."""


def answered(handler: Handler, more: Json | None = None) -> Handler:
    """The handler with its errors turned into answers.

    Parameters
    ----------
    handler : of a route.
    more : further fields of every error.
    """
    further = more or {}

    async def with_errors(request: Request) -> Response:
        try:
            return await handler(request)
        except RequestError as error:
            return json_response({"error": error.text, **error.more, **further}, error.status)
        except Exception as error:
            if is_expected(error):
                _LOG.error("radstudy: %s", error)
                return json_response(*_expected(error))
            bug = note(error, "read")
            _LOG.error("radstudy: %s", bug.traceback)
            return json_response({"error": f"{_INTERNAL} ({bug.id})", **further}, 500)

    return with_errors


def _expected(error: Exception) -> tuple[Json, int]:
    """The answer to a page for an error that names files; the page retries what could not be stored."""
    if isinstance(error, OSError | StorageError):
        return {"error": _UNSTORED}, 507
    return {"error": _DISPLAY if isinstance(error, CaseError) else _INTERNAL}, 500


def json_response(content: Json, status: int = 200) -> Response:
    """An answer in JSON; numbers that JSON does not have become null."""
    body = json.dumps(plain(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body.encode(), status, media_type="application/json")


def visitor_of(request: Request) -> Visitor:
    """The sender of the request, whom the guard has let pass."""
    visitor = request.scope["visitor"]
    assert isinstance(visitor, Visitor)
    return visitor


async def body_of(request: Request, kind: type[Kind]) -> Kind:
    """The body of a request.

    Raises
    ------
    IncompleteError : it is not JSON, or not what is asked for; says where.
    """
    content = await request.body()
    return await run_in_threadpool(_parsed, content or b"{}", kind)


def _parsed(content: bytes, kind: type[Kind]) -> Kind:
    try:
        given = json.loads(content, parse_float=_finite, parse_constant=_finite)
        if b"\\u" in content:
            json.dumps(given, ensure_ascii=False).encode()  # half a surrogate pair is no text: nothing can store it
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise IncompleteError(f"{where}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise IncompleteError("the request is not JSON") from None


def _finite(text: str) -> float:
    """A number of the request; those that are none, or beyond the largest one, are refused."""
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def runs_of(given: Sequence[Any]) -> NDArray[np.int64]:
    """Runs as an array.

    Parameters
    ----------
    given : [start, length, code] of each run.

    Returns
    -------
    int64 (n, 3).

    Raises
    ------
    IncompleteError : there are too many, or they are not three whole numbers in their ranges.
    """
    if len(given) > MOST_RUNS:
        raise IncompleteError(f"a stroke has at most {MOST_RUNS} runs")
    if not given:
        return np.zeros((0, 3), np.int64)
    try:
        runs = np.asarray(given)
    except ValueError:
        runs = np.zeros(0)
    if runs.ndim != 2 or runs.shape[1] != 3 or runs.dtype.kind != "i":
        raise IncompleteError("runs: each is [start, length, code], in whole numbers")
    start, length, code = runs.T
    if start.min() < 0 or length.min() < 1 or code.min() < 0 or code.max() > _MOST_CODE:
        raise IncompleteError(f"runs: start is from 0, length from 1, code from 0 to {_MOST_CODE}")
    return runs.astype(np.int64, copy=False)


def checked_view(view: Json) -> Json:
    """Display settings of a stroke, if they are of a size that can be kept with every stroke."""
    if len(json.dumps(view)) > _MOST_VIEW:
        raise IncompleteError("view: too long")
    return view

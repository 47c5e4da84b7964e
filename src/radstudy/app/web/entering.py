"""Entering: a link's token becomes a cookie, and the cookie tells the guard whose request it is."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from radstudy.app.web.answers import Body, answered, body_of, json_response
from radstudy.app.web.needs import Json
from radstudy.app.web.security import ENTER
from radstudy.app.web.sessions import Doorkeeper


def known_by(doorkeeper: Doorkeeper, *, tokens: bool = False) -> Callable[[Scope], bool]:
    """A test of whether a request belongs to a session; the visitor is kept in its scope.

    Parameters
    ----------
    doorkeeper : of the server.
    tokens : whether a program may send a link's token instead of a cookie; then the token alone decides.
    """

    def is_known(scope: Scope) -> bool:
        if tokens and (given := _values(scope, b"authorization")):
            scope["visitor"] = doorkeeper.bearer(given[0]) if len(given) == 1 else None
        else:
            scope["visitor"] = doorkeeper.visitor("; ".join(_values(scope, b"cookie")))
        return scope["visitor"] is not None

    return is_known


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


class TokenBody(Body):
    """The token of a link."""

    token: str


def enter_route(doorkeeper: Doorkeeper, more: Json | None = None) -> Route:
    """The route by which a page sends the token of its link.

    Parameters
    ----------
    doorkeeper : of the server.
    more : further fields of every answer.
    """

    async def enter(request: Request) -> Response:
        body = await body_of(request, TokenBody)
        address = request.client.host if request.client else ""
        secret = await run_in_threadpool(doorkeeper.enter, body.token, address)
        response = json_response(more or {})
        encrypted = request.headers.get("origin", "").startswith("https://")
        response.headers["set-cookie"] = doorkeeper.header(secret, encrypted=encrypted)
        return response

    return Route(ENTER, answered(enter, more), methods=["POST"])

"""The reading room's server: one event loop; what takes time is done in threads and processes beside it."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Scope

from radstudy.app.web.answers import Body, answered, body_of, json_response
from radstudy.app.web.browser import Opened, remove_left
from radstudy.app.web.events import Events
from radstudy.app.web.lead_routes import LeadRoutes
from radstudy.app.web.needs import Json, ReadingRoom
from radstudy.app.web.pages import STATIC, PageRoutes, read_pages
from radstudy.app.web.reader_routes import ReaderRoutes, prefetch_next
from radstudy.app.web.running import (
    Entrance,
    LaunchRoute,
    check_entrance,
    link_of_running,
    only_server,
    write_running,
)
from radstudy.app.web.security import ENTER, Guard, Served, served_at
from radstudy.app.web.sessions import Doorkeeper
from radstudy.app.web.volumes import ServedImages
from radstudy.errors import UsageError
from radstudy.store import content_hash

_MOST_CONNECTIONS, _WAITING_CONNECTIONS = 400, 128
_FIRST_PORT, _PORTS = 20_000, 10_000  # below those that systems give away
_GRACE_S = 5  # for requests under way, when the server ends


@dataclass(frozen=True)
class Behind:
    """The room, images and texts behind the server.

    Parameters
    ----------
    room : the reading room.
    images : of its cases.
    strings : texts of the pages.
    """

    room: ReadingRoom
    images: ServedImages
    strings: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Listening:
    """Address on which the server listens.

    Parameters
    ----------
    host : address; this computer alone unless told otherwise.
    port : 0 takes the study's own (`study_port`), or any free one where another program has that.
    public_url : by which other computers reach it; "" for none.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""

    @property
    def is_local(self) -> bool:
        """True if only this computer reaches it."""
        return _is_loopback(self.host) and not self.public_url


def serve(
    folder: Path,
    open_room: Callable[[], Behind],
    entrance: Entrance,
    *,
    listening: Listening | None = None,
    browser: bool = True,
    static: Path = STATIC,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a study's reading room until SIGTERM or Ctrl-C; where it is served already, give a link to that.

    Parameters
    ----------
    folder : the study's reading folder.
    open_room : opens the storage; called only where this process is to serve.
    entrance : who started it, and is given the link.
    listening : where; on this computer alone by default.
    browser : open it; else the link is the one line on stdout.
    static : folder of pages and scripts.
    say : prints messages.

    Raises
    ------
    UsageError : the address or port cannot be used, or there is no such reader or task.
    """
    listening = listening or Listening()
    with only_server(folder) as first:
        if not first:
            url = link_of_running(folder, entrance)
            say("this study's reading room is open already: here is a link to it (host and port are as they were)")
            _give(url, folder, browser=browser, say=say, wait=True)
            return
        remove_left(folder)
        with _bound(listening, folder) as sock:
            _serve(folder, open_room, entrance, listening, sock, browser=browser, static=static, say=say)


def _serve(
    folder: Path, open_room: Callable[[], Behind], entrance: Entrance, listening: Listening, sock: socket.socket, *,
    browser: bool, static: Path, say: Callable[[str], None],
) -> None:  # fmt: skip
    """Serve on a socket until told to end."""
    address, port = sock.getsockname()[:2]
    served = served_at(listening.host, port, listening.public_url)
    if not listening.is_local and not served.url.startswith("https://"):
        say(f"{served.url}: images and links travel unencrypted; put a reverse proxy with TLS before this server")
    behind = open_room()
    opened: list[Opened] = []
    try:
        check_entrance(entrance, behind.room)
        doorkeeper, events = Doorkeeper(behind.room.links), Events()
        launch = LaunchRoute(behind.room, doorkeeper, served.url)

        def started() -> None:
            own = "127.0.0.1" if address in ("0.0.0.0", "::") else address
            write_running(folder, address=own, port=port, secret=launch.secret, pid=os.getpid())
            token = doorkeeper.launch(role=entrance.role, reader=entrance.reader, task=entrance.task)
            for task in behind.room.tasks_of(entrance.reader)[:1] if not entrance.task else [entrance.task]:
                threading.Thread(
                    target=prefetch_next, args=(behind.room, behind.images, entrance.reader, task), daemon=True
                ).start()  # while the reader enters
            opened.extend(_give(f"{served.url}/#{token}", folder, browser=browser, say=say))

        app = application(behind, served, doorkeeper, events, launch, static=static, is_local=listening.is_local)
        _Server(app, started=started, stopping=events.close).run(sockets=[sock])
    finally:
        behind.images.close()
        behind.room.shut()
        for one in opened:
            one.remove()


def application(
    behind: Behind,
    served: Served,
    doorkeeper: Doorkeeper,
    events: Events,
    launch: LaunchRoute,
    *,
    static: Path = STATIC,
    is_local: bool = True,
) -> ASGIApp:
    """The server as an ASGI application, guarded.

    Parameters
    ----------
    behind : room and images.
    served : the names that it is called by.
    doorkeeper, events, launch : who enters, who is told, who may ask for a link.
    static : folder of pages and scripts.
    is_local : whether only this computer reaches it.
    """
    reader = ReaderRoutes(behind.room, behind.images, events, behind.strings, is_local)
    lead = LeadRoutes(behind.room, behind.images, doorkeeper, events, served.url, is_local)
    routes: list[BaseRoute] = [
        _enter_route(doorkeeper), *launch.routes(), *PageRoutes(read_pages(static)).routes(), *reader.routes(),
        *lead.routes(),
    ]  # fmt: skip

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        events.start()
        yield

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: _nothing_there, 405: _nothing_there})
    app.router.redirect_slashes = False

    def is_known(scope: Scope) -> bool:
        cookies = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        scope["visitor"] = doorkeeper.visitor(cookies)
        return scope["visitor"] is not None

    return Guard(app, served, is_known)


class TokenBody(Body):
    """The token of a link."""

    token: str


def _enter_route(doorkeeper: Doorkeeper) -> Route:
    async def enter(request: Request) -> Response:
        body = await body_of(request, TokenBody)
        address = request.client.host if request.client else ""
        secret = await run_in_threadpool(doorkeeper.enter, body.token, address)
        response = json_response({})
        encrypted = request.headers.get("origin", "").startswith("https://")
        response.headers["set-cookie"] = doorkeeper.header(secret, encrypted=encrypted)
        return response

    return Route(ENTER, answered(enter), methods=["POST"])


async def _nothing_there(_: Request, error: Exception) -> Response:
    return json_response({"error": "there is no such page"}, getattr(error, "status_code", 404))


class _Server(uvicorn.Server):
    """Ends by signal with exit code 0, and lets the event streams end before it waits for what is under way."""

    def __init__(self, app: ASGIApp, *, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._when_started, self._when_stopping = started, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then the rest."""
        self._when_stopping()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after what is under way; asked again, at once. The signal is not raised once more, as uvicorn does."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def _give(url: str, folder: Path, *, browser: bool, say: Callable[[str], None], wait: bool = False) -> list[Opened]:
    """Open a link in the browser, or print it where that is not wanted or not possible."""
    if browser:
        opened = Opened(url, folder)
        if opened.show():
            say("the reading room opens in your browser; it ends with Ctrl-C here" if not wait else "it opens now")
            if wait:
                opened.wait()
            return [opened]
        say("no browser could be started: open this address in one on this computer")
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    return []


def study_port(folder: Path) -> int:
    """The port that a study's server takes unless told otherwise: the same at each start.

    A browser keeps what was not sent yet by the server's address, port included: at another port it would not be there.

    Parameters
    ----------
    folder : the study's reading folder.
    """
    return _FIRST_PORT + int(content_hash(str(folder.resolve())), 16) % _PORTS


def _bound(listening: Listening, folder: Path | None = None) -> socket.socket:
    """A socket at the address.

    Parameters
    ----------
    listening : the address.
    folder : the study's reading folder, whose own port is taken where none is named; None: any free one.

    Raises
    ------
    UsageError : it cannot be used; or readers could not know by which name to call it.
    """
    if listening.host in ("0.0.0.0", "::") and not listening.public_url:
        raise UsageError(
            f"--host {listening.host} listens on every network of this computer: say by which address readers reach "
            "it, such as --public-url https://reading.hospital.org"
        )
    if not listening.port and folder is not None:
        with suppress(UsageError):  # another program has the study's own port
            return _bound_at(listening.host, study_port(folder))
    return _bound_at(listening.host, listening.port)


def _bound_at(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio does not see that a socket whose protocol is not named is TCP: every answer would wait 40 ms (Nagle)
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # the port of a server that has just ended; on Windows this would mean something else
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_WAITING_CONNECTIONS)
    except (OSError, OverflowError) as error:
        sock.close()
        raise UsageError(
            f"port {port} of {host} cannot be used ({error}): leave --port out, and a free port is "
            "taken, or give another"
        ) from error
    return sock


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

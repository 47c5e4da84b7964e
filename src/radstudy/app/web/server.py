"""The reading room's server: one event loop; what takes time is done in threads and processes beside it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from radstudy.app.web.browser import Opened, remove_left
from radstudy.app.web.entering import enter_route, known_by
from radstudy.app.web.events import Events
from radstudy.app.web.lead_routes import LeadRoutes
from radstudy.app.web.listening import Listening, PageServer, bound, give_link
from radstudy.app.web.needs import Json, ReadingRoom
from radstudy.app.web.pages import STATIC, PageRoutes, nothing_there, read_pages
from radstudy.app.web.reader_routes import ReaderRoutes, prefetch_next
from radstudy.app.web.running import (
    Entrance,
    LaunchRoute,
    check_entrance,
    link_of_running,
    only_server,
    write_running,
)
from radstudy.app.web.security import Guard, Served, served_at
from radstudy.app.web.sessions import Doorkeeper
from radstudy.app.web.volumes import ServedImages

_NAMED = "the reading room"


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
            give_link(url, folder, browser=browser, say=say, named=_NAMED, wait=True)
            return
        remove_left(folder)
        with bound(listening, folder) as sock:
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
        launch = LaunchRoute(lambda entering: check_entrance(entering, behind.room), doorkeeper, served.url)

        def started() -> None:
            own = "127.0.0.1" if address in ("0.0.0.0", "::") else address
            write_running(folder, address=own, port=port, secret=launch.secret, pid=os.getpid())
            token = doorkeeper.launch(role=entrance.role, reader=entrance.reader, task=entrance.task)
            for task in behind.room.tasks_of(entrance.reader)[:1] if not entrance.task else [entrance.task]:
                threading.Thread(
                    target=prefetch_next, args=(behind.room, behind.images, entrance.reader, task), daemon=True
                ).start()  # while the reader enters
            opened.extend(give_link(f"{served.url}/#{token}", folder, browser=browser, say=say, named=_NAMED))

        app = application(behind, served, doorkeeper, events, launch, static=static, is_local=listening.is_local)
        PageServer(app, started=started, stopping=events.close).run(sockets=[sock])
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
        enter_route(doorkeeper), *launch.routes(), *PageRoutes(read_pages(static)).routes(), *reader.routes(),
        *lead.routes(),
    ]  # fmt: skip

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        events.start()
        yield

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: nothing_there, 405: nothing_there})
    app.router.redirect_slashes = False

    return Guard(app, served, known_by(doorkeeper))

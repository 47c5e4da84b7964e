"""The server of a folder of studies: the study lead's pages."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from radstudy.app.lead.projects import OWN, Projects
from radstudy.app.pages.home import HomeRoutes
from radstudy.app.pages.jobs import JobRoutes
from radstudy.app.pages.shell import Shell, Texts
from radstudy.app.pages.study_pages import STUDY_PAGES, report_policy
from radstudy.app.web.browser import Opened, remove_left
from radstudy.app.web.entering import enter_route, known_by
from radstudy.app.web.listening import Listening, PageServer, bound, give_link
from radstudy.app.web.pages import STATIC, PageRoutes, nothing_there, read_pages, strings
from radstudy.app.web.running import Entrance, LaunchRoute, link_of_running, only_server, write_running
from radstudy.app.web.security import ENTER, LAUNCH, Doors, Guard, Served, served_at
from radstudy.app.web.sessions import Doorkeeper, NoLinks
from radstudy.errors import UsageError

_ENTRY = Path(__file__).parent / "entry.html"
_NAMED = "the list of studies"
_SMALL, _OTHER = 4_096, 1 << 20
_SECTIONS = ("app", "home", "flow")


def serve_studies(
    folder: Path,
    *,
    listening: Listening | None = None,
    browser: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the pages on a folder of studies until SIGTERM or Ctrl-C; where it is served already, give a link to that.

    Parameters
    ----------
    folder : of the studies; it exists.
    listening : where; on this computer alone by default.
    browser : open it; else the link is the one line on stdout.
    say : prints messages.

    Raises
    ------
    UsageError : the folder does not exist, or the port cannot be used.
    StorageError : the folder cannot be written to.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: make it, or name another one")
    listening, own = listening or Listening(), folder.resolve() / OWN
    with only_server(own) as first:
        if not first:
            say("these studies are open already: here is a link (the port is as it was)")
            give_link(
                link_of_running(own, Entrance("lead", "")), own, browser=browser, say=say, named=_NAMED, wait=True
            )
            return
        remove_left(own)
        with bound(listening, own) as sock:
            _serve(folder, own, listening, sock, browser=browser, say=say)


def _serve(
    folder: Path, own: Path, listening: Listening, sock: socket.socket, *, browser: bool, say: Callable[[str], None]
) -> None:
    port = sock.getsockname()[1]
    served = served_at(listening.host, port, listening.public_url)
    doorkeeper = Doorkeeper(NoLinks(), unknown="this link is not valid: start 'radstudy app' again for a new one")
    launch = LaunchRoute(_require_lead, doorkeeper, served.url)
    projects = Projects(folder)
    jobs = JobRoutes(projects)
    opened: list[Opened] = []

    def started() -> None:
        token = doorkeeper.launch(role="lead", reader="")
        opened.extend(give_link(f"{served.url}/#{token}", folder, browser=browser, say=say, named=_NAMED))

    write_running(own, address="127.0.0.1", port=port, secret=launch.secret, pid=os.getpid())
    try:
        app = application(projects, served, doorkeeper, launch, jobs)
        PageServer(app, started=started, stopping=jobs.close).run(sockets=[sock])
    finally:
        for one in opened:
            one.remove()


def application(
    projects: Projects, served: Served, doorkeeper: Doorkeeper, launch: LaunchRoute, jobs: JobRoutes,
    texts: Texts | None = None,
) -> ASGIApp:  # fmt: skip
    """The pages as an ASGI application, guarded.

    Parameters
    ----------
    projects : the studies.
    served : the names that the server is called by.
    doorkeeper, launch : who enters, and who may ask for a link.
    jobs : of the commands that pages start.
    texts : of the pages; those of strings.yaml by default.
    """
    shell = Shell(texts or Texts(strings(*_SECTIONS, *(section for page in STUDY_PAGES for section in page.needs))))
    files = {name: page for name, page in read_pages(STATIC).items() if name.startswith("app/") or name in _SHARED}
    routes: list[BaseRoute] = [
        enter_route(doorkeeper), *launch.routes(), *HomeRoutes(projects, shell).routes(), *jobs.routes(),
        *(route for page in STUDY_PAGES for route in page.routes(projects, shell)),
        *PageRoutes(files, _ENTRY, "/pages", "").routes(),
    ]  # fmt: skip
    app = Starlette(routes=routes, exception_handlers={404: nothing_there, 405: nothing_there})
    app.router.redirect_slashes = False
    return Guard(app, served, known_by(doorkeeper), _doors())


_SHARED = ("strings.js", "keys.js", "toolbar.js", "fields.js")  # modules of the reading room that these pages use


def _doors() -> Doors:
    most = {page.word: page.most_bytes for page in STUDY_PAGES}

    def most_bytes(path: str) -> int:
        parts = path.split("/")  # /api/study/ID/WORD/NAME
        return most.get(parts[4], _OTHER) if len(parts) > 4 else _SMALL if path in (ENTER, LAUNCH) else _OTHER

    return Doors(
        open_reads=frozenset({"/"}), open_writes=frozenset({ENTER, LAUNCH}), most_bytes=most_bytes,
        discarded=lambda path: _SMALL if path in (ENTER, LAUNCH) else 8 << 20, policy=report_policy,
        closed="open these pages with the link that was printed when 'radstudy app' started",
    )  # fmt: skip


def _require_lead(entering: Entrance) -> None:
    if entering.role != "lead" or entering.reader or entering.task:
        raise UsageError("these pages are the study lead's")

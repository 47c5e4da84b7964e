"""Serves one signature: verifies it, then answers until it is told to end."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from radstudy import bounds
from radstudy.app.prediction.audit import AuditedRequest, AuditLog, default_audit_file
from radstudy.app.prediction.inputs import SignatureInputs
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.prediction.line import Line
from radstudy.app.prediction.openapi import PAGE, openapi_document
from radstudy.app.prediction.routes import HEALTH, IMAGES, OPENAPI, VALUES, Service, ServiceRoutes
from radstudy.app.prediction.uploads import upload_root
from radstudy.app.prediction.work import verified
from radstudy.app.web.answers import json_response
from radstudy.app.web.browser import Opened
from radstudy.app.web.entering import enter_route, known_by
from radstudy.app.web.listening import Listening, PageServer, bound, give_link
from radstudy.app.web.pages import STATIC, Page, PageRoutes, nothing_there, read_pages, strings
from radstudy.app.web.security import ENTER, Doors, Guard, Served, served_at
from radstudy.app.web.sessions import Doorkeeper, NoLinks
from radstudy.signature.document import USE, read_document, signature_of, stated_hash
from radstudy.signature.prediction_page import STYLE

_ENTRY = Path(__file__).parent / "entry.html"
_FILES = ("predict.js", "predict.css", "strings.js", "toolbar.js", "keys.js", "fields.js")
_LARGEST_IMAGE_GB = "1"  # unless the user has set it: `bounds.IMAGE` is for a study's own images
_ENTER_BYTES = 4_096
_NAMED = "the page for one patient"


def serve_signature(
    file: Path,
    *,
    listening: Listening | None = None,
    browser: bool = True,
    audit: Path | None = None,
    limits: ServiceLimits | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a signature until SIGTERM or Ctrl-C.

    Parameters
    ----------
    file : signature.json.
    listening : where; on this computer alone, at a free port, by default.
    browser : open it; else the link is the one line on stdout.
    audit : file of the audit log; by default in the user's folder for the state of programs.
    limits : what is taken.
    say : prints messages.

    Raises
    ------
    RefusedError : the signature cannot be read, or does not give its own results on this computer.
    UsageError : the address or port cannot be used, or the file of the audit log is something else.
    StorageError : the audit log cannot be written.
    """
    listening, limits = listening or Listening(), limits or ServiceLimits()
    document = read_document(file)
    signature, signature_hash = signature_of(document, file), stated_hash(document)[1]
    log = AuditLog.opened(audit or default_audit_file(), signature_hash)
    os.environ.setdefault(bounds.IMAGE.variable, _LARGEST_IMAGE_GB)  # of this process and those it starts
    with bound(listening) as sock, upload_root() as uploads:
        say(f"{USE} Audit log, without patients' data: {log.file.resolve()}")
        verified(file)
        log.add(AuditedRequest(secrets.token_hex(8), "start"))
        service = Service(signature, signature_hash, log, uploads, limits, Line(limits.waiting))
        try:
            _serve(service, listening, sock, _place_for_browser(file, uploads), browser=browser, say=say)
        finally:
            log.add(AuditedRequest(secrets.token_hex(8), "end"))


def _serve(
    service: Service, listening: Listening, sock: socket.socket, place: Path, *, browser: bool,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    served = served_at(listening.host, sock.getsockname()[1], listening.public_url)
    if not listening.is_local and not served.url.startswith("https://"):
        say(f"{served.url}: images and links travel unencrypted; put a reverse proxy with TLS before this server")
    doorkeeper = new_doorkeeper()
    opened: list[Opened] = []

    def started() -> None:
        token = doorkeeper.launch(role="lead", reader="")
        opened.extend(give_link(f"{served.url}/#{token}", place, browser=browser, say=say, named=_NAMED))

    try:
        PageServer(application(service, served, doorkeeper), started=started, stopping=lambda: None).run(sockets=[sock])
    finally:
        for one in opened:
            one.remove()


def new_doorkeeper() -> Doorkeeper:
    """Knows the one link of this server, and the sessions that it has opened."""
    return Doorkeeper(NoLinks(), unknown="this link is not valid: start 'radstudy serve' again for a new one")


def application(service: Service, served: Served, doorkeeper: Doorkeeper) -> ASGIApp:
    """The service as an ASGI application, guarded.

    Parameters
    ----------
    service : what it works with.
    served : the names that it is called by.
    doorkeeper : who enters.
    """
    pages = _pages()
    document = openapi_document(
        SignatureInputs(service.signature), service.limits, cookie=doorkeeper.cookie, files=sorted(pages)
    )
    routes: list[BaseRoute] = [
        enter_route(doorkeeper, {"use": USE}), *ServiceRoutes(service, document).routes(),
        *PageRoutes(pages, _ENTRY, PAGE, "predict.html", {"use": USE}).routes(),
    ]  # fmt: skip
    app = Starlette(routes=routes, exception_handlers={404: _nothing_there, 405: _nothing_there})
    app.router.redirect_slashes = False
    return Guard(app, served, known_by(doorkeeper, tokens=True), _doors(service.limits))


def _doors(limits: ServiceLimits) -> Doors:
    most = {VALUES: limits.values_bytes, IMAGES: limits.request_bytes}
    return Doors(
        open_reads=frozenset({"/", HEALTH, OPENAPI}),
        open_writes=frozenset({ENTER}),
        most_bytes=lambda path: most.get(path, _ENTER_BYTES),
        discarded=lambda path: limits.discarded_bytes if path in most else _ENTER_BYTES,
        streamed=frozenset({IMAGES}),
        tokens=True,
        methods=lambda path: ("POST",) if path in (VALUES, IMAGES, ENTER) else ("GET", "HEAD"),
        closed="open the link that was printed when the server started, or send the part of it behind # with every "
        "request, as the header Authorization: Bearer TOKEN",
        more={"use": USE},
    )


def _pages() -> dict[str, Page]:
    """The files of the page, its texts, and the style of a prediction's page."""
    pages = read_pages(STATIC)
    texts = json.dumps(strings("predict"), ensure_ascii=False)
    return {
        **{name: pages[name] for name in (*_FILES, "predict.html")},
        "strings.json": Page.of("strings.json", texts.encode()),
        "prediction.css": Page.of("prediction.css", STYLE.encode()),
    }


async def _nothing_there(request: Request, error: Exception) -> Response:
    response = await nothing_there(request, error)
    more = {name: value for name, value in response.headers.items() if name == "allow"}
    said = json_response({"error": "there is no such path or method: GET /openapi.json lists them", "use": USE},
                         response.status_code)  # fmt: skip
    for name, value in more.items():
        said.headers[name] = value
    return said


def _place_for_browser(file: Path, uploads: Path) -> Path:
    """A folder that a packaged browser can read, where there is one: not a hidden one."""
    folder = file.resolve().parent
    return folder if os.access(folder, os.W_OK) else uploads

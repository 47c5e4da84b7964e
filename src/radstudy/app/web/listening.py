"""Address, socket and link of a server of pages: what every one of them has, whatever it serves."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from radstudy.app.web.browser import Opened
from radstudy.errors import UsageError
from radstudy.store import content_hash

_MOST_CONNECTIONS, _WAITING_CONNECTIONS = 400, 128
_FIRST_PORT, _PORTS = 20_000, 10_000  # below those that systems give away
_GRACE_S = 5  # for requests under way, when the server ends


@dataclass(frozen=True)
class Listening:
    """Address on which the server listens.

    Parameters
    ----------
    host : address; this computer alone unless told otherwise.
    port : 0 takes the study's own (`study_port`), or any free one: for a server of no study, or where another program
        has that.
    public_url : by which other computers reach it; "" for none.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""

    @property
    def is_local(self) -> bool:
        """True if only this computer reaches it."""
        return _is_loopback(self.host) and not self.public_url


class PageServer(uvicorn.Server):
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


def give_link(
    url: str, folder: Path, *, browser: bool, say: Callable[[str], None], named: str, wait: bool = False
) -> list[Opened]:
    """Open a link in the browser, or print it where that is not wanted or not possible.

    Parameters
    ----------
    url : the link.
    folder : for the file by which the browser is sent to it.
    browser : whether to open it.
    say : prints messages.
    named : the thing that opens, such as "the reading room".
    wait : until the browser has had its time: for a program that ends now.
    """
    if browser:
        opened = Opened(url, folder)
        if opened.show():
            say(f"{named} opens in your browser; it ends with Ctrl-C here" if not wait else "it opens now")
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


def bound(listening: Listening, folder: Path | None = None) -> socket.socket:
    """A socket at the address.

    Parameters
    ----------
    listening : the address.
    folder : the study's reading folder, whose own port is taken where none is named; None: any free one.

    Raises
    ------
    UsageError : it cannot be used; or nobody could know by which name to call it.
    """
    if listening.host in ("0.0.0.0", "::") and not listening.public_url:
        raise UsageError(
            f"--host {listening.host} listens on every network of this computer: say by which address others reach "
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

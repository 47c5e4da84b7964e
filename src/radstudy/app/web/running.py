"""One server per study: a second `radstudy read` finds the one that runs, and asks it for a link.

Whether one runs is told by a lock, which the system releases however the server ended; so a file that a crash has left
misleads nobody. The file beside it (mode 0600) has the port and a secret. The secret is never sent: both sides prove
that they know it, so that another program that has got the port learns nothing and gives no link.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy.app.reading.links import Role
from radstudy.app.web.answers import Body, Name, answered, body_of, json_response
from radstudy.app.web.needs import IncompleteError, ReadingRoom
from radstudy.app.web.security import LAUNCH
from radstudy.app.web.sessions import Doorkeeper, NotKnownError
from radstudy.errors import UsageError
from radstudy.store import make_folders, read_json, storing, write_json

RUNNING, LOCK = ".server.json", ".server.lock"  # in the study's reading folder
_PATIENCE_S, _PAUSE_S = 20.0, 0.2  # for a server that is just starting
_MOST_NONCES = 1_000
_STARTING = (OSError, ValueError, KeyError, TypeError, http.client.HTTPException)


@dataclass(frozen=True)
class Entrance:
    """The person who enters by a link.

    Parameters
    ----------
    role, reader, task : see `needs.Link`.
    """

    role: Role
    reader: str
    task: str = ""


def check_entrance(entrance: Entrance, room: ReadingRoom) -> None:
    """Refuse a reader or a task that the study does not have.

    Raises
    ------
    UsageError : names the choices.
    """
    if entrance.reader and entrance.reader not in room.readers():
        raise UsageError(f"there is no reader '{entrance.reader}'; choose from {', '.join(room.readers())}")
    tasks = room.tasks_of(entrance.reader) if entrance.reader else ()
    if entrance.task and entrance.task not in tasks:
        given = f"'{entrance.task}' is not a task of {entrance.reader or 'the study lead'}"
        raise UsageError(f"{given}; choose from {', '.join(tasks) or '(none)'}")


@contextmanager
def only_server(folder: Path) -> Iterator[bool]:
    """Hold a study's reading folder as its server.

    Parameters
    ----------
    folder : the study's reading folder; it is made where it is missing.

    Yields
    ------
    Whether this process is to serve: False where another one does.

    Raises
    ------
    StorageError : the folder cannot be made or written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(str(folder / LOCK), timeout=0)
    with storing(folder):
        make_folders(folder)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
    try:
        yield True
    finally:
        (folder / RUNNING).unlink(missing_ok=True)
        lock.release()


def write_running(folder: Path, *, address: str, port: int, secret: str, pid: int) -> None:
    """Say where the study's server is, for its owner's eyes alone."""
    write_json(folder / RUNNING, {"address": address, "port": port, "secret": secret, "pid": pid}, private=True)


def link_of_running(folder: Path, entrance: Entrance, *, patience_s: float = _PATIENCE_S) -> str:
    """Ask a study's running server for a link.

    Parameters
    ----------
    folder : the study's reading folder.
    entrance : who is to enter.
    patience_s : how long a server may take to answer.

    Raises
    ------
    UsageError : it belongs to another user, does not answer, or has no such reader or task.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return _asked(read_json(folder / RUNNING), entrance)
        except PermissionError:
            raise UsageError(
                f"the server of this study was started by another user ({folder / RUNNING} is not yours): ask the "
                "study lead for a personal link"
            ) from None
        except _STARTING as error:
            if time.monotonic() > until:
                raise UsageError(
                    f"a server of this study holds {folder}, and does not answer ({type(error).__name__}): wait until "
                    f"it has ended, or end it; {folder / RUNNING} has its process id (pid)"
                ) from error
            time.sleep(_PAUSE_S)


def _asked(running: Mapping[str, Any], entrance: Entrance) -> str:
    secret, nonce = str(running["secret"]), secrets.token_hex(16)
    asked = [entrance.role, entrance.reader, entrance.task]
    body = {"role": asked[0], "reader": asked[1], "task": asked[2], "nonce": nonce,
            "proof": _proof(secret, ["ask", nonce, *asked])}  # fmt: skip
    address, port = str(running["address"]), int(running["port"])
    host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("POST", LAUNCH, json.dumps(body), {"Origin": f"http://{host}", "Host": host})
        response = connection.getresponse()
        given = json.loads(response.read(1 << 16))
    finally:
        connection.close()
    if response.status == IncompleteError.status:
        raise UsageError(str(given["error"]))
    if not hmac.compare_digest(str(given["proof"]), _proof(secret, ["given", nonce, given["url"]])):
        raise ValueError("another program has the port")
    return str(given["url"])


def _proof(secret: str, parts: list[str]) -> str:
    return hmac.new(secret.encode(), json.dumps(parts).encode(), hashlib.sha256).hexdigest()


class LaunchBody(Body):
    """Answer the request of a second `radstudy read`."""

    role: Annotated[str, Field(pattern="^(reader|lead)$")]
    reader: Annotated[str, Field(max_length=64)]
    task: Annotated[str, Field(max_length=64)]
    nonce: Name
    proof: Name


class LaunchRoute:
    """Gives links to whoever knows the secret of the file beside the lock.

    Parameters
    ----------
    check : refuses somebody whom the server does not know, by a `UsageError`.
    doorkeeper : of the server.
    url : that links begin with.
    """

    def __init__(self, check: Callable[[Entrance], None], doorkeeper: Doorkeeper, url: str) -> None:
        self._check, self._doorkeeper, self._url = check, doorkeeper, url
        self.secret = secrets.token_urlsafe(32)
        self._nonces: OrderedDict[str, None] = OrderedDict()

    def routes(self) -> list[Route]:
        """The one."""
        return [Route(LAUNCH, answered(self.launch), methods=["POST"])]

    async def launch(self, request: Request) -> Response:
        """A link for the same user's second call."""
        body = await body_of(request, LaunchBody)
        proof = _proof(self.secret, ["ask", body.nonce, body.role, body.reader, body.task])
        if not hmac.compare_digest(proof, body.proof) or body.nonce in self._nonces:
            raise NotKnownError("this server does not know you")
        self._nonces[body.nonce] = None
        while len(self._nonces) > _MOST_NONCES:
            self._nonces.popitem(last=False)
        entrance = Entrance("lead" if body.role == "lead" else "reader", body.reader, body.task)
        try:
            await run_in_threadpool(self._check, entrance)
        except UsageError as error:
            raise IncompleteError(str(error)) from error
        token = self._doorkeeper.launch(role=entrance.role, reader=entrance.reader, task=entrance.task)
        url = f"{self._url}/#{token}"
        return json_response({"url": url, "proof": _proof(self.secret, ["given", body.nonce, url])})

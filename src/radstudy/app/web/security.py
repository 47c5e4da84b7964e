"""The guard: only requests to the right name, from the right page, with a session, and not too large pass.

Everything here is decided before a route is looked up, so that a route cannot forget it. The order is: host and origin
(403), what the session opens (401), size of the body (413). What is open, and how large, each server declares
(`Doors`). Every answer, an error too, carries the headers that keep a page to itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radstudy.app.web.needs import Json
from radstudy.errors import UsageError

ENTER = "/api/enter"
LAUNCH = "/api/launch"  # asked by a second `radstudy read` of the same study; proves itself, see `running`
MOST_BYTES: Mapping[str, int] = {ENTER: 4_096, LAUNCH: 4_096, "/api/lead/takein": 64 << 20}
STROKE_BYTES, OTHER_BYTES = 16 << 20, 1 << 20
_DISCARDED, _DISCARDED_OF_STRANGERS = 32 << 20, 64 << 10  # read on and thrown away, so that a page gets the answer 413
TOO_LARGE, TOO_LONG = "this is more than the server takes", "this took too long"
_AT_ONCE = 4  # large bodies that are in memory at the same time
_SECONDS_FOR_A_BODY = 60.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_READS, _WRITES = ("GET", "HEAD"), ("POST", "DELETE")

_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
        "connect-src 'self'", "font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOT_KEPT = (b"cache-control", b"no-store")


@dataclass(frozen=True)
class Doors:
    """The requests that a server lets in.

    Parameters
    ----------
    open_reads, open_writes : paths that need no session.
    most_bytes : path to the largest body.
    discarded : path to the bytes beyond it that are still received, and not kept: a browser listens only when it has
        sent all.
    streamed : paths whose route receives the body itself, block by block, and bounds it.
    tokens : whether a program may send the token of a link with every request (``Authorization: Bearer``) instead of
        entering: no page of another site can make a browser send that, so the header Origin is not asked for.
    methods : path to the methods that it has.
    closed : what a request without a session is told.
    policy : path to a content security policy of its own; None for that of all pages.
    more : further fields of every answer of the guard.
    """

    open_reads: frozenset[str]
    open_writes: frozenset[str]
    most_bytes: Callable[[str], int]
    discarded: Callable[[str], int]
    streamed: frozenset[str] = frozenset()
    tokens: bool = False
    methods: Callable[[str], tuple[str, ...]] = lambda _: (*_READS, *_WRITES)
    closed: str = "enter with your personal link first"
    policy: Callable[[str], str | None] = lambda _: None
    more: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Served:
    """The names under which the server may be called.

    Parameters
    ----------
    url : of the links that it gives out, without a slash at the end.
    hosts : values of the header Host, in lower case.
    origins : values of the header Origin, in lower case.
    """

    url: str
    hosts: frozenset[str]
    origins: frozenset[str]


def served_at(host: str, port: int, public_url: str = "") -> Served:
    """The names of a server: those of this computer, and the public one.

    Parameters
    ----------
    host : the address that it listens on.
    port : likewise.
    public_url : under which a reverse proxy or the network reaches it; "" for none.

    Raises
    ------
    UsageError : the public URL is not one of a whole host.

    Examples
    --------
    >>> served_at("127.0.0.1", 8000, "https://reading.example.org").url
    'https://reading.example.org'
    """
    own = f"[{host}]" if ":" in host else host
    names = [*_LOOPBACK, *([] if own in ("0.0.0.0", "[::]") else [own])]
    hosts = {f"{name}:{port}" for name in names}
    origins = {f"http://{one}" for one in hosts}
    if port == _DEFAULT_PORTS["http"]:
        hosts |= set(names)
        origins |= {f"http://{name}" for name in names}
    url = f"http://{own if own in names else '127.0.0.1'}:{port}"
    if public_url:
        url = public_origin(public_url)
        origins.add(url)
        name = url.partition("://")[2]
        hosts |= {name} if ":" in name.rpartition("]")[2] else {name, f"{name}:{_DEFAULT_PORTS[url.split(':')[0]]}"}
    return Served(url, frozenset(one.lower() for one in hosts), frozenset(one.lower() for one in origins))


def public_origin(url: str) -> str:
    """Scheme, host and port of a public URL as browsers write an origin: lower case, without the scheme's own port.

    Raises
    ------
    UsageError : it is not http(s)://HOST or http(s)://HOST:PORT.

    Examples
    --------
    >>> public_origin("https://Reading.example.org:443/")
    'https://reading.example.org'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not bare:
        raise UsageError(
            f"--public-url {url} is not the address of a host: write it as https://reading.hospital.org or "
            "https://reading.hospital.org:8443, without a path"
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{name}{shown}"


class Guard:
    """Lets through what may be heard, and puts the headers on every answer.

    Parameters
    ----------
    app : behind it.
    served : the names of the server.
    is_known : whether a request belongs to a session.
    doors : what is let in; the reading room's by default.
    """

    def __init__(
        self, app: ASGIApp, served: Served, is_known: Callable[[Scope], bool], doors: Doors | None = None
    ) -> None:
        self._app, self._served, self._is_known, self._doors = app, served, is_known, doors or READING_ROOM
        self._bodies = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        send = _with_headers(scope, send, self._doors.policy)
        if (refusal := self._refusal(scope)) is not None:
            await answer(send, *refusal, self._doors.more, allow=self._doors.methods(scope["path"]))
            return
        if scope["method"] in _READS or scope["path"] in self._doors.streamed:
            await self._app(scope, receive, send)
            return
        # until it is answered: a body takes much more memory once it is read as JSON
        async with self._bodies if self._is_large(scope) else nullcontext():
            doors, path = self._doors, scope["path"]
            body = await _body(receive, doors.most_bytes(path), doors.discarded(path))
            if isinstance(body, int):
                await answer(send, body, TOO_LARGE if body == 413 else TOO_LONG, doors.more)
            else:
                await self._app(scope, _received(body, receive), send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and text if the request is refused."""
        if scope["method"] not in self._doors.methods(scope["path"]):
            return 405, "this method is not used here"
        if (foreign := self._foreign(scope)) is not None:
            return foreign
        path = scope["path"]
        doors = self._doors
        is_open = (path in doors.open_reads and scope["method"] in _READS) or (
            path in doors.open_writes and scope["method"] == "POST"
        )
        if not is_open and not self._is_known(scope):
            return 401, doors.closed
        length = _values(scope, b"content-length")
        most = 0 if scope["method"] in _READS else doors.most_bytes(path) + doors.discarded(path)
        if length and not (length[0].isdecimal() and int(length[0]) <= most):
            return 413, TOO_LARGE
        return None

    def _is_large(self, scope: Scope) -> bool:
        """True if a body is announced as large; a body that anyone may send never is, so that nobody waits for it."""
        if scope["path"] in self._doors.open_writes:
            return False
        length = _values(scope, b"content-length")
        return not length or int(length[0]) > OTHER_BYTES

    def _foreign(self, scope: Scope) -> tuple[int, str] | None:
        """Status and text if the request was not sent by a page of this server, under its own name."""
        if len(host := _values(scope, b"host")) != 1 or host[0] not in self._served.hosts:
            return 403, "the server is not called by its own name; if this is its name, start it with --public-url"
        origins = _values(scope, b"origin")
        if any(origin not in self._served.origins for origin in origins):
            return 403, "the request comes from another site"
        by_token = self._doors.tokens and _values(scope, b"authorization")
        if scope["method"] in _WRITES and not origins and not by_token:
            if self._doors.tokens and scope["path"] not in self._doors.open_writes and not _values(scope, b"cookie"):
                return 401, self._doors.closed  # a program without its token
            return 403, "the request does not say from which page it comes"
        if scope["path"] != "/" and {"cross-site", "same-site"} & set(_values(scope, b"sec-fetch-site")):
            return 403, "the request comes from another site"
        return None


def _most_bytes(path: str) -> int:
    return STROKE_BYTES if path.endswith("/stroke") else MOST_BYTES.get(path, OTHER_BYTES)


def _discarded(path: str) -> int:
    return _DISCARDED_OF_STRANGERS if path in (ENTER, LAUNCH) else _DISCARDED


READING_ROOM = Doors(
    open_reads=frozenset({"/"}), open_writes=frozenset({ENTER, LAUNCH}), most_bytes=_most_bytes, discarded=_discarded
)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip().lower() for key, value in scope["headers"] if key == name]


async def _body(receive: Receive, most: int, discarded: int) -> bytes | int:
    """A request's body; the status of the refusal where it is larger than that or does not come."""
    content, size = bytearray(), 0
    try:
        async with asyncio.timeout(_SECONDS_FOR_A_BODY):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return 408
                size += len(part := message.get("body", b""))
                if size <= most:
                    content += part
                else:
                    content.clear()
                is_last = not message.get("more_body", False)
                if size > most and (is_last or size > most + discarded):
                    return 413
                if is_last:
                    return bytes(content)
    except TimeoutError:
        return 408


def _received(body: bytes, receive: Receive) -> Receive:
    """The app's input: the whole body at once, then whatever follows it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


def _with_headers(scope: Scope, send: Send, policy: Callable[[str], str | None]) -> Send:
    """Send with the headers of every answer; what is not a static file is never kept by the browser."""
    headers = dict(HEADERS)
    if (other := policy(scope["path"])) is not None:
        headers["content-security-policy"] = other
    own = [(name.encode(), value.encode()) for name, value in headers.items()]
    names = {name for name, _ in own}

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            theirs = [(name.lower(), value) for name, value in message.get("headers", []) if name.lower() not in names]
            if not any(name == b"cache-control" for name, _ in theirs):
                theirs.append(_NOT_KEPT)
            message = {**message, "headers": [*theirs, *own]}
        await send(message)

    return send_with


async def answer(send: Send, status: int, text: str, more: Json | None = None, *, allow: tuple[str, ...] = ()) -> None:
    """Send an error as JSON. The connection ends with it: of a refused request nothing more is read.

    Parameters
    ----------
    send : to the sender of the request.
    status : of HTTP.
    text : of the error.
    more : further fields.
    allow : the methods that the path has, for status 405.
    """
    body = json.dumps({"error": text, **(more or {})}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close"),
    ]  # fmt: skip
    if status == 405:
        headers.append((b"allow", ", ".join(allow).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""GET requests to one server: only the given credentials, no other host, and bounds on size and time."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth

from radstudy.errors import UsageError
from radstudy.intake.limits import RAISE, Limits, Pace
from radstudy.intake.server_texts import tidy
from radstudy.intake.transfer_error import TransferError

TOKEN = "RADSTUDY_DICOMWEB_TOKEN"  # environment variable with a bearer token
_CHUNK = 1 << 16  # bytes; if a connection is lost, the chunks received before are kept
_REDIRECTS = 5
_PACKED = ("", "identity", "gzip", "x-gzip", "deflate")
_GOOD = (200, 204, 206)
_LOGIN = f"give user and password in .netrc, or a bearer token in the environment variable {TOKEN}"
_REMEDIES = {
    401: _LOGIN,
    403: f"ask for permission to read, or {_LOGIN}",
    404: "check that the address is the root of the DICOMweb service, such as https://pacs.example.org/dicom-web",
}
_TRANSIENT = (408, 429, 500, 502, 503, 504)  # a status that another attempt may not meet


class Web:
    """HTTP access to one server.

    Parameters
    ----------
    url : its root. It may contain user and password; otherwise a bearer token is taken from the environment, or user
        and password from .netrc, in this order. Proxies and certificates are taken from the environment.
    timeout_s : longest wait for a connection, and for the next bytes.
    limits : bounds on what is accepted.

    Raises
    ------
    UsageError : the address has no host, has a query, or names a user while a token is set.
    """

    def __init__(self, url: str, *, timeout_s: float, limits: Limits) -> None:
        self.url, login = _split_login(url)
        token = os.environ.get(TOKEN, "")
        if login and token:
            raise UsageError(
                f"the address names a user, but the environment variable {TOKEN} a token. To do: give only one"
            )
        self._timeout, self._limits, self._pace = timeout_s, limits, Pace(limits)
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "gzip"
        if login or token:  # then .netrc is not read
            self._session.auth = HTTPBasicAuth(*login) if login else _Bearer(token)
        adapter = _PacedAdapter(self._pace)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def shown(self, address: str) -> str:
        """Return an address for messages, without UIDs and without the query, which may name a patient."""
        return re.sub(r"/[0-9][0-9.]*(?=/|$)", "/...", tidy(urlsplit(address)._replace(query="").geturl()))[:200]

    @contextmanager
    def get(self, path: str, *, accept: str, total_s: float) -> Iterator[requests.Response]:
        """Request a path below the root; the body is read with `chunks`.

        Raises
        ------
        TransferError : no connection, an error, another host, or too slow; names the address and what to do.
        """
        address = f"{self.url}/{path}"
        began = False
        try:
            self._pace.begin(total_s)
            answer = self._open(address, accept)
            began = True
            with answer:
                yield answer
        except TransferError as error:
            raise TransferError(f"{error} ({self.shown(address)})", error.remedy, again=error.again) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            what = "the connection was lost" if began else "no connection"
            raise TransferError(f"{what}: {type(error).__name__} ({self.shown(address)})") from error

    def chunks(self, answer: requests.Response, most: int) -> Iterator[bytes]:
        """Yield the body of an answer, unpacked, in chunks; raise a TransferError if it is larger than `most` bytes."""
        packed = answer.headers.get("Content-Encoding", "").strip().lower()
        if packed not in _PACKED:
            raise TransferError(
                f"an answer is compressed with '{tidy(packed)[:40]}', which was not requested", again=False
            )
        came = 0
        for chunk in answer.iter_content(_CHUNK):
            came += len(chunk)
            if came > most:
                raise TransferError(f"an answer is larger than {most} bytes", RAISE, again=False)
            yield chunk

    def _open(self, address: str, accept: str) -> requests.Response:
        for _ in range(_REDIRECTS + 1):
            answer = self._session.get(
                address, headers={"Accept": accept}, timeout=self._timeout, stream=True, allow_redirects=False
            )
            target = self._session.get_redirect_target(answer)
            if target is None:
                _check(answer)
                return answer
            answer.close()
            target = urljoin(address, target)
            if not _is_same_server(address, target):
                host = tidy(urlsplit(target).netloc.rpartition("@")[2])[:80]
                raise TransferError(
                    f"the server redirects to '{urlsplit(target).scheme[:10]}://{host}'",
                    "give that address yourself if you trust it; user and password are not sent there",
                    again=False,
                )
            address = target
        raise TransferError(f"the server redirects more than {_REDIRECTS} times", again=False)


def _check(answer: requests.Response) -> None:
    """Raise a TransferError if the status is not success; the body, which may name a patient, is not read."""
    status = answer.status_code
    if status in _GOOD:
        return
    answer.close()
    name = f" {HTTPStatus(status).phrase}" if status in {known.value for known in HTTPStatus} else ""
    raise TransferError(f"HTTP status {status}{name}", _REMEDIES.get(status, ""), again=status in _TRANSIENT)


def _is_same_server(old: str, new: str) -> bool:
    """True if an address is on the host and port of another, and at least as secure."""
    try:
        one, other = urlsplit(old), urlsplit(new)
        ports = [part.port or {"http": 80, "https": 443}.get(part.scheme) for part in (one, other)]
    except ValueError:
        return False
    if one.hostname != other.hostname or other.username is not None:
        return False
    if one.scheme == other.scheme:
        return ports[0] == ports[1]
    return (one.scheme, other.scheme, *ports) == ("http", "https", 80, 443)


def _split_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """Split an address into the part without user and password, and these."""
    shown = re.sub(r"//[^/]*@", "//", url)
    wrong = UsageError(f"'{shown}' is not an address of a DICOMweb service. To do: write https://host/dicom-web")
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError as error:
        raise wrong from error
    if not good:
        raise wrong
    login = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, "", "")).rstrip("/"), login


class _Bearer(AuthBase):
    """A bearer token (RFC 6750). As `auth` of a session it keeps requests from using .netrc instead."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


# --- pace of an answer: requests' timeout applies to each read of the socket, so one byte per minute never ends ------


class _PacedAdapter(HTTPAdapter):
    """Connections whose answers, header and body, keep a pace."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return a pool of connections, direct or through a proxy."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        if not issubclass(pool.ConnectionCls, _Paced):
            pool.ConnectionCls = type("PacedConnection", (_Paced, pool.ConnectionCls), {"pace": self._pace})
        return pool


class _Paced:
    """Mixin for a connection whose answers keep the pace."""

    pace: Pace

    def response_class(self, sock: Any, *args: Any, **options: Any) -> HTTPResponse:
        """Return http.client's answer, whose file is read at the pace."""
        answer = HTTPResponse(sock, *args, **options)
        answer.fp = io.BufferedReader(_PacedFile(answer.fp.detach(), sock, self.pace))
        return answer


class _PacedFile(io.RawIOBase):
    """The file of a socket, whose reads end when the pace is not kept."""

    def __init__(self, file: Any, sock: Any, pace: Pace) -> None:
        self._file, self._socket, self._pace = file, sock, pace
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the bytes received; raise a TransferError if it is too late."""
        if fault := self._pace.fault():
            raise TransferError(fault, RAISE)
        left = self._pace.left_s()
        self._socket.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            count: int | None = self._file.readinto(buffer)
        except TimeoutError:
            fault = self._pace.fault()
            raise TransferError(
                fault or f"nothing was received for {self._timeout:.0f} s", RAISE if fault else ""
            ) from None
        self._pace.came(count or 0)
        return count

    def close(self) -> None:
        """Close the file, and with it the socket if nothing else uses it."""
        self._file.close()
        super().close()

"""Personal links, and the sessions that they open.

A token is 256 random bits in the fragment of a link. It is sent once, for a cookie with a secret of its own. Kept are
only their SHA-256 hashes: of links in the room's storage, of sessions in memory, so that they end with the server.
A slow hash would add nothing: there is no dictionary of random numbers.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from radstudy.app.reading.links import PersonalLink, Role
from radstudy.app.web.needs import LinkStore, NotAllowedError, RequestError

_MOST_SESSIONS = 500
_FAILURES, _WITHIN_S = 10, 60.0  # so many wrong tokens from one address within this time, and it has to wait
_MOST_ADDRESSES = 1_000


class TooManyError(RequestError):
    """Too many wrong tokens came from this address."""

    status = 429


class NotKnownError(RequestError):
    """The token opens nothing: it is wrong, or its link was revoked."""

    status = 401


@dataclass(frozen=True)
class Visitor:
    """The sender of a request, by the session.

    Parameters
    ----------
    link : id of the link that he came with.
    role, reader, task : what the link opens; see `needs.Link`.
    """

    link: str
    role: Role
    reader: str
    task: str


class NoLinks:
    """Links that are kept: none. The one that is given out ends with the server."""

    def add_link(self, link: PersonalLink) -> None:
        """Never called: nobody can make a link."""
        raise NotImplementedError

    def links(self) -> tuple[PersonalLink, ...]:
        """None."""
        return ()

    def revoke_link(self, link_id: str, at: str) -> None:
        """Never called."""
        raise NotImplementedError


class Doorkeeper:
    """Gives out links, turns tokens into sessions, and knows whose session a cookie is.

    Parameters
    ----------
    store : where personal links are kept.
    clock : seconds that never go back.
    token : makes a token or a secret.
    unknown : what is told to whoever comes with a wrong link.
    """

    def __init__(
        self,
        store: LinkStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        unknown: str = "this link is not valid: ask the study lead for a new one",
    ) -> None:
        self._store, self._clock, self._token, self._unknown = store, clock, token, unknown
        self.cookie = f"radstudy_{secrets.token_hex(8)}"
        self._sessions: OrderedDict[str, Visitor] = OrderedDict()
        self._launched: dict[str, PersonalLink] = {}
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def launch(self, *, role: Role, reader: str, task: str = "") -> str:
        """The token of a link for whoever started the program; it ends with the server and is kept nowhere."""
        link, token = self._link(role, reader, task)
        with self._lock:
            self._launched[link.token_hash] = link
        return token

    def new_link(self, *, role: Role, reader: str, task: str = "") -> tuple[PersonalLink, str]:
        """A personal link, kept until it is revoked, and its token, which is shown this once."""
        link, token = self._link(role, reader, task)
        self._store.add_link(link)
        return link, token

    def revoke(self, link_id: str) -> None:
        """End a link and the sessions that it has opened."""
        self._store.revoke_link(link_id, _now())
        with self._lock:
            ended = [secret for secret, visitor in self._sessions.items() if visitor.link == link_id]
            for secret in ended:
                del self._sessions[secret]

    def enter(self, token: str, address: str) -> str:
        """The secret of a new session, for the cookie.

        Parameters
        ----------
        token : as it stood in the link.
        address : of the sender, for the brake on guessing.

        Raises
        ------
        TooManyError : this address has sent too many wrong ones.
        NotKnownError : the token is wrong or its link was revoked.
        """
        token_hash = _hash(token)
        with self._lock:
            link = self._launched.get(token_hash)
        link = link or next((one for one in self._store.links() if one.token_hash == token_hash), None)
        if link is None or link.revoked_at:  # a right one is always heard: behind a proxy all come from one address
            self._refuse_guessing(address)
            self._note_failure(address)
            raise NotKnownError(self._unknown)
        secret = self._token()
        with self._lock:
            self._sessions[_hash(secret)] = Visitor(link.id, link.role, link.reader, link.task)
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return secret

    def visitor(self, cookies: str) -> Visitor | None:
        """Whose session the header Cookie names; None for nobody's."""
        values = [
            value.strip().strip('"')
            for name, _, value in (part.partition("=") for part in cookies.split(";"))
            if name.strip() == self.cookie
        ]
        with self._lock:
            return self._sessions.get(_hash(values[0])) if len(values) == 1 else None

    def bearer(self, authorization: str) -> Visitor | None:
        """Whose launched link the header Authorization names by its token; None for nobody's."""
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            link = self._launched.get(_hash(token.strip())) if scheme.lower() == "bearer" else None
        return None if link is None else Visitor(link.id, link.role, link.reader, link.task)

    def header(self, secret: str, *, encrypted: bool) -> str:
        """The header Set-Cookie of a session; where the page came encrypted, it is only ever sent so."""
        return f"{self.cookie}={secret}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if encrypted else "")

    def _link(self, role: Role, reader: str, task: str) -> tuple[PersonalLink, str]:
        token = self._token()
        return PersonalLink(secrets.token_hex(8), _hash(token), role, reader, task, _now()), token

    def _refuse_guessing(self, address: str) -> None:
        with self._lock:
            failures = self._failures.get(address)
            while failures and failures[0] <= self._clock() - _WITHIN_S:
                failures.popleft()
            if failures and len(failures) >= _FAILURES:
                raise TooManyError("too many wrong links were tried from here: wait a minute and open yours again")

    def _note_failure(self, address: str) -> None:
        with self._lock:
            self._failures.setdefault(address, deque(maxlen=_FAILURES)).append(self._clock())
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)


def require_reader(visitor: Visitor, task: str = "") -> str:
    """The visitor's name as a reader of a task.

    Raises
    ------
    NotAllowedError : he reads nothing, or his link is for another task.
    """
    if not visitor.reader:
        raise NotAllowedError("this link is the study lead's: it opens no cases")
    if task and visitor.task and visitor.task != task:
        raise NotAllowedError("your link is for another task")
    return visitor.reader


def require_lead(visitor: Visitor) -> None:
    """Let only the study lead pass.

    Raises
    ------
    NotAllowedError : the visitor is a reader alone.
    """
    if visitor.role != "lead":
        raise NotAllowedError("only the study lead may do that")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

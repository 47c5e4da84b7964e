"""Watching of associations with a PACS: those whose peer is silent, too slow or sends too much are ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from radstudy.intake.limits import RAISE, Limits, Pace
from radstudy.intake.transfer_error import TransferError

_EVERY_S = 0.1
_COMMAND_BYTES = 1 << 20  # a message's command and packet headers, in addition to the object


class Watch:
    """One operation with a PACS, over one association or, while it sends to us, several.

    pynetdicom's own timeouts apply to whole messages: too short for a large object on a slow line, too long for a peer
    that sends one byte per minute.

    Parameters
    ----------
    limits : bounds on what is accepted.
    silence_s : the operation is ended after this time without a byte over any of its associations.
    """

    def __init__(self, limits: Limits, silence_s: float) -> None:
        self._limits, self._silence_s = limits, silence_s
        self._watched: list[_Watched] = []
        self._over = threading.Event()
        self._lock = threading.Lock()  # each association has its own thread
        self._busy = 0
        self.problem: TransferError | None = None
        self.begin(limits.transfer_s)

    def begin(self, total_s: float) -> None:
        """Restart the operation, which may take `total_s` seconds."""
        self._until, self._total_s = time.monotonic() + total_s, total_s
        self.heard()

    def heard(self) -> None:
        """Record that the peer has sent something."""
        self._last = time.monotonic()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Suspend the watch while this program, not the peer, is working."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
            self.heard()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watch until the end of the block."""
        _close_what_cannot_be_shut_down()
        thread = threading.Thread(target=self._run, name="radstudy watch", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def opened(self, event: Any) -> None:
        """Handle EVT_CONN_OPEN: start watching the association's socket, and let it send small packets at once.

        With Nagle's algorithm every operation would wait for a delayed acknowledgement.
        """
        holder = event.assoc.dul.socket
        if holder.socket is None:
            return
        holder.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        watched = _Watched(holder.socket, self, self._limits)
        event.assoc.radstudy_watched = watched
        holder.socket = watched
        with self._lock:
            self._watched = [one for one in self._watched if one.fileno() >= 0] + [watched]

    def message_ends(self, event: Any) -> None:
        """Handle EVT_DIMSE_RECV: a message is complete, and its bytes no longer count."""
        watched = getattr(event.assoc, "radstudy_watched", None)
        if watched is not None:
            watched.pace.rest()

    def end(self, problem: str, remedy: str = "", *, again: bool = True) -> None:
        """End all associations, for the first reason given."""
        self.problem = self.problem or TransferError(problem, remedy, again=again)
        for one in self._watched:
            one.end()

    def check(self) -> None:
        """Raise the reason if the operation was ended."""
        if self.problem is not None:
            raise self.problem

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            now = time.monotonic()
            if now > self._until:
                self.end(f"it took longer than {self._total_s:.0f} s", RAISE)
            elif not self._busy and now > self._last + self._silence_s:
                self.end(f"nothing was received for {self._silence_s:.0f} s")
            else:
                faults = [fault for one in self._watched if not self._busy and (fault := one.pace.fault())]
                if faults:
                    self.end(faults[0], RAISE)


def _close_what_cannot_be_shut_down() -> None:
    """Make pynetdicom close a socket whose connection was lost, or never existed.

    If `shutdown` fails, it drops the socket without closing it, which then stays open until garbage collection.
    """
    from pynetdicom.transport import AssociationSocket

    def shut(self: Any) -> None:
        if (left := self.socket) is not None:
            with suppress(OSError):
                left.shutdown(socket.SHUT_RDWR)
            left.close()

    AssociationSocket._shutdown_socket = shut  # type: ignore[method-assign]  # pynetdicom has no other way


class _Watched:
    """A socket that counts the bytes received."""

    def __init__(self, sock: socket.socket, watch: Watch, limits: Limits) -> None:
        self._socket, self._watch, self._most = sock, watch, limits.object_bytes
        self.pace = Pace(limits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, count: int) -> bytes:
        """Receive bytes; raise an OSError if the message is larger than an object may be."""
        content = self._socket.recv(count)
        self.pace.came(len(content))
        self._watch.heard()
        if self.pace.received > self._most + _COMMAND_BYTES:
            self._watch.end(f"an object is larger than {self._most} bytes", RAISE, again=False)
            raise OSError("too large")
        return content

    def end(self) -> None:
        """Close both directions, so that a pending read ends."""
        with suppress(OSError):  # it is already closed
            self._socket.shutdown(socket.SHUT_RDWR)

"""Tells open pages of what has changed, as server-sent events.

A page is told of its own reader's affairs alone: when another reader works is nothing that he may see. A page that does
not read is dropped: it comes back by itself and asks anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from radstudy.app.web.needs import Json, RequestError
from radstudy.app.web.sessions import Visitor

HEARTBEAT_S = 15.0
_WAITING = 32  # events that a page may be behind
_PAGES_OF_A_LINK, _PAGES = 16, 200
_RETRY = b"retry: 2000\n\n"


class TooManyPagesError(RequestError):
    """No more pages can be told."""

    status = 429


@dataclass(eq=False)
class _Page:
    """An open event stream."""

    visitor: Visitor
    events: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_WAITING + 2))


class Events:
    """The open event streams of a server; all but `publish` is called in its event loop.

    Parameters
    ----------
    heartbeat_s : after so long without an event a page is sent a sign of life.
    """

    def __init__(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._heartbeat_s = heartbeat_s
        self._pages: list[_Page] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def start(self) -> None:
        """Say in which event loop the streams are."""
        self._loop = asyncio.get_running_loop()

    @property
    def count(self) -> int:
        """Open streams."""
        return len(self._pages)

    def stream(self, visitor: Visitor) -> AsyncIterator[bytes]:
        """The stream of one page.

        Raises
        ------
        TooManyPagesError : the link, or the server, has too many open ones.
        """
        of_link = sum(page.visitor.link == visitor.link for page in self._pages)
        if of_link >= _PAGES_OF_A_LINK or len(self._pages) >= _PAGES:
            raise TooManyPagesError("too many pages of the reading room are open: close some")
        return self._told(_Page(visitor))

    async def _told(self, page: _Page) -> AsyncIterator[bytes]:
        if self._closed:
            return
        self._pages.append(page)  # here, so that a page that is gone before it is told anything leaves nothing behind
        try:
            yield _RETRY
            while True:
                try:
                    event = await asyncio.wait_for(page.events.get(), self._heartbeat_s)
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                if event is None:
                    return
                yield event
        finally:
            self._forget(page)

    def publish(self, kind: str, data: Json, *, reader: str) -> None:
        """Tell a reader's pages, and of progress the lead's; may be called from any thread.

        Parameters
        ----------
        kind : progress or taken.
        data : what the page gets.
        reader : whose affair it is.
        """
        self._later(lambda: self._put(
            kind, data, lambda visitor: visitor.reader == reader or (kind == "progress" and visitor.role == "lead")
        ))  # fmt: skip

    def drop(self, link: str) -> None:
        """End the streams of a link that was revoked; may be called from any thread."""

        def end() -> None:
            for page in [page for page in self._pages if page.visitor.link == link]:
                self._end(page)

        self._later(end)

    def close(self) -> None:
        """Say goodbye to all pages and end their streams."""
        self._closed = True
        self._put("bye", {}, lambda _: True)
        for page in list(self._pages):
            self._end(page)

    def _later(self, action: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(action)

    def _put(self, kind: str, data: Json, concerns: Callable[[Visitor], bool]) -> None:
        event = f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
        for page in [page for page in self._pages if concerns(page.visitor)]:
            if page.events.qsize() >= _WAITING:
                self._end(page)
            else:
                page.events.put_nowait(event)

    def _end(self, page: _Page) -> None:
        """Let a stream end after what it still has to tell; one that is full forgets its last event for that."""
        self._forget(page)
        if page.events.full():
            page.events.get_nowait()
        page.events.put_nowait(None)

    def _forget(self, page: _Page) -> None:
        if page in self._pages:
            self._pages.remove(page)

"""The order of requests with images: one is worked on, a few wait, and the next one is told to come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from radstudy.app.prediction.answers import FullError

Result = TypeVar("Result")


class Line:
    """Bounds how much work is taken at a time.

    Parameters
    ----------
    waiting : requests that may wait, besides the one that is worked on.
    """

    def __init__(self, waiting: int) -> None:
        self._most = waiting + 1
        self._one: anyio.CapacityLimiter | None = None
        self.taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place, from before the files are received until the answer is ready.

        Raises
        ------
        FullError : all are taken.
        """
        if self.taken >= self._most:
            raise FullError(f"{self._most} requests are being worked on or wait: send this one again in a while")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def work(self, function: Callable[[], Result]) -> Result:
        """Do work in a thread, one piece at a time. It is finished even if the sender has gone."""
        if self._one is None:
            self._one = anyio.CapacityLimiter(1)
        return await anyio.to_thread.run_sync(function, limiter=self._one)

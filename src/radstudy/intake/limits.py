"""Bounds on what is accepted from a server: sizes, counts and times. They are defined only here.

They are far above what an examination needs. `RADSTUDY_SERVER_LIMITS=10` makes each of them ten times as generous.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from radstudy.errors import UsageError

FACTOR = "RADSTUDY_SERVER_LIMITS"  # environment variable
RAISE = f"if you trust this server, raise the limits: set the environment variable {FACTOR} to 10 (ten times as much)"


@dataclass(frozen=True)
class Limits:
    """Bounds on what a server may send.

    Parameters
    ----------
    answer_bytes, answer_values : size of one answer to a query over DICOMweb, unpacked; number of lists and objects in
        its JSON, which take fifty times the memory of their text.
    object_bytes : size of one DICOM object.
    series_bytes : size of one answer with a whole series over DICOMweb, unpacked.
    matches, pages : number of matches and pages of one query.
    query_s, listing_s : time for one query with all its pages; for the listing of all examinations.
    transfer_s : time for one series, with all attempts.
    grace_s, slowest : once an answer, or a message of a PACS, has begun and `grace_s` seconds have passed, it must
        deliver `slowest` bytes per second on average.
    associations : number of associations that a PACS may have open at the same time to send by C-MOVE.
    """

    answer_bytes: int = 64 << 20
    answer_values: int = 2_000_000
    object_bytes: int = 2 << 30
    series_bytes: int = 32 << 30
    matches: int = 100_000
    pages: int = 1_000
    query_s: float = 600
    listing_s: float = 3_600
    transfer_s: float = 21_600
    grace_s: float = 60
    slowest: float = 256
    associations: int = 8

    def times(self, factor: float) -> Limits:
        """Return the bounds, `factor` times as generous."""
        more = {name: round(value * factor) for name, value in vars(self).items() if name != "slowest"}
        return replace(self, **more, slowest=self.slowest / factor)


def server_limits() -> Limits:
    """The bounds, raised by the environment variable `RADSTUDY_SERVER_LIMITS`.

    Raises
    ------
    UsageError : the variable is not a number of at least 1.
    """
    text = os.environ.get(FACTOR, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 1 <= factor <= 1e6:
        raise UsageError(
            f"the environment variable {FACTOR} is '{text}', which is not a number from 1 to 1000000. "
            "To do: unset it, or set it to the factor by which to raise the limits, such as 10"
        )
    return Limits().times(factor)


class Pace:
    """Time control of a transfer: a deadline for all of it, and a slowest rate once it has begun.

    Parameters
    ----------
    limits : the bounds.
    clock : monotonic time in seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self.begin(limits.transfer_s)

    def begin(self, total_s: float) -> None:
        """Start a new transfer, which may take `total_s` seconds."""
        self._total, self._until = total_s, self._clock() + total_s
        self.rest()

    def rest(self) -> None:
        """Suspend the slowest rate until the next bytes arrive."""
        self._first: float | None = None
        self.received = 0

    def came(self, count: int) -> None:
        """Count bytes that have arrived."""
        if self._first is None:
            self._first = self._clock()
        self.received += count

    def left_s(self) -> float:
        """Return the seconds within which the next bytes must arrive; zero or less means too late."""
        now, left = self._clock(), self._until - self._clock()
        if self._first is None:
            return left
        return min(left, self._first + self._limits.grace_s + self.received / self._limits.slowest - now)

    def fault(self) -> str:
        """Explain why the transfer must end; "" if it may continue."""
        if self._clock() >= self._until:
            return f"it took longer than {self._total:.0f} s"
        if self.left_s() <= 0:
            return f"it is too slow: {self.received} bytes in {self._limits.grace_s:.0f} s or more"
        return ""

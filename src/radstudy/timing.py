"""The time of the work on one case and of its parts, measured in the process that does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

try:
    import resource
except ImportError:  # Windows
    _PER_MIB = 0
else:
    import sys

    _PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10  # macOS counts bytes, Linux kB

Given = TypeVar("Given")
Result = TypeVar("Result")

KEPT = "kept"  # the part of a case whose result was kept by an earlier run: its time is not that of the work
_PARTS: ContextVar[dict[str, float] | None] = ContextVar("parts", default=None)


@dataclass(frozen=True)
class CaseTime:
    """The time of one case.

    Parameters
    ----------
    seconds : in all.
    parts : part of the work to its seconds; what is not timed apart is in none.
    peak_mib : most memory of the process until then, MiB; None where the system does not tell.
    """

    seconds: float
    parts: Mapping[str, float]
    peak_mib: float | None


def measured(function: Callable[[Given], Result], given: Given) -> tuple[CaseTime, Result]:
    """The time of a case and its result.

    Parameters
    ----------
    function : the work.
    given : its task.
    """
    parts: dict[str, float] = {}
    token = _PARTS.set(parts)
    start = time.perf_counter()
    try:
        result = function(given)
    finally:
        _PARTS.reset(token)
    return CaseTime(time.perf_counter() - start, parts, peak_mib()), result


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Add the time of this block to a part of the present case; outside `measured` nothing is done."""
    parts = _PARTS.get()
    if parts is None:
        yield
        return
    start = time.perf_counter()
    try:
        yield
    finally:
        parts[part] = parts.get(part, 0.0) + time.perf_counter() - start


def timed_each(part: str, items: Iterable[Given]) -> Iterator[Given]:
    """The items; the time that each takes to come is added to a part of the present case."""
    iterator = iter(items)
    while True:
        with timed(part):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def note_kept() -> None:
    """Note that the present case's result was kept by an earlier run."""
    parts = _PARTS.get()
    if parts is not None:
        parts[KEPT] = 0.0


def peak_mib() -> float | None:
    """The most memory that this process has had, MiB; None where the system does not tell."""
    if not _PER_MIB:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MIB, 1)

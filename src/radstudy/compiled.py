"""One `jit` for every compiled kernel: cached on disk, without the interpreter lock.

numba refuses, at import, to cache a function when neither the package's folder nor the user's cache folder can be
written (a hospital workstation with a read-only home). Then the kernel is compiled anew in each process instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import event

from radstudy.announcing import announce, announcement_asked

Function = TypeVar("Function", bound=Callable[..., Any])
_uncached: list[str] = []  # functions that are compiled anew in every process


def jit(**options: Any) -> Callable[[Function], Function]:
    """Decorate a kernel: ``numba.njit(nogil=True, cache=True)``, uncached where no cache can be written.

    Parameters
    ----------
    **options : passed to ``numba.njit`` (``fastmath``, ``parallel``, ...).
    """

    def decorate(function: Function) -> Function:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # "cannot cache function ...: no locator available"
            _uncached.append(function.__name__)
            return numba.njit(nogil=True, **options)(function)  # type: ignore[no-any-return]

    return decorate


class _Announcer(event.Listener):  # type: ignore[misc]  # numba has no types
    """Says that a kernel is compiled; one that is read from the cache is no such event."""

    def on_start(self, event: Any) -> None:
        """Say it, once for all processes of a command."""
        announce(kept=not _uncached)

    def on_end(self, event: Any) -> None:
        """Nothing."""


if announcement_asked():
    event.register("numba:compile", _Announcer())

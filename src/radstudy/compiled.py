"""One `jit` for every compiled kernel: cached on disk, without the interpreter lock.

numba keeps a compiled function with a hash of its own file, but ignores the files that this one imports: a kernel that
calls one in another file would go on with the old version after an edit or an update. Here the hash covers the files
of this package that the kernel's file imports, and those that they import.

At import, numba refuses to cache a function if neither the package's folder nor the user's cache folder is writable (a
hospital workstation with a read-only home). The kernel is then compiled again in each process.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import event
from numba.core.dispatcher import Dispatcher

from radstudy.announcing import announce, announce_not_kept, announcement_asked

Function = TypeVar("Function", bound=Callable[..., Any])
_uncached: list[str] = []  # functions that are compiled anew in every process

_PACKAGE = re.escape(__name__.partition(".")[0])
_IMPORTS = re.compile(
    rf"^(?:from ({_PACKAGE}[\w.]*) import (?:\(([^)]*)\)|([^(\n]+))|import ({_PACKAGE}[\w.]*))", re.MULTILINE
)


def jit(**options: Any) -> Callable[[Function], Function]:
    """Decorate a kernel: ``numba.njit(nogil=True, cache=True)``, uncached if no cache can be written.

    Parameters
    ----------
    **options : passed to ``numba.njit`` (``fastmath``, ``parallel``, ...).
    """

    def decorate(function: Function) -> Function:
        try:
            compiled = numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # "cannot cache function ...: no locator available"
            _uncached.append(function.__name__)
            return numba.njit(nogil=True, **options)(function)  # type: ignore[no-any-return]
        _stamp(compiled, source_hash(Path(inspect.getfile(function))))
        return compiled  # type: ignore[no-any-return]

    return decorate


def source_hash(file: Path) -> bytes:
    """A hash of a Python file and of all files of its package that it imports, directly or indirectly."""
    digest = hashlib.sha256()
    for one in sorted(_files_of(file)):
        digest.update(one.name.encode())
        digest.update(_content(one))
    return digest.digest()


def _stamp(compiled: Any, stamp: bytes) -> None:
    """Make the cache of a compiled function valid for these sources only."""
    if not isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT
        return
    cached: Any = compiled._cache  # type: ignore[attr-defined]
    kept: Any = getattr(cached, "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = stamp
        cached.save_overload = _unless_full(cached.save_overload)
    else:  # a numba that keeps it elsewhere: slow is better than stale
        cached.disable()


def _unless_full(save: Callable[..., None]) -> Callable[..., None]:
    """Keep compiled code if there is room for it; a full disk must not cost the case that is being computed."""

    def saved(*given: Any) -> None:
        try:
            save(*given)
        except OSError as error:
            announce_not_kept(error.strerror or str(error))

    return saved


def _files_of(file: Path) -> set[Path]:
    files: set[Path] = set()
    due = [file]
    while due:
        if (one := due.pop()) not in files:
            files.add(one)
            due += _imported(one)
    return files


@cache
def _imported(file: Path) -> tuple[Path, ...]:
    """The files of this package that a file imports at its outer level."""
    modules = (sys.modules.get(name) for name in _names(_content(file).decode("utf-8")))
    return tuple(Path(module.__file__) for module in modules if module is not None and module.__file__)


def _names(source: str) -> Iterator[str]:
    """Yield possible module names among the imports of this package; Python's own parser takes much longer."""
    for module, listed, line, plain in _IMPORTS.findall(source):
        yield module or plain
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", listed or line))


@cache
def _content(file: Path) -> bytes:
    return file.read_bytes()


class _Announcer(event.Listener):
    """Announces that a kernel is compiled; reading one from the cache is not such an event."""

    def on_start(self, event: Any) -> None:
        """Announce it, once for all processes of a command."""
        announce(kept=not _uncached)

    def on_end(self, event: Any) -> None:
        """Do nothing."""


if announcement_asked():
    event.register("numba:compile", _Announcer())


def not_cached() -> tuple[str, ...]:
    """The kernels that every process compiles anew, because no folder for numba's cache can be written to."""
    return tuple(_uncached)

"""One `jit` for every compiled kernel: cached on disk, without the interpreter lock.

numba keeps a compiled function with a hash of the file that it stands in, and takes no notice of what that file
imports: a kernel that calls another file's would go on with the old one after an edit or an update. Here the hash
covers the files of this package that the kernel's file imports, and those that they import.

numba refuses, at import, to cache a function when neither the package's folder nor the user's cache folder can be
written (a hospital workstation with a read-only home). Then the kernel is compiled anew in each process instead.
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
    """Decorate a kernel: ``numba.njit(nogil=True, cache=True)``, uncached where no cache can be written.

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
    """A hash of a Python file and of all files of its package that it imports, directly or by another."""
    digest = hashlib.sha256()
    for one in sorted(_files_of(file)):
        digest.update(one.name.encode())
        digest.update(_content(one))
    return digest.digest()


def _stamp(compiled: Any, stamp: bytes) -> None:
    """Let the cache of a compiled function hold for these sources only."""
    if not isinstance(compiled, Dispatcher):  # NUMBA_DISABLE_JIT
        return
    cached: Any = compiled._cache  # type: ignore[attr-defined]
    kept: Any = getattr(cached, "_cache_file", None)
    if hasattr(kept, "_source_stamp"):
        kept._source_stamp = stamp
        cached.save_overload = _unless_full(cached.save_overload)
    else:  # a numba that keeps it elsewhere: rather slow than stale
        cached.disable()


def _unless_full(save: Callable[..., None]) -> Callable[..., None]:
    """Keep compiled code where there is room for it; a disk that is full must not cost the case that is computed."""

    def saved(*given: Any) -> None:
        try:
            save(*given)
        except OSError as error:
            announce_not_kept(error.strerror or str(error))

    return saved


def _files_of(file: Path) -> set[Path]:
    found: set[Path] = set()
    due = [file]
    while due:
        if (one := due.pop()) not in found:
            found.add(one)
            due += _imported(one)
    return found


@cache
def _imported(file: Path) -> tuple[Path, ...]:
    """The files of this package that a file imports at its outer level."""
    modules = (sys.modules.get(name) for name in _names(_content(file).decode("utf-8")))
    return tuple(Path(module.__file__) for module in modules if module is not None and module.__file__)


def _names(source: str) -> Iterator[str]:
    """What may be a module's name among the imports of this package; Python's own parser takes much longer."""
    for module, listed, line, plain in _IMPORTS.findall(source):
        yield module or plain
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", listed or line))


@cache
def _content(file: Path) -> bytes:
    return file.read_bytes()


class _Announcer(event.Listener):
    """Says that a kernel is compiled; one that is read from the cache is no such event."""

    def on_start(self, event: Any) -> None:
        """Say it, once for all processes of a command."""
        announce(kept=not _uncached)

    def on_end(self, event: Any) -> None:
        """Nothing."""


if announcement_asked():
    event.register("numba:compile", _Announcer())

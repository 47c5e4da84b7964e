"""Announce once per command, across its worker processes, that kernels are being compiled; without importing numba."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_acts: list[Callable[[], None]] = []
_FOLDER = "RADSTUDY_COMPILING"  # of the environment, which worker processes inherit
_ONCE = "Compiling, once on this computer: it takes about half a minute; later commands use the result."
_EACH_TIME = (
    "Compiling: it takes about half a minute, every time, because no compiled code can be kept on this computer. To "
    "do: set NUMBA_CACHE_DIR to a folder that you may write to."
)
_NOT_KEPT = (
    "The compiled code cannot be kept ({}): this command goes on, and the next one compiles again. To do: make "
    "room, or set NUMBA_CACHE_DIR to another folder."
)


def ask_for_announcement() -> None:
    """Make this process and its workers announce compilation; called by the command line, not by the library."""
    try:
        folder = tempfile.mkdtemp(prefix="radstudy-")
    except OSError:  # no place for temporary files: then nothing is announced
        return
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_FOLDER] = folder


def announcement_asked() -> bool:
    """True if the command of this process has called `ask_for_announcement`."""
    return bool(os.environ.get(_FOLDER))


def announce(*, kept: bool) -> None:
    """Print on stderr that kernels are being compiled, unless a process of the same command has done so.

    Parameters
    ----------
    kept : True if the compiled code is kept for the next time.
    """
    if _say_once("said", _ONCE if kept else _EACH_TIME) and kept:
        for act in _acts:
            act()


def when_compiling(act: Callable[[], None]) -> None:
    """Have something done when this process is the first of its command that compiles what is kept.

    Parameters
    ----------
    act : called while the first kernel waits for being compiled, so it must be quick.
    """
    _acts.append(act)


def announce_not_kept(reason: str) -> None:
    """Print on stderr that compiled code could not be kept, unless a process of the same command has done so."""
    _say_once("not-kept", _NOT_KEPT.format(reason))


def _say_once(name: str, text: str) -> bool:
    """Print it, unless that was done; True if it was printed now."""
    try:
        os.close(os.open(Path(os.environ[_FOLDER]) / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except (OSError, KeyError):
        return False
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    return True

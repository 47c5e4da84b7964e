"""How a command and its worker processes say once, between them, that kernels are compiled; without importing numba."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

_FOLDER = "RADSTUDY_COMPILING"  # of the environment, which worker processes inherit
_ONCE = "Compiling, once on this computer: it takes about half a minute; from the next command on it is there."
_EACH_TIME = (
    "Compiling: it takes about half a minute, and each time, since no compiled code can be kept on this computer. To "
    "do: set NUMBA_CACHE_DIR to a folder that you may write to."
)


def ask_for_announcement() -> None:
    """Let this process and its workers say it when they compile; called by the command line, not by the library."""
    try:
        folder = tempfile.mkdtemp(prefix="radstudy-")
    except OSError:  # no place for temporary files: then nothing is said
        return
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_FOLDER] = folder


def announcement_asked() -> bool:
    """Whether the command that this process belongs to has asked for it."""
    return bool(os.environ.get(_FOLDER))


def announce(*, kept: bool) -> None:
    """Say on stderr that kernels are being compiled, unless a process of the same command has said it.

    Parameters
    ----------
    kept : whether the compiled code is there the next time.
    """
    try:
        os.close(os.open(Path(os.environ[_FOLDER]) / "said", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except (OSError, KeyError):
        return
    sys.stderr.write((_ONCE if kept else _EACH_TIME) + "\n")
    sys.stderr.flush()

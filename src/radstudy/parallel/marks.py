"""Marks of the files that native code reads: if it ends the process, the error names the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Mark = tuple[str, str]
"""The file that is being read, and whose mask it is; both "" where none is."""


class _Process:
    """What holds for this process."""

    mark: Mark = ("", "")
    tell: Callable[[Mark], None] | None = None


def tell(listener: Callable[[Mark], None]) -> None:
    """Let the program know of this process's marks: called once by a worker process, when it begins.

    Parameters
    ----------
    listener : is called with each mark as it is set, before the file is read, and as it is taken back.
    """
    _Process.tell = listener


@contextmanager
def reading(file: str | Path, *, reader: str = "") -> Iterator[None]:
    """Say that native code reads a file now: if it ends this process, the error names the file.

    Parameters
    ----------
    file : which.
    reader : whose mask it is.
    """
    before = _Process.mark
    _set((str(file), reader or before[1]))
    try:
        yield
    finally:
        _set(before)


def _set(mark: Mark) -> None:
    _Process.mark = mark
    if _Process.tell is not None:
        _Process.tell(mark)

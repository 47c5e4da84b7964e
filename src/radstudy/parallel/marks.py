"""Marks of the files that native code reads: if it ends the process, the error names the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Mark = tuple[str, str]
"""The file that is being read, and the reader whose mask it is; both "" if none is."""


class _Process:
    """State of this process."""

    mark: Mark = ("", "")
    tell: Callable[[Mark], None] | None = None


def tell(listener: Callable[[Mark], None]) -> None:
    """Report this process's marks to the program: called once by a worker process, when it begins.

    Parameters
    ----------
    listener : called with each mark when it is set, before the file is read, and when it is removed.
    """
    _Process.tell = listener


@contextmanager
def reading(file: str | Path, *, reader: str = "") -> Iterator[None]:
    """Mark a file while native code reads it: if that ends this process, the error names the file.

    Parameters
    ----------
    file : the file.
    reader : the reader whose mask it is.
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

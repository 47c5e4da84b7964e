"""Options and output shared by the commands. Results go to stdout or files, messages to stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from radstudy.bugs import show_on_stderr
from radstudy.errors import StorageError
from radstudy.parallel import HERE, use
from radstudy.store import write_json
from radstudy.working import PROGRESS, stop_if_asked

_NOTED_EVERY_S = 0.5
EVERY_S = 30.0  # between two lines of progress, if the output is not a terminal


def _jobs(wanted: int | None) -> int | None:
    if wanted != 0:
        return wanted
    use(HERE)
    return 1


Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=0, callback=_jobs,
                 help="Number of processes; by default one per core; 0: only the program itself, for a debugger."),
]  # fmt: skip


def _debug(wanted: bool) -> None:
    if wanted:
        show_on_stderr()


Debug = Annotated[bool, typer.Option("--debug", callback=_debug, help="Print the traceback of every unexpected error.")]


def say(message: str) -> None:
    """Print a message, not a result, to stderr."""
    typer.echo(message, err=True)


def agreed(question: str) -> bool:
    """Ask the user; return False if there is no one to ask."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def bar(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """Show a progress bar on a terminal; elsewhere, such as in a file, print a line now and then.

    Between two items the command stops if it was asked to (`radstudy.working`).
    """
    items = _stoppable(items)
    if file := os.environ.get(PROGRESS):
        items = _written_down(items, total, what, Path(file))
    if not sys.stderr.isatty():
        return _lines(items, total, what)
    from rich.console import Console
    from rich.progress import track

    return track(items, description=what, total=total, console=Console(stderr=True), transient=True)


def _stoppable(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        yield item
        stop_if_asked()


def _written_down(items: Iterable[Any], total: int, what: str, file: Path) -> Iterator[Any]:
    """Yield the items; write how far they are to a file, for a page that watches."""
    began = last = time.monotonic()
    _note_progress(file, {"what": what, "done": 0, "total": total, "left_s": None})
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= _NOTED_EVERY_S or done == total:
            last, left = now, (now - began) / done * (total - done)
            _note_progress(file, {"what": what, "done": done, "total": total, "left_s": round(left, 1)})


def _note_progress(file: Path, progress: dict[str, object]) -> None:
    with suppress(StorageError):  # it is a convenience: the work itself reports a full disk
        write_json(file, progress)


def _lines(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """Yield the items; report the progress every half minute."""
    first = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if done == 1:
            first = now  # until here processes start and kernels are compiled: not typical of the others
        if now - last >= EVERY_S and done < total:
            last = now
            left = "" if done == 1 else f", about {(now - first) / (done - 1) * (total - done):.0f} s left"
            say(f"{what}: {done} of {total}{left}")


def label_of(text: str | None) -> int | str | None:
    """Turn the text of --label into a number, a segment's name, largest or union."""
    from radstudy.imaging.masks.read import label_of as read_label

    return read_label(text)

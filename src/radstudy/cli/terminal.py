"""What the commands share: an option, and how they speak. Results go to stdout or files, messages to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from radstudy.errors import UsageError

Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; by default all cores.")]


def say(message: str) -> None:
    """A message, which is no result."""
    typer.echo(message, err=True)


def bar(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=what, total=total, console=Console(stderr=True), transient=True)


def label_of(text: str | None) -> int | str | None:
    """A number, a segment's name, largest or union."""
    if text is None or not text.lstrip("-").isdigit():
        return text
    if int(text) < 1:
        raise UsageError(f"--label takes a number from 1, a segment's name, largest or union, not '{text}'")
    return int(text)

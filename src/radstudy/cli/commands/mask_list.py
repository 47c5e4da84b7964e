"""`radstudy mask list`: list the regions of a mask file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.imaging.masks.formats import listed


def mask_list(mask: Annotated[Path, typer.Argument(help=f"{listed()}.")]) -> None:
    """Print the number and name of every region in a mask file."""
    from radstudy.imaging.masks.read import segments_of

    for segment in segments_of(mask):
        typer.echo(f"{segment.number}\t{segment.name}" + ("" if segment.drawn else "\t(empty)"))


COMMAND = Command("mask list", mask_list, page="masks.md", writes=False, wrong=(), says="Missing argument")

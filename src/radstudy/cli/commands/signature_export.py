"""`radstudy signature export`: write a signature's formula as a script in R or Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.errors import UsageError


def signature_export(
    file: Annotated[Path, typer.Argument(help="A signature.json.")],
    r: Annotated[bool, typer.Option("--r", help="A script for R, without packages.")] = False,
    python: Annotated[bool, typer.Option("--python", help="A script for Python's standard library.")] = False,
    out: Annotated[Path | None, typer.Option(help="The script; by default it is printed.")] = None,
) -> None:
    """Write the formula as a script that checks itself with the signature's test vector when it runs."""
    if r == python:
        raise UsageError("choose one of --r and --python")
    from radstudy.owned import owning
    from radstudy.signature.document import read_signature
    from radstudy.signature.scripts import python_script, r_script
    from radstudy.store import write_text

    text = (r_script if r else python_script)(read_signature(file))
    if out is None:
        typer.echo(text, nl=False)
        return
    with owning(out):
        write_text(out, text)


COMMAND = Command(
    "signature export", signature_export, page="signature.md", writes=True, wrong=("s.json",),
    says="choose one of --r and --python",
)  # fmt: skip

"""`radstudy signature check`: verify a signature.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.errors import RefusedError


def signature_check(
    file: Annotated[Path, typer.Argument(help="A signature.json.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify a signature's layout, hash and settings, and the results that its test vector must give."""
    from radstudy.signature.check import FAILED, check_signature

    parts = check_signature(file)
    if as_json:
        typer.echo(json.dumps([part.as_dict() for part in parts], indent=1, ensure_ascii=False))
    else:
        width = max(len(part.result) for part in parts)
        typer.echo("\n".join(f"{part.result:<{width}}  {part.part}: {part.text}" for part in parts))
    failed = [part.part for part in parts if part.result == FAILED]
    if failed:
        raise RefusedError(
            f"{file} must not be used: {', '.join(failed)} failed. To do: copy it again from the folder of the run "
            "that wrote it"
        )


COMMAND = Command(
    "signature check", signature_check, page="signature.md", writes=False, wrong=(), says="Missing argument"
)  # fmt: skip

"""`radstudy doctor`: is this computer fit for a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.errors import UsageError

_MARKS = {"good": "ok", "warning": "note", "problem": "PROBLEM"}


def doctor(
    folder: Annotated[Path, typer.Argument(help="Folder in which studies are to lie; by default the current "
                                                "one.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Check this computer: versions, processors, memory, disk, permissions, browser, and features against PyRadiomics.

    The first time it compiles the kernels, which takes about half a minute. Exit code 2 if something will fail.
    """
    from radstudy.doctor import examined, is_fit

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: make it, or name another one")
    checks = []
    for check in examined(folder):
        checks.append(check)
        if not as_json:
            typer.echo(f"{_MARKS[check.verdict]:8}{check.name}: {check.seen}")
            if check.remedy:
                typer.echo(f"{'':8}To do: {check.remedy}")
    fit = is_fit(checks)
    if as_json:
        typer.echo(
            json.dumps({"fit": fit, "checks": [check.as_json() for check in checks]}, indent=1, ensure_ascii=False)
        )
    if not fit:
        raise UsageError("this computer is not fit yet: see the lines marked PROBLEM")


COMMAND = Command(
    "doctor", doctor, page="doctor.md", writes=False, wrong=("nowhere",), says="there is no folder nowhere"
)

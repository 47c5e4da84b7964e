"""`radstudy upgrade`: what newer versions of the preset and the defaults would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import say


def upgrade(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
) -> None:
    """Show what newer versions of the preset and the defaults would change in a study file; write them if you say yes.

    The old file is kept as STUDY.kept-1.yaml. What the study file sets itself stays.
    """
    from radstudy.protocol.upgrade import upgrade_of

    found = upgrade_of(study)
    if found is None:
        typer.echo(f"{study}: there is nothing newer; its preset and defaults are the latest of this radstudy")
        return
    for line in (*found.versions, *(f"  {change}" for change in found.changes)):
        typer.echo(line)
    if not found.changes:
        typer.echo("  no setting of this study changes")
    if not (yes or _agreed(f"Write the new versions into {study}?")):
        say("Nothing is written.")
        return
    kept = found.write()
    typer.echo(study)
    say(f"The file as it was is kept as {kept}. Next: radstudy run {study}; it computes again what the changes reach.")


def _agreed(question: str) -> bool:
    """What the user answers; no where nobody can be asked."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


COMMAND = Command(
    "upgrade", upgrade, page="versions.md", writes=True, wrong=("study.yaml", "--maybe"), says="No such option"
)

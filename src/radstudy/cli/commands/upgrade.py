"""`radstudy upgrade`: show what newer versions of the preset and the defaults would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import agreed, say


def upgrade(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
) -> None:
    """Show what newer versions of the preset and the defaults would change in a study file; write them if you confirm.

    The old file is kept as STUDY.kept-1.yaml. Settings written in the study file itself stay as they are.
    """
    from radstudy.protocol.upgrade import upgrade_of

    newer = upgrade_of(study)
    if newer is None:
        typer.echo(f"{study}: nothing is newer; its preset and defaults are the latest of this radstudy")
        return
    for line in (*newer.versions, *(f"  {change}" for change in newer.changes)):
        typer.echo(line)
    if not newer.changes:
        typer.echo("  no setting of this study changes")
    if not (yes or agreed(f"Write the new versions into {study}?")):
        say("Nothing was written.")
        return
    kept = newer.write()
    typer.echo(study)
    say(
        f"The old file is kept as {kept}. Next: radstudy run {study}; it recomputes everything that the changes affect."
    )


COMMAND = Command(
    "upgrade", upgrade, page="versions.md", writes=True, wrong=("study.yaml", "--maybe"), says="No such option"
)

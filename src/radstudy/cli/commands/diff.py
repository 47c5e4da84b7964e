"""`radstudy diff`: say what differs between two runs, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command


def diff(
    run1: Annotated[Path, typer.Argument(help="Folder of a run, such as mystudy/runs/study.")],
    run2: Annotated[Path, typer.Argument(help="Folder of the run to compare it with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what differs between two runs (settings, patients, features, selections, AUCs), and what can explain it."""
    from radstudy.differences import compare_runs

    differences = compare_runs(run1, run2)
    if as_json:
        typer.echo(json.dumps(differences.document(), indent=1, ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(differences.lines()))


COMMAND = Command("diff", diff, page="diff.md", writes=False, wrong=("here",), says="Missing argument")

"""`radstudy status`: what of a study is done, stale or failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder


def status(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY next to it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    timing: Annotated[bool, typer.Option("--timing", help="Show how long steps, cases and the parts of the work "
                                                          "took, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Show which steps of a study are done, which are stale and why, and which cases failed. Computes nothing."""
    from radstudy.journal import events_in
    from radstudy.protocol import load_protocol
    from radstudy.steps.durations import durations_of
    from radstudy.steps.status import as_text, status_of
    from radstudy.working import is_locked, worker_in

    where = out or study.parent / "runs" / study.stem
    protocol = load_protocol(study)
    steps = status_of(protocol, data_folder(data, study), where)
    worker = worker_in(where) if is_locked(where) else None
    durations = durations_of(events_in(where)) if timing else None
    if as_json:
        running = None if worker is None else vars(worker)
        listed = {
            "study": str(study),
            "run": str(where),
            "running": running,
            "steps": [step.as_json() for step in steps],
            **({} if durations is None else {"timing": durations.as_json()}),
        }
        typer.echo(json.dumps(listed, indent=1, ensure_ascii=False))
        return
    typer.echo(as_text(steps, where, worker))
    if durations is not None:
        typer.echo(durations.as_text())


COMMAND = Command("status", status, page="walkthrough.md", writes=False, wrong=(), says="Missing argument")

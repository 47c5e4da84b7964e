"""`radstudy run`: run a study, from its table to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder, finish
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import UsageError


def run(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    step: Annotated[str, typer.Option(help="Stop after this step: cohort, prepare, extract, agree, model, "
                                           "evaluate or report.")] = "report",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY next to it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Run a study. A run that was stopped continues where it stopped."""
    from radstudy.protocol import STEPS, load_protocol

    if step not in STEPS:
        raise UsageError(f"there is no step '{step}'; the steps are {', '.join(STEPS)}")
    protocol = load_protocol(study)
    where = out or study.parent / "runs" / study.stem
    from radstudy.study import run as run_study

    lost = run_study(protocol, data=data_folder(data, study), out=where, until=step, jobs=jobs, say=say, bar=bar)
    finish(where, lost, reported=step == "report", inspected=step in ("evaluate", "report"))


COMMAND = Command(
    "run", run, page="walkthrough.md", writes=True, wrong=("x.yaml", "--step", "extrat"), says="the steps are cohort"
)

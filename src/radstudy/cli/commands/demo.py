"""`radstudy demo`: run the whole protocol on a synthetic cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import finish
from radstudy.cli.terminal import Debug, Jobs, bar, say


def demo(
    patients: Annotated[int, typer.Option(help="Number of synthetic patients; the reference study had 107.")] = 107,
    out: Annotated[Path, typer.Option(help="Folder for the cohort and the results.")] = Path("radstudy-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cohort and of the study.")] = 20260114,
    null: Annotated[
        bool, typer.Option("--null", help="Permute the outcome, so that nothing is associated with it.")
    ] = False,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:
    """Create a SYNTHETIC cohort and run the whole reference protocol on it."""
    from radstudy.demo.run import run_demo

    lost = run_demo(out, patients=patients, seed=seed, null=null, jobs=jobs, say=say, bar=bar)
    finish(out, lost)


COMMAND = Command("demo", demo, page="demo.md", writes=True, wrong=("--patients", "3"), says="--patients")

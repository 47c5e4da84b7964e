"""`radstudy plan`: compute how many patients a study needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Jobs, say
from radstudy.errors import UsageError


def plan(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    patients: Annotated[str, typer.Option(help="Numbers of patients to simulate, such as 60,107,200.")] = "60,107,200",
    prevalence: Annotated[float, typer.Option(help="Share of positives.")] = 0.4,
    auc: Annotated[float, typer.Option(help="AUC expected in new patients; be modest.")] = 0.75,
    features: Annotated[int | None, typer.Option(min=1, help="Candidate features per sequence; by default as many "
                                                             "as the study file extracts.")] = None,
    repeats: Annotated[int, typer.Option(min=0, help="Simulated studies of each size; 0 for none.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jobs: Jobs = None,
) -> None:  # fmt: skip
    """Compute how many patients a study needs (Riley's criteria) and what to expect of its models (a simulation)."""
    from radstudy.parallel import cores
    from radstudy.protocol import load_protocol
    from radstudy.steps.plan import as_text, plan_study

    sizes = [item.strip() for item in patients.split(",")]
    if not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise UsageError(f"--patients takes whole numbers separated by commas, not '{patients}'")
    for option, value, low in (("--prevalence", prevalence, 0), ("--auc", auc, 0.5)):
        if not low < value < 1:
            raise UsageError(f"{option} takes a number between {low:g} and 1, not {value:g}")
    planned = plan_study(
        load_protocol(study), data=study.parent.resolve(), patients=[int(size) for size in sizes],
        prevalence=prevalence, auc=auc, features=features, repeats=repeats, jobs=jobs or cores(), say=say,
    )  # fmt: skip
    typer.echo(json.dumps(planned, indent=1, ensure_ascii=False) if as_json else as_text(planned))


COMMAND = Command(
    "plan",
    plan,
    page="planning.md",
    writes=False,
    wrong=("x.yaml", "--auc", "75"),
    says="--auc takes a number between 0.5 and 1, not 75",
)

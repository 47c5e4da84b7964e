"""`radstudy check`: look for leaks, duplicates and batch effects in a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder
from radstudy.cli.terminal import bar, say
from radstudy.errors import DataError


def check(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results, whose features are inspected if they "
                                                  "exist; by default runs/STUDY next to the study file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Look for leaks, duplicates and batch effects, which make an AUC worthless, before any model is fitted."""
    from radstudy.parallel import cores
    from radstudy.protocol import load_protocol
    from radstudy.steps.leaks import check_study

    protocol = load_protocol(study)
    where = out or study.parent / "runs" / study.stem
    checked = check_study(protocol, data=data_folder(data, study), out=where, jobs=cores(), bar=bar)
    findings = checked.findings
    say(f"Inspected: {'; '.join(checked.seen)}.")
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        nothing = "\n".join(["No sign of:", *(f"- {sign}" for sign in checked.looked_for)])
        typer.echo("\n".join(map(str, findings)) if findings else nothing)
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        raise DataError(f"{errors} finding(s) to settle before any AUC of this study can be trusted")


COMMAND = Command("check", check, page="leaks.md", writes=False, wrong=(), says="Missing argument")

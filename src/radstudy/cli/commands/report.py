"""`radstudy report`: a study's report, its PDF, and a check of its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder, finish
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import DataError

_NAMED = 10  # numbers that a message names


def report(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    pdf: Annotated[bool, typer.Option("--pdf", help="Print report.pdf (the answer and the paper) and "
                                                    "report_evidence.pdf next to the page.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare every number of the report with the cells that it "
                                                        "comes from.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY next to it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Write a study's report, and print it as PDF. Steps of the study that are not finished are done first."""
    from radstudy.protocol import load_protocol
    from radstudy.protocol.yaml_text import read_yaml_text
    from radstudy.study import run as run_study

    protocol, where = load_protocol(study), out or study.parent / "runs" / study.stem
    lost = run_study(
        protocol, data=data_folder(data, study), out=where, written=read_yaml_text(study), jobs=jobs, say=say, bar=bar
    )
    if pdf:
        _print(where)
    if check:
        _check(where)
    finish(where, lost)


def _print(run: Path) -> None:
    from radstudy.owned import owning
    from radstudy.report.pdf import EVIDENCE_PDF, PDF, print_pdf

    files = {run / PDF: False, run / EVIDENCE_PDF: True}
    with owning(*files):
        for file, evidence in files.items():
            say(f"{file}: printed by {print_pdf(run / 'report.html', file, evidence=evidence)}")


def _check(run: Path) -> None:
    """Compare the numbers; raise an error for those that differ."""
    from radstudy.report.cited.check import check_numbers

    problems = check_numbers(run)
    if problems:
        named = "; ".join(f"{one.where}: {one.shown} ({one.cited}: {one.problem})" for one in problems[:_NAMED])
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise DataError(
            f"{len(problems)} number(s) of the report are not those of the run's files: {named}{more}. To do: write "
            f"the report again (remove {run / 'report'} first), and find out who changed the files"
        )
    say("every number of the report is that of its cells")


COMMAND = Command(
    "report", report, page="report.md", writes=True, wrong=("x.yaml", "--pdf", "y"), says="unexpected extra argument"
)

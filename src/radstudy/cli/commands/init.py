"""`radstudy init`: write a study.yaml to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import say
from radstudy.errors import UsageError


def init(
    folder: Annotated[Path, typer.Argument(help="Folder for study.yaml; created if needed.")],
    source: Annotated[Path | None, typer.Option("--from", help="Folder that 'radstudy import' wrote: the study.yaml "
                                                               "will fit its images, masks and readers.")] = None,
    outcomes: Annotated[Path | None, typer.Option(help="CSV or XLSX with PatientIDs and outcomes, which are joined "
                                                       "through the import's private key.")] = None,
    id_column: Annotated[str, typer.Option(help="Column of --outcomes with the PatientID.")] = "PatientID",
    outcome: Annotated[str | None, typer.Option(help="Column of --outcomes with the outcome; by default the only one "
                                                     "with two values.")] = None,
    positive: Annotated[str | None, typer.Option(help="The outcome's positive value.")] = None,
    clinical: Annotated[list[str], typer.Option(help="A further column of --outcomes to take; may be repeated.")] = [],  # noqa: B006
    private: Annotated[Path | None, typer.Option(help="The import's private folder; by default "
                                                      "IMPORT.private.")] = None,
) -> None:  # fmt: skip
    """Write a commented study.yaml and a cohort.csv to fill in; with --from, a study.yaml that fits an import.

    With --outcomes, each PatientID is looked up in the import's private key, and its values are written under the
    pseudonym; no PatientID leaves the private folder. Nothing is ever overwritten.
    """
    if source is None:
        if outcomes is not None:
            raise UsageError("--outcomes joins a table to an import: give the import's folder with --from")
        from radstudy.protocol.template import write_template

        for file in write_template(folder):
            typer.echo(file)
        say("Next: fill in cohort.csv, adapt study.yaml, then run: radstudy run " + str(folder / "study.yaml"))
        return
    from radstudy.steps.start import OutcomeTable, start_from_import

    beside = private or source.resolve().with_name(source.resolve().name + ".private")
    table = None if outcomes is None else OutcomeTable(outcomes, id_column, beside, outcome, positive, tuple(clinical))
    started = start_from_import(folder, source, table)
    for file in started.files:
        typer.echo(file)
    for note in started.notes:
        say(note)
    fill = f"fill in the outcome in {started.table}, " if table is None else ""
    say(f"Next: {fill}check study.yaml, then run: radstudy run {folder / 'study.yaml'} --step cohort")


COMMAND = Command(
    "init", init, page="walkthrough.md", writes=True, wrong=("new", "--outcomes", "t.csv"), says="with --from"
)

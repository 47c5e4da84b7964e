"""`radstudy validate`: validate a signature on an external cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import DataError


def validate(
    signature: Annotated[Path, typer.Argument(help="The signature.json of a finished study.")],
    study: Annotated[Path, typer.Argument(help="The study file of the external cohort; what the signature decides may "
                                               "be left out.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY_validation next to "
                                                  "the study file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    by: Annotated[list[str], typer.Option(help="Column of the cohort table: the result also for each of its values; "
                                               "repeat for several.")] = [],  # noqa: B006
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Validate a signature on other patients: discrimination, calibration, net benefit, and for whom it applies."""
    from radstudy.validation import validate as validate_signature

    finished = validate_signature(
        signature, study, out=out, data=data_folder(data, study), by=by, jobs=jobs, say=say, bar=bar
    )
    typer.echo(finished.report)
    if finished.lost:
        raise DataError(f"{finished.lost} case(s) could not be used; the report lists them")


COMMAND = Command(
    "validate", validate, page="validate.md", writes=True, wrong=("signature.json",), says="Missing argument"
)

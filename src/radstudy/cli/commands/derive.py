"""`radstudy derive`: maps and figures of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import DataError


def derive(
    table: Annotated[Path, typer.Argument(help="Cohort table (CSV or XLSX), one row a lesion.")],
    recipe: Annotated[Path, typer.Option(help="YAML file: which maps and figures, of which images.")],
    out: Annotated[Path, typer.Option(help="Folder of the maps and the new table.")],
    data: Annotated[Path | None, typer.Option(help="Folder that relative paths start from; by default the "
                                                   "table's own.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Make ADC and enhancement maps, curve types, diameters and motion figures of a cohort.

    The recipe says which, of which images; times come from the sidecars of `radstudy import` where it does not give
    them. docs/parametric.md has one to copy. TABLE stays as it is: a new one with the maps and figures is written
    into OUT. A case that fails is named in its column derive_failed, and the others go on.
    """
    from radstudy.derive.run import derive as derive_cohort

    written, lost = derive_cohort(table, recipe, out, data=data, jobs=jobs, say=say, bar=bar)
    typer.echo(written)
    if lost:
        raise DataError(f"{lost} row(s) lack something; see the column derive_failed of {written}")


COMMAND = Command("derive", derive, page="parametric.md", writes=True, wrong=("t.csv", "--out", "o"), says="--recipe")

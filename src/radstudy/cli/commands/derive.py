"""`radstudy derive`: compute parametric maps and figures of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import DataError


def derive(
    table: Annotated[Path, typer.Argument(help="Cohort table (CSV or XLSX), one row per lesion.")],
    recipe: Annotated[Path, typer.Option(help="YAML file that lists the maps and figures, and their images.")],
    out: Annotated[Path, typer.Option(help="Folder of the maps and the new table.")],
    data: Annotated[Path | None, typer.Option(help="Folder that relative paths start from; by default the "
                                                   "table's own folder.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Compute ADC and enhancement maps, curve types, diameters and motion figures of a cohort.

    The recipe lists the maps and figures, and their images; docs/parametric.md has one to copy. Acquisition times that
    it does not contain are read from the sidecars of `radstudy import`. TABLE is not changed: a new table with the
    maps and figures is written into OUT. A case that fails is reported in its column derive_failed; the others go on.
    """
    from radstudy.derive.run import derive as derive_cohort

    written, lost = derive_cohort(table, recipe, out, data=data, jobs=jobs, say=say, bar=bar)
    typer.echo(written)
    if lost:
        raise DataError(f"{lost} row(s) are incomplete; see the column derive_failed of {written}")


COMMAND = Command("derive", derive, page="parametric.md", writes=True, wrong=("t.csv", "--out", "o"), says="--recipe")

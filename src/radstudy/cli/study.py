"""Functions shared by the commands on a study: its data folder, and the end of a run."""

from __future__ import annotations

from pathlib import Path

import typer

from radstudy.errors import DataError, UsageError


def data_folder(data: Path | None, study: Path) -> Path:
    """The folder that the study file's paths start from: its own, unless another is given."""
    root = (data or study.parent).resolve()
    if not root.is_dir():
        raise UsageError(f"the data folder {root} does not exist")
    return root


def finish(out: Path, lost: int, *, reported: bool = True, inspected: bool = True) -> None:
    """Print the path of the report; raise an error for leaks that make every AUC worthless and for lost cases.

    Parameters
    ----------
    out : the run's folder.
    lost : cases that could not be used.
    reported, inspected : True if this run reached the report, and the leak detector before it.
    """
    from radstudy.steps.leaks import leak_errors

    if reported:
        typer.echo(out / "report.html")
    problems = []
    if leaks := leak_errors(out) if inspected else []:
        where = "the top of the report and its section on leaks" if reported else f"{out}/evaluate/leaks/leaks.csv"
        problems.append(
            f"no AUC of this study can be trusted: the leak detector found {len(leaks)} error(s): {'; '.join(leaks)}. "
            f"To do: settle them; {where} explains how"
        )
    if lost:
        where = "the report lists them" if reported else f"see failures.csv in the folders of {out}"
        problems.append(f"{lost} case(s) could not be used; {where}")
    if problems:
        raise DataError("\n".join(problems))

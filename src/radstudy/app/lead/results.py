"""The results of a study: its report, the files beside it, and a comparison with another run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.projects import Project
from radstudy.differences import Differences, compare_runs
from radstudy.errors import UsageError
from radstudy.protocol import load_protocol
from radstudy.protocol.yaml_text import read_yaml_text
from radstudy.steps.sealing import Sealing, seal_state, unseal

_SHOWN = (
    "report.html", "report/manuscript.docx", "report/report.pdf", "report/report_evidence.pdf", "signature.json",
    "model_card.md", "study_bundle.zip", "report/report_numbers.csv", "run.log",
)  # fmt: skip
_FOLDERS = ("report/tables", "report/figures")
REPORT = "report.html"


def files_of(project: Project) -> list[Mapping[str, Any]]:
    """The files of the results that people open: name, group and size; those that exist."""
    run = project.run
    names = [name for name in _SHOWN if (run / name).is_file()]
    for folder in _FOLDERS:
        if (run / folder).is_dir():
            names += sorted(f"{folder}/{entry.name}" for entry in (run / folder).iterdir() if entry.is_file())
    return [{"name": name, "group": str(Path(name).parent), "bytes": (run / name).stat().st_size} for name in names]


def file_of(project: Project, name: str) -> Path:
    """One of them.

    Raises
    ------
    UsageError : the results have no such file.
    """
    if name not in {entry["name"] for entry in files_of(project)}:
        raise UsageError("the results have no such file any more: load the page again")
    return project.run / name


def sealing_of(project: Project) -> Sealing | None:
    """The state of the testing results: sealed, what unsealing needs and opens; None if the study file is refused."""
    protocol = protocol_of(project)
    return None if protocol is None else seal_state(protocol, project.folder, project.run)


def unseal_results(project: Project) -> Sealing:
    """Open the testing results for the declared primary model and comparison, as `radstudy unseal` does.

    Parameters
    ----------
    project : the study.

    Raises
    ------
    RefusedError : they are not sealed, or cannot be unsealed yet.
    """
    protocol = load_protocol(project.study)
    return unseal(protocol, project.folder, project.run, written=read_yaml_text(project.study))


def unseal_arguments(project: Project) -> list[str]:
    """The command line that does the same, after `radstudy`."""
    return ["unseal", str(project.study), *project.out_option]


def compared(project: Project, other: Path) -> Differences:
    """The differences between another run and this study's.

    Parameters
    ----------
    project : the study.
    other : folder of the other run, the earlier one.
    """
    return compare_runs(other, project.run)


def other_runs(project: Project) -> list[Path]:
    """Other finished runs beside this one, to compare with."""
    parent = project.run.parent
    if not parent.is_dir():
        return []
    with os.scandir(parent) as entries:
        runs = [Path(entry.path) for entry in entries if entry.is_dir() and Path(entry.path) != project.run]
    return sorted(run for run in runs if (run / REPORT).is_file())

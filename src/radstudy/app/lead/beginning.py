"""A new study: from DICOM, from files, from a feature table, or the demo."""

from __future__ import annotations

from typing import Literal

from radstudy.app.lead.jobs import start_job
from radstudy.app.lead.projects import STUDY, Project, Projects
from radstudy.protocol.template import write_template

Beginning = Literal["dicom", "files", "table", "demo"]


def begin_study(projects: Projects, name: str, beginning: Beginning, *, patients: int = 107) -> Project:
    """Begin a study in a folder of its own.

    Parameters
    ----------
    projects : the list that it joins.
    name : of its folder.
    beginning : what it begins with. The demo is made by a command of its own; with files, or a table of features, a
        study file and a table to fill in are written.
    patients : invented ones, of a demo.

    Raises
    ------
    UsageError : the name cannot be used.
    """
    if beginning == "demo":
        return _demo(projects, name, patients)
    project = projects.begin(name)
    project.note_setup(**{"from": beginning})
    if beginning in ("files", "table"):
        write_template(project.folder)
    return project


def _demo(projects: Projects, name: str, patients: int) -> Project:
    folder = projects.new_folder(name)
    project = Project(folder / "data" / STUDY)
    project.note_setup(**{"from": "demo"})
    start_job(project, "run", ["demo", "--patients", str(patients), "--out", str(folder)], works_in=folder)
    return project

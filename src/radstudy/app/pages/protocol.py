"""The protocol of a study: the study file by forms, with its text beside them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from radstudy.app.lead import protocol_page
from radstudy.app.lead.jobs import last_job, start_job
from radstudy.app.lead.projects import Project
from radstudy.app.lead.protocol_edits import FormEdit
from radstudy.app.lead.protocol_page import StudyFilePage
from radstudy.app.pages.study_page import Doing, StudyPage
from radstudy.app.web.answers import Body, NothingBody
from radstudy.app.web.needs import Json
from radstudy.artefacts.beside import LEAKS
from radstudy.errors import RadstudyError, UsageError
from radstudy.protocol.edit import LineChange

CHECK = "check"
_Word = Annotated[str, Field(max_length=4_096)]


class EditPart(BaseModel):
    """One edit of the form."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    deed: Literal["set", "reset", "insert", "remove", "move", "rename"]
    place: Annotated[list[_Word | Annotated[int, Field(ge=0, le=100_000)]], Field(min_length=1, max_length=12)]
    value: Any = None
    to: Annotated[int, Field(ge=0, le=100_000)] = 0


class FormBody(Body):
    """The form's edits that are not yet written, and the file's text if it was written by hand."""

    version: Annotated[str, Field(max_length=64)] = ""
    edits: Annotated[list[EditPart], Field(default_factory=list, max_length=2_000)]
    text: Annotated[str, Field(max_length=1 << 20)] | None = None


class SampleSizeBody(FormBody):
    """The assumptions of a sample size: sizes of a study, the share of positives, the AUC expected."""

    patients: Annotated[list[Annotated[int, Field(ge=1, le=1_000_000)]], Field(min_length=1, max_length=12)]
    prevalence: Annotated[float, Field(gt=0, lt=1)]
    auc: Annotated[float, Field(gt=0.5, lt=1)]


def _edits(body: FormBody) -> list[FormEdit]:
    return [FormEdit(one.deed, tuple(one.place), one.value, one.to) for one in body.edits]


def _shown(project: Project) -> Json:
    page, refusal = _page_or_refusal(project)
    return {
        "page": page, "refusal": refusal, "newer": protocol_page.newer_versions(project),
        "job": last_job(project, CHECK), "leaks": _leaks(project), "study_file": project.study.name,
        "upgrade_command": shlex.join(["radstudy", "upgrade", str(project.study)]),
    }  # fmt: skip


def _page_or_refusal(project: Project) -> tuple[StudyFilePage | None, str]:
    try:
        return protocol_page.read_page(project), ""
    except RadstudyError as error:  # not UTF-8, or too large: only another program can mend it
        return None, str(error)


def _leaks(project: Project) -> list[Json]:
    """The leak detector's findings of the last run; none if it has not looked yet."""
    if not LEAKS.file(project.run).exists():
        return []
    frame = LEAKS.read(project.run)
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _form(project: Project, body: FormBody) -> Json:
    page = protocol_page.read_page(project, _edits(body), body.text)
    return {
        "shown": {"page": page, "study_file": project.study.name}, "version": page.version,
        "may_save": page.may_save, "problems": len(page.problems), "changes": len(page.changes), "text": page.text,
        "is_other": bool(body.version) and body.version != page.version,
    }  # fmt: skip


def _save(project: Project, body: FormBody) -> Json:
    saved = protocol_page.save(project, body.version, _edits(body), body.text)
    return {
        "is_written": saved.is_written, "version": saved.version, "lines": _told(project.study.name, saved.changes),
        "problems": [problem.message for problem in saved.problems], "theirs": saved.theirs, "mine": saved.mine,
    }  # fmt: skip


def _told(name: str, changes: Sequence[LineChange]) -> list[str]:
    """Changed lines of the file as a person reads them."""
    told = []
    for change in changes:
        told += [f"{name} line {change.line + number}: {line.strip()}" for number, line in enumerate(change.after)]
        if not change.after:
            told += [f"{name} line {change.line}: without '{line.strip()}'" for line in change.before]
    return told


def _counts(project: Project, body: FormBody) -> Json:
    counted = protocol_page.counts(project, _edits(body), body.text)
    return {} if counted is None else {**asdict(counted), "features": counted.features}


def _sample_size(project: Project, body: SampleSizeBody) -> Json:
    from radstudy.steps.plan import as_text, plan_study

    protocol = protocol_page.protocol_in_form(project, _edits(body), body.text)
    if protocol is None:
        raise UsageError("the study file has problems: correct them first")
    planned = plan_study(
        protocol, data=project.folder, patients=body.patients, prevalence=body.prevalence, auc=body.auc, repeats=0
    )
    sizes = ",".join(map(str, body.patients))
    command = [
        "radstudy", "plan", str(project.study), "--patients", sizes, "--prevalence", f"{body.prevalence:g}",
        "--auc", f"{body.auc:g}", "--repeats", "0",
    ]  # fmt: skip
    return {"text": as_text(planned), "command": shlex.join(command)}


def _check(project: Project, _: NothingBody) -> Json:
    """Start the leak detector as a command of its own."""
    return {"job": start_job(project, CHECK, ["check", str(project.study), "--out", str(project.run)]).id}


def _begin(project: Project, _: NothingBody) -> Json:
    protocol_page.begin_file(project)
    return {}


PROTOCOL = StudyPage(
    "protocol", _shown, sections=("run",), styled=True, most_bytes=4 << 20,
    does={
        "form": Doing(FormBody, _form, part="protocol_form.html"), "save": Doing(FormBody, _save),
        "counts": Doing(FormBody, _counts), "sample": Doing(SampleSizeBody, _sample_size),
        "check": Doing(NothingBody, _check), "begin": Doing(NothingBody, _begin),
    },
)  # fmt: skip

"""The import of a study: its source, what it could not decide, the holes that are left, and the study file."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from starlette.datastructures import QueryParams
from starlette.responses import Response

from radstudy.app.lead import importing, reviewing
from radstudy.app.lead.importing import ImportChoices
from radstudy.app.lead.projects import Project
from radstudy.app.lead.reviewing import Question
from radstudy.app.lead.study_of_import import (
    OutcomeChoices,
    patients_file,
    preview_outcomes,
    start_command,
    start_study,
)
from radstudy.app.pages.study_page import Asking, Doing, StudyPage
from radstudy.app.web.answers import Body
from radstudy.app.web.needs import Json
from radstudy.errors import RadstudyError
from radstudy.intake.answering import AnswerChange

_MOST_CHANGES = 5_000
_FACTS = ("plane", "images", "b_value", "seconds", "examination", "series", "points")

Line = Annotated[str, Field(max_length=4_096)]
Short = Annotated[str, Field(max_length=256)]
Lines = Annotated[list[Line], Field(max_length=100)]


class SourceBody(Body):
    """Source of images, and how they are read."""

    source: Line
    readers: Lines = Field(default_factory=list)
    examination: Short = ""
    rules: Line = ""
    own_title: Short = ImportChoices.own_title
    move_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    move_address: Short = ""
    move_from: Lines = Field(default_factory=list)


class ImportBody(SourceBody):
    """An import to start: its source, and whom a server is asked for."""

    patient: Short = ""
    study: Short = ""
    dry_run: bool = False


class RulesBody(Body):
    """Rules for readers, to try on a source's file names."""

    source: Line
    readers: Lines


class ApplyBody(Body):
    """Number of the source to import again: 0 for the last one."""

    number: Annotated[int, Field(ge=0, le=10_000)] = 0


class ChangeBody(Body):
    """A change of one answer; `was` is the one that the page has shown."""

    key: Short
    to: Short
    was: Short = ""


class ReviewAnswersBody(Body):
    """Changes of answers, each of another question."""

    changes: Annotated[list[ChangeBody], Field(min_length=1, max_length=_MOST_CHANGES)]


class OutcomeTableBody(Body):
    """A table of outcomes to join, or none (file: "")."""

    file: Line = ""
    identifier: Short = ""
    outcome: Short = ""
    positive: Short = ""
    clinical: Annotated[list[Short], Field(max_length=1_000)] = Field(default_factory=list)


def _shown(project: Project) -> Json:
    problem = ""
    questions: tuple[Question, ...] = ()
    try:
        questions = reviewing.questions_of(project)
    except RadstudyError as error:  # a table that a spreadsheet has spoilt: the page says so, and the rest works
        problem = str(error)
    choices = importing.choices_of(project)
    job = importing.import_job(project)
    is_imported = (project.images / "cohort.csv").is_file()
    return {
        "choices": choices or ImportChoices(""), "job": job, "imported": is_imported,
        "is_done": job is not None and job.asked.kind == importing.IMPORT and job.state == "done",
        "counts": reviewing.counts_of(questions), "asked": len(questions), "sources": importing.sources_of(project),
        "table": reviewing.patient_table(project, questions) if is_imported else None,
        "problem": problem, "patients": patients_file(project), "make_command": start_command(project),
        "examinations": importing.EXAMINATIONS,
    }  # fmt: skip


def _document(question: Question) -> Json:
    """A question as the page shows it."""
    row = question.row
    reason = row["reason"].split(": write the reader into")[0]
    return {
        "key": question.key, "kind": question.kind, "patient": question.patient, "answer": question.answer,
        "disputed": question.disputed, "state": question.state, "open": question.is_open, "clash": question.clash,
        "choices": question.choices, "alike": question.alike, "picture": question.has_picture,
        "description": row["description"], "reason": "" if question.kind == "examination" else reason,
        "evidence": row["evidence"], "warnings": row["warnings"], "suggested": row["suggested"], "of": row["kind"],
        "facts": {name: row[name] for name in _FACTS if row[name]},
    }  # fmt: skip


def _listing(questions: Iterable[Question], counts: reviewing.ReviewCounts) -> Json:
    numbers = {"open": counts.open, "waiting": counts.waiting, "settled": counts.settled}
    return {"questions": [_document(one) for one in questions], "counts": numbers}


def _questions(project: Project, _: QueryParams) -> Json:
    questions = reviewing.questions_of(project)
    return _listing(questions, reviewing.counts_of(questions))


def _answer(project: Project, body: ReviewAnswersBody) -> Json:
    changes = [AnswerChange(one.key, one.to.strip(), one.was) for one in body.changes]
    given = reviewing.answer(project, changes)
    questions = reviewing.questions_of(project)
    touched = {one.patient for one in questions if one.key in {change.key for change in changes}}
    shown = [one for one in questions if one.patient in touched]
    answers = {"changed": given.changed, "refused": given.refused}
    return {**_listing(shown, reviewing.counts_of(questions)), **answers}


def _picture(project: Project, query: QueryParams) -> Response | Json:
    png, caption = reviewing.picture(project, query.get("volume", ""))
    if not png:
        return {"caption": caption}
    return Response(png, media_type="image/png", headers={"x-caption": caption})


def _series(project: Project, query: QueryParams) -> Json:
    return reviewing.series_of(project, query.get("patient", ""))


def _choices(body: SourceBody, **more: str) -> ImportChoices:
    return ImportChoices(
        body.source, tuple(rule.strip() for rule in body.readers if rule.strip()), body.examination, body.rules,
        own_title=body.own_title.strip() or ImportChoices.own_title, move_port=body.move_port,
        move_address=body.move_address.strip(), move_from=tuple(filter(None, map(str.strip, body.move_from))), **more,
    )  # fmt: skip


def _start(project: Project, body: ImportBody) -> Json:
    importing.checked(_choices(body))
    asked = {"patient": body.patient, "study": body.study} if _choices(body).is_server else {}
    importing.require_asked(_choices(body), body.patient, body.study)
    kept = {name: importing.keep_asked(project, identifier) for name, identifier in asked.items()}
    return {"job": importing.start_import(project, _choices(body, **kept), dry_run=body.dry_run).id}


def _test(_: Project, body: SourceBody) -> Json:
    return {"services": importing.services(_choices(body))}


def _rules(_: Project, body: RulesBody) -> Json:
    fit = importing.rules_fit(body.source, [rule.strip() for rule in body.readers if rule.strip()])
    rules = [{"rule": one.rule, "files": one.files, "readers": one.readers} for one in fit.rules]
    return {"rules": rules, "looked_at": fit.looked_at, "all": fit.all_files}


def _apply(project: Project, body: ApplyBody) -> Json:
    return {"job": importing.apply_answers(project, body.number).id}


def _outcomes(body: OutcomeTableBody) -> OutcomeChoices | None:
    if not body.file.strip():
        return None
    return OutcomeChoices(body.file, body.identifier, body.outcome, body.positive, tuple(body.clinical))


def _preview(project: Project, body: OutcomeTableBody) -> Json:
    choices = _outcomes(body) or OutcomeChoices("")
    seen = preview_outcomes(project, choices)
    positive = choices.positive or next(reversed(seen.values), "")
    settled = OutcomeChoices(choices.file, seen.identifier, seen.outcome, positive, choices.clinical)
    return {**vars(seen), "command": start_command(project, settled)}


def _make(project: Project, body: OutcomeTableBody) -> Json:
    started = start_study(project, _outcomes(body))
    return {"notes": started.notes, "table": str(started.table), "to": f"/study/{project.id}/protocol",
            "command": shlex.join(["radstudy", "run", str(project.study), "--step", "cohort"])}  # fmt: skip


IMPORT = StudyPage(
    "import",
    _shown,
    styled=True,
    asks={"questions": Asking(_questions), "picture": Asking(_picture), "series": Asking(_series)},
    does={
        "start": Doing(ImportBody, _start), "test": Doing(SourceBody, _test), "rules": Doing(RulesBody, _rules),
        "answer": Doing(ReviewAnswersBody, _answer), "apply": Doing(ApplyBody, _apply),
        "preview": Doing(OutcomeTableBody, _preview), "make": Doing(OutcomeTableBody, _make),
    },
)  # fmt: skip

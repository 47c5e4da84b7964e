"""One study: its stages, each with its state, and the next thing to do."""

from __future__ import annotations

from radstudy.app.lead.jobs import jobs_of
from radstudy.app.lead.projects import Project
from radstudy.app.pages.study_page import StudyPage
from radstudy.app.web.needs import Json

_LAST_COMMANDS = 8


def _shown(project: Project) -> Json:
    return {"jobs": jobs_of(project)[:_LAST_COMMANDS]}


OVERVIEW = StudyPage("overview", _shown)

"""All pages on a study, in the order of the work."""

from __future__ import annotations

from radstudy.app.pages.cohort import COHORT
from radstudy.app.pages.import_ import IMPORT
from radstudy.app.pages.overview import OVERVIEW
from radstudy.app.pages.protocol import PROTOCOL
from radstudy.app.pages.reading import READING
from radstudy.app.pages.results import RESULTS
from radstudy.app.pages.run import RUN
from radstudy.app.pages.study_page import StudyPage

STUDY_PAGES: tuple[StudyPage, ...] = (OVERVIEW, IMPORT, PROTOCOL, COHORT, READING, RUN, RESULTS)

_REPORT = "; ".join(
    ("sandbox allow-scripts allow-downloads", "default-src 'none'", "script-src 'unsafe-inline'",
     "style-src 'unsafe-inline'", "img-src data: blob:", "font-src data:", "base-uri 'none'", "form-action 'none'",
     "frame-ancestors 'none'")
)  # fmt: skip


def report_policy(path: str) -> str | None:
    """The policy of a report, which brings its own scripts and styles: it is shut off from these pages."""
    parts = path.split("/")
    return _REPORT if parts[1:3] == ["api", "study"] and parts[4:6] == ["results", "file"] else None

"""The report's sentences, built from a run's files: they claim nothing that the files do not show."""

from __future__ import annotations

from collections.abc import Callable

from radstudy.report.facts import RunFacts
from radstudy.report.text.author import author_list
from radstudy.report.text.checklists import checklists
from radstudy.report.text.deviations import deviations
from radstudy.report.text.first_page import asked, five_sentences
from radstudy.report.text.methods import methods
from radstudy.report.text.motion import motion
from radstudy.report.text.notes import cohort_notes, count_explained, reader_agreement, signature_note
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.summary import alarms, summary

__all__ = ["TEXTS", "Paragraph", "alarms", "summary"]


def _for_authors(facts: RunFacts) -> list[Paragraph]:
    """The places of the text that its authors must complete."""
    own = deviations(facts) if facts.protocol.preset is not None else []
    return author_list([*methods(facts), *own])


TEXTS: dict[str, Callable[[RunFacts], list[Paragraph]]] = {
    "asked": asked,
    "five_sentences": five_sentences,
    "methods": methods,
    "results": summary,
    "deviations": deviations,
    "author": _for_authors,
    "cohort_notes": cohort_notes,
    "motion": motion,
    "reader_agreement": reader_agreement,
    "count_explained": count_explained,
    "signature_note": signature_note,
    "checklists": checklists,
}

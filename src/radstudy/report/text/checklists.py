"""The outcome of the reporting checklists: items by status, and the METRICS score."""

from __future__ import annotations

from radstudy.report.checklists import CHECKLISTS, ItemStatus, answered, checklist_frame, items_with, score_of, shipped
from radstudy.report.cited import counted
from radstudy.report.display import number
from radstudy.report.facts import RunFacts
from radstudy.report.text.paragraph import Paragraph


def checklists(facts: RunFacts) -> list[Paragraph]:
    """One paragraph for each checklist."""
    return [Paragraph(_told(facts, name), shipped(name).name) for name in CHECKLISTS]


def _told(facts: RunFacts, name: str) -> str:
    items = answered(facts, shipped(name))
    frame = checklist_frame(items, name)
    met, unmet, author, without = (
        items_with(frame, status)
        for status in (ItemStatus.MET, ItemStatus.NOT_MET, ItemStatus.AUTHOR, ItemStatus.NOT_APPLICABLE)
    )
    text = (
        f"Of {counted(frame, 'number')} items, this run meets {met} and does not meet {unmet}; {author} are for the "
        f"author to write, and {without} do not apply."
    )
    if name != "metrics":
        return text
    score = score_of(items, frame)
    return (
        f"{text} The score is {number(score.now, 1)}% now, and {number(score.completed, 1)}% if the author can answer "
        "every item that is left with yes."
    )

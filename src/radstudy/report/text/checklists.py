"""The outcome of the reporting checklists: items by status, and the METRICS score."""

from __future__ import annotations

from radstudy.protocol.words import listed
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
    others = [
        f"{unmet} {'is' if unmet == 1 else 'are'} not met" if unmet else "",
        f"{author} {'is' if author == 1 else 'are'} for the author to write" if author else "",
        f"{without} {'does' if without == 1 else 'do'} not apply" if without else "",
    ]
    told = listed([one for one in others if one])
    text = f"Of {counted(frame, 'number')} items, this run meets {met or 'none'}{f'; {told}' if told else ''}."
    if name != "metrics":
        return text
    score = score_of(items, frame)
    return (
        f"{text} The score is {number(score.now, 1)}% now, and {number(score.completed, 1)}% if the author can answer "
        "every item that is left with yes."
    )

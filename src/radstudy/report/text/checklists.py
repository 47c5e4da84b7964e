"""What the reporting checklists come to: items by status, and the METRICS score."""

from __future__ import annotations

from collections import Counter

from radstudy.report.checklists import CHECKLISTS, ItemStatus, answered, metrics_score, shipped
from radstudy.report.display import number
from radstudy.report.facts import RunFacts
from radstudy.report.text.paragraph import Paragraph


def checklists(facts: RunFacts) -> list[Paragraph]:
    """One paragraph for each checklist."""
    return [Paragraph(_told(facts, name), shipped(name).name) for name in CHECKLISTS]


def _told(facts: RunFacts, name: str) -> str:
    items = answered(facts, shipped(name))
    counts = Counter(one.status for one in items)
    text = (
        f"Of {len(items)} items, this run meets {counts[ItemStatus.MET]} and does not meet "
        f"{counts[ItemStatus.NOT_MET]}; {counts[ItemStatus.AUTHOR]} are for the author to write, and "
        f"{counts[ItemStatus.NOT_APPLICABLE]} do not apply."
    )
    if name != "metrics":
        return text
    score = metrics_score(items)
    return (
        f"{text} The score is {number(score.now, 1)}% now, and {number(score.completed, 1)}% if the author can answer "
        "every item that is left with yes."
    )

"""A filled-in checklist as a table, whose numbers cite the CSV file of the report's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from radstudy.report.checklists.answers import AnsweredItem, ItemStatus
from radstudy.report.checklists.checklist import shipped
from radstudy.report.checklists.evidence import printed
from radstudy.report.checklists.score import MetricsScore, metrics_score
from radstudy.report.cited import CitedFrame, applied, counted, exported, tally


def checklist_frame(items: Sequence[AnsweredItem], name: str) -> CitedFrame:
    """Every item of a checklist with its status, evidence, what the author must write, and, in METRICS, its weight.

    Parameters
    ----------
    items : of the checklist, as answered.
    name : clear, metrics or tripod_ai.
    """
    checklist = shipped(name)
    records: list[dict[str, Any]] = [
        {
            "checklist": checklist.name, "number": one.item.number, "section": one.item.section,
            "question": one.item.question, "status": one.status.value, "evidence": printed(one.evidence),
            "author": one.item.author if one.status is ItemStatus.AUTHOR else "",
        } for one in items
    ]  # fmt: skip
    frame = pd.DataFrame(records)
    if name == "metrics":
        frame = frame.assign(weight=[one.item.weight for one in items])
    return exported(frame, f"checklist_{name}")


def items_with(frame: CitedFrame, status: ItemStatus) -> int:
    """The number of items of a status."""
    return tally(frame, status=status.value)


def score_of(items: Sequence[AnsweredItem], frame: CitedFrame) -> MetricsScore:
    """The METRICS score, its numbers with the weights that they are computed from."""
    score = metrics_score(items)
    active = frame[frame["status"] != ItemStatus.NOT_APPLICABLE.value]
    now = active[active["status"] == ItemStatus.MET.value]
    completed = active[active["status"] != ItemStatus.NOT_MET.value]

    def share(value: float, part: pd.DataFrame) -> Any:
        return value if part.empty else applied("share", value, part["weight"], active["weight"])

    return MetricsScore(share(score.now, now), share(score.completed, completed), counted(active, "weight"))

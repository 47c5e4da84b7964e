"""The reporting checklists: every item with its status, where the evidence is, and what the author has to write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from radstudy.report.checklists import AnsweredItem, Checklist, ItemStatus, answered, metrics_score, shipped
from radstudy.report.checklists.evidence import printed
from radstudy.report.display import number
from radstudy.report.facts import RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, CellLink, Row, Table, numbers, words

_HEADS = ["No.", "Item", "Status", "Evidence in this run", "For the author"]
_RULE = (
    "Status: drawn from the files of the run and the study file. Met: all evidence that the item asks for exists. "
    "Author must write: no file of a run can meet it; evidence listed there is what the program has prepared. The "
    "questions are worded by this program: complete the journal's own form before submission."
)


@report_part("checklist_clear", reads=shipped("clear").reads, rows_independent=False)
def clear(facts: RunFacts) -> Table:
    """CLEAR, filled in from the run."""
    return _table(facts, shipped("clear"))


@report_part("checklist_metrics", reads=shipped("metrics").reads, rows_independent=False)
def metrics(facts: RunFacts) -> Table:
    """METRICS, filled in from the run, with its score."""
    checklist = shipped("metrics")
    score = metrics_score(answered(facts, checklist))
    note = (
        f"Score: {number(score.now, 1)}% with what this run shows, where items that the author must write count as no; "
        f"{number(score.completed, 1)}% if the author can answer every one of them with yes. By the rule and the "
        "weights of the published calculator (METRICS Tool v1.0): the weights of the items met over those of all "
        f"{score.active} items that apply."
    )
    return _table(facts, checklist, notes=[note], weighted=True)


@report_part("checklist_tripod_ai", reads=shipped("tripod_ai").reads, rows_independent=False)
def tripod_ai(facts: RunFacts) -> Table:
    """TRIPOD+AI, filled in from the run."""
    return _table(facts, shipped("tripod_ai"))


def _table(facts: RunFacts, checklist: Checklist, *, notes: Sequence[str] = (), weighted: bool = False) -> Table:
    items = answered(facts, checklist)
    heads = [*_HEADS, "Weight"] if weighted else _HEADS
    rows: list[Row] = []
    section = ""
    for one in items:
        if one.item.section != section:
            section = one.item.section
            rows.append([Cell(section, span=len(heads), kind="group")])
        rows.append([*_cells(one), *(numbers([f"{one.item.weight:.3f}"]) if weighted else [])])
    source = f"{checklist.source}, doi {checklist.doi}."
    lines = [f"{_counted(items)}.", *notes, _RULE, source]
    header = [[*words(heads[: len(_HEADS)]), *numbers(heads[len(_HEADS) :])]]
    return Table(header, rows, _frame(checklist, items, weighted), lines)


def _cells(one: AnsweredItem) -> list[Cell]:
    links = tuple(CellLink(place.text, place.target) for place in one.evidence)
    status = {ItemStatus.MET: "name strong", ItemStatus.NOT_APPLICABLE: "name quiet"}.get(one.status, "name")
    author = one.item.author if one.status is ItemStatus.AUTHOR else ""
    return [
        Cell(one.item.number), Cell(one.item.question), Cell(one.status.value, kind=status), Cell("", links=links),
        Cell(author),
    ]  # fmt: skip


def _counted(items: Sequence[AnsweredItem]) -> str:
    """The number of items of each status, in words."""
    counts = Counter(one.status for one in items)
    return "; ".join(f"{status.value}: {counts[status]}" for status in ItemStatus) + f"; of {len(items)}"


def _frame(checklist: Checklist, items: Sequence[AnsweredItem], weighted: bool) -> pd.DataFrame:
    records: list[dict[str, Any]] = [
        {
            "checklist": checklist.name, "number": one.item.number, "section": one.item.section,
            "question": one.item.question, "status": one.status.value, "evidence": printed(one.evidence),
            "author": one.item.author if one.status is ItemStatus.AUTHOR else "",
        } for one in items
    ]  # fmt: skip
    frame = pd.DataFrame(records)
    return frame.assign(weight=[one.item.weight for one in items]) if weighted else frame

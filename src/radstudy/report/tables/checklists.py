"""The reporting checklists: every item with its status, where the evidence is, and what the author has to write."""

from __future__ import annotations

from collections.abc import Sequence

from radstudy.report.checklists import (
    AnsweredItem,
    ItemStatus,
    answered,
    checklist_frame,
    items_with,
    score_of,
    shipped,
)
from radstudy.report.cited import CitedFrame, counted, quoted
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
    return _table(facts, "clear")


@report_part("checklist_metrics", reads=shipped("metrics").reads, rows_independent=False)
def metrics(facts: RunFacts) -> Table:
    """METRICS, filled in from the run, with its score."""
    return _table(facts, "metrics")


@report_part("checklist_tripod_ai", reads=shipped("tripod_ai").reads, rows_independent=False)
def tripod_ai(facts: RunFacts) -> Table:
    """TRIPOD+AI, filled in from the run."""
    return _table(facts, "tripod_ai")


def _table(facts: RunFacts, name: str) -> Table:
    checklist = shipped(name)
    items = answered(facts, checklist)
    frame = checklist_frame(items, name)
    weighted = "weight" in frame
    heads = [*_HEADS, "Weight"] if weighted else _HEADS
    rows: list[Row] = []
    section = ""
    for one, (_, record) in zip(items, frame.iterrows(), strict=True):
        if one.item.section != section:
            section = one.item.section
            rows.append([Cell(section, span=len(heads), kind="group")])
        weight = numbers([number(record["weight"])]) if weighted else []
        rows.append([Cell(quoted(record["number"])), *_cells(one), *weight])
    notes = [_scored(items, frame)] if weighted else []
    lines = [f"{_counted(frame)}.", *notes, _RULE, f"{checklist.source}, doi {checklist.doi}."]
    header = [[*words(heads[: len(_HEADS)]), *numbers(heads[len(_HEADS) :])]]
    return Table(header, rows, frame, lines)


def _scored(items: Sequence[AnsweredItem], frame: CitedFrame) -> str:
    score = score_of(items, frame)
    return (
        f"Score: {number(score.now, 1)}% with what this run shows, where items that the author must write count as no; "
        f"{number(score.completed, 1)}% if the author can answer every one of them with yes. By the rule and the "
        "weights of the published calculator (METRICS Tool v1.0): the weights of the items met over those of all "
        f"{score.active} items that apply."
    )


def _cells(one: AnsweredItem) -> list[Cell]:
    links = tuple(CellLink(place.text, place.target) for place in one.evidence)
    status = {ItemStatus.MET: "name strong", ItemStatus.NOT_APPLICABLE: "name quiet"}.get(one.status, "name")
    author = one.item.author if one.status is ItemStatus.AUTHOR else ""
    return [Cell(one.item.question), Cell(one.status.value, kind=status), Cell("", links=links), Cell(author)]


def _counted(frame: CitedFrame) -> str:
    """The number of items of each status, in words."""
    told = "; ".join(f"{status.value}: {items_with(frame, status)}" for status in ItemStatus)
    return f"{told}; of {counted(frame, 'number')}"

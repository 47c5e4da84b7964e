"""The status of every item of a checklist, drawn from the evidence that a run has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radstudy.report.checklists.checklist import Checklist, ChecklistItem
from radstudy.report.checklists.evidence import places_of
from radstudy.report.checklists.place import EvidencePlace
from radstudy.report.facts import RunFacts


class ItemStatus(StrEnum):
    """The status of an item."""

    MET = "met"
    NOT_MET = "not met"
    NOT_APPLICABLE = "not applicable"
    AUTHOR = "author must write"


@dataclass(frozen=True)
class AnsweredItem:
    """An item with its status.

    Parameters
    ----------
    item : the item.
    status : its status.
    evidence : places of the run that meet it, or that help the author to; empty if there are none.
    """

    item: ChecklistItem
    status: ItemStatus
    evidence: tuple[EvidencePlace, ...]


def answered(facts: RunFacts, checklist: Checklist) -> tuple[AnsweredItem, ...]:
    """Every item of a checklist with its status.

    An item without the evidence of ``applies_if`` is not applicable. It is met if all evidence of ``met_by`` exists.
    Otherwise the author must write it, if the item says what; and if not, it is not met.

    Parameters
    ----------
    facts : the run.
    checklist : the checklist.
    """
    return tuple(_answered(facts, item) for item in checklist.items)


def _answered(facts: RunFacts, item: ChecklistItem) -> AnsweredItem:
    # all evidence is looked up, needed or not, so that the files that an item reads do not depend on the run
    applies, met, partly = (
        [places_of(facts, wanted) for wanted in group] for group in (item.applies_if, item.met_by, item.partly)
    )
    if not all(applies):
        return AnsweredItem(item, ItemStatus.NOT_APPLICABLE, ())
    known = tuple(dict.fromkeys(place for places in (*met, *partly) for place in places if not place.left_out))
    if met and all(met):
        return AnsweredItem(item, ItemStatus.MET, known)
    return AnsweredItem(item, ItemStatus.AUTHOR if item.author else ItemStatus.NOT_MET, known)

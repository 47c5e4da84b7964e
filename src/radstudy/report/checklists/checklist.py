"""A reporting checklist as its YAML file holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from radstudy.report.checklists.evidence import Wanted, read_wanted

CHECKLISTS = ("clear", "metrics", "tripod_ai")
_ITEM_KEYS = frozenset(["number", "topic", "question", "weight", "applies_if", "met_by", "partly", "author"])


@dataclass(frozen=True)
class ChecklistItem:
    """One item.

    Parameters
    ----------
    number : number in the publication, such as 12 or 8a.
    section : heading that it stands under.
    topic : a word or two.
    question : the question, in our own words.
    applies_if : evidence without which the item does not apply; empty if it always does.
    met_by : evidence that meets the item if all of it exists; empty if only an author can meet it.
    partly : evidence that helps the author but does not meet the item.
    author : what the author has to write if the run does not meet it; "" if nothing that is written could.
    weight : weight in METRICS; 0 in a checklist without weights.
    """

    number: str
    section: str
    topic: str
    question: str
    applies_if: tuple[Wanted, ...] = ()
    met_by: tuple[Wanted, ...] = ()
    partly: tuple[Wanted, ...] = ()
    author: str = ""
    weight: float = 0.0

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """All evidence that the item asks for."""
        return (*self.applies_if, *self.met_by, *self.partly)


@dataclass(frozen=True)
class Checklist:
    """One checklist.

    Parameters
    ----------
    name : short name, such as CLEAR.
    source : publication.
    doi : its DOI.
    items : items in their order.
    """

    name: str
    source: str
    doi: str
    items: tuple[ChecklistItem, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Files of the run that the items refer to."""
        files = (file for item in self.items for wanted in item.wanted for file in wanted.files)
        return tuple(dict.fromkeys(files))


@cache
def shipped(name: str) -> Checklist:
    """A checklist of the program.

    Parameters
    ----------
    name : one of `CHECKLISTS`.
    """
    file = resources.files("radstudy.report") / "checklists" / f"{name}.yaml"
    return read_checklist(file.read_text(encoding="utf-8"))


def read_checklist(text: str) -> Checklist:
    """The checklist of a YAML text.

    Parameters
    ----------
    text : ``name``, ``source``, ``doi`` and ``sections``, a list of ``title`` and ``items``. An item has ``number``,
        ``question`` and the optional ``topic``, ``weight``, ``applies_if``, ``met_by``, ``partly`` (lists of evidence,
        see `read_wanted`) and ``author``. Further keys of the whole text, such as anchors, are not read.

    Raises
    ------
    ValueError : an unknown key, a number used twice, or an item that neither evidence nor an author could meet.
    """
    content = YAML(typ="safe").load(text)
    items = tuple(_items(content["sections"]))
    numbers = [item.number for item in items]
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise ValueError(f"checklist {content['name']}: used for two items: {', '.join(twice)}")
    return Checklist(content["name"], content["source"], content["doi"], items)


def _items(sections: Sequence[Mapping[str, Any]]) -> Iterator[ChecklistItem]:
    for section in sections:
        for entry in section["items"]:
            yield _item(section["title"], entry)


def _item(section: str, entry: Mapping[str, Any]) -> ChecklistItem:
    if unknown := sorted(set(entry) - _ITEM_KEYS):
        raise ValueError(f"checklist item {entry.get('number')}: unknown keys: {', '.join(unknown)}")
    lists = {key: tuple(map(read_wanted, entry.get(key, ()))) for key in ("applies_if", "met_by", "partly")}
    item = ChecklistItem(
        str(entry["number"]), section, entry.get("topic", ""), entry["question"], **lists,
        author=entry.get("author", ""), weight=float(entry.get("weight", 0.0)),
    )  # fmt: skip
    if not (item.met_by or item.author or item.applies_if):
        raise ValueError(f"checklist item {item.number}: give met_by, author or applies_if: nothing could meet it")
    if item.partly and not item.author:
        raise ValueError(f"checklist item {item.number}: evidence that is partial needs an author")
    return item

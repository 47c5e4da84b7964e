"""The outline of the report: the parts of each section, its layer, and the number of every figure and table."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from radstudy.errors import StudyFileError
from radstudy.protocol.sections import Report

# kind of a part to the word that its number begins with; "" if it has no number
KINDS = {
    "table": "Table", "figure": "Figure", "fields": "Figure", "maps": "Figure", "text": "", "checks": "",
    "pictures": "", "settings": "", "interactive": "",
}  # fmt: skip
LAYERS = {"answer": "The answer", "paper": "The paper", "evidence": "The evidence"}  # from top to bottom, with titles
STUDY, VALIDATION = "outline.yaml", "validation.yaml"  # files of this package
_KEYS = frozenset(["caption", "supplement", "number", "folded", "sealed"])
SEALS = ("", "withheld", "training")  # what a sealed run shows of a part: all of it, nothing, its training rows
_IN_FORCE: ContextVar[tuple[OutlineSection, ...] | None] = ContextVar("outline in force", default=None)


@dataclass(frozen=True)
class OutlinePart:
    """One part of a section, as the outline names it.

    Parameters
    ----------
    kind, name : kind and name, such as figure and funnel.
    caption : caption; "" if it has no number.
    number : number, such as Figure S4; "" for a text, pictures or settings.
    folded : True if it opens on a click.
    sealed : what it shows while the testing results are sealed: "withheld" nothing, "training" its training rows
        alone, "" all of it.
    """

    kind: str
    name: str
    caption: str = ""
    number: str = ""
    folded: bool = False
    sealed: str = ""


@dataclass(frozen=True)
class OutlineSection:
    """One section of the outline.

    Parameters
    ----------
    id, title : of the section.
    parts : its parts, from top to bottom.
    layer : the answer, the paper or the evidence.
    """

    id: str
    title: str
    parts: tuple[OutlinePart, ...]
    layer: str = "evidence"


def outline() -> tuple[OutlineSection, ...]:
    """The sections of outline.yaml, every figure and table with its number, or those in force for one study."""
    return _IN_FORCE.get() or _shipped()


@cache
def _shipped() -> tuple[OutlineSection, ...]:
    return read_outline(_text())


def _text(file: str = STUDY) -> str:
    return (resources.files("radstudy.report") / file).read_text(encoding="utf-8")


@contextmanager
def outline_of(report: Report, file: str = STUDY) -> Iterator[tuple[OutlineSection, ...]]:
    """The outline of one study, in force inside the block: what it leaves out and moves changes the numbers.

    Parameters
    ----------
    report : section of the study file.
    file : the outline, of a study or of a validation.

    Raises
    ------
    StudyFileError : the study leaves out or moves a part that does not exist, or moves it to an unknown section.
    """
    token = _IN_FORCE.set(read_outline(_text(file), report))
    try:
        yield outline()
    finally:
        _IN_FORCE.reset(token)


def read_outline(text: str, report: Report | None = None) -> tuple[OutlineSection, ...]:
    """The sections of an outline.

    Parameters
    ----------
    text : YAML: a list of sections with ``id``, ``title``, ``layer`` and ``parts``. A part names the function that
        makes it (``figure: funnel``) and has a ``caption``. Figures and tables are numbered in the order of the page,
        those of the ``supplement`` (of a section or of a part) separately (S1, S2 ...). A ``number`` fixes one; the
        count skips it. ``sealed``: see `OutlinePart`.
    report : the study's parts to leave out and to move; None for the outline as written.

    Raises
    ------
    ValueError : a part of unknown kind, an unknown key, or a number that is used twice.
    StudyFileError : the study names a part or a section that does not exist.
    """
    sections = YAML(typ="safe").load(text)
    if report is not None:
        _arrange(sections, report)
    for section in sections:
        for entry in section["parts"]:
            entry.setdefault("supplement", section.get("supplement", False))
    numbers = _numbers([entry for section in sections for entry in section["parts"]])
    return tuple(
        OutlineSection(
            section["id"], section["title"], tuple(_part(entry, next(numbers)) for entry in section["parts"]),
            section.get("layer", "evidence"),
        )
        for section in sections
    )  # fmt: skip


def _arrange(sections: Sequence[dict[str, Any]], report: Report) -> None:
    """Leave out and move the parts that a study names; a moved part is the last of its new section."""
    places = {section["id"]: section for section in sections}
    for name in report.leave_out:
        _taken(sections, name, "leave_out")
    for name, place in report.move.items():
        if place not in places:
            raise StudyFileError(
                f"report.move: there is no section '{place}' of the report; choose from {', '.join(places)}"
            )
        entry = _taken(sections, name, "move")
        kept = {key: value for key, value in entry.items() if key not in ("supplement", "number")}
        places[place]["parts"].append(kept)


def _taken(sections: Sequence[dict[str, Any]], name: str, setting: str) -> dict[str, Any]:
    """Remove a part, such as "figure funnel", from its section and return it."""
    for section in sections:
        for entry in section["parts"]:
            kind = _kind(entry)
            if f"{kind} {entry[kind]}" == name:
                section["parts"].remove(entry)
                return dict(entry)
    names = [f"{(kind := _kind(entry))} {entry[kind]}" for section in sections for entry in section["parts"]]
    raise StudyFileError(f"report.{setting}: there is no part '{name}' of the report; choose from {', '.join(names)}")


def number_of(kind: str, name: str) -> str:
    """The number of a figure or table, such as Table 3, in words if the study leaves it out.

    Parameters
    ----------
    kind, name : as in outline.yaml.

    Raises
    ------
    KeyError : the outline has no such part.

    Examples
    --------
    >>> number_of("table", "selected_features")
    'Table S3'
    """
    numbers, shipped = _number_by_name(outline()), _number_by_name(_shipped())
    if (kind, name) in shipped and (kind, name) not in numbers:
        return f"the {kind} '{name}', which this report leaves out,"
    return numbers[kind, name]


def has_part(kind: str, name: str) -> bool:
    """True if the outline in force has a part, so that a text may refer to its number.

    Parameters
    ----------
    kind, name : as in outline.yaml.
    """
    return (kind, name) in _number_by_name(outline())


@cache
def _number_by_name(sections: tuple[OutlineSection, ...]) -> dict[tuple[str, str], str]:
    return {(part.kind, part.name): part.number for section in sections for part in section.parts if part.number}


def _part(entry: Mapping[str, Any], number: str) -> OutlinePart:
    kind = _kind(entry)
    sealed = entry.get("sealed", "")
    if sealed not in SEALS:
        raise ValueError(f"outline.yaml: {dict(entry)}: 'sealed' must be withheld or training")
    return OutlinePart(kind, entry[kind], entry.get("caption", ""), number, entry.get("folded", False), sealed)


def _kind(entry: Mapping[str, Any]) -> str:
    kinds = [key for key in entry if key in KINDS]
    unknown = [key for key in entry if key not in KINDS and key not in _KEYS]
    if len(kinds) != 1 or unknown:
        raise ValueError(f"outline.yaml: {dict(entry)}: must have one of {', '.join(KINDS)} and may have "
                         f"{', '.join(sorted(_KEYS))}")  # fmt: skip
    return kinds[0]


def _numbers(entries: list[Mapping[str, Any]]) -> Iterator[str]:
    """The number of every part in turn; "" for a part without."""
    pinned = [(_series(entry), int(entry["number"])) for entry in entries if "number" in entry]
    if twice := [f"{series}{number}" for (series, number), times in Counter(pinned).items() if times > 1]:
        raise ValueError(f"outline.yaml: used for two parts: {', '.join(twice)}")
    counts: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
    for entry in entries:
        series = _series(entry)
        if not series:
            yield ""
        elif "number" in entry:
            yield f"{series}{entry['number']}"
        else:
            yield f"{series}{next(number for number in counts[series] if (series, number) not in pinned)}"


def _series(entry: Mapping[str, Any]) -> str:
    """The beginning of a part's number: "Table ", "Table S", "Figure ", "Figure S"; "" if it has none."""
    word = KINDS[_kind(entry)]
    return f"{word} {'S' if entry.get('supplement') else ''}" if word else ""

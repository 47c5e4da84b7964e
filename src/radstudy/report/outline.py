"""The outline of the report: the parts of each section, and the number of every figure and table."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

# kind of a part to the word that its number begins with; "" if it has no number
KINDS = {
    "table": "Table", "figure": "Figure", "fields": "Figure", "maps": "Figure", "text": "", "pictures": "",
    "settings": "",
}  # fmt: skip
_KEYS = frozenset(["caption", "supplement", "number", "folded"])


@dataclass(frozen=True)
class OutlinePart:
    """One part of a section, as the outline names it.

    Parameters
    ----------
    kind, name : kind and name, such as figure and funnel.
    caption : caption; "" if it has no number.
    number : number, such as Figure S4; "" for a text, pictures or settings.
    folded : True if it opens on a click.
    """

    kind: str
    name: str
    caption: str = ""
    number: str = ""
    folded: bool = False


@dataclass(frozen=True)
class OutlineSection:
    """One section of the outline."""

    id: str
    title: str
    parts: tuple[OutlinePart, ...]


@cache
def outline() -> tuple[OutlineSection, ...]:
    """The sections of outline.yaml, every figure and table with its number."""
    return read_outline((resources.files("radstudy.report") / "outline.yaml").read_text(encoding="utf-8"))


def read_outline(text: str) -> tuple[OutlineSection, ...]:
    """The sections of an outline.

    Parameters
    ----------
    text : YAML: a list of sections with ``id``, ``title`` and ``parts``. A part names the function that makes it
        (``figure: funnel``) and has a ``caption``. Figures and tables are numbered in the order of the page, those of
        the ``supplement`` separately (S1, S2 ...). A ``number`` fixes one; the count skips it.

    Raises
    ------
    ValueError : a part of unknown kind, an unknown key, or a number that is used twice.
    """
    sections = YAML(typ="safe").load(text)
    numbers = _numbers([entry for section in sections for entry in section["parts"]])
    return tuple(
        OutlineSection(
            section["id"], section["title"], tuple(_part(entry, next(numbers)) for entry in section["parts"])
        )
        for section in sections
    )


def number_of(kind: str, name: str) -> str:
    """The number of a figure or table, such as Table 3.

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
    return _number_by_name()[kind, name]


@cache
def _number_by_name() -> dict[tuple[str, str], str]:
    return {(part.kind, part.name): part.number for section in outline() for part in section.parts if part.number}


def _part(entry: Mapping[str, Any], number: str) -> OutlinePart:
    kind = _kind(entry)
    return OutlinePart(kind, entry[kind], entry.get("caption", ""), number, entry.get("folded", False))


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

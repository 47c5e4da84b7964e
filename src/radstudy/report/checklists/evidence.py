"""Evidence of a checklist's items: files of the run with their columns, settings of the study file, and checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import BaseModel

from radstudy.protocol.kinds import Kind
from radstudy.report.checklists.checks import CHECKS
from radstudy.report.checklists.place import EvidencePlace
from radstudy.report.facts import RunFacts

_KINDS = ("file", "study", "check", "any_of")
_FURTHER = {
    "file": ("column", "field", "where", "may_be_empty"),
    "study": ("has", "is_none"),
    "check": (),
    "any_of": (),
}


@dataclass(frozen=True)
class Wanted:
    """Evidence that an item asks for: exactly one of `file`, `study`, `check` and `any_of`.

    Parameters
    ----------
    file : file of the run.
    column : column of the file that must hold a known value; "" if any row will do.
    field : dotted name of a JSON file's field that must have content; "" for any content.
    where : column to value, of the rows that count.
    may_be_empty : True if the file shows that something was looked for, even with no row.
    study : dotted name of a setting of the study file.
    has : words of the steps or classifiers of which the setting, a list, must hold at least one.
    is_none : True if the setting must be switched off or left out.
    check : name of a check in checks.py.
    any_of : alternatives, of which one must exist.
    """

    file: str = ""
    column: str = ""
    field: str = ""
    where: Mapping[str, str] = dataclasses.field(default_factory=dict)
    may_be_empty: bool = False
    study: str = ""
    has: tuple[str, ...] = ()
    is_none: bool = False
    check: str = ""
    any_of: tuple[Wanted, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the run that are looked into."""
        if self.check:
            return tuple(place.file for place in CHECKS[self.check].places if place.file)
        return tuple(file for one in self.any_of for file in one.files) or ((self.file,) if self.file else ())


def read_wanted(entry: Mapping[str, Any]) -> Wanted:
    """The evidence of an entry of a checklist's YAML file.

    Raises
    ------
    ValueError : it is not exactly one kind of evidence, has a key that this kind does not take, or names no check.
    """
    kinds = [key for key in entry if key in _KINDS]
    if len(kinds) != 1:
        raise ValueError(f"evidence {dict(entry)}: give exactly one of {', '.join(_KINDS)}")
    kind = kinds[0]
    if unknown := sorted(set(entry) - {kind, *_FURTHER[kind]}):
        raise ValueError(f"evidence {dict(entry)}: '{kind}' takes no {', '.join(unknown)}")
    if kind == "check" and entry["check"] not in CHECKS:
        raise ValueError(f"evidence {dict(entry)}: unknown check; choose from {', '.join(CHECKS)}")
    if kind == "any_of":
        return Wanted(any_of=tuple(map(read_wanted, entry["any_of"])))
    return Wanted(**{**entry, "has": tuple(entry.get("has", ()))})


def places_of(facts: RunFacts, wanted: Wanted) -> tuple[EvidencePlace, ...]:
    """The places where a run has the evidence; empty if it does not.

    Parameters
    ----------
    facts : the run.
    wanted : the evidence asked for.
    """
    if wanted.any_of:  # every alternative is looked up: all that exist are evidence
        return tuple(place for one in wanted.any_of for place in places_of(facts, one))
    if wanted.check:
        check = CHECKS[wanted.check]
        return check.places if check.holds(facts) else ()
    if wanted.study:
        place = EvidencePlace(setting=wanted.study, left_out=wanted.is_none)
        return (place,) if _set(facts, wanted) else ()
    known = _in_document(facts, wanted) if wanted.file.endswith(".json") else _in_table(facts, wanted)
    return (EvidencePlace(wanted.file, wanted.column or wanted.field),) if known else ()


def _in_table(facts: RunFacts, wanted: Wanted) -> bool:
    frame = facts.frames.get(wanted.file)
    if frame is None:
        return False
    if wanted.may_be_empty:
        return True
    if any(name not in frame for name in (*wanted.where, *([wanted.column] if wanted.column else []))):
        return False
    for name, value in wanted.where.items():
        frame = frame[frame[name].astype(str) == value]
    return bool(len(frame)) and (not wanted.column or has_value(frame[wanted.column]))


def has_value(column: pd.Series[Any]) -> bool:
    """True if a column holds at least one value that is neither missing nor an empty text."""
    return bool((column.notna() & (column.astype(str) != "")).any())


def _in_document(facts: RunFacts, wanted: Wanted) -> bool:
    content = facts.documents.get(wanted.file)
    for name in filter(None, wanted.field.split(".")):
        content = content.get(name) if isinstance(content, Mapping) else None
    return content is not None and content not in ("", [], {})


def _set(facts: RunFacts, wanted: Wanted) -> bool:
    value: Any = facts.protocol
    for name in wanted.study.split("."):
        value = getattr(value, name) if isinstance(value, BaseModel) else None
    if wanted.is_none:
        return value is None
    if wanted.has:
        return any(isinstance(one, Kind) and one.word in wanted.has for one in value or ())
    return value is not None and value is not False and value not in ("", (), {})


def printed(places: Iterable[EvidencePlace]) -> str:
    """The places as one text."""
    return "; ".join(dict.fromkeys(place.text for place in places))

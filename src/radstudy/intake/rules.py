"""The rules for roles: read from roles.yaml, applied to the facts of a series, yielding points and evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from radstudy.errors import StudyFileError
from radstudy.formats.dicom_header import SeriesFacts
from radstudy.protocol.yaml_text import parse_yaml, read_yaml_text

_LISTS = {"image_type", "not_image_type", "sequence", "options", "component"}
_RANGES = {"echo_ms", "repetition_ms", "flip_deg", "b_max", "phases", "images"}
_FLAGS = {"contrast", "burned_in"}
_CONDITIONS = _LISTS | _RANGES | _FLAGS | {"name"}


@dataclass(frozen=True)
class Subject:
    """The facts of a series (or of a set of series) that rules may test.

    Parameters
    ----------
    name : series description or protocol name, as returned by `plain_name`.
    image_type, sequence, options : values of ImageType, ScanningSequence, ScanOptions.
    numbers : echo_ms, repetition_ms, flip_deg, b_max, phases, images; None where unknown.
    contrast, burned_in : whether the header says so.
    component : PHASE, REAL or IMAGINARY if it is that part of the complex signal; empty for a magnitude.
    """

    name: str
    image_type: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    numbers: Mapping[str, float | None] = ()  # type: ignore[assignment]
    contrast: bool = False
    burned_in: bool = False
    component: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One line of roles.yaml."""

    says: str
    points: int
    kind: str
    conditions: Mapping[str, Any]

    def holds(self, subject: Subject) -> bool:
        """True if all of its conditions hold."""
        return all(_holds(name, wanted, subject) for name, wanted in self.conditions.items())


@dataclass(frozen=True)
class Score:
    """A kind's points for a subject, with the evidence."""

    kind: str
    points: int
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """All rules, checked.

    Parameters
    ----------
    sure, lead : points required for a role, and required lead over the next kind.
    left_out, to_review : the first match counts.
    roles : role to its rules for and (negative points) against it.
    """

    sure: int
    lead: int
    left_out: tuple[Rule, ...]
    to_review: tuple[Rule, ...]
    roles: Mapping[str, tuple[Rule, ...]]

    def scores(self, subject: Subject, kinds: Sequence[str]) -> list[Score]:
        """Return the scores of the kinds, best first."""
        return sorted((self._score(subject, kind) for kind in kinds), key=lambda score: -score.points)

    def _score(self, subject: Subject, kind: str) -> Score:
        held = [rule for rule in self.roles.get(kind, ()) if rule.holds(subject)]
        evidence = tuple(f"{rule.says} ({rule.points:+d})" for rule in held)
        return Score(kind, sum(rule.points for rule in held), evidence)

    def is_sure(self, scores: Sequence[Score]) -> bool:
        """True if the best score is high enough, and far enough ahead of the next."""
        best = scores[0].points
        return best >= self.sure and all(best - other.points >= self.lead for other in scores[1:])


def subject_of(facts: SeriesFacts, **numbers: float | None) -> Subject:
    """Build a subject from a series' facts; `numbers` are those of its volumes (b_max, phases, images)."""
    return Subject(
        name=plain_name(facts),
        image_type=facts.image_type,
        sequence=facts.scanning_sequence,
        options=facts.scan_options,
        numbers={
            "echo_ms": facts.echo_ms,
            "repetition_ms": facts.repetition_ms,
            "flip_deg": facts.flip_deg,
            **numbers,
        },
        contrast=bool(facts.contrast_agent),
        burned_in=facts.burned_in,
        component=(facts.component,) if facts.component else (),
    )


def plain_name(facts: SeriesFacts) -> str:
    """The series description in capitals, with _ - / : , . as blanks; the protocol name if there is no description."""
    text = re.sub(r"^\s*(ISPY2|ACRIN-6698|TRT\d)\s*:", "", facts.description or facts.protocol, flags=re.IGNORECASE)
    composed = unicodedata.normalize("NFC", text.upper())  # combining accents merge with their letter
    return " ".join(re.sub(r"[_\-/:,.()<>=;]", " ", composed).split())


@cache
def load_rules(path: Path | None = None) -> Rules:
    """Read the program's rules, or the user's file.

    Raises
    ------
    StudyFileError : the file cannot be read, or a rule has a condition that does not exist.
    """
    where = str(path or "roles.yaml")
    if path is None:
        content = YAML(typ="safe").load((resources.files("radstudy.intake") / where).read_text(encoding="utf-8"))
    else:
        content = parse_yaml(read_yaml_text(path), where)
    if not isinstance(content, dict) or not isinstance(content.get("roles"), dict):
        raise StudyFileError(
            f"{where}: it has no section 'roles'. To do: start from a copy of the program's roles.yaml"
        )
    for name in ("sure", "lead"):
        if not isinstance(content.get(name, 1), int):
            raise StudyFileError(f"{where}: '{name}' must be a whole number, not {content[name]!r}")
    groups = [("left_out", content), ("to_review", content)]
    for role, sides in content["roles"].items():
        if not isinstance(sides, dict):
            raise StudyFileError(f"{where}: the role '{role}' must hold the lists 'for' and 'against'")
        groups += [("for", sides), ("against", sides)]
    for name, holder in groups:
        if not isinstance(holder.get(name, []), list):
            raise StudyFileError(f"{where}: '{name}' must be a list of rules, not {holder[name]!r}")
    roles = {}
    for name, sides in content["roles"].items():
        plus = [_rule(line, where, sign=1) for line in sides.get("for", [])]
        minus = [_rule(line, where, sign=-1) for line in sides.get("against", [])]
        roles[str(name)] = (*plus, *minus)
    return Rules(
        sure=int(content.get("sure", 4)),
        lead=int(content.get("lead", 2)),
        left_out=tuple(_rule(line, where) for line in content.get("left_out", [])),
        to_review=tuple(_rule(line, where) for line in content.get("to_review", [])),
        roles=roles,
    )


def _rule(line: Any, where: str, *, sign: int = 1) -> Rule:
    if not isinstance(line, dict):
        raise StudyFileError(f"{where}: a rule must be {{condition: value, says: text}}, not {line!r}")
    conditions = {key: value for key, value in line.items() if key not in ("points", "says", "kind")}
    unknown = set(conditions) - _CONDITIONS
    if unknown or not conditions:
        raise StudyFileError(
            f"{where}: the rule {line!r} has "
            + (f"the unknown condition {sorted(unknown)[0]}" if unknown else "no condition")
        )
    try:
        if "name" in conditions:
            conditions["name"] = re.compile(str(conditions["name"]), re.MULTILINE)
    except re.error as error:
        raise StudyFileError(f"{where}: '{line['name']}' is not a regular expression ({error})") from error
    for key in (key for key in conditions if key in _RANGES):
        if not isinstance(conditions[key], list) or len(conditions[key]) != 2:
            raise StudyFileError(f"{where}: {key} must be [lowest, highest], not {conditions[key]!r}")
    if not isinstance(line.get("points", 0), int):
        raise StudyFileError(f"{where}: points must be a whole number, not {line['points']!r}")
    return Rule(str(line.get("says", "")), sign * int(line.get("points", 0)), str(line.get("kind", "")), conditions)


def _holds(name: str, wanted: Any, subject: Subject) -> bool:
    match name:
        case "name":
            return wanted.search(subject.name) is not None
        case "image_type":
            return bool(set(wanted) & set(subject.image_type))
        case "not_image_type":
            return not set(wanted) & set(subject.image_type)
        case "sequence" | "options" | "component":
            return bool(set(wanted) & set(getattr(subject, name)))
        case "contrast" | "burned_in":
            return bool(getattr(subject, name) == wanted)
    value = subject.numbers.get(name)
    low, high = wanted
    return value is not None and (low is None or value >= low) and (high is None or value <= high)

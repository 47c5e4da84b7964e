"""Assignment of drawings to readers: by a reader's answer, a rule, or the drawings' own headers; otherwise a question.

A drawing (one SEG, RTSTRUCT or .seg.nrrd) has one reader. If two drawings of a patient have a region of the same name
on the same volume, their readers must be known before files are named after them. Without an answer or a rule they
are known if one attribute (ContentCreatorName, OperatorsName, or the description of the series) distinguishes them, by
the same values, throughout the cohort. The order of files never determines a reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from radstudy.errors import UsageError
from radstudy.intake.review import NOT_WANTED

ATTRIBUTES = {
    "creator": "ContentCreatorName", "operators": "OperatorsName", "description": "the description of its series",
}  # fmt: skip
LENGTH = 40  # characters of a part of a file name
Place = tuple[str, str, str]  # patient, role, region


@dataclass(frozen=True)
class Claim:
    """A region of a drawing on a volume.

    Parameters
    ----------
    drawing : mark of the drawing.
    patient, role, region : patient and role of the volume, and the region as in file names.
    direct : whether the drawing names the volume's series; otherwise it only has the same grid.
    """

    drawing: str
    patient: str
    role: str
    region: str
    direct: bool = True

    @property
    def place(self) -> Place:
        """Patient, role and region, which drawings of several readers may share."""
        return self.patient, self.role, self.region.lower()


@dataclass(frozen=True)
class AssignedReader:
    """The reader of a drawing.

    Parameters
    ----------
    name : as in file names; "" if it is not known, or not needed.
    by : source of the name.
    certain : whether a person named the reader (an answer or a rule), so that earlier files may be renamed.
    question : why a reader has to be asked; "" if not.
    left_out : whether a reader has left the drawing out.
    """

    name: str = ""
    by: str = ""
    certain: bool = False
    question: str = ""
    left_out: bool = False


@dataclass(frozen=True)
class Decided:
    """The readers of all drawings.

    Parameters
    ----------
    readers : mark of a drawing to its reader.
    superseded : claims (place, mark) that are dropped, because the same reader drew the region on that volume itself.
    """

    readers: Mapping[str, AssignedReader]
    superseded: frozenset[tuple[Place, str]] = frozenset()


@dataclass(frozen=True)
class ReaderRule:
    """A user's rule for the position of {reader} in a path, or in an attribute.

    Parameters
    ----------
    text : as the user wrote it.
    attribute : creator, operators or description; "" for the drawing's path in the source.
    pattern : matches the reader.
    """

    text: str
    attribute: str
    pattern: re.Pattern[str]

    def reader_of(self, entry: Mapping[str, Any]) -> str:
        """Return the reader of a drawing (an entry of `keep_drawings`), as written; "" if the rule does not match."""
        if self.attribute:
            subject = str((entry.get("authorship") or {}).get(self.attribute, ""))
        else:
            subject = str(entry.get("source", ""))
        match = self.pattern.search(subject)
        return match.group("reader") if match else ""


def read_rule(text: str) -> ReaderRule:
    """Parse a rule of the command line.

    Parameters
    ----------
    text : such as "annotations/{reader}/", "*_{reader}.dcm", "description:Seg {reader}" or "creator:{reader}"; *
        matches anything (in a path, within one folder's name).

    Raises
    ------
    UsageError : it does not contain {reader} exactly once.

    Examples
    --------
    >>> rule = read_rule("annotations/{reader}/")
    >>> rule.reader_of({"source": "cohort/annotations/Dr Lee/017/seg.dcm"})
    'Dr Lee'
    """
    attribute, _, rest = text.partition(":")
    attribute, pattern = (attribute, rest) if attribute in ATTRIBUTES and rest else ("", text)
    if pattern.count("{reader}") != 1:
        raise UsageError(
            f"--readers '{text}': it must contain {{reader}} exactly once. To do: give a folder such as "
            "annotations/{reader}/, a file name such as *_{reader}.dcm, or description:, creator: or operators: with "
            "a pattern"
        )
    anything, name = (".*?", ".+?") if attribute else ("[^/]*?", "[^/]+?")
    parts = [re.escape(part).replace(r"\*", anything) for part in pattern.strip().split("{reader}")]
    middle = f"{parts[0]}(?P<reader>{name}){parts[1]}"
    whole = f"^{middle}$" if attribute else f"(?:^|/){middle}" + ("" if pattern.endswith("/") else "(?:$|/)")
    return ReaderRule(text, attribute, re.compile(whole, re.IGNORECASE))


def plain(text: str) -> str:
    """Convert a text to a part of a file name: ASCII letters, digits, _ and -; "" if nothing is left.

    If a name has several forms (DICOM's =), the first with ASCII letters is used.

    Examples
    --------
    >>> plain("Müller^Änne"), plain("Wang^Wei=王^偉"), plain("王")
    ('Muller-Anne', 'Wang-Wei', '')
    """
    for writing in text.split("="):
        ascii_text = unicodedata.normalize("NFKD", writing).encode("ascii", "ignore").decode()
        part = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_text).strip("-_")[:LENGTH]
        if part:
            return part
    return ""


def decide_readers(
    claims: Sequence[Claim],
    entries: Mapping[str, Mapping[str, Any]],
    *,
    rules: Sequence[ReaderRule] = (),
    answers: Mapping[str, str],
    earlier: Mapping[str, str],
    identifies: Callable[[str, str], bool],
) -> Decided:
    """Decide on the reader of each drawing.

    Parameters
    ----------
    claims : the regions of all drawings, including those of earlier imports.
    entries : mark of a drawing to its entry (`keep_drawings`).
    rules : the user's rules; the first that matches counts.
    answers : mark of a drawing to a reader's entry in the review table.
    earlier : mark of a drawing to the reader named by an earlier import.
    identifies : True if a text (second) contains words that identify a patient (first), and so cannot name a reader.
    """
    patient_of = {claim.drawing: claim.patient for claim in claims}
    known: dict[str, AssignedReader] = {}
    for mark, patient in patient_of.items():
        reader = _stated(mark, entries.get(mark, {}), rules, answers, earlier)
        if reader.name and reader.by.startswith("--readers") and identifies(patient, reader.name):
            reader = AssignedReader(question=f"{reader.by} matches words that identify the patient, not a reader")
        if reader.by or reader.question:
            known[mark] = reader
    places: dict[Place, dict[str, bool]] = defaultdict(dict)
    for claim in claims:
        if not (claim.drawing in known and known[claim.drawing].left_out):
            places[claim.place][claim.drawing] = claim.direct
    shared = {place: marks for place, marks in places.items() if len(marks) > 1}
    known |= _by_attribute(shared, entries, known, patient_of, identifies)
    for mark in patient_of:
        known.setdefault(mark, AssignedReader())
    shown = {claim.place: claim.region for claim in reversed(claims)}
    known |= _questions(shared, known, shown)
    superseded = {
        (place, mark)
        for place, marks in shared.items()
        for mark in set(marks) - {one for voice in _voices(marks, lambda m: known[m].name).values() for one in voice}
        if not known[mark].question
    }
    return Decided(known, frozenset(superseded))


def _voices(marks: Mapping[str, bool], name_of: Callable[[str], str]) -> dict[str, list[str]]:
    """Group drawings of one region on one volume by reader, preferring those made on that volume itself."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for mark in sorted(marks):
        by_name[name_of(mark).casefold()].append(mark)
    return {name: ([m for m in own if marks[m]] if name else []) or own for name, own in by_name.items()}


def _stated(
    mark: str,
    entry: Mapping[str, Any],
    rules: Sequence[ReaderRule],
    answers: Mapping[str, str],
    earlier: Mapping[str, str],
) -> AssignedReader:
    """The reader of a drawing according to an answer, a rule or an earlier import."""
    answer = answers.get(mark, "")
    if answer:
        left_out = answer == NOT_WANTED
        return AssignedReader("" if left_out else answer, "a reader's answer", certain=True, left_out=left_out)
    for rule in rules:
        text = rule.reader_of(entry)
        if text:
            name = plain(text)
            question = "" if name else f"'{text}' has no letters that can be used in a file name"
            return AssignedReader(name, f"--readers {rule.text}", certain=True, question=question)
    if earlier.get(mark):
        return AssignedReader(earlier[mark], "an earlier import")
    if rules:
        return AssignedReader(question="no rule of --readers matches it")
    return AssignedReader()


def _by_attribute(
    shared: Mapping[Place, Mapping[str, bool]],
    entries: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, AssignedReader],
    patient_of: Mapping[str, str],
    identifies: Callable[[str, str], bool],
) -> dict[str, AssignedReader]:
    """Readers by the first attribute that distinguishes the drawings of every shared region, by the same values."""
    if all(mark in known for mark in patient_of):
        return {}
    for attribute, shown in ATTRIBUTES.items():
        values = {mark: _value(entry, attribute) for mark, entry in entries.items()}
        known_of = [marks for marks in shared.values() if all("authorship" in entries.get(m, {}) for m in marks)]
        voices = [_voices(marks, partial(_of, values)) for marks in known_of]
        names = {values[mark].casefold(): plain(values[mark]) for marks in known_of for mark in marks}
        if not voices or any(voice.keys() != voices[0].keys() for voice in voices) or "" in voices[0]:
            continue
        if any(len(own) > 1 for voice in voices for own in voice.values()):
            continue
        if not all(names.values()) or len({name.lower() for name in names.values()}) < len(names):
            continue
        if any(identifies(patient_of[mark], values[mark]) for marks in known_of for mark in marks):
            continue
        return {
            mark: AssignedReader(names[value.casefold()], shown)
            for mark, value in values.items()
            if mark in patient_of and mark not in known and value.casefold() in names
        }
    return {}


def _of(values: Mapping[str, str], mark: str) -> str:
    return values.get(mark, "")


def _value(entry: Mapping[str, Any], attribute: str) -> str:
    return str((entry.get("authorship") or {}).get(attribute, ""))


def _questions(
    shared: Mapping[Place, Mapping[str, bool]], known: Mapping[str, AssignedReader], shown: Mapping[Place, str]
) -> dict[str, AssignedReader]:
    """The drawings in question: their readers are not known, or one reader has several of the same region."""
    asked: dict[str, AssignedReader] = {}
    for place, marks in sorted(shared.items()):
        role, region = place[1], shown[place]
        for name, own in _voices(marks, lambda mark: known[mark].name).items():
            if name and len(own) == 1:
                continue
            for mark in own:
                reader = known[mark]
                reason = (
                    f"{len(own)} drawings of '{region}' on {role} are by {reader.name} ({reader.by})"
                    if name
                    else f"{len(marks)} drawings of '{region}' on {role}, and nothing distinguishes their readers with "
                    "certainty"
                )
                asked.setdefault(mark, replace(reader, question=reader.question or reason))
    return asked

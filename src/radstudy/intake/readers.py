"""Who drew which mask: by a reader's answer, by a rule, or by what the drawings themselves say, else asked.

A drawing (one SEG, RTSTRUCT or .seg.nrrd) has one reader. Where two drawings of a patient have a region of one name on
one volume, their readers must be known before anything is named after them. Without an answer or a rule they are known
where one attribute (ContentCreatorName, OperatorsName, or the description of the series) tells them apart everywhere in
the cohort, by the same values everywhere. The order in which files are met never names a reader.
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
LENGTH = 40  # of a part of a file's name
Place = tuple[str, str, str]  # patient, role, region


@dataclass(frozen=True)
class Claim:
    """A region that a drawing has on a volume.

    Parameters
    ----------
    drawing : its mark.
    patient, role, region : of the volume, and the region as file names have it.
    direct : whether the drawing names the volume's series; else it is here because the grid is the same.
    """

    drawing: str
    patient: str
    role: str
    region: str
    direct: bool = True

    @property
    def place(self) -> Place:
        """What two readers would both have drawn."""
        return self.patient, self.role, self.region.lower()


@dataclass(frozen=True)
class Reader:
    """Who drew a drawing.

    Parameters
    ----------
    name : as file names have it; "" where it is not known, or not needed.
    by : what says so.
    certain : whether a person said so (an answer or a rule), so that files of an earlier import may be renamed.
    question : why a reader has to be asked; "" where not.
    left_out : whether a reader has left the drawing out.
    """

    name: str = ""
    by: str = ""
    certain: bool = False
    question: str = ""
    left_out: bool = False


@dataclass(frozen=True)
class Decided:
    """Who drew what.

    Parameters
    ----------
    readers : mark of a drawing to its reader.
    superseded : claims (place, mark) that give way: the same reader has drawn the region on that very volume.
    """

    readers: Mapping[str, Reader]
    superseded: frozenset[tuple[Place, str]] = frozenset()


@dataclass(frozen=True)
class ReaderRule:
    """A rule of the user's: where {reader} stands in a folder, or in an attribute.

    Parameters
    ----------
    text : as the user wrote it.
    attribute : creator, operators or description; "" for the drawing's path in the source.
    pattern : finds the reader.
    """

    text: str
    attribute: str
    pattern: re.Pattern[str]

    def reader_of(self, entry: Mapping[str, Any]) -> str:
        """The reader of a drawing (an entry of `keep_drawings`), as written there; "" where the rule does not fit."""
        if self.attribute:
            subject = str((entry.get("authorship") or {}).get(self.attribute, ""))
        else:
            subject = str(entry.get("source", ""))
        found = self.pattern.search(subject)
        return found.group("reader") if found else ""


def read_rule(text: str) -> ReaderRule:
    """A rule as the command line gives it.

    Parameters
    ----------
    text : such as "annotations/{reader}/", "*_{reader}.dcm", "description:Seg {reader}" or "creator:{reader}"; * stands
        for anything (in a path, within one folder's name).

    Raises
    ------
    UsageError : it does not hold {reader} once.

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
            f"--readers '{text}': it must hold {{reader}} once. To do: give a folder such as annotations/{{reader}}/, "
            "a file name such as *_{reader}.dcm, or description:, creator: or operators: with a pattern"
        )
    anything, name = (".*?", ".+?") if attribute else ("[^/]*?", "[^/]+?")
    parts = [re.escape(part).replace(r"\*", anything) for part in pattern.strip().split("{reader}")]
    middle = f"{parts[0]}(?P<reader>{name}){parts[1]}"
    whole = f"^{middle}$" if attribute else f"(?:^|/){middle}" + ("" if pattern.endswith("/") else "(?:$|/)")
    return ReaderRule(text, attribute, re.compile(whole, re.IGNORECASE))


def plain(text: str) -> str:
    """A text as a part of a file's name: ASCII letters, digits, _ and -; "" where nothing is left.

    Of a name in several writings (DICOM's =) the first that has ASCII letters is taken.

    Examples
    --------
    >>> plain("Müller^Änne"), plain("Wang^Wei=王^偉"), plain("王")
    ('Muller-Anne', 'Wang-Wei', '')
    """
    for writing in text.split("="):
        ascii_text = unicodedata.normalize("NFKD", writing).encode("ascii", "ignore").decode()
        found = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_text).strip("-_")[:LENGTH]
        if found:
            return found
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
    """Who drew each drawing.

    Parameters
    ----------
    claims : the regions of all drawings, of earlier imports too.
    entries : mark of a drawing to what is known of it (`keep_drawings`).
    rules : of the user's; the first that fits counts.
    answers : mark of a drawing to what a reader has written into the review table.
    earlier : mark of a drawing to the reader that an earlier import has named.
    identifies : whether a text (second) has words of a patient (first) in it, and so cannot be a reader's name.
    """
    patient_of = {claim.drawing: claim.patient for claim in claims}
    known: dict[str, Reader] = {}
    for mark, patient in patient_of.items():
        found = _said(mark, entries.get(mark, {}), rules, answers, earlier)
        if found.name and found.by.startswith("--readers") and identifies(patient, found.name):
            found = Reader(question=f"{found.by} takes words that identify the patient for a reader")
        if found.by or found.question:
            known[mark] = found
    places: dict[Place, dict[str, bool]] = defaultdict(dict)
    for claim in claims:
        if not (claim.drawing in known and known[claim.drawing].left_out):
            places[claim.place][claim.drawing] = claim.direct
    shared = {place: marks for place, marks in places.items() if len(marks) > 1}
    known |= _told_apart(shared, entries, known, patient_of, identifies)
    for mark in patient_of:
        known.setdefault(mark, Reader())
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
    """Drawings of one region on one volume by who drew them: those made on that volume before those of its grid."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for mark in sorted(marks):
        by_name[name_of(mark).casefold()].append(mark)
    return {name: ([m for m in own if marks[m]] if name else []) or own for name, own in by_name.items()}


def _said(
    mark: str,
    entry: Mapping[str, Any],
    rules: Sequence[ReaderRule],
    answers: Mapping[str, str],
    earlier: Mapping[str, str],
) -> Reader:
    """What an answer, a rule or an earlier import says of a drawing."""
    answer = answers.get(mark, "")
    if answer:
        left_out = answer == NOT_WANTED
        return Reader("" if left_out else answer, "a reader's answer", certain=True, left_out=left_out)
    for rule in rules:
        found = rule.reader_of(entry)
        if found:
            name = plain(found)
            question = "" if name else f"'{found}' has no letters that a file's name can have"
            return Reader(name, f"--readers {rule.text}", certain=True, question=question)
    if earlier.get(mark):
        return Reader(earlier[mark], "an earlier import")
    if rules:
        return Reader(question="no rule of --readers fits it")
    return Reader()


def _told_apart(
    shared: Mapping[Place, Mapping[str, bool]],
    entries: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Reader],
    patient_of: Mapping[str, str],
    identifies: Callable[[str, str], bool],
) -> dict[str, Reader]:
    """Readers by the first attribute that tells the drawings of every shared region apart, by the same values."""
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
            mark: Reader(names[value.casefold()], shown)
            for mark, value in values.items()
            if mark in patient_of and mark not in known and value.casefold() in names
        }
    return {}


def _of(values: Mapping[str, str], mark: str) -> str:
    return values.get(mark, "")


def _value(entry: Mapping[str, Any], attribute: str) -> str:
    return str((entry.get("authorship") or {}).get(attribute, ""))


def _questions(
    shared: Mapping[Place, Mapping[str, bool]], known: Mapping[str, Reader], shown: Mapping[Place, str]
) -> dict[str, Reader]:
    """The drawings of regions whose readers are not known, or of which one reader has several."""
    asked: dict[str, Reader] = {}
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
                    else f"{len(marks)} drawings of '{region}' on {role}, and nothing is sure to tell their readers "
                    "apart"
                )
                asked.setdefault(mark, replace(reader, question=reader.question or reason))
    return asked

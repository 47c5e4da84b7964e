"""What will be written for each patient, under which name: the decisions, a reader's answers, the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from radstudy.errors import UsageError
from radstudy.formats.dicom_header import Frame
from radstudy.intake.decision import LEFT_OUT, REFUSED, REVIEW, ROLE, Decision
from radstudy.intake.faults import unexpected
from radstudy.intake.index import Examination, Patient, contradiction
from radstudy.intake.midnight import set_over_midnight
from radstudy.intake.pseudonyms import Pseudonyms, Redactor
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import Rules
from radstudy.intake.series import Series, Stack, sort_series

_ROLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
NOT_WANTED = "-"
_REMEDY = "correct the PatientID of one of them in the PACS; nothing of this patient is written"


@dataclass(frozen=True, eq=False)
class Item:
    """One volume of a patient, as the tables list it.

    Parameters
    ----------
    decision : what becomes of it.
    mark : keyed mark of the volume, the same in every import.
    places : keyed marks of its series, frame of reference and examination, so that drawings find it.
    description : of its series, without what identifies the patient.
    examination : number of the patient's examination, by date.
    file : inside the patient's folder; "" where nothing is written.
    answer : the role that a reader gave it, "-" for none, "" where not asked or not answered.
    """

    decision: Decision
    mark: str
    places: Mapping[str, str]
    description: str
    examination: int
    file: str = ""
    answer: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """One patient.

    Parameters
    ----------
    patient : as indexed.
    name : the pseudonym.
    items : all volumes.
    problem : why nothing of this patient is written; "" where something is.
    remedy : what to do about it, where something is known.
    """

    patient: Patient
    name: str
    items: tuple[Item, ...]
    problem: str = ""
    remedy: str = ""

    def with_status(self, *status: str) -> list[Item]:
        """The volumes of these statuses."""
        return [item for item in self.items if item.decision.status in status]


def plan_patient(
    patient: Patient,
    rules: Rules,
    pseudonyms: Pseudonyms,
    *,
    answers: Mapping[str, str] | None = None,
    examination: str = "",
    existing: Mapping[str, str] | None = None,
) -> Plan:
    """Decide on all volumes of a patient and name their files.

    Parameters
    ----------
    patient : as indexed.
    rules, pseudonyms : of the import.
    answers : mark to the role that a reader gave the volume in review.csv.
    examination : "first" or "last" to take one of several; by default several examinations go to review.
    existing : file in the patient's folder to the mark of the volume that an earlier import has written there.
    """
    name = pseudonyms.of(patient.identifier)
    problem = contradiction(patient)
    if problem:
        return Plan(patient, name, (), problem, _REMEDY)
    redact = Redactor(patient.identities)
    dated = [one for _, one in sorted(patient.examinations.items(), key=lambda item: (item[1].date, item[0]))]
    chosen = _chosen(dated, examination)
    items = []
    for number, one in chosen:
        for decision in _decisions(one, rules):
            mark, first = _mark(pseudonyms, decision.stack), decision.stack.frames[0]
            places = places_of(pseudonyms, first)
            items.append(Item(decision, mark, places, redact(_described(decision)), number))
    items = _one_examination(items)
    items = [_answered(item, answers or {}) for item in items]
    marks = {item.mark for item in items}
    others = {file for file, mark in (existing or {}).items() if mark not in marks}
    return Plan(patient, name, tuple(_named(_without_doubles(items), others)))


def _chosen(dated: list[Examination], wanted: str) -> list[tuple[int, Examination]]:
    numbered = list(enumerate(dated, 1))
    match wanted:
        case "first":
            return numbered[:1]
        case "last":
            return numbered[-1:]
        case "":
            return numbered
    raise UsageError(f"--examination takes first or last, not '{wanted}'")


def _decisions(examination: Examination, rules: Rules) -> list[Decision]:
    timed = set_over_midnight(examination.series)
    met = [(uid, sorted(frames, key=_as_numbered)) for uid, frames in timed.items() if frames]
    met.sort(key=lambda item: (*_number(item[1][0].facts.series_number), item[0]))
    decisions = decide_study([_sorted(frames, examination.copies[uid]) for uid, frames in met], rules)
    return [_usable(decision, examination) for decision in decisions]


def _sorted(frames: list[Frame], copies: int) -> Series:
    """The series' volumes; a series that the program cannot sort is one volume that cannot be written."""
    try:
        return sort_series(frames, copies=copies)
    except Exception as error:  # one series must not end the import of the others
        return Series(tuple(frames), (Stack(tuple(frames), problem=unexpected(error)),), copies)


def _usable(decision: Decision, examination: Examination) -> Decision:
    reason = examination.unusable.get(decision.stack.frames[0].identity.series_uid, "")
    if not reason or decision.status not in (ROLE, REVIEW):
        return decision
    return replace(decision, status=REFUSED, reason=reason)


def _as_numbered(frame: Frame) -> tuple[object, ...]:
    """The order of a series' images: that in which files are met differs between a folder and a server."""
    return (*_number(frame.instance_number), frame.uid, frame.index)


def _number(value: int | None) -> tuple[bool, int]:
    return value is None, value or 0


def _described(decision: Decision) -> str:
    facts = decision.series.facts
    return facts.description or facts.protocol or "(no description)"


def _mark(pseudonyms: Pseudonyms, stack: Stack) -> str:
    uids = sorted(f"{frame.uid}#{frame.index}" for frame in stack.frames)
    return pseudonyms.mark(stack.frames[0].identity.series_uid, *uids)


def places_of(pseudonyms: Pseudonyms, frame: Frame) -> dict[str, str]:
    """Keyed marks by which drawings find a volume: of its series, frame of reference and examination."""
    space = frame.facts.frame_of_reference
    return {
        "series": pseudonyms.mark("series", frame.identity.series_uid),
        "frame_of_reference": pseudonyms.mark("frame", space) if space else "",
        "examination": pseudonyms.mark("examination", frame.identity.study_uid),
    }


def _one_examination(items: list[Item]) -> list[Item]:
    """Where several examinations offer roles, a reader has to choose: nothing is mixed, and none is guessed."""
    with_roles = {item.examination for item in items if item.decision.role}
    if len(with_roles) < 2:
        return items
    reason = f"the patient has {len(with_roles)} examinations with roles; choose with --examination first or last"
    return [
        replace(item, decision=replace(item.decision, status=REVIEW, role="", reason=reason))
        if item.decision.status == ROLE
        else item
        for item in items
    ]


def _answered(item: Item, answers: Mapping[str, str]) -> Item:
    answer = answers.get(item.mark, "").strip()
    if not answer or item.decision.status == REFUSED or item.decision.stack.grid is None:
        return replace(item, answer=answer)
    if answer == NOT_WANTED:
        decision = replace(item.decision, status=LEFT_OUT, role="", reason="left out by a reader")
    elif _ROLE_NAME.fullmatch(answer):
        decision = replace(item.decision, status=ROLE, role=answer, reason="", evidence=("role given by a reader",))
    else:
        raise UsageError(
            f"review.csv gives the volume {item.mark} the role '{answer}'. To do: use letters, digits, _ and -, "
            f"such as T2WI, DWI_b1000 or DCE3, or a single - to leave it out"
        )
    return replace(item, decision=decision, answer=answer)


def _without_doubles(items: list[Item]) -> Iterator[Item]:
    """Two volumes under one role (a reader's answer among them) both go to review."""
    roles = [item.decision.role for item in items if item.decision.status == ROLE]
    for item in items:
        if item.decision.status == ROLE and roles.count(item.decision.role) > 1:
            reason = f"{roles.count(item.decision.role)} volumes have the role {item.decision.role}"
            yield replace(item, decision=replace(item.decision, status=REVIEW, role="", reason=reason))
        else:
            yield item


def _named(items: Iterator[Item], others: set[str]) -> Iterator[Item]:
    """Give each volume its file; `others` hold volumes of other sources, which are never overwritten."""
    free = (file for number in count(1) if (file := f"unsure/{number}.nii.gz") not in others)
    for item in items:
        decision = item.decision
        if decision.stack.grid is None:
            yield item
        elif decision.status == ROLE and f"{decision.role}.nii.gz" in others:
            reason = f"an earlier import from another source has written another volume as {decision.role}"
            yield replace(item, decision=replace(decision, status=REFUSED, reason=reason))
        elif decision.status == ROLE:
            yield replace(item, file=f"{decision.role}.nii.gz")
        else:
            yield replace(item, file=next(free)) if decision.status == REVIEW else item

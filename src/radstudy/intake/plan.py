"""Plan of what is written for each patient: the decisions, a reader's answers, and the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from radstudy.formats.dicom_header import ImageFrame
from radstudy.formats.dicom_values import clock_of
from radstudy.intake.answered import decide_with_answers
from radstudy.intake.decision import REFUSED, REVIEW, ROLE, Decision
from radstudy.intake.faults import unexpected
from radstudy.intake.index import Examination, ImportedPatient, contradiction
from radstudy.intake.lacking import parted, with_doubts
from radstudy.intake.midnight import set_over_midnight
from radstudy.intake.pseudonyms import Pseudonyms, Redactor
from radstudy.intake.review import Answers, examination_of
from radstudy.intake.rules import Rules
from radstudy.intake.scales import common_scales
from radstudy.intake.series import Series, Stack, sort_series

_REMEDY = "correct the PatientID of one of them in the PACS; nothing of this patient is written"


@dataclass(frozen=True, eq=False)
class Item:
    """One volume of a patient, as listed in the tables.

    Parameters
    ----------
    decision : the decision on it.
    mark : keyed mark of the volume, the same in every import.
    places : keyed marks of its series, frame of reference and examination, by which drawings are assigned to it.
    description : description of its series, without anything that identifies the patient.
    examination : number of the patient's examination, by date.
    file : path inside the patient's folder; "" if nothing is written.
    answer : the role that a reader gave it, "-" for none, "" if not asked or not answered.
    scale, scale_of : the `Frame.scale` to which its values are converted, and the role of the volume that has it; None
        if they are left unchanged.
    """

    decision: Decision
    mark: str
    places: Mapping[str, str]
    description: str
    examination: int
    file: str = ""
    answer: str = ""
    scale: float | None = None
    scale_of: str = ""


@dataclass(frozen=True)
class ExaminationChoice:
    """The choice between the examinations of a patient.

    Parameters
    ----------
    mark : keyed mark of all examinations together.
    answer : the reader's answer; "" if there is none.
    taken : number of the examination taken; None if all are for review.
    described : content of each examination.
    not_taken : marks of the volumes of the other examinations.
    """

    mark: str
    answer: str
    taken: int | None
    described: str
    not_taken: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Plan:
    """Plan for one patient.

    Parameters
    ----------
    patient : as indexed.
    name : the pseudonym.
    items : all volumes.
    problem : why nothing is written for this patient; "" if something is.
    remedy : what to do about it, if known.
    choice : which of the patient's examinations is taken; None if there is nothing to choose.
    """

    patient: ImportedPatient
    name: str
    items: tuple[Item, ...]
    problem: str = ""
    remedy: str = ""
    choice: ExaminationChoice | None = None

    def with_status(self, *status: str) -> list[Item]:
        """Return the volumes with one of these statuses."""
        return [item for item in self.items if item.decision.status in status]


def plan_patient(
    patient: ImportedPatient,
    rules: Rules,
    pseudonyms: Pseudonyms,
    *,
    answers: Answers = Answers(),  # noqa: B008 -- frozen
    examination: str = "",
    existing: Mapping[str, str] | None = None,
    look: Callable[[list[Decision]], list[Decision]] = lambda decisions: decisions,
) -> Plan:
    """Decide on all volumes of a patient and name their files.

    Parameters
    ----------
    patient : as indexed.
    rules, pseudonyms : rules and table of the import.
    answers : a reader's answers.
    examination : "first" or "last" to take one of several, unless an answer chooses one for this patient; by default
        several examinations go to review.
    existing : file in the patient's folder to the mark of the volume that an earlier import has written there.
    look : revises the decisions on an examination by its pixels.
    """
    name = pseudonyms.of(patient.identifier)
    problem = contradiction(patient)
    if problem:
        return Plan(patient, name, (), problem, _REMEDY)
    redact = Redactor(patient.identities)
    dated = [one for _, one in sorted(patient.examinations.items(), key=lambda item: (item[1].date, item[0]))]
    mark = pseudonyms.mark("examinations", *sorted(patient.examinations))
    wanted = answers.examinations.get(mark, "") or examination
    taken = examination_of(wanted, len(dated), name) if wanted else None
    items, not_taken = [], set()
    for number, one in enumerate(dated, 1):
        series = _series_of(one)
        marks = {stack: _mark(pseudonyms, stack) for single in series for stack in single.stacks}
        if taken is not None and number != taken:
            not_taken |= set(marks.values())
            continue
        given = {stack: answers.roles[mark] for stack, mark in marks.items() if mark in answers.roles}
        for decision in decide_with_answers(series, rules, given, look=look):
            places = places_of(pseudonyms, decision.stack.frames[0])
            item = Item(_usable(decision, one), marks[decision.stack], places, redact(_described(decision)), number)
            items.append(replace(item, answer=answers.roles.get(item.mark, "")))
    described = _examinations(items, dated)
    several = len(dated) > 1 and (not_taken or len(described) > 1)
    items = _one_examination(items)
    here = {item.mark for item in items} | not_taken
    others = {file for file, volume in (existing or {}).items() if volume not in here}
    answer = answers.examinations.get(mark, "")
    choice = (
        ExaminationChoice(mark, answer, taken, "; ".join(described), frozenset(not_taken))
        if several or answer
        else None
    )
    return Plan(patient, name, tuple(_named(_on_one_scale(list(_without_doubles(items))), others)), choice=choice)


def _examinations(items: Sequence[Item], dated: Sequence[Examination]) -> list[str]:
    """Describe each examination with roles: its number, the time since the first one, its roles."""
    lines = []
    for number, one in enumerate(dated, 1):
        roles = [item.decision.role for item in items if item.examination == number and item.decision.role]
        if roles:
            lines.append(f"{number}{_later(dated[0].date, one.date)}: {', '.join(roles)}")
    return lines


def _later(first: str, date: str) -> str:
    one, other = (clock_of(text[:8], "0000") for text in (first, date))
    if one is None or other is None or other <= one:
        return ""
    return f" ({(other - one) / 86_400:.0f} days later)"


def _series_of(examination: Examination) -> list[Series]:
    """The series of an examination, sorted into volumes."""
    timed = set_over_midnight(examination.series)
    met = [(uid, sorted(frames, key=_as_numbered)) for uid, frames in timed.items() if frames]
    met.sort(key=lambda item: (*_number(item[1][0].facts.series_number), item[0]))
    doubts = {**parted(timed), **examination.doubtful}
    return [_sorted(frames, examination.copies[uid], doubts.get(uid, "")) for uid, frames in met]


def _sorted(frames: list[ImageFrame], copies: int, doubt: str) -> Series:
    """Sort a series into volumes; one that cannot be sorted becomes a single volume that cannot be written."""
    try:
        return with_doubts(sort_series(frames, copies=copies), doubt)
    except Exception as error:  # one series must not end the import of the others
        return Series(tuple(frames), (Stack(tuple(frames), problem=unexpected(error)),), copies)


def _usable(decision: Decision, examination: Examination) -> Decision:
    reason = examination.unusable.get(decision.stack.frames[0].identity.series_uid, "")
    if not reason or decision.status not in (ROLE, REVIEW):
        return decision
    return replace(decision, status=REFUSED, reason=reason)


def _as_numbered(frame: ImageFrame) -> tuple[object, ...]:
    """Sort key of a series' images: the order of files differs between a folder and a server."""
    return (*_number(frame.instance_number), frame.uid, frame.index)


def _number(value: int | None) -> tuple[bool, int]:
    return value is None, value or 0


def _described(decision: Decision) -> str:
    facts = decision.series.facts
    return facts.description or facts.protocol or "(no description)"


def _mark(pseudonyms: Pseudonyms, stack: Stack) -> str:
    uids = sorted(f"{frame.uid}#{frame.index}" for frame in stack.frames)
    return pseudonyms.mark(stack.frames[0].identity.series_uid, *uids)


def places_of(pseudonyms: Pseudonyms, frame: ImageFrame) -> dict[str, str]:
    """Keyed marks by which drawings are assigned to a volume: series, frame of reference and examination."""
    space = frame.facts.frame_of_reference
    return {
        "series": pseudonyms.mark("series", frame.identity.series_uid),
        "frame_of_reference": pseudonyms.mark("frame", space) if space else "",
        "examination": pseudonyms.mark("examination", frame.identity.study_uid),
    }


def _one_examination(items: list[Item]) -> list[Item]:
    """Send volumes to review if several examinations have roles: they are never mixed, and none is guessed."""
    with_roles = {item.examination for item in items if item.decision.role}
    if len(with_roles) < 2:
        return items
    reason = (
        f"the patient has {len(with_roles)} examinations with roles; choose one in the row 'examination' of "
        "review.csv, or with --examination first or last"
    )
    return [
        replace(item, decision=replace(item.decision, status=REVIEW, role="", reason=reason))
        if item.decision.status == ROLE and not item.answer
        else item
        for item in items
    ]


def _without_doubles(items: list[Item]) -> Iterator[Item]:
    """Send volumes with the same role to review, even if a reader gave one of them."""
    roles = [item.decision.role for item in items if item.decision.status == ROLE]
    for item in items:
        if item.decision.status == ROLE and roles.count(item.decision.role) > 1:
            reason = f"{roles.count(item.decision.role)} volumes have the role {item.decision.role}"
            yield replace(item, decision=replace(item.decision, status=REVIEW, role="", reason=reason))
        else:
            yield item


def _on_one_scale(items: list[Item]) -> Iterator[Item]:
    """Put values that will be compared on one scale, or send the volumes to review."""
    for item, scale in zip(items, common_scales([item.decision for item in items]), strict=True):
        if scale.doubt and item.decision.status == ROLE:
            decision = replace(item.decision, status=REVIEW, role="", reason=scale.doubt)
            yield item if item.answer else replace(item, decision=decision)
        else:
            yield replace(item, scale=scale.scale, scale_of=scale.reference)


def _named(items: Iterable[Item], others: set[str]) -> Iterator[Item]:
    """Give each volume its file name; `others` are files of other sources, which are never overwritten."""
    free = (file for number in count(1) if (file := f"unsure/{number}.nii.gz") not in others)
    for item in items:
        decision = item.decision
        if decision.stack.grid is None:
            yield item
        elif decision.status == ROLE and f"{decision.role}.nii.gz" in others:
            reason = f"an earlier import from another source has written a different volume as {decision.role}"
            yield replace(item, decision=replace(decision, status=REFUSED, reason=reason))
        elif decision.status == ROLE:
            yield replace(item, file=f"{decision.role}.nii.gz")
        else:
            yield replace(item, file=next(free)) if decision.status == REVIEW else item

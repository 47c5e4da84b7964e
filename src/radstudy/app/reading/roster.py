"""The roster: who reads what, in which order and under which pseudonym, and when a reader may meet a patient again.

Everything follows from the identifiers, the readers' names, the seed and the section `reading`, and from nothing else.
Each choice is drawn by itself, from a generator of its own: another patient in the table or another reader changes
nobody else's order, and nothing links two pseudonyms of one patient.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from radstudy.protocol.reading import ReadingSection
from radstudy.streams import Stream, generator_of

Task = Literal["masks", "characteristics", "arbitration"]
Status = Literal["waiting", "open", "skipped", "closed"]
Key = tuple[str, str, str, str, bool, bool]  # reader, task, patient, lesion, practice, repeat
Lesion = tuple[str, str]

TASKS: tuple[Task, ...] = ("masks", "characteristics", "arbitration")
PRACTICE = "practice"  # begins the name of a practice case where a patient's would stand
_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"  # no two that look alike, and no vowel: no words
_LENGTH = 4


@dataclass(frozen=True)
class Assignment:
    """One lesion in one task for one reader.

    Parameters
    ----------
    id : the pseudonym, the only name that a reader sees.
    reader, task : whose it is.
    patient, lesion : what is read; "practice 1" and so on for a practice case.
    place : in the reader's order, from 0.
    practice : synthetic, and not exported.
    repeat : the reader reads the lesion a second time.
    """

    id: str
    reader: str
    task: Task
    patient: str
    lesion: str
    place: int
    practice: bool = False
    repeat: bool = False

    @property
    def key(self) -> Key:
        """Identity of the assignment, without its pseudonym and place."""
        return self.reader, self.task, self.patient, self.lesion, self.practice, self.repeat


@dataclass(frozen=True)
class State:
    """State of an assignment.

    Parameters
    ----------
    status : open from the first opening on, until it is closed; skipped ones wait at the end.
    seen : whether the reader has ever opened it.
    closed : the day of its last closing, UTC.
    skips : orders the skipped ones: the higher, the later.
    """

    status: Status = "waiting"
    seen: bool = False
    closed: datetime.date | None = None
    skips: int = 0


@dataclass(frozen=True)
class WorklistEntry:
    """One line of a reader's list: what he may know of it."""

    id: str
    practice: bool
    status: Status


@dataclass(frozen=True)
class Worklist:
    """A reader's list of one task.

    Parameters
    ----------
    entries : in the order of reading; those that are not due are left out, because the day on which one becomes due
        would tie its pseudonym to the case that was closed so long before.
    next : the pseudonym to read next; None where there is none now.
    later : day to how many become due then; None for those whose day is not known yet.
    """

    entries: tuple[WorklistEntry, ...]
    next: str | None
    later: tuple[tuple[datetime.date | None, int], ...] = ()


def readers_of(task: Task, readers: Sequence[str], reading: ReadingSection) -> tuple[str, ...]:
    """Readers who have a task.

    Parameters
    ----------
    task : which.
    readers : of the cohort (`cohort.readers`).
    reading : the study's section.
    """
    form = reading.characteristics
    if task == "masks":
        return tuple(readers)
    if task == "characteristics":
        return tuple(readers) if form.readers is None else form.readers
    return () if form.arbiter is None else (form.arbiter,)


def doubly_drawn(lesions: Iterable[Lesion], reading: ReadingSection, seed: int) -> frozenset[str]:
    """The patients that readers after the first draw: the same for all of them, because an ICC needs every reader."""
    patients = sorted({patient for patient, _ in lesions})
    if reading.second is None:
        return frozenset(patients)
    drawn = sorted(patients, key=lambda patient: _draw(seed, "second", patient))
    return frozenset(drawn[: reading.second])


def read_again(
    patients: Iterable[str], reading: ReadingSection, seed: int, *, reader: str, task: Task
) -> frozenset[str]:
    """The patients that a reader meets a second time: the share, at least one patient, by the seed."""
    names = sorted(set(patients))
    if reading.repeats is None or task == "arbitration" or not names:
        return frozenset()
    count = math.ceil(reading.repeats.share * len(names) - 1e-9)
    return frozenset(sorted(names, key=lambda name: _draw(seed, "repeat", reader, task, name))[:count])


def roster_of(
    lesions: Collection[Lesion],
    *,
    readers: Sequence[str],
    reading: ReadingSection,
    seed: int,
    kept: Iterable[Assignment] = (),
) -> tuple[Assignment, ...]:
    """Every assignment of the study.

    Of a reader's task practice comes first, then all lesions in an order of his own, then the repeats in another one.
    An arbiter has every lesion; which of them he sees follows from the answers.

    Parameters
    ----------
    lesions : (patient, lesion), in any order.
    readers : of the cohort, the first one first.
    reading : the study's section.
    seed : the study's.
    kept : assignments of an earlier roster, whose pseudonyms stay.
    """
    pseudonyms = {assignment.key: assignment.id for assignment in kept}
    second = doubly_drawn(lesions, reading, seed)
    keys: list[tuple[Key, int]] = []
    for task in TASKS:
        for number, reader in enumerate(readers_of(task, readers, reading)):
            alone = task == "masks" and number > 0
            own = [lesion for lesion in lesions if not alone or lesion[0] in second]
            keys += [(key, place) for place, key in enumerate(_keys(own, reading, seed, reader=reader, task=task))]
    taken = set(pseudonyms.values())
    for key, _ in sorted(keys):
        if key not in pseudonyms:
            pseudonyms[key] = _pseudonym(seed, key, taken)
            taken.add(pseudonyms[key])
    return tuple(_assignment(pseudonyms[key], key, place) for key, place in keys)


def worklist_of(
    assignments: Iterable[Assignment],
    states: Mapping[str, State],
    *,
    task: Task,
    reading: ReadingSection,
    today: datetime.date,
    left_out: Collection[Lesion] = (),
) -> Worklist:
    """A reader's list of one task.

    Parameters
    ----------
    assignments : all of one reader, of all tasks.
    states : pseudonym to how far it is.
    task : whose list.
    reading : the study's section.
    today : UTC.
    left_out : lesions that are not to be read in this task: of arbitration those that need none, or are not yet read.
    """
    of_patient: dict[str, list[Assignment]] = {}
    for one in assignments:
        of_patient.setdefault(one.patient, []).append(one)
    every = (one for group in of_patient.values() for one in group)
    own = [one for one in every if one.task == task and (one.practice or (one.patient, one.lesion) not in left_out)]
    entries, later = [], Counter[datetime.date | None]()
    for one in sorted(own, key=lambda one: (states[one.id].status == "skipped", states[one.id].skips, one.place)):
        due = _due(one, of_patient[one.patient], states, reading, today)
        if due is True:
            entries.append(WorklistEntry(one.id, one.practice, states[one.id].status))
        else:
            later[due] += 1
    known = sorted(day for day in later if day is not None)
    days = [(day, later[day]) for day in (*known, *([None] if None in later else []))]
    return Worklist(tuple(entries), _next(entries), tuple(days))


def _next(entries: Sequence[WorklistEntry]) -> str | None:
    for status in ("open", "waiting", "skipped"):
        for entry in entries:
            if entry.status == status:
                return entry.id
    return None


def _due(
    one: Assignment,
    of_patient: Sequence[Assignment],
    states: Mapping[str, State],
    reading: ReadingSection,
    today: datetime.date,
) -> datetime.date | Literal[True] | None:
    """True where an assignment may be opened; else the day on which it may, or None where that is not known yet.

    One that was opened once is never taken away again. Two lesions of a patient in one task need no time between them.
    """
    if one.practice or states[one.id].seen:
        return True
    days = [datetime.date.min]
    for other in of_patient:
        if other.id == one.id or other.practice:
            continue
        is_first = one.repeat and not other.repeat and (one.task, one.lesion) == (other.task, other.lesion)
        if (one.task, one.repeat) == (other.task, other.repeat) or not (is_first or states[other.id].seen):
            continue
        closed = states[other.id].closed
        if states[other.id].status != "closed" or closed is None:
            return None
        wait = reading.wash_out_days
        if is_first and reading.repeats is not None:
            wait = max(wait, reading.repeats.after_days)
        days.append(closed + datetime.timedelta(days=wait))
    return True if today >= max(days) else max(days)


def _keys(lesions: Collection[Lesion], reading: ReadingSection, seed: int, *, reader: str, task: Task) -> list[Key]:
    """A reader's assignments of one task, in his order."""

    def drawn(occasion: str, chosen: Iterable[Lesion]) -> list[Lesion]:
        return sorted(chosen, key=lambda lesion: (_draw(seed, occasion, reader, task, *lesion), lesion))

    count = 0 if task == "arbitration" else reading.practice
    again = read_again((patient for patient, _ in lesions), reading, seed, reader=reader, task=task)
    practice: list[Key] = [(reader, task, f"{PRACTICE} {number + 1}", "1", True, False) for number in range(count)]
    first: list[Key] = [(reader, task, *lesion, False, False) for lesion in drawn("order", lesions)]
    chosen = [lesion for lesion in lesions if lesion[0] in again]
    second: list[Key] = [(reader, task, *lesion, False, True) for lesion in drawn("order again", chosen)]
    return [*practice, *first, *second]


def _assignment(pseudonym: str, key: Key, place: int) -> Assignment:
    reader, task, patient, lesion, practice, repeat = key
    word = next(one for one in TASKS if one == task)
    return Assignment(pseudonym, reader, word, patient, lesion, place, practice, repeat)


def _pseudonym(seed: int, key: Key, taken: Collection[str]) -> str:
    """A pseudonym that nothing else has: the task's first letter, and letters that are drawn."""
    reader, task, patient, lesion, practice, repeat = key
    for attempt in range(1000):
        words = ("pseudonym", reader, task, patient, lesion, str(practice), str(repeat), str(attempt))
        drawn = generator_for(seed, *words).integers(len(_LETTERS), size=_LENGTH + attempt // 100)
        name = f"{task[0].upper()}-{''.join(_LETTERS[number] for number in drawn)}"
        if name not in taken:
            return name
    raise AssertionError("no pseudonym is left")  # a thousand draws, of more and more letters


def _draw(seed: int, *words: str) -> float:
    return float(generator_for(seed, *words).random())


def generator_for(seed: int, *words: str) -> np.random.Generator:
    """The generator of one choice, named by what is chosen and for whom."""
    digest = hashlib.blake2b(json.dumps(words).encode(), digest_size=16).digest()
    return generator_of(seed, Stream.READING, *(int(part) for part in np.frombuffer(digest, "<u4")))

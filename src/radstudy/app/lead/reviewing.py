"""Open questions of an import with their evidence, likely answers and pictures, and the holes left.

Everything is read from the import's tables, which name patients by pseudonyms only.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from radstudy.app.lead.projects import Project
from radstudy.errors import RadstudyError, UsageError
from radstudy.intake.answering import AnswerChange, GivenAnswers, answers_now, give_answers
from radstudy.intake.csv_rows import read_rows
from radstudy.intake.decision import LEFT_OUT, REFUSED, REVIEW, ROLE
from radstudy.intake.readers import plain
from radstudy.intake.review import CSV, NO_SERIES, NOT_WANTED, XLSX, StandingAnswer, mark_of, read_review
from radstudy.intake.tables import EXAMINATIONS, MASKS
from radstudy.intake.thumbnails import slices_png

SERIES, MASK_TABLE = "series.csv", "masks.csv"
_TABLES = (CSV, XLSX, SERIES, MASK_TABLE)
QuestionKind = Literal["volume", "mask", "examination"]
QuestionState = Literal["open", "answered", "clash", "settled"]
_MOST_CHOICES = 8
_PARTS = (0.3, 0.5, 0.7)
_PICTURE_SIDE = 210  # pixels
_FIRST, _LAST = "first", "last"
_PHASE = re.compile(r"DCE([1-9]\d*)")
Row = Mapping[str, str]
Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class Question:
    """One question of an import to a reader.

    Parameters
    ----------
    key : by which the tables name it.
    kind : a volume without a role, a mask without a reader, or a patient with several examinations.
    row : of review.csv, with all that is known.
    answer : that counts now; "" if there is none.
    disputed : another answer in review.xlsx, if both tables were changed; "" if not.
    state : "answered" until the import is repeated; "clash" if two volumes of a patient would get one role.
    clash : what would collide.
    choices : likely answers, the likeliest first.
    alike : name that questions which probably have the same answer share.
    """

    key: str
    kind: QuestionKind
    row: Row
    answer: str = ""
    disputed: str = ""
    state: QuestionState = "open"
    clash: str = ""
    choices: tuple[str, ...] = ()
    alike: str = ""

    @property
    def patient(self) -> str:
        """Pseudonym."""
        return self.row["patient"]

    @property
    def is_open(self) -> bool:
        """True if an answer is wanted."""
        return self.state in ("open", "clash") or bool(self.disputed)

    @property
    def has_picture(self) -> bool:
        """True if its volume was written."""
        return self.kind == "volume" and bool(self.row["file"])


@dataclass(frozen=True)
class ReviewCounts:
    """Numbers of questions: open, answered but waiting for the import to be repeated, and settled."""

    open: int
    waiting: int
    settled: int


def questions_of(project: Project) -> tuple[Question, ...]:
    """All questions of a study's import that can be answered, by patient.

    Parameters
    ----------
    project : the study; without an import there are none.
    """
    files = (*(project.images / name for name in _TABLES), project.private / "review.json")
    return _questions(project, tuple(map(_stamp, files)))


@lru_cache(maxsize=4)
def _questions(project: Project, _: tuple[Stamp, ...]) -> tuple[Question, ...]:
    """The questions, kept until a file changes that they are read from."""
    rows = [row for row in read_review(project.images) if mark_of(row.get("volume", ""))]
    if not rows:
        return ()
    standing = answers_now(project.images, project.private)
    series = _series(project)
    questions = [one for row in rows if (one := _question(row, standing, series)) is not None]
    return tuple(_with_choices(_with_clashes(_of_whole_series(questions), series), series, _masks(project)))


def counts_of(questions: Iterable[Question]) -> ReviewCounts:
    """Count questions by what is to be done.

    Parameters
    ----------
    questions : of `questions_of`.
    """
    listed = list(questions)
    is_open = sum(one.is_open for one in listed)
    waiting = sum(one.state == "answered" for one in listed)
    return ReviewCounts(is_open, waiting, sum(one.state == "settled" and not one.is_open for one in listed))


def review_state(project: Project) -> tuple[Literal["ready", "done", "failed"], str, Mapping[str, object]]:
    """The state of the stage of an import that has been done: its state, the sentence on it, and its values.

    Parameters
    ----------
    project : the study, with an import.
    """
    try:
        counts = counts_of(questions_of(project))
    except RadstudyError as error:
        return "failed", "review_refused", {"why": str(error).splitlines()[0]}
    if counts.open:
        return "ready", "to_review", {"n": counts.open}
    if counts.waiting:
        return "ready", "to_apply", {"n": counts.waiting}
    return ("done", "", {}) if project.has_study else ("ready", "to_make", {})


def _question(row: Row, standing: Mapping[str, StandingAnswer], series: Mapping[str, Row]) -> Question | None:
    """The question that a row asks; None if it is none (a volume that cannot be written, or that has its role)."""
    key = row["volume"]
    now = standing.get(mark_of(key), StandingAnswer(""))
    kind: QuestionKind = {MASKS: "mask", EXAMINATIONS: "examination"}.get(row["kind"], "volume")  # type: ignore[assignment]
    question = Question(key, kind, row, now.answer, now.disputed or "")
    if kind == "volume":
        listed = series.get(mark_of(key), {"status": REVIEW, "role": ""})
        if listed["status"] == REFUSED or (listed["status"] == REVIEW and not row["file"]):
            return None
        if not now.answer and listed["status"] != REVIEW:
            return None
        done = listed["role"] if listed["status"] == ROLE else NOT_WANTED if listed["status"] == LEFT_OUT else ""
        settled = now.answer == done or (now.answer == NO_SERIES and done == NOT_WANTED)
        return replace(question, state=_state(now.answer, settled=settled))
    if kind == "mask":
        return replace(question, state=_state(now.answer, settled=not row["reason"]))
    taken = re.match(r"examination (\d+) is taken", row["reason"])
    if taken and not now.answer:
        return replace(question, state="settled")
    settled = taken is not None and now.answer in (taken.group(1), row["role"])
    return replace(question, state=_state(now.answer, settled=settled and row["role"] == now.answer))


def _state(answer: str, *, settled: bool) -> QuestionState:
    return "open" if not answer else "settled" if settled else "answered"


def _of_whole_series(questions: Sequence[Question]) -> list[Question]:
    """Questions on volumes whose whole series was left out by one answer are answered with it."""
    whole = {_series_of(one.row) for one in questions if one.kind == "volume" and one.answer == NO_SERIES}
    return [
        replace(one, state="answered") if one.kind == "volume" and one.state == "open" and _series_of(one.row) in whole
        else one
        for one in questions
    ]  # fmt: skip


def _series_of(row: Row) -> tuple[str, str, str]:
    return row["patient"], row["examination"], row["series"]


def _with_clashes(questions: Sequence[Question], series: Mapping[str, Row]) -> list[Question]:
    """Mark answers that would give one role to two volumes, or one reader two drawings of a region."""
    claims: dict[tuple[str, str], list[str]] = defaultdict(list)
    answered = {mark_of(one.key): one for one in questions if one.kind == "volume" and one.answer}
    for mark, row in series.items():
        if mark not in answered and row["status"] == ROLE:
            claims[row["patient"], row["role"]].append(row["series"])
    for one in answered.values():
        claims[one.patient, one.answer].append(one.row["series"])
    drawn = Counter((one.patient, one.row["description"], one.answer.casefold()) for one in questions
                    if one.kind == "mask")  # fmt: skip
    checked = []
    for one in questions:
        listed = claims.get((one.patient, one.answer), []) if one.kind == "volume" else []
        clash = ""
        if one.answer not in ("", NOT_WANTED, NO_SERIES) and one.state == "answered":
            if len(listed) > 1:
                clash = ", ".join(sorted(listed))
            if one.kind == "mask" and drawn[one.patient, one.row["description"], one.answer.casefold()] > 1:
                clash = one.answer
        checked.append(replace(one, state="clash", clash=clash) if clash else one)
    return checked


# --- likely answers, and questions that are alike --------------------------------------------------------------------


def _with_choices(questions: Sequence[Question], series: Mapping[str, Row], masks: Mapping[str, Row]) -> list[Question]:
    roles = Counter(row["role"] for row in series.values() if row["status"] == ROLE)
    held: dict[str, set[str]] = defaultdict(set)
    for row in series.values():
        if row["status"] == ROLE:
            held[row["patient"]].add(row["role"])
    traits = _traits([one for one in questions if one.kind == "mask"], masks)
    readers = Counter({plain(trait): 0 for own in traits.values() for trait in own})
    readers.update(one.answer for one in questions if one.kind == "mask" and one.answer not in ("", NOT_WANTED))
    readers.update(row["reader"] for row in masks.values() if row["reader"])
    seen: Counter[tuple[str, str]] = Counter()
    listed = []
    for one in questions:
        if one.kind == "volume":
            name = _alike_volume(one.row)
            choices = _likely_roles(one.row, roles, held[one.patient])
        elif one.kind == "mask":
            own = traits[one.key]
            name = "\0".join(("mask", *own)) if own else f"mask\0{one.row['description']}"
            choices = tuple(dict.fromkeys([*filter(None, map(plain, own)), *_most(readers)]))[:_MOST_CHOICES]
        else:
            name, choices = "examination", (*_numbers(one.row), _FIRST, _LAST)
        if one.kind != "mask" or not traits[one.key]:
            seen[one.patient, name] += 1
            name = f"{name}\0{seen[one.patient, name]}"
        listed.append(replace(one, choices=choices, alike=name))
    numbers = {name: f"g{number}" for number, name in enumerate(dict.fromkeys(one.alike for one in listed))}
    return [replace(one, alike=numbers[one.alike]) for one in listed]


def _alike_volume(row: Row) -> str:
    facts = (row["kind"], row["description"].casefold(), row["points"], row["plane"], row["b_value"], row["suggested"])
    return "\0".join(("volume", *facts))


def _most(counted: Counter[str]) -> list[str]:
    return [name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])) if name]


def _likely_roles(row: Row, roles: Counter[str], held: set[str]) -> tuple[str, ...]:
    """Roles that a volume may have: by its times, by its kind, then those of the cohort that its patient lacks."""
    kind, likely = row["kind"], [row["suggested"]]
    if kind == "DWI":
        likely.append(f"DWI_b{row['b_value']}" if row["b_value"] else "DWI")
    elif kind == "DCE":
        phases = sorted((role for role in roles if _PHASE.fullmatch(role)), key=role_order)
        likely += [role for role in phases or ["DCE1", "DCE2", "DCE3"] if role not in held]
    elif kind == "T1WI":
        likely += ["T1WI", "DCE1"]
    elif kind:
        likely.append(kind)
    likely += [role for role in sorted(roles, key=role_order) if role not in held]
    likely += ["T2WI", "T1WI"] if not any(likely) else []
    return tuple(dict.fromkeys(filter(None, likely)))[:_MOST_CHOICES]


def _numbers(row: Row) -> tuple[str, ...]:
    """The numbers of the examinations that a question describes, such as "1: T2WI; 2 (30 days later): T2WI"."""
    return tuple(dict.fromkeys(re.findall(r"(?:^|; )(\d+)(?: \(\d+ days later\))?: ", row["description"])))


def _traits(questions: Sequence[Question], masks: Mapping[str, Row]) -> dict[str, tuple[str, ...]]:
    """Map the key of each mask to what tells its reader from others: names of folders, creator, description.

    A trait counts if drawings of two patients have it, and in one of them not all drawings.
    """
    own = {one.key: _features(masks.get(mark_of(one.key), {})) for one in questions}
    drawings = Counter(one.patient for one in questions)
    having: dict[str, Counter[str]] = defaultdict(Counter)
    for one in questions:
        for feature in own[one.key]:
            having[feature][one.patient] += 1
    telling = {
        feature for feature, patients in having.items()
        if len(patients) >= min(2, len(drawings)) and any(patients[name] < drawings[name] for name in patients)
    }  # fmt: skip
    return {key: tuple(feature for feature in features if feature in telling) for key, features in own.items()}


def _features(row: Row) -> list[str]:
    folders = [part for part in row.get("source", "").split("/") if part]
    return list(dict.fromkeys(filter(None, [*reversed(folders), row.get("creator", ""), row.get("description", "")])))


# --- answering -------------------------------------------------------------------------------------------------------


def answer(project: Project, changes: Sequence[AnswerChange]) -> GivenAnswers:
    """Write answers into the review table at once.

    Parameters
    ----------
    project : the study.
    changes : each names the answer that the page has shown.

    Raises
    ------
    UsageError : an import is working.
    """
    given = give_answers(project.images, project.private, _possible(project, changes))
    wrong = {one.key: reason for one in changes if (reason := _not_an_examination(project, one))}
    return replace(given, refused={**given.refused, **wrong})


def _possible(project: Project, changes: Sequence[AnswerChange]) -> list[AnswerChange]:
    return [one for one in changes if not _not_an_examination(project, one)]


def _not_an_examination(project: Project, change: AnswerChange) -> str:
    """Explain that a patient has no examination of this number, which would stop the whole import; "" if so."""
    if not change.to.isdigit():
        return ""
    row = next((row for row in read_review(project.images) if row["volume"] == change.key), None)
    if row is None or row["kind"] != EXAMINATIONS or change.to in _numbers(row):
        return ""
    return f"this patient has no examination {change.to} with roles: choose from {', '.join(_numbers(row))}"


def picture(project: Project, key: str) -> tuple[bytes, str]:
    """Slices of a volume in question, as PNG, and their caption; nothing and the reason if there is no picture.

    Parameters
    ----------
    project : the study.
    key : of the volume, as in the column volume.

    Raises
    ------
    UsageError : the import lists no such volume.
    """
    row = _series(project).get(mark_of(key))
    if row is None or not row["file"]:
        raise UsageError("the import has written no such volume: load the page again")
    file = project.images / row["file"]
    return _drawn(file, _stamp(file))


@lru_cache(maxsize=256)
def _drawn(file: Path, _: Stamp) -> tuple[bytes, str]:
    return slices_png(file, _PARTS, _PICTURE_SIDE)


# --- patients and roles ----------------------------------------------------------------------------------------------

CellState = Literal["there", "hole", "several", "open", "refused", "rare"]


@dataclass(frozen=True)
class RoleCell:
    """A patient's volume of a role.

    Parameters
    ----------
    state : "several" if two volumes fit and none is chosen; "open" if one in question fits; "rare" if most patients
        have none either.
    readers : who has drawn on it.
    """

    state: CellState
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatientRow:
    """A patient's line of the table: its cells by role, questions, and regions that no volume got."""

    patient: str
    cells: Mapping[str, RoleCell]
    open: int
    refused: int
    unplaced: int
    doubly: int

    @property
    def problems(self) -> int:
        """Number of things that are not as they should be."""
        lacking = sum(cell.state not in ("there", "rare") for cell in self.cells.values())
        return lacking + self.open + self.refused + self.unplaced


@dataclass(frozen=True)
class PatientTable:
    """Patients and roles.

    Parameters
    ----------
    roles : the columns, and the number of patients who have each.
    rows : those with problems first.
    readers : number of masks by each.
    """

    roles: Mapping[str, int]
    rows: tuple[PatientRow, ...]
    readers: Mapping[str, int]


def patient_table(project: Project, questions: Sequence[Question]) -> PatientTable:
    """The volumes and masks that each patient has, those with holes first.

    Parameters
    ----------
    project : the study.
    questions : of `questions_of`.
    """
    by_patient: dict[str, list[Row]] = defaultdict(list)
    for row in read_rows(project.images / SERIES):
        by_patient[row["patient"]].append(row)
    masks = read_rows(project.images / MASK_TABLE)
    drawn: dict[str, list[Row]] = defaultdict(list)
    for row in masks:
        drawn[row["patient"]].append(row)
    asked: dict[str, list[Question]] = defaultdict(list)
    for one in questions:
        if one.is_open:
            asked[one.patient].append(one)
    roles = Counter(row["role"] for rows in by_patient.values() for row in rows if row["status"] == ROLE)
    waiting = [one for one in questions if one.is_open and one.kind == "volume"]
    roles.update({one.choices[0]: 0 for one in waiting if one.choices and one.row["kind"]})
    columns = {role: roles[role] for role in sorted(roles, key=role_order)}
    usual = {role for role, count in columns.items() if 2 * count >= len(by_patient)}
    usual |= {one.choices[0] for one in waiting if one.choices and _usually_asked(one, waiting, by_patient)}
    rows = [_patient_row(patient, own, columns, usual, asked[patient], drawn[patient])
            for patient, own in by_patient.items()]  # fmt: skip
    rows.sort(key=lambda row: (-row.problems, row.patient))
    readers = Counter(row["reader"] or row["name"] for row in masks if row["file"])
    return PatientTable(columns, tuple(rows), dict(sorted(readers.items())))


def _usually_asked(one: Question, waiting: Sequence[Question], patients: Mapping[str, object]) -> bool:
    """True if half of the patients have a volume in question that probably has this role."""
    same = {other.patient for other in waiting if other.choices[:1] == one.choices[:1] and other.row["kind"]}
    return 2 * len(same) >= len(patients)


def _patient_row(
    patient: str, series: Sequence[Row], columns: Mapping[str, int], usual: set[str], own: Sequence[Question],
    masks: Sequence[Row],
) -> PatientRow:  # fmt: skip
    drawn: dict[str, list[str]] = defaultdict(list)
    for row in masks:
        if row["file"]:
            drawn[row["role"]].append(row["reader"] or row["name"])
    fits = Counter(one.choices[0] for one in own if one.kind == "volume" and one.choices and one.row["kind"])
    there = {row["role"] for row in series if row["status"] == ROLE}
    refused = [row for row in series if row["status"] == REFUSED]
    lost = {row["role"] for row in refused}

    def state(role: str) -> CellState:
        if role in there:
            return "there"
        if fits[role]:
            return "several" if fits[role] > 1 else "open"
        return "refused" if role in lost else "hole" if role in usual else "rare"

    cells = {role: RoleCell(state(role), tuple(sorted(set(drawn[role])))) for role in columns}
    asked = {mark_of(one.key) for one in own}
    unplaced = sum(_is_lost(row, asked) for row in masks)
    doubly = sum(len(cell.readers) > 1 for cell in cells.values())
    return PatientRow(patient, cells, len(own), len(refused), unplaced, doubly)


def _is_lost(row: Row, asked: set[str]) -> bool:
    """True if a region has no mask, and no answer will change that."""
    waits = row["drawing"].split(".")[0] in asked or "has no role yet" in row["reason"]
    return not row["file"] and not waits and "left out" not in row["reason"]


def series_of(project: Project, patient: str) -> dict[str, list[dict[str, str]]]:
    """All volumes and regions of a patient, as the import has decided on them.

    Parameters
    ----------
    project : the study.
    patient : pseudonym.

    Raises
    ------
    UsageError : the import lists no such patient.
    """
    rows = [dict(row) for row in read_rows(project.images / SERIES) if row["patient"] == patient]
    if not rows:
        raise UsageError("the import lists no such patient any more: load the page again")
    standing = answers_now(project.images, project.private)
    for row in rows:
        row["answer"] = standing.get(mark_of(row["volume"]), StandingAnswer("")).answer
    drawn = [row for row in read_rows(project.images / MASK_TABLE) if row["patient"] == patient]
    shown = ("role", "name", "label", "reader", "voxels", "kind", "placed", "file", "note", "reason")
    return {"series": rows, "masks": [{name: row.get(name, "") for name in shown} for row in drawn]}


def role_order(role: str) -> tuple[int, str, int]:
    """Sort key of roles: T2WI, T1WI, DWI by b-value, DCE by phase, then others.

    Parameters
    ----------
    role : such as DCE10.
    """
    kinds = ("T2WI", "T1WI", "DWI", "DCE")
    place = next((number for number, kind in enumerate(kinds) if role.startswith(kind)), len(kinds))
    stem, number = re.fullmatch(r"(.*?)(\d*)", role).groups()  # type: ignore[union-attr]  # it fits any text
    return place, stem, int(number or 0)


def _series(project: Project) -> dict[str, Row]:
    return _listed(project.images / SERIES, _stamp(project.images / SERIES))


@lru_cache(maxsize=8)
def _listed(file: Path, _: Stamp) -> dict[str, Row]:
    return {mark_of(row["volume"]): row for row in read_rows(file) if mark_of(row["volume"])}


def _masks(project: Project) -> dict[str, Row]:
    """Mark of a drawing to its first row of masks.csv."""
    rows: dict[str, Row] = {}
    for row in read_rows(project.images / MASK_TABLE):
        rows.setdefault(row["drawing"].split(".")[0], row)
    return rows


def _stamp(file: Path) -> Stamp:
    try:
        known = file.stat()
    except FileNotFoundError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino  # a file that was replaced is another one

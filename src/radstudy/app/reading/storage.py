"""Everything that readers do, in one database: the only place where the rules of who may do what and when are kept.

Methods that a reader's request leads to take a `ReaderCase` and the tab that it comes from. They refuse another
reader's case, a tab that does not hold it, a closed case and answers that are locked, each within the change itself.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading import stored_answers, stored_masks
from radstudy.app.reading.database import NAME, Database
from radstudy.app.reading.forms import FormProblem, SequenceAnswer, Values
from radstudy.app.reading.lead_storage import Clock, LeadStorage, utc_now
from radstudy.app.reading.local_disk import refuse_network_path
from radstudy.app.reading.refusals import (
    BehindError,
    HeldElsewhereError,
    LockedAnswersError,
    NotNextError,
    OtherImageError,
    ReadingError,
    UnfinishedError,
)
from radstudy.app.reading.roster import Assignment, Lesion, State, Task, Worklist, worklist_of
from radstudy.app.reading.stored_answers import Stage, StoredAnswers
from radstudy.app.reading.stored_cases import (
    COLUMNS,
    ReaderCase,
    assignment_in,
    assignments_of,
    case_by_id,
    case_of_reader,
    holder_of,
    require_not_closed,
    states_of,
)
from radstudy.app.reading.stored_masks import DisplayUse, NewStroke, StoredMask
from radstudy.app.reading.strokes import Codes, DrawingGrid, Runs, checked_runs, checked_tool, difference
from radstudy.protocol.reading import ReadingSection

_LONGEST_VIEW = 10_000  # letters


@dataclass(frozen=True, eq=False)
class Stroke:
    """A stroke to store.

    Parameters
    ----------
    sequence : on which it was drawn.
    revision : how many strokes the sender knows.
    tool : a name of `radstudy.app.reading.strokes.TOOL_CODES`.
    runs : int (n, 3) start, length, code.
    view : settings of the display, plain JSON.
    """

    sequence: str
    revision: int
    tool: str
    runs: Runs
    view: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseContent:
    """Content of a case when it is closed or its answers are locked.

    Parameters
    ----------
    answers : as stored.
    voxels : sequence to voxels of its mask, of those on which something was drawn.
    """

    answers: StoredAnswers
    voxels: Mapping[str, int]


Check = Callable[[CaseContent], Sequence[FormProblem]]


@dataclass(frozen=True, eq=False)
class StoredCase:
    """A case as it is stored.

    Parameters
    ----------
    assignment : what it is; patient and lesion are for the server alone.
    state : how far it is.
    masks : sequence to mask, of those on which something was drawn.
    answers : the last ones.
    first : the first locked ones; None before that.
    arrow : where the lead points at the lesion, patient coordinates RAS in mm; None without one.
    """

    assignment: Assignment
    state: State
    masks: Mapping[str, StoredMask]
    answers: StoredAnswers
    first: StoredAnswers | None
    arrow: tuple[float, float, float] | None


@dataclass(frozen=True)
class TaskProgress:
    """Progress of a reader with a task, without practice: counts of cases."""

    reader: str
    task: Task
    total: int
    closed: int
    open: int
    skipped: int


def database_file(data: Path, reading: ReadingSection, folder: Path | None = None) -> Path:
    """Path of a study's database.

    Parameters
    ----------
    data : folder of the study file.
    reading : its section.
    folder : on a local disk, where the study's own folder lies on a share; None: the folder of the record.
    """
    return (data / reading.folder if folder is None else folder) / NAME


class Storage(LeadStorage):
    """The stored state of a study's reading; its methods may be called from several threads.

    Parameters
    ----------
    database : opened; closed by `close`.
    reading : the study's section.
    clock : gives the time, UTC.
    """

    def __init__(
        self,
        database: Database,
        reading: ReadingSection,
        *,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(database, clock=clock)
        self._reading = reading

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; nothing is called after that."""
        self._database.close()

    # --- the roster -------------------------------------------------------------------------------------------------

    def assignments(self) -> tuple[Assignment, ...]:
        """All assignments, in the order of readers, tasks and places: what `roster_of` is given as `kept`."""
        with self._database.reading() as connection:
            query = f"SELECT {COLUMNS} FROM assignments ORDER BY reader, task, place"
            return tuple(map(assignment_in, connection.execute(query)))

    def sync(self, roster: Iterable[Assignment]) -> None:
        """Take in a roster: new assignments are added, and those that left it and were never opened go.

        Raises
        ------
        ReadingError : a pseudonym is another one than that which is stored; give `assignments()` to `roster_of`.
        """
        wanted = {one.key: one for one in roster}
        stored = {one.key: one for one in self.assignments()}
        if other := [one for key, one in wanted.items() if key in stored and stored[key].id != one.id]:
            raise ReadingError(f"{other[0].id} is stored under another pseudonym")
        with self._database.writing() as connection:
            for key, one in stored.items():
                if key not in wanted:
                    connection.execute("DELETE FROM assignments WHERE id = ? AND opened_at IS NULL", (one.id,))
            for key, one in wanted.items():
                connection.execute("INSERT OR IGNORE INTO readers (name) VALUES (?)", (one.reader,))
                if key in stored:
                    connection.execute("UPDATE assignments SET place = ? WHERE id = ?", (one.place, one.id))
                else:
                    row = (one.id, one.reader, one.task, one.patient, one.lesion, one.place, one.practice, one.repeat)
                    connection.execute(f"INSERT INTO assignments ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def assignment(self, case: ReaderCase) -> Assignment:
        """The assignment of a case, for its own reader.

        Raises
        ------
        UnknownCaseError : there is none, or it is another reader's or task's.
        """
        with self._database.reading() as connection:
            return case_of_reader(connection, case)

    def worklist(self, reader: str, task: Task, *, left_out: Collection[Lesion] = ()) -> Worklist:
        """A reader's list of one task; `left_out` as of `worklist_of`."""
        with self._database.reading() as connection:
            return self._worklist(connection, reader, task, left_out)

    def progress(self, *, left_out: Collection[Lesion] = ()) -> tuple[TaskProgress, ...]:
        """Progress of every reader, without practice.

        Parameters
        ----------
        left_out : lesions without arbitration.
        """
        counts: dict[tuple[str, Task], dict[str, int]] = {}
        with self._database.reading() as connection:
            every, states = assignments_of(connection), states_of(connection)
        for one in every:
            if not one.practice and not (one.task == "arbitration" and (one.patient, one.lesion) in left_out):
                task = counts.setdefault((one.reader, one.task), {"total": 0, "closed": 0, "open": 0, "skipped": 0})
                task["total"] += 1
                if (status := states[one.id].status) != "waiting":
                    task[status] += 1
        return tuple(TaskProgress(reader, task, **count) for (reader, task), count in sorted(counts.items()))

    # --- a case and its tab -----------------------------------------------------------------------------------------

    def open_case(
        self, case: ReaderCase, tab: str, *, take: bool = False, left_out: Collection[Lesion] = ()
    ) -> StoredCase:
        """Open a case in a tab.

        Parameters
        ----------
        case, tab : of the request.
        take : take it over from another tab, whose next write is refused.
        left_out : as of `worklist_of`.

        Raises
        ------
        HeldElsewhereError : another tab has it.
        NotNextError : it is not due, or another case comes first.
        ClosedCaseError : it is closed.
        """
        with self._database.writing() as connection:
            one = case_of_reader(connection, case)
            self._require_turn(connection, one, left_out)
            holder = holder_of(connection, one.id)
            if holder is not None and holder != tab and not take:
                raise HeldElsewhereError(f"{one.id} is open in another tab or on another computer")
            if holder != tab:
                self._note(connection, one, "opened" if holder is None else "taken over by another tab")
            connection.execute("INSERT OR REPLACE INTO tabs VALUES (?, ?, ?)", (one.id, tab, self._now()))
            update = "UPDATE assignments SET status = 'open', opened_at = coalesce(opened_at, ?) WHERE id = ?"
            connection.execute(update, (self._now(), one.id))
            return _stored(connection, one)

    def case(self, case: ReaderCase) -> StoredCase:
        """A case as it is stored, whether it is open or not, for its own reader."""
        with self._database.reading() as connection:
            return _stored(connection, case_of_reader(connection, case))

    def pause(self, case: ReaderCase, tab: str) -> None:
        """Let go of a case: it stays open, and comes next."""
        with self._changing(case, tab) as (connection, one):
            connection.execute("DELETE FROM tabs WHERE case_id = ?", (one.id,))
            self._note(connection, one, "paused")

    def skip(self, case: ReaderCase, tab: str) -> None:
        """Put a case at the end of the list; what was drawn and answered stays."""
        with self._changing(case, tab) as (connection, one):
            connection.execute("DELETE FROM tabs WHERE case_id = ?", (one.id,))
            update = (
                "UPDATE assignments SET status = 'skipped', skips = (SELECT max(skips) + 1 FROM assignments) "
                "WHERE id = ?"
            )
            connection.execute(update, (one.id,))
            self._note(connection, one, "skipped")

    # --- drawing ----------------------------------------------------------------------------------------------------

    def append_stroke(
        self, case: ReaderCase, tab: str, stroke: Stroke, grid: DrawingGrid, *, off: Collection[str] = ()
    ) -> int:
        """Store a stroke; the new revision.

        Parameters
        ----------
        case, tab : of the request.
        stroke : to store.
        grid : of the image that it was drawn on, as it is now.
        off : names of `CODES` that the study switches off.

        Raises
        ------
        BehindError : other strokes are stored than the sender knows; carries revision and mask.
        StrokeError : the tool or a run cannot be.
        OtherImageError : the mask was begun on another image.
        HeldElsewhereError, ClosedCaseError, UnknownCaseError : see the class.
        """
        runs = checked_runs(stroke.runs, grid.size)
        checked_tool(stroke.tool, runs, off)
        view = json.dumps(dict(stroke.view), ensure_ascii=False, allow_nan=False, sort_keys=True)
        if len(view) > _LONGEST_VIEW:
            raise ReadingError(f"the settings of the display are longer than {_LONGEST_VIEW} letters")
        with self._changing(case, tab) as (connection, one):
            if one.task != "masks":
                raise ReadingError("lesions are drawn in the task 'masks'")
            new = NewStroke(stroke.sequence, stroke.revision, stroke.tool, runs, view, self._now())
            return stored_masks.append(connection, one.id, new, grid)

    def codes(
        self, case_id: str, sequence: str, *, revision: int | None = None, stage: Stage | None = None
    ) -> Codes | None:
        """A mask: which tool put each voxel there; None where nothing was ever drawn.

        Parameters
        ----------
        case_id, sequence : of the mask.
        revision : after so many strokes; None: all.
        stage : as it was first or last closed instead; None where it was not.
        """
        with self._database.reading() as connection:
            grid = stored_masks.grid_of(connection, case_id, sequence)
            if stage is not None:
                closed = stored_answers.masks_at_stage(connection, case_id, stage)
                revision = None if closed is None else closed.get(sequence)
                if revision is None:
                    return None
            return None if grid is None else stored_masks.codes_at(connection, case_id, sequence, grid, revision)

    def grid(self, case_id: str, sequence: str) -> DrawingGrid | None:
        """The grid that a mask is drawn on; None where nothing is drawn."""
        with self._database.reading() as connection:
            return stored_masks.grid_of(connection, case_id, sequence)

    def displays(self, case_id: str, sequence: str) -> tuple[DisplayUse, ...]:
        """With which settings of the display a mask was drawn."""
        with self._database.reading() as connection:
            return stored_masks.displays_of(connection, case_id, sequence)

    def take_in(self, case_id: str, sequence: str, codes: NDArray[np.uint8], grid: DrawingGrid, detail: str) -> int:
        """Put a mask that was drawn elsewhere in the place of a reader's; the new revision.

        Parameters
        ----------
        case_id, sequence : of the mask.
        codes : (size,) as of `codes_of(mask, CODES["taken_in"])`.
        grid : of the image.
        detail : for the audit: from which program and file.

        Raises
        ------
        ClosedCaseError : the case is closed.
        HeldElsewhereError : its reader has it open.
        """
        if codes.shape != (grid.size,):
            raise OtherImageError(f"{sequence}: the mask has {codes.size} voxels, the image {grid.size}")
        with self._database.writing() as connection:
            one = case_by_id(connection, case_id)
            require_not_closed(connection, one)
            if holder_of(connection, one.id) is not None:
                raise HeldElsewhereError(f"{one.id} is open: the reader has to leave it first")
            stored_masks.require_grid(connection, one.id, sequence, grid)
            revision = stored_masks.revision_of(connection, one.id, sequence)
            runs = difference(stored_masks.codes_at(connection, one.id, sequence, grid), codes)
            stroke = NewStroke(sequence, revision, "taken_in", runs, "{}", self._now())
            self._note(connection, one, "mask taken in", detail, sequence=sequence)
            connection.execute(
                "UPDATE assignments SET opened_at = coalesce(opened_at, ?) WHERE id = ?", (self._now(), one.id)
            )
            return stored_masks.append(connection, one.id, stroke, grid)

    # --- answers ----------------------------------------------------------------------------------------------------

    def save_answers(
        self, case: ReaderCase, tab: str, revision: int, values: Values, per_sequence: Mapping[str, SequenceAnswer]
    ) -> int:
        """Store answers; the new revision.

        Parameters
        ----------
        case, tab : of the request.
        revision : how many times the sender knows that they were saved.
        values : of `radstudy.app.reading.forms.accepted`.
        per_sequence : sequence to what is said of it.

        Raises
        ------
        BehindError : others were saved meanwhile; carries them.
        LockedAnswersError : the first answers are locked, and these change them.
        """
        with self._changing(case, tab) as (connection, one):
            stored = stored_answers.answers_at(connection, one.id)
            if revision != stored.revision:
                text = "the answers were changed in another tab or on another computer"
                raise BehindError(text, stored.revision, values=dict(stored.values))
            if _is_frozen(connection, one) and _without_comment(values) != _without_comment(stored.values):
                raise LockedAnswersError(
                    f"the answers of {one.id} are locked, so that they stay as they were before anything was shown"
                )
            return stored_answers.save(connection, one.id, values, per_sequence, self._now())

    def lock_first(self, case: ReaderCase, tab: str, check: Check) -> StoredAnswers:
        """Lock the first answers and give them; those that are locked already are given again.

        Raises
        ------
        UnfinishedError : `check` says what is missing or wrong.
        """
        with self._changing(case, tab) as (connection, one):
            locked = stored_answers.stage_of(connection, one.id, "first")
            if locked is not None:
                return locked
            _require(check, connection, one)
            stored_answers.end_stage(connection, one.id, "first", {}, self._now())
            self._note(connection, one, "first answers locked")
            return stored_answers.answers_at(connection, one.id)

    def close_case(self, case: ReaderCase, tab: str, check: Check) -> StoredCase:
        """Close a case; what it holds at its first closing is the first answer, unless that was locked before.

        Raises
        ------
        UnfinishedError : `check` says what is missing or wrong, or the first answers are not locked yet.
        """
        with self._changing(case, tab) as (connection, one):
            content = _require(check, connection, one)
            revisions = {name: stored_masks.revision_of(connection, one.id, name) for name in content.voxels}
            if stored_answers.stage_of(connection, one.id, "first") is None:
                if one.task != "masks":
                    raise UnfinishedError([FormProblem("missing", "lock your answers before closing the case")])
                stored_answers.end_stage(connection, one.id, "first", revisions, self._now())
            number = stored_answers.end_stage(connection, one.id, "final", revisions, self._now())
            connection.execute("DELETE FROM tabs WHERE case_id = ?", (one.id,))
            update = "UPDATE assignments SET status = 'closed', closed_at = ?, exported_at = NULL WHERE id = ?"
            connection.execute(update, (self._now(), one.id))
            drawn = ", ".join(f"{name} {voxels} voxels" for name, voxels in sorted(content.voxels.items()))
            self._note(connection, one, "closed" if number == 1 else f"closed again ({number})", drawn)
            return _stored(connection, one)

    def first_answers(self, task: Task) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the first locked answers, of cases that were closed: kappa and ICC are of these.

        Practice and repeats are left out.
        """
        return self._answers(task, "first", repeat=False)

    def final_answers(self, task: Task, *, reopened: bool = False) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the answers with which a case was closed last.

        Parameters
        ----------
        task : which.
        reopened : with those that are open again.
        """
        return self._answers(task, "final", repeat=False, reopened=reopened)

    def repeated_answers(self, task: Task) -> dict[Lesion, dict[str, StoredAnswers]]:
        """Lesion to reader to the first answers of the second reading."""
        return self._answers(task, "first", repeat=True)

    def _answers(
        self, task: Task, stage: Stage, *, repeat: bool, reopened: bool = False
    ) -> dict[Lesion, dict[str, StoredAnswers]]:
        by_lesion: dict[Lesion, dict[str, StoredAnswers]] = {}
        with self._database.reading() as connection:
            states = states_of(connection)
            for one in assignments_of(connection):
                if one.task != task or one.practice or one.repeat != repeat or states[one.id].closed is None:
                    continue
                answers = stored_answers.stage_of(connection, one.id, stage)
                if answers is not None and (stage == "first" or reopened or states[one.id].status == "closed"):
                    by_lesion.setdefault((one.patient, one.lesion), {})[one.reader] = answers
        return by_lesion

    # --- what the methods have in common ----------------------------------------------------------------------------

    @contextmanager
    def _changing(self, case: ReaderCase, tab: str) -> Iterator[tuple[sqlite3.Connection, Assignment]]:
        """A change of a case by its reader, from the tab that holds it."""
        with self._database.writing() as connection:
            one = case_of_reader(connection, case)
            require_not_closed(connection, one)
            if holder_of(connection, one.id) != tab:
                raise HeldElsewhereError(f"{one.id} is not open in this tab any more")
            yield connection, one

    def _require_turn(self, connection: sqlite3.Connection, one: Assignment, left_out: Collection[Lesion]) -> None:
        """True if a reader may open a case now: one already begun, one skipped, or the next one."""
        require_not_closed(connection, one)
        listed = self._worklist(connection, one.reader, one.task, left_out)
        status = {entry.id: entry.status for entry in listed.entries}.get(one.id)
        if status is None:
            raise NotNextError(f"{one.id} is not due yet")
        first = next((entry.id for entry in listed.entries if entry.status == "waiting"), None)
        if status == "waiting" and one.id != first:
            raise NotNextError(f"{first} comes before {one.id}: the order of the cases belongs to the study")

    def _worklist(
        self, connection: sqlite3.Connection, reader: str, task: Task, left_out: Collection[Lesion]
    ) -> Worklist:
        own, states = assignments_of(connection, reader), states_of(connection)
        today = self._clock().astimezone(datetime.UTC).date()
        return worklist_of(
            own, states, task=task, reading=self._reading, today=today,
            left_out=left_out if task == "arbitration" else (),
        )  # fmt: skip


def _stored(connection: sqlite3.Connection, one: Assignment) -> StoredCase:
    query = "SELECT x, y, z FROM arrows WHERE patient = ? AND lesion = ?"
    arrow = connection.execute(query, (one.patient, one.lesion)).fetchone()
    return StoredCase(
        one,
        states_of(connection, one.id)[one.id],
        stored_masks.masks_of(connection, one.id),
        stored_answers.answers_at(connection, one.id),
        stored_answers.stage_of(connection, one.id, "first"),
        None if arrow is None else (arrow[0], arrow[1], arrow[2]),
    )


def _require(check: Check, connection: sqlite3.Connection, one: Assignment) -> CaseContent:
    masks = stored_masks.masks_of(connection, one.id)
    voxels = {name: int(mask.runs[:, 1].sum()) for name, mask in masks.items()}
    content = CaseContent(stored_answers.answers_at(connection, one.id), voxels)
    if problems := check(content):
        raise UnfinishedError(problems)
    return content


def _is_frozen(connection: sqlite3.Connection, one: Assignment) -> bool:
    """True if the answers may not change: after locking, until the case was closed once. An arbiter may go on."""
    first = stored_answers.stage_of(connection, one.id, "first")
    return one.task == "characteristics" and first is not None and states_of(connection, one.id)[one.id].closed is None


def _without_comment(values: Values) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "comment"}


def open_storage(
    file: Path,
    reading: ReadingSection,
    *,
    clock: Clock = utc_now,
    check_place: Callable[[Path], None] = refuse_network_path,
) -> Storage:
    """Open a study's database.

    Parameters
    ----------
    file : see `database_file`.
    reading, clock : see `Storage`.
    check_place : see `Database`, as what it raises.
    """
    return Storage(Database(file, check_place=check_place), reading, clock=clock)

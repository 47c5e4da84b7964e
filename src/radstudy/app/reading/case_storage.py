"""Cases in the reading room's database: the roster, whose turn a case is, and the tab that holds it."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from radstudy.app.reading import stored_answers, stored_masks
from radstudy.app.reading.audit import AuditedStorage, Clock, utc_now
from radstudy.app.reading.database import Database
from radstudy.app.reading.refusals import HeldElsewhereError, NotNextError, ReadingError
from radstudy.app.reading.roster import Assignment, Lesion, State, Task, Worklist, worklist_of
from radstudy.app.reading.stored_answers import StoredAnswers
from radstudy.app.reading.stored_cases import (
    COLUMNS,
    ReaderCase,
    assignment_in,
    assignments_of,
    case_of_reader,
    holder_of,
    require_not_closed,
    states_of,
)
from radstudy.app.reading.stored_masks import StoredMask
from radstudy.protocol.reading import ReadingSection


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
    frozen : the answers are locked and may not change but for comments; False once the lead has opened the case again.
    arrow : where the lead points at the lesion, patient coordinates RAS in mm; None without one.
    """

    assignment: Assignment
    state: State
    masks: Mapping[str, StoredMask]
    answers: StoredAnswers
    first: StoredAnswers | None
    frozen: bool
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


class CaseStorage(AuditedStorage):
    """The part of `Storage` that opens cases, each for its own reader, in its turn and in one tab.

    Parameters
    ----------
    database : opened.
    reading : the study's section.
    clock : gives the time, UTC.
    """

    def __init__(self, database: Database, reading: ReadingSection, *, clock: Clock = utc_now) -> None:
        super().__init__(database, clock=clock)
        self._reading = reading

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
            return stored_case(connection, one)

    def case(self, case: ReaderCase) -> StoredCase:
        """A case as it is stored, whether it is open or not, for its own reader."""
        with self._database.reading() as connection:
            return stored_case(connection, case_of_reader(connection, case))

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


def stored_case(connection: sqlite3.Connection, one: Assignment) -> StoredCase:
    """A case as it is stored."""
    query = "SELECT x, y, z FROM arrows WHERE patient = ? AND lesion = ?"
    arrow = connection.execute(query, (one.patient, one.lesion)).fetchone()
    return StoredCase(
        one,
        states_of(connection, one.id)[one.id],
        stored_masks.masks_of(connection, one.id),
        stored_answers.answers_at(connection, one.id),
        stored_answers.stage_of(connection, one.id, "first"),
        is_frozen(connection, one),
        None if arrow is None else (arrow[0], arrow[1], arrow[2]),
    )


def is_frozen(connection: sqlite3.Connection, one: Assignment) -> bool:
    """True if the answers may not change: after locking, until the case was closed once. An arbiter may go on."""
    first = stored_answers.stage_of(connection, one.id, "first")
    return one.task == "characteristics" and first is not None and states_of(connection, one.id)[one.id].closed is None

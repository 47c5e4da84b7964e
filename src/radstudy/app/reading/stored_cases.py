"""Cases in the database: rows to assignments, how far each is, and which tab has it."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radstudy.app.reading.refusals import ClosedCaseError, UnknownCaseError
from radstudy.app.reading.roster import Assignment, State

COLUMNS = "id, reader, task, patient, lesion, place, practice, repeat"


@dataclass(frozen=True)
class ReaderCase:
    """A case as a reader's request names it: the reader from the session, the rest from the request."""

    reader: str
    task: str
    id: str


def assignment_in(row: Sequence[Any]) -> Assignment:
    """The assignment of a row of `COLUMNS`."""
    pseudonym, reader, task, patient, lesion, place, practice, repeat = row
    return Assignment(pseudonym, reader, task, patient, lesion, place, bool(practice), bool(repeat))


def assignments_of(connection: sqlite3.Connection, reader: str | None = None) -> list[Assignment]:
    """All assignments, or those of one reader, by their places."""
    query = f"SELECT {COLUMNS} FROM assignments WHERE ? IS NULL OR reader = ? ORDER BY place"
    return list(map(assignment_in, connection.execute(query, (reader, reader))))


def states_of(connection: sqlite3.Connection, case_id: str | None = None) -> dict[str, State]:
    """Pseudonym to how far a case is: of all, or of one."""
    query = "SELECT id, status, opened_at, closed_at, skips FROM assignments WHERE ? IS NULL OR id = ?"
    return {
        one: State(status, opened is not None, _day(closed), skips)
        for one, status, opened, closed, skips in connection.execute(query, (case_id, case_id))
    }


def _day(at: str | None) -> datetime.date | None:
    return None if at is None else datetime.datetime.fromisoformat(at).date()


def case_by_id(connection: sqlite3.Connection, case_id: str) -> Assignment:
    """The assignment of a pseudonym.

    Raises
    ------
    UnknownCaseError : there is none.
    """
    row = connection.execute(f"SELECT {COLUMNS} FROM assignments WHERE id = ?", (case_id,)).fetchone()
    if row is None:
        raise UnknownCaseError
    return assignment_in(row)


def case_of_reader(connection: sqlite3.Connection, case: ReaderCase) -> Assignment:
    """The assignment of a case, for its own reader and task.

    Raises
    ------
    UnknownCaseError : there is none, or it is another's.
    """
    one = case_by_id(connection, case.id)
    if (one.reader, one.task) != (case.reader, case.task):
        raise UnknownCaseError
    return one


def holder_of(connection: sqlite3.Connection, case_id: str) -> str | None:
    """The tab that has a case open; None where none has."""
    row = connection.execute("SELECT tab FROM tabs WHERE case_id = ?", (case_id,)).fetchone()
    return None if row is None else str(row[0])


def require_not_closed(connection: sqlite3.Connection, one: Assignment) -> None:
    """Refuse a closed case.

    Raises
    ------
    ClosedCaseError : it is closed.
    """
    if states_of(connection, one.id)[one.id].status == "closed":
        raise ClosedCaseError(f"{one.id} is closed. To do: ask the study lead to open it again, with a reason")

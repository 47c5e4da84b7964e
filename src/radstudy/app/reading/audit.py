"""The audit of everything that readers and the lead do, written together with the change that it tells of."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields

from radstudy.app.reading.database import Database
from radstudy.app.reading.roster import Assignment
from radstudy.app.reading.stored_cases import case_by_id

LEAD = "lead"  # who did something, in the audit, where it was no reader
Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time now."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class AuditLine:
    """One line of the audit: time (UTC), who, of what, what happened."""

    at: str
    reader: str
    event: str
    task: str = ""
    patient: str = ""
    lesion: str = ""
    sequence: str = ""
    detail: str = ""


class AuditedStorage:
    """The part of `Storage` that writes the audit.

    Parameters
    ----------
    database : opened.
    clock : gives the time, UTC.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database, self._clock = database, clock

    def audit(self) -> tuple[AuditLine, ...]:
        """The audit's lines, in order."""
        names = ", ".join(one.name for one in fields(AuditLine))
        with self._database.reading() as connection:
            return tuple(AuditLine(*row) for row in connection.execute(f"SELECT {names} FROM audit ORDER BY number"))

    def note(self, event: str, detail: str = "", *, reader: str = LEAD, case_id: str | None = None) -> None:
        """Write a line of the audit that belongs to no other change."""
        with self._database.writing() as connection:
            if case_id is None:
                self._write_audit(connection, (reader, "", "", "", ""), event, detail)
            else:
                self._note(connection, case_by_id(connection, case_id), event, detail, who=reader)

    def _now(self) -> str:
        return self._clock().astimezone(datetime.UTC).isoformat(timespec="milliseconds")

    def _note(
        self, connection: sqlite3.Connection, one: Assignment, event: str, detail: str = "", *, sequence: str = "",
        who: str | None = None,
    ) -> None:  # fmt: skip
        kind = "practice" if one.practice else "repeat" if one.repeat else ""
        told = "; ".join(filter(None, [kind, f"case of {one.reader}" if who not in (None, one.reader) else "", detail]))
        self._write_audit(connection, (who or one.reader, one.task, one.patient, one.lesion, sequence), event, told)

    def _write_audit(
        self, connection: sqlite3.Connection, what: tuple[str, str, str, str, str], event: str, detail: str
    ) -> None:
        query = (
            "INSERT INTO audit (at, reader, task, patient, lesion, sequence, event, detail) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        connection.execute(query, (self._now(), *what, event, detail))

"""Actions of the study lead in the reading room's database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields

from radstudy.app.reading import stored_masks
from radstudy.app.reading.audit import LEAD, AuditedStorage
from radstudy.app.reading.links import PersonalLink
from radstudy.app.reading.refusals import OtherImageError
from radstudy.app.reading.roster import Assignment
from radstudy.app.reading.stored_cases import COLUMNS, assignment_in, case_by_id, states_of
from radstudy.app.reading.strokes import DrawingGrid
from radstudy.errors import UsageError


@dataclass(frozen=True)
class BegunCase:
    """A case that a reader has begun.

    Parameters
    ----------
    assignment : what it is.
    status : open, skipped or closed.
    closed_at : when it was closed last, UTC, ISO 8601; None where it never was.
    """

    assignment: Assignment
    status: str
    closed_at: str | None


@dataclass(frozen=True)
class Closing:
    """Closings of a case, which stay when it is opened again.

    Parameters
    ----------
    opened_at, first_at : of the first opening and the first closing, UTC, ISO 8601.
    times : how many times it was closed.
    """

    opened_at: str
    first_at: str
    times: int


def _case(connection: sqlite3.Connection, who: str, address: tuple[str, str, str, str, bool]) -> Assignment:
    """The case of a reader, task, patient, lesion, and whether it is a repeat.

    Raises
    ------
    UsageError : there is none.
    """
    query = (
        f"SELECT {COLUMNS} FROM assignments WHERE reader = ? AND task = ? AND patient = ? AND lesion = ? "
        "AND repeat = ? AND practice = 0"
    )
    row = connection.execute(query, address).fetchone()
    if row is None:
        raise UsageError(f"{who}: this reader does not have this case")
    return assignment_in(row)


class LeadStorage(AuditedStorage):
    """The part of `Storage` that is the lead's."""

    def reopen(self, *, reader: str, task: str, patient: str, lesion: str, reason: str, repeat: bool = False) -> str:
        """Open a closed case again for its reader; its pseudonym. First locked answers and first masks stay.

        Raises
        ------
        UsageError : no reason, no such case, or it is not closed.
        """
        who = f"Patient {patient}, lesion {lesion}, {task}, reader {reader}"
        if not reason.strip():
            raise UsageError(f"{who}: a closed case is opened again for a reason only. To do: say which")
        with self._database.writing() as connection:
            one = _case(connection, who, (reader, task, patient, lesion, repeat))
            if states_of(connection, one.id)[one.id].status != "closed":
                raise UsageError(f"{who}: the case is not closed")
            connection.execute("UPDATE assignments SET status = 'open' WHERE id = ?", (one.id,))
            self._note(connection, one, "reopened by the lead", reason.strip(), who=LEAD)
            return one.id

    def begin_anew(
        self, *, reader: str, patient: str, lesion: str, sequence: str, grid: DrawingGrid, reason: str,
        repeat: bool = False,
    ) -> None:  # fmt: skip
        """Have a lesion drawn anew on a sequence whose image is another one now; a closed case is opened again for it.

        Parameters
        ----------
        reader, patient, lesion, sequence, repeat : the drawing.
        grid : of the image, as it is now.
        reason : for the audit.

        Raises
        ------
        UsageError : no reason, no such case, nothing is drawn, or the image is the one that it is drawn on.
        """
        who = f"Patient {patient}, lesion {lesion}, {sequence}, reader {reader}"
        if not reason.strip():
            raise UsageError(f"{who}: a lesion is drawn anew for a reason only. To do: say which")
        with self._database.writing() as connection:
            one = _case(connection, who, (reader, "masks", patient, lesion, repeat))
            try:
                stored_masks.begin_anew(connection, one.id, sequence, grid, self._now())
            except OtherImageError as error:
                raise UsageError(f"Patient {patient}, lesion {lesion}, reader {reader}, {error}") from error
            if states_of(connection, one.id)[one.id].status == "closed":
                connection.execute("UPDATE assignments SET status = 'open' WHERE id = ?", (one.id,))
            connection.execute("DELETE FROM tabs WHERE case_id = ?", (one.id,))  # a page has the former image
            self._note(connection, one, "drawing begun anew by the lead", reason.strip(), sequence=sequence, who=LEAD)

    def place_arrow(self, patient: str, lesion: str, ras: tuple[float, float, float] | None) -> None:
        """Point at a lesion for all readers alike, or take the arrow away; patient coordinates RAS, mm."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM arrows WHERE patient = ? AND lesion = ?", (patient, lesion))
            if ras is not None:
                row = (patient, lesion, *map(float, ras), self._now())
                connection.execute("INSERT INTO arrows VALUES (?, ?, ?, ?, ?, ?)", row)
            detail = "taken away" if ras is None else ", ".join(f"{one:.1f}" for one in ras)
            self._write_audit(connection, (LEAD, "", patient, lesion, ""), "arrow", detail)

    def arrows(self) -> dict[tuple[str, str], tuple[float, float, float]]:
        """(patient, lesion) to where the lead points at it, patient coordinates RAS, mm."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT patient, lesion, x, y, z FROM arrows").fetchall()
        return {(patient, lesion): (x, y, z) for patient, lesion, x, y, z in rows}

    def begun_cases(self) -> tuple[BegunCase, ...]:
        """Every case that is open, skipped or closed, by reader, task and place; no practice."""
        query = (
            f"SELECT {COLUMNS}, status, closed_at FROM assignments WHERE practice = 0 AND status != 'waiting' "
            "ORDER BY reader, task, place"
        )
        with self._database.reading() as connection:
            return tuple(BegunCase(assignment_in(row[:-2]), row[-2], row[-1]) for row in connection.execute(query))

    def links(self) -> tuple[PersonalLink, ...]:
        """All personal links, revoked ones too, in the order in which they were made."""
        with self._database.reading() as connection:
            names = ", ".join(one.name for one in fields(PersonalLink))
            return tuple(PersonalLink(*row) for row in connection.execute(f"SELECT {names} FROM links ORDER BY number"))

    def add_link(self, link: PersonalLink) -> None:
        """Keep a new link."""
        with self._database.writing() as connection:
            row = [getattr(link, one.name) for one in fields(PersonalLink)]
            query = "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM links))"
            connection.execute(query, row)
            self._write_audit(connection, (LEAD, link.task, "", "", ""), "link made", f"{link.role} {link.reader}")

    def revoke_link(self, link_id: str, at: str) -> None:
        """Mark a link as revoked; one that is unknown or revoked already stays as it is."""
        with self._database.writing() as connection:
            query = "UPDATE links SET revoked_at = ? WHERE id = ? AND revoked_at = ''"
            if connection.execute(query, (at, link_id)).rowcount:
                self._write_audit(connection, (LEAD, "", "", "", ""), "link revoked", link_id)

    def note_outcomes_opened(self, reader: str, detail: str = "") -> None:
        """Note that a reader has opened outcomes: the methods name him; the first time counts.

        Parameters
        ----------
        reader : who has.
        detail : what was seen, and how, for the audit.
        """
        with self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO readers (name) VALUES (?)", (reader,))
            query = "UPDATE readers SET outcomes_opened_at = ? WHERE name = ? AND outcomes_opened_at IS NULL"
            if connection.execute(query, (self._now(), reader)).rowcount:
                self._write_audit(connection, (reader, "", "", "", ""), "opened outcomes", detail)

    def outcomes_opened(self) -> dict[str, str]:
        """Reader to when he first opened outcomes, of those who have."""
        query = "SELECT name, outcomes_opened_at FROM readers WHERE outcomes_opened_at IS NOT NULL ORDER BY name"
        with self._database.reading() as connection:
            return dict(connection.execute(query).fetchall())

    def to_export(self, *, all_closed: bool = False) -> tuple[Assignment, ...]:
        """Closed cases whose record is not written yet (a crash came between), or all closed ones; no practice."""
        query = f"SELECT {COLUMNS} FROM assignments WHERE status = 'closed' AND practice = 0"
        query += "" if all_closed else " AND exported_at IS NULL"
        with self._database.reading() as connection:
            return tuple(map(assignment_in, connection.execute(f"{query} ORDER BY reader, task, place")))

    def ever_closed(self) -> tuple[Assignment, ...]:
        """The cases that were closed at least once, those that are open again too; no practice."""
        query = f"SELECT {COLUMNS} FROM assignments WHERE closed_at IS NOT NULL AND practice = 0"
        with self._database.reading() as connection:
            return tuple(map(assignment_in, connection.execute(f"{query} ORDER BY reader, task, place")))

    def closings(self) -> dict[str, Closing]:
        """Pseudonym to closings, of the cases that were closed."""
        query = (
            "SELECT id, opened_at, min(at), max(round) FROM stages JOIN assignments ON id = case_id "
            "WHERE stage = 'final' GROUP BY id"
        )
        with self._database.reading() as connection:
            return {name: Closing(opened or "", *more) for name, opened, *more in connection.execute(query)}

    def mark_exported(self, case_id: str) -> None:
        """Note that the record of a closed case is written."""
        with self._database.writing() as connection:
            one = case_by_id(connection, case_id)
            connection.execute("UPDATE assignments SET exported_at = ? WHERE id = ?", (self._now(), case_id))
            self._note(connection, one, "record written")

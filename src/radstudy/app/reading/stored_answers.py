"""Answers in the database: every version that was saved, and the ones that were locked first and closed last."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from radstudy.app.reading.forms import SequenceAnswer, Values

Stage = Literal["first", "final"]


@dataclass(frozen=True)
class StoredAnswers:
    """Answers as they are stored.

    Parameters
    ----------
    revision : how many times they were saved.
    values : item to answer.
    per_sequence : sequence to what is said of it.
    """

    revision: int = 0
    values: Values = field(default_factory=dict)
    per_sequence: Mapping[str, SequenceAnswer] = field(default_factory=dict)


def save(
    connection: sqlite3.Connection, case: str, values: Values, per_sequence: Mapping[str, SequenceAnswer], at: str
) -> int:
    """Store answers as the next revision, which is returned."""
    revision = revision_of(connection, case) + 1
    text = json.dumps(dict(values), ensure_ascii=False, allow_nan=False, sort_keys=True)
    connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (case, revision, text, at))
    for name, one in sorted(per_sequence.items()):
        row = (case, revision, name, one.visible, one.evaluable, one.reason, one.quality)
        connection.execute("INSERT INTO visibility VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return revision


def revision_of(connection: sqlite3.Connection, case: str) -> int:
    """Number of times the answers were saved."""
    query = "SELECT coalesce(max(revision), 0) FROM answers WHERE case_id = ?"
    return int(connection.execute(query, (case,)).fetchone()[0])


def answers_at(connection: sqlite3.Connection, case: str, revision: int | None = None) -> StoredAnswers:
    """The answers of a revision; None: the last ones."""
    revision = revision_of(connection, case) if revision is None else revision
    query = "SELECT given FROM answers WHERE case_id = ? AND revision = ?"
    row = connection.execute(query, (case, revision)).fetchone()
    if row is None:
        return StoredAnswers()
    values: dict[str, Any] = json.loads(row[0])
    query = "SELECT sequence, visible, evaluable, reason, quality FROM visibility WHERE case_id = ? AND revision = ?"
    said = {
        name: SequenceAnswer(_flag(visible), _flag(evaluable), reason, quality)
        for name, visible, evaluable, reason, quality in connection.execute(query, (case, revision))
    }
    return StoredAnswers(revision, values, said)


def end_stage(connection: sqlite3.Connection, case: str, stage: Stage, masks: Mapping[str, int], at: str) -> int:
    """Note that the answers and masks as they are now are first or final; the number of this closing."""
    query = "SELECT coalesce(max(round), 0) + 1 FROM stages WHERE case_id = ? AND stage = ?"
    number = int(connection.execute(query, (case, stage)).fetchone()[0])
    row = (case, stage, number, revision_of(connection, case), at)
    connection.execute("INSERT INTO stages VALUES (?, ?, ?, ?, ?)", row)
    for sequence, revision in sorted(masks.items()):
        connection.execute("INSERT INTO stage_masks VALUES (?, ?, ?, ?, ?)", (case, stage, number, sequence, revision))
    return number


def stage_of(connection: sqlite3.Connection, case: str, stage: Stage) -> StoredAnswers | None:
    """The answers that were locked first, or closed last; None where that has not happened."""
    query = "SELECT revision FROM stages WHERE case_id = ? AND stage = ? ORDER BY round DESC LIMIT 1"
    row = connection.execute(query, (case, stage)).fetchone()
    return None if row is None else answers_at(connection, case, row[0])


def masks_at_stage(connection: sqlite3.Connection, case: str, stage: Stage) -> dict[str, int] | None:
    """Sequence to the revision that its mask had when it was first or last closed; None where it was not."""
    query = "SELECT max(round) FROM stages WHERE case_id = ? AND stage = ?"
    (number,) = connection.execute(query, (case, stage)).fetchone()
    if number is None:
        return None
    query = "SELECT sequence, revision FROM stage_masks WHERE case_id = ? AND stage = ? AND round = ?"
    return {name: int(revision) for name, revision in connection.execute(query, (case, stage, number))}


def _flag(stored: int | None) -> bool | None:
    return None if stored is None else bool(stored)

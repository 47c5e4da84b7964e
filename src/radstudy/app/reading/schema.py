"""The tables of the reading room's database, and how one of an earlier version becomes one of today.

Each version is a list of statements that make it of the one before; a new database goes through all of them. A version
that was shipped is never changed. Before an old database is migrated it is copied beside itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from radstudy._version import __version__
from radstudy.errors import DataError
from radstudy.store import set_aside

APPLICATION = 0x72616473  # "rads": another program's database is not taken for ours
Migration = Sequence[str]

_VERSION_1: Migration = (
    "CREATE TABLE readers (name TEXT PRIMARY KEY, outcomes_opened_at TEXT)",
    """CREATE TABLE links (
        id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL CHECK (role IN ('reader', 'lead')),
        reader TEXT NOT NULL, task TEXT NOT NULL, created_at TEXT NOT NULL, revoked_at TEXT NOT NULL DEFAULT '',
        number INTEGER NOT NULL UNIQUE)""",
    """CREATE TABLE assignments (
        id TEXT PRIMARY KEY, reader TEXT NOT NULL REFERENCES readers (name),
        task TEXT NOT NULL CHECK (task IN ('masks', 'characteristics', 'arbitration')),
        patient TEXT NOT NULL, lesion TEXT NOT NULL, place INTEGER NOT NULL,
        practice INTEGER NOT NULL CHECK (practice IN (0, 1)), repeat INTEGER NOT NULL CHECK (repeat IN (0, 1)),
        status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'open', 'skipped', 'closed')),
        opened_at TEXT, closed_at TEXT, exported_at TEXT, skips INTEGER NOT NULL DEFAULT 0,
        UNIQUE (reader, task, patient, lesion, practice, repeat))""",
    "CREATE TABLE tabs (case_id TEXT PRIMARY KEY REFERENCES assignments (id), tab TEXT NOT NULL, since TEXT NOT NULL)",
    """CREATE TABLE grids (
        case_id TEXT NOT NULL REFERENCES assignments (id), sequence TEXT NOT NULL, since INTEGER NOT NULL,
        i INTEGER NOT NULL, j INTEGER NOT NULL, k INTEGER NOT NULL, identity TEXT NOT NULL,
        PRIMARY KEY (case_id, sequence, since))""",
    "CREATE TABLE displays (id INTEGER PRIMARY KEY, settings TEXT NOT NULL UNIQUE)",
    """CREATE TABLE strokes (
        case_id TEXT NOT NULL REFERENCES assignments (id), sequence TEXT NOT NULL, revision INTEGER NOT NULL,
        tool TEXT NOT NULL, runs BLOB NOT NULL, display INTEGER NOT NULL REFERENCES displays (id), at TEXT NOT NULL,
        PRIMARY KEY (case_id, sequence, revision))""",
    """CREATE TABLE snapshots (
        case_id TEXT NOT NULL REFERENCES assignments (id), sequence TEXT NOT NULL, revision INTEGER NOT NULL,
        runs BLOB NOT NULL, PRIMARY KEY (case_id, sequence, revision))""",
    """CREATE TABLE answers (
        case_id TEXT NOT NULL REFERENCES assignments (id), revision INTEGER NOT NULL, given TEXT NOT NULL,
        at TEXT NOT NULL, PRIMARY KEY (case_id, revision))""",
    """CREATE TABLE visibility (
        case_id TEXT NOT NULL, revision INTEGER NOT NULL, sequence TEXT NOT NULL,
        visible INTEGER CHECK (visible IN (0, 1)), evaluable INTEGER CHECK (evaluable IN (0, 1)),
        reason TEXT NOT NULL, quality INTEGER CHECK (quality BETWEEN 1 AND 5),
        PRIMARY KEY (case_id, revision, sequence),
        FOREIGN KEY (case_id, revision) REFERENCES answers (case_id, revision))""",
    """CREATE TABLE stages (
        case_id TEXT NOT NULL REFERENCES assignments (id), stage TEXT NOT NULL CHECK (stage IN ('first', 'final')),
        round INTEGER NOT NULL, revision INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (case_id, stage, round),
        CHECK (stage = 'final' OR round = 1))""",
    """CREATE TABLE stage_masks (
        case_id TEXT NOT NULL, stage TEXT NOT NULL, round INTEGER NOT NULL, sequence TEXT NOT NULL,
        revision INTEGER NOT NULL, PRIMARY KEY (case_id, stage, round, sequence),
        FOREIGN KEY (case_id, stage, round) REFERENCES stages (case_id, stage, round))""",
    """CREATE TABLE arrows (
        patient TEXT NOT NULL, lesion TEXT NOT NULL, x REAL NOT NULL, y REAL NOT NULL, z REAL NOT NULL,
        at TEXT NOT NULL, PRIMARY KEY (patient, lesion))""",
    """CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, reader TEXT NOT NULL, task TEXT NOT NULL,
        patient TEXT NOT NULL, lesion TEXT NOT NULL, sequence TEXT NOT NULL, event TEXT NOT NULL,
        detail TEXT NOT NULL)""",
    *(
        f"CREATE TRIGGER {table}_stay_{event.lower()} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
        for table in ("strokes", "answers", "visibility", "stages", "stage_masks", "audit")
        for event in ("UPDATE", "DELETE")
    ),
)  # fmt: skip

MIGRATIONS: tuple[Migration, ...] = (_VERSION_1,)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, file: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Path | None:
    """Bring a database to today's version.

    Parameters
    ----------
    connection : in autocommit mode.
    file : the database; its copy of before stands beside it.
    migrations : one list of statements for each version.

    Returns
    -------
    The copy; None where nothing had to be copied.

    Raises
    ------
    DataError : it is another program's, or of a later version.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION and (tables or application):
        raise DataError(f"{file} is a database of another program. To do: give another place (--database)")
    if version > len(migrations):
        raise DataError(
            f"{file} was written by a later version of radstudy (version {version} of its tables; this radstudy, "
            f"{__version__}, knows {len(migrations)}). To do: install a newer radstudy"
        )
    copy = _copied(connection, file, version) if 0 < version < len(migrations) else None
    for number in range(version, len(migrations)):
        _one_version(connection, migrations[number], number + 1)
    return copy


def _one_version(connection: sqlite3.Connection, statements: Migration, version: int) -> None:
    """One version's statements, all of them or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _copied(connection: sqlite3.Connection, file: Path, version: int) -> Path:
    """A copy of the database as it is, beside it."""
    copy = file.with_name(f"{file.stem}.version-{version}{file.suffix}")
    if copy.exists():
        set_aside(copy)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # its owner's from the first byte on
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    return copy

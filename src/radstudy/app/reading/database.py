"""The reading room's database: opened by one process, on a local disk, each change stored whole or not at all.

Every change is on the disk before it is answered (``synchronous = FULL``), strokes too. With NORMAL a killed server
would lose nothing either, but after a power cut all would be gone since the log was last written back, up to 4 MB of
strokes: an hour of drawing that the browser had called stored. The wait for the disk is some milliseconds once for each
stroke, after it was drawn and shown.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from radstudy.app.reading.local_disk import refuse_network_path
from radstudy.app.reading.schema import MIGRATIONS, Migration, migrate
from radstudy.errors import DataError, StorageError, UsageError
from radstudy.store import make_folders, storing

NAME = "room.sqlite"
_BUSY_MS = 10_000
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: its fsync does not wait for the disk
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_MS}",
    "PRAGMA trusted_schema = OFF",
)


class Database:
    """One SQLite database in the hands of one process; its methods may be called from several threads.

    Parameters
    ----------
    file : made where it is not there, for its owner alone (mode 0600).
    check_place : refuses a folder where no database may lie.
    migrations : of the tables.

    Raises
    ------
    UsageError : another process has it open, or it would lie on a share.
    StorageError : the folder cannot be made or written to.
    DataError : it is damaged, another program's, or of a later version.
    """

    def __init__(
        self,
        file: Path,
        *,
        check_place: Callable[[Path], None] = refuse_network_path,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.file = file = file.absolute()
        check_place(file.parent.resolve())
        self._lock = threading.RLock()
        self._owner = _owned(file)
        try:
            _made_private(file)
            self._connection = _connected(file)
            try:
                self.copy = _ready(self._connection, file, migrations)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._owner.release()
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A change: on the disk at the end, or undone where something is raised.

        Raises
        ------
        StorageError : the disk is full or fails; nothing was changed.
        """
        with self._lock:
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                _undo(connection)
                raise _told(error, self.file) from error
            except BaseException:
                _undo(connection)
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A look that no change comes between."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Write the log back, close, and let others open it; a second call does nothing."""
        with self._lock:
            self._connection.close()
            self._owner.release()


def _owned(file: Path) -> FileLock:
    """The right to open the database: the system gives it back even where the process is killed."""
    lock = FileLock(f"{file}.lock", timeout=0, thread_local=False)  # any thread may close
    with storing(file.parent):
        make_folders(file.parent)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(
                f"{file} is open in another radstudy (read or app) on this computer: it has one owner at a time. "
                "To do: use the address that the other one has printed, or end it"
            ) from None
    return lock


def _made_private(file: Path) -> None:
    """The file, where it is not there yet, open to its owner alone; SQLite's files beside it take its mode."""
    with storing(file):
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _connected(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)


def _ready(connection: sqlite3.Connection, file: Path, migrations: Sequence[Migration]) -> Path | None:
    """Set how it is written, see that it is whole, and bring it to today's version."""
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            raise UsageError(
                f"{file} cannot be written ahead (journal mode {mode}): its disk gives no shared memory. To do: give a "
                "folder on a disk of this computer (--database)"
            )
        faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
        if faults != ["ok"]:
            raise DataError(_damaged(file, "; ".join(faults)))
        return migrate(connection, file, migrations)
    except sqlite3.OperationalError as error:
        raise _told(error, file) from error
    except sqlite3.DatabaseError as error:
        raise DataError(_damaged(file, str(error))) from error


def _damaged(file: Path, why: str) -> str:
    return (
        f"{file} is damaged ({why}). Nothing was changed. To do: put back a copy of it and of the files that begin "
        "with its name; closed cases are in the tables and masks beside the study file"
    )


def _told(error: sqlite3.OperationalError, file: Path) -> Exception:
    """The disk's error in words; the error itself if it is the program's own."""
    name = error.sqlite_errorname
    of_disk = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_PERM")
    return StorageError(file, str(error)) if name.startswith(of_disk) else error


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")

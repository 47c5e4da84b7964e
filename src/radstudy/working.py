"""One command at a time works in a folder; it says so while it does, and stops between two cases when it is asked to.

The lock is the system's: it is released however the process ends, so what a crash leaves behind misleads nobody. The
file beside it says who works there, for another process that wants to know.
"""

from __future__ import annotations

import datetime
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.errors import StoppedError, UsageError
from radstudy.store import read_json, storing, write_json, write_text

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK, WORKING, STOP = ".lock", ".working.json", ".stop"
SHARD_LOCK = ".shard-{}.lock"
_TURN_S = 120.0  # a shard waits for the others to read the cohort's table
PROGRESS = "RADSTUDY_PROGRESS"  # names a file for the progress of a command that a page has started
HEARTBEAT_S = 5.0
_here: list[Path] = []  # folders that this process works in, the innermost last


@dataclass(frozen=True)
class WorkingProcess:
    """The process that works in a folder.

    Parameters
    ----------
    host, pid : computer and process id.
    started, heartbeat : times in UTC, ISO 8601; the second is renewed every 5 s.
    """

    host: str
    pid: int
    started: str
    heartbeat: str

    @property
    def silent_s(self) -> float:
        """Seconds since the last heartbeat; it says little where the clocks of two computers differ."""
        return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(self.heartbeat)).total_seconds()

    @property
    def is_here(self) -> bool:
        """True if it runs on this computer."""
        return self.host == socket.gethostname()


@contextmanager
def only_run(folder: Path, *, beside_shards: bool = False) -> Iterator[None]:
    """Lock a folder: a second command that works in it is refused, not mixed in.

    Parameters
    ----------
    folder : of a run or an import.
    beside_shards : for a shard (`one_shard`): it waits for others that do the same, and may work beside them.

    Raises
    ------
    UsageError : another command has locked the folder.
    StorageError : it cannot be created or written to.
    """
    lock = _locked(folder / LOCK, _TURN_S if beside_shards else 0.0, f"another run is working in {folder}", folder)
    ended = threading.Event()
    try:
        if not beside_shards and (busy := _shards_in(folder)):
            raise UsageError(f"{busy} of the run is working in {folder}: wait for it, or choose another --out")
        with storing(folder):
            (folder / STOP).unlink(missing_ok=True)  # asked of an earlier one
        beating = _say_so(folder, ended)
        _here.append(folder)
        try:
            yield
        finally:
            _here.remove(folder)
            ended.set()
            beating.join()
            for name in (WORKING, STOP):
                with suppress(OSError):
                    (folder / name).unlink(missing_ok=True)
    finally:
        lock.release()


@contextmanager
def one_shard(folder: Path, shard: str) -> Iterator[None]:
    """Lock one part of the work in a folder: other parts may be done at the same time, but no run without parts.

    Parameters
    ----------
    folder : of a run.
    shard : such as 2/8.

    Raises
    ------
    UsageError : another command does this part.
    StorageError : the folder cannot be created or written to.
    """
    name = SHARD_LOCK.format(shard.replace("/", "-of-"))
    lock = _locked(folder / name, 0.0, f"another command is doing shard {shard} in {folder}", folder)
    try:
        _here.append(folder)
        try:
            yield
        finally:
            _here.remove(folder)
    finally:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)  # still held: whoever comes makes a new one
        lock.release()


def _locked(file: Path, wait_s: float, refusal: str, folder: Path) -> BaseFileLock:
    """The lock, held; the refusal if another process holds it for so long."""
    from filelock import FileLock, Timeout

    lock = FileLock(str(file), timeout=wait_s)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            who = named_worker(folder)
            raise UsageError(f"{refusal}{who}: wait for it, or choose another --out") from None
    return lock


def _shards_in(folder: Path) -> str:
    """The first shard that is being done, such as "shard 2-of-8"; "" if none is."""
    begin, end = SHARD_LOCK.split("{}")
    for file in sorted(folder.glob(SHARD_LOCK.format("*"))):
        if _is_held(file):
            return f"shard {file.name.removeprefix(begin).removesuffix(end)}"
    return ""


def worker_in(folder: Path) -> WorkingProcess | None:
    """The process that says that it works in a folder; it may have crashed: `is_locked` knows.

    Parameters
    ----------
    folder : of a run or an import.
    """
    try:
        return WorkingProcess(**read_json(folder / WORKING))
    except (OSError, ValueError, TypeError):
        return None


def named_worker(folder: Path) -> str:
    """The process that says that it works in a folder, in brackets for a message; "" if none does.

    Parameters
    ----------
    folder : of a run or an import.
    """
    who = worker_in(folder)
    return "" if who is None else f" (process {who.pid} on {who.host}, since {who.started})"


def is_locked(folder: Path) -> bool:
    """True while a command works in a folder.

    Parameters
    ----------
    folder : of a run or an import; one that does not exist is not locked.
    """
    return (folder / LOCK).exists() and _is_held(folder / LOCK)


def _is_held(file: Path) -> bool:
    """True while another process holds a lock."""
    from filelock import FileLock, Timeout

    lock = FileLock(str(file), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def request_stop(folder: Path) -> None:
    """Ask the command that works in a folder to stop after the cases that it works on.

    Parameters
    ----------
    folder : of a run or an import.
    """
    write_text(folder / STOP, "stop\n")


def stop_if_asked() -> None:
    """End this command if it was asked to; called between two cases.

    Raises
    ------
    StoppedError : it was.
    """
    for folder in _here:
        if (folder / STOP).exists():
            raise StoppedError(folder)


def _say_so(folder: Path, ended: threading.Event) -> threading.Thread:
    """Write who works here, now and every few seconds until the end."""
    started = _now()

    def write() -> None:
        write_json(folder / WORKING, asdict(WorkingProcess(socket.gethostname(), os.getpid(), started, _now())))

    def beat() -> None:
        while not ended.wait(HEARTBEAT_S):
            with suppress(Exception):  # a full disk is reported by the work itself
                write()

    write()
    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    return thread


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

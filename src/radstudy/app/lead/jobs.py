"""Commands that a page has started: processes of their own, which outlive page and server and are found again.

Each has a folder in the study's notes: what was asked (job.json), what it printed (output.txt), how far it is
(progress.json) and how it ended (ended.json). What the page did is exactly this command.
"""

from __future__ import annotations

import datetime
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from radstudy.app.lead.projects import Project
from radstudy.errors import StorageError, UsageError
from radstudy.parallel import detached, end_program, is_running, terminate_program
from radstudy.store import make_folders, read_json, storing, write_json
from radstudy.working import PROGRESS, is_locked, named_worker, request_stop

JOBS = "jobs"
_ASKED, _OUTPUT, _PROGRESS, _ENDED = "job.json", "output.txt", "progress.json", "ended.json"
_STOP, _KILL = "stop.json", "kill.json"
_LONGEST_TAIL = 64 << 10
_PROGRAM = "radstudy.cli.job"
JobState = Literal["running", "stopping", "done", "failed", "stopped", "ended", "lost"]
UNDER_WAY: tuple[JobState, ...] = ("running", "stopping")


@dataclass(frozen=True)
class AskedJob:
    """A command as it was started.

    Parameters
    ----------
    kind : what it does, such as import or run.
    arguments : of `radstudy`.
    works_in : folder that it locks; "" for none.
    host, pid, started : its process.
    """

    kind: str
    arguments: tuple[str, ...]
    works_in: str
    host: str
    pid: int
    started: str


@dataclass(frozen=True)
class Job:
    """A command that a page has started, as its files say.

    Parameters
    ----------
    folder : of its files.
    asked : what was started.
    """

    folder: Path
    asked: AskedJob

    @property
    def id(self) -> str:
        """Name in addresses."""
        return self.folder.name

    @property
    def command(self) -> str:
        """The command line that does the same."""
        return shlex.join(["radstudy", *self.asked.arguments])

    @property
    def exit_code(self) -> int | None:
        """The command's exit code; None before its end, or if it was ended from outside."""
        try:
            return int(read_json(self.folder / _ENDED)["exit_code"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def state(self) -> JobState:
        """The state of the process.

        ``stopped``: it stopped when it was asked to; ``ended``: it was ended at once by a page; ``lost``: it is gone
        without a word, killed or switched off.
        """
        if (code := self.exit_code) is None and self.is_alive:
            return "stopping" if self._is_noted(_STOP) else "running"
        if code is None:
            code = self.exit_code  # it may have ended between the two looks
        if code is None:
            return "ended" if self._is_noted(_KILL) else "lost"
        if code and self._is_noted(_STOP):
            return "stopped"
        return "failed" if code else "done"

    @property
    def is_alive(self) -> bool:
        """True if its process runs on this computer."""
        return self.asked.host == socket.gethostname() and is_running(self.asked.pid)

    @property
    def ended(self) -> str:
        """Time of its end, ISO 8601; "" if that is not known."""
        try:
            return str(read_json(self.folder / _ENDED)["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    @property
    def progress(self) -> dict[str, Any]:
        """The part that is being done (``what``, ``done``, ``total``, ``left_s``); empty if none counts its cases."""
        try:
            noted = read_json(self.folder / _PROGRESS)
        except (OSError, ValueError):
            return {}
        return dict(noted) if isinstance(noted, dict) else {}

    def output(self, most: int = _LONGEST_TAIL) -> str:
        """The end of what the command has printed."""
        try:
            with (self.folder / _OUTPUT).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - most))
                return file.read(most).decode("utf-8", "replace")
        except OSError:
            return ""

    def stop(self) -> None:
        """Ask the command to stop after the cases that it works on."""
        write_json(self.folder / _STOP, {})
        if self.asked.works_in:
            request_stop(Path(self.asked.works_in))

    def kill(self) -> None:
        """End the command and its processes now. What it has finished stays.

        Raises
        ------
        UsageError : it runs on another computer.
        """
        if self.asked.host != socket.gethostname():
            raise UsageError(f"this command runs on {self.asked.host}: end it there, process {self.asked.pid}")
        if self.state in UNDER_WAY:
            write_json(self.folder / _KILL, {})
            end_program(self.asked.pid)

    def end(self) -> None:
        """End a server, which ends by SIGTERM in good order."""
        if self.state in UNDER_WAY and self.is_alive:
            terminate_program(self.asked.pid)

    def memory_mb(self) -> float | None:
        """Memory of the command's processes, in MB; None where the system does not say (Linux does)."""
        return _memory_mb(self.asked.pid)

    def _is_noted(self, name: str) -> bool:
        return (self.folder / name).exists()


def start_job(project: Project, kind: str, arguments: Sequence[str], *, works_in: Path | None = None) -> Job:
    """Start a command of radstudy for a study.

    Parameters
    ----------
    project : the study.
    kind : what it does, such as import or run.
    arguments : of `radstudy`.
    works_in : the folder that the command locks.

    Raises
    ------
    UsageError : another command works in that folder.
    StorageError : the notes on it cannot be written, or it cannot be started.
    """
    if works_in is not None and is_locked(works_in):
        raise UsageError(f"another command works in {works_in}{named_worker(works_in)}: wait for it, or stop it first")
    folder = _fresh_folder(project, kind)
    command = [sys.executable, "-m", _PROGRAM, str(folder / _ENDED), *arguments]
    with storing(folder), (folder / _OUTPUT).open("wb") as output:
        more = {PROGRESS: str(folder / _PROGRESS), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        pid = detached(command, output, more)
    asked = AskedJob(kind, tuple(arguments), str(works_in or ""), socket.gethostname(), pid, _now())
    write_json(folder / _ASKED, asdict(asked))
    return Job(folder, asked)


def jobs_of(project: Project) -> list[Job]:
    """The commands that pages have started for a study, the last one first."""
    folder = project.notes / JOBS
    jobs = [_job(entry) for entry in sorted(folder.glob("*"), reverse=True)] if folder.is_dir() else []
    return [job for job in jobs if job is not None]


def job_of(project: Project, job_id: str) -> Job:
    """One of them.

    Raises
    ------
    UsageError : there is none of this name.
    """
    for job in jobs_of(project):
        if job.id == job_id:
            return job
    raise UsageError("there is no such command here any more")


def last_job(project: Project, *kinds: str) -> Job | None:
    """The last command of some kinds; None if there was none."""
    return next((job for job in jobs_of(project) if job.asked.kind in kinds), None)


def _job(folder: Path) -> Job | None:
    try:
        noted = read_json(folder / _ASKED)
        return Job(folder, AskedJob(**{**noted, "arguments": tuple(noted["arguments"])}))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fresh_folder(project: Project, kind: str) -> Path:
    parent = project.notes / JOBS
    make_folders(parent, private=True)  # what a command prints is its owner's, such as the link to a reading room
    for number in range(len(list(parent.iterdir())) + 1, 1_000_000):
        folder = parent / f"{number:05d}-{kind}"
        with storing(folder):
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    raise StorageError(parent, "it holds too many commands")


def _memory_mb(pid: int) -> float | None:
    """Resident memory of a session's processes: those whose session is the one that the process leads."""
    total, seen = 0, False
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == pid:
                total += int((entry / "statm").read_text().split()[1])
                seen = True
        except (OSError, ValueError, IndexError):
            continue
    return total * _page_size() / 1e6 if seen else None


def _page_size() -> int:
    return os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

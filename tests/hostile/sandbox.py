"""Run what a user would run on one file, in a process of its own, and say how it ended.

A `Sandbox` is a server process that has imported everything once; it forks for each file, so that a file costs
milliseconds, and a crash, a hang or a full memory ends the fork alone. Of many files a fork does several, as far as it
comes; what is not at once an "ok" or a clean error is run again in a fork of its own, which is what counts.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

TESTS = Path(__file__).resolve().parents[1]
SLOW_S, KILLED_S = 2.0, 10.0
MEMORY_MB, ADDRESSES_GB = 1000.0, 6
CLEAN_CODES = (2, 3, 4, 5)  # of CONTRACT: usage, study file, data, refused
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS",
               "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "ARROW_NUM_THREADS")  # fmt: skip
_SHOWN = 4000


@dataclass(frozen=True)
class Outcome:
    """How a file ended.

    Parameters
    ----------
    ending : ok, error (clean: the program says what is wrong), or a fault: traceback, unnamed (an error that does not
        name the file), code (an exit code that is none of `CLEAN_CODES`), crash, hang, slow, memory.
    detail : what was printed; of a traceback its last lines.
    seconds : by the clock or of the processor, what is less: other programs on the machine do not count.
    memory_mb : the most that was resident, beyond what the server had before.
    """

    ending: str
    detail: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0

    @property
    def is_fault(self) -> bool:
        """Whether a user should never see this."""
        return self.ending not in ("ok", "error")

    @property
    def signature(self) -> str:
        """The ending and, of a traceback, its error's class and last place in the program: what is one fault."""
        if self.ending != "traceback":
            return self.ending
        lines = [line.strip() for line in self.detail.splitlines()]
        ours = [line for line in lines if line.startswith("File ") and "/radstudy/" in line]
        place = ours[-1].split("/radstudy/")[-1].replace('"', "") if ours else ""
        kind = next((line.split(":")[0] for line in reversed(lines) if line and not line.startswith("File ")), "")
        return f"traceback {kind} in {place}"


class EndedError(Exception):
    """A command ended with an exit code other than 0."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said


def command(*arguments: object) -> str:
    """Run `radstudy ARGUMENTS` in this process; what it printed, or EndedError with its exit code and what it said."""
    from radstudy import cli

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        kept = [os.dup(1), os.dup(2)]
        code = 0
        try:
            for number, file in ((1, out), (2, err)):
                os.dup2(file.fileno(), number)
            sys.argv = ["radstudy", *map(str, arguments)]
            try:
                cli.main()
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else int(error.code is not None)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            for number, descriptor in zip((1, 2), kept, strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)
        said, printed = (_text(file) for file in (err, out))
    if code:
        raise EndedError(code, said)
    if "Traceback (most recent call last)" in said:
        raise EndedError(1, said)
    return printed


def _text(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return file.read().decode("utf-8", "replace")  # type: ignore[attr-defined]


# --- the server's side -----------------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests, one JSON a line: {"kind", "files"} becomes a list of `Outcome`."""
    import typer.main

    from hostile.kinds import KINDS, load_kinds

    load_kinds()
    typer.main.get_command = functools.cache(typer.main.get_command)  # a third of a small input's time
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    base = Path(tempfile.mkdtemp(prefix="hostile-"))
    temporary = base / "temporary"
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)  # a fork ends without taking back what it has there
    temporary.mkdir()
    rooms: dict[str, Path] = {}
    try:
        answers.write("ready\n")
        answers.flush()
        for line in sys.stdin:
            asked = json.loads(line)
            kind = KINDS[asked["kind"]]
            if kind.name not in rooms:
                rooms[kind.name] = base / kind.name
                rooms[kind.name].mkdir()
                _prepare(kind, rooms[kind.name], base)
            outcomes = _several(kind, [Path(file) for file in asked["files"]], rooms[kind.name], base)
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(exist_ok=True)
            answers.write(json.dumps([asdict(outcome) for outcome in outcomes]) + "\n")
            answers.flush()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _prepare(kind: object, room: Path, base: Path) -> None:
    """Fill the room, and run a good file once: kernels are compiled and kept on the disk for the forks that follow."""
    _in_fork(lambda: kind.prepare(room), "", limit_s=300.0)  # type: ignore[attr-defined]
    for name, content in sorted(kind.examples().items())[:1]:  # type: ignore[attr-defined]
        good = base / name
        good.write_bytes(content)
        _one(kind, good, room, base, limit_s=300.0)
        good.unlink()


def _several(kind: object, files: Sequence[Path], room: Path, base: Path) -> list[Outcome]:
    """The outcomes of files: several in one fork, and in one of its own each that is not well at once."""
    found: list[Outcome] = []
    while len(found) < len(files):
        if len(files) - len(found) > 1:
            found += _as_far_as_it_comes(kind, files[len(found) :], room, base)
        if len(found) < len(files):
            found.append(_one(kind, files[len(found)], room, base))
    return found


def _as_far_as_it_comes(kind: object, files: Sequence[Path], room: Path, base: Path) -> list[Outcome]:
    """The outcomes of the first files, up to one that has to be looked at alone."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _child_of_several(kind, files, room, base, writing, reading)
    os.close(writing)
    found: list[Outcome] = []
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        said = b""
        while select.select([pipe], [], [], SLOW_S)[0] and (part := pipe.read(65536)):
            said += part
            *lines, said = said.split(b"\n")
            found += [Outcome(*json.loads(line)) for line in lines]
    _kill(child)
    os.wait4(child, 0)
    return found


def _child_of_several(
    kind: object, files: Sequence[Path], room: Path, base: Path, writing: int, reading: int
) -> NoReturn:
    """Run one file after another until one is not well; it never returns."""
    try:
        _alone(reading)
        for file in files:
            case = _laid(kind, file, base / "several")
            before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
            ending, detail = _judged(lambda case=case: kind.run(case, room), case.name)  # type: ignore[attr-defined]
            seconds = time.monotonic() - began
            memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            if ending not in ("ok", "error") or seconds > SLOW_S / 2 or memory > MEMORY_MB / 3:
                break
            _write_all(writing, json.dumps([ending, detail[:_SHOWN], seconds, memory]) + "\n")
    except BaseException:
        os._exit(99)
    os._exit(0)


def _one(kind: object, file: Path, room: Path, base: Path, limit_s: float = KILLED_S) -> Outcome:
    """The outcome of one file, under its own name in a folder of its own."""
    case = _laid(kind, file, base / "case")
    return _in_fork(lambda: kind.run(case, room), case.name, limit_s)  # type: ignore[attr-defined]


def _laid(kind: object, file: Path, folder: Path) -> Path:
    """A copy of the file under its own name, alone in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    case = folder / kind.natural_name(file.name)  # type: ignore[attr-defined]
    shutil.copyfile(file, case)
    case.chmod(0o644)
    return case


def _in_fork(work: object, name: str, limit_s: float = KILLED_S) -> Outcome:
    """Run it in a fork and wait for it."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if not child:
        _child(work, name, writing, reading)
    os.close(writing)
    said, hung = _listen(reading, began + limit_s)
    if hung:
        _kill(child)
    _, status, usage = os.wait4(child, 0)
    _kill(child)  # what it has started itself
    seconds = min(time.monotonic() - began, usage.ru_utime + usage.ru_stime)
    before, _, answer = said.partition(b"\n")
    memory = (usage.ru_maxrss - int(before or 0)) / 1024
    if hung:
        return Outcome("hang", f"killed after {limit_s:g} s", limit_s, memory)
    if os.WIFSIGNALED(status) or not answer:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return Outcome("crash", f"signal or code {number}", seconds, memory)
    ending, detail = json.loads(answer)
    if memory > MEMORY_MB and ending in ("ok", "error", "unnamed"):
        return Outcome("memory", f"{memory:.0f} MB; {ending}: {detail}", seconds, memory)
    if seconds > SLOW_S and ending in ("ok", "error", "unnamed") and name:
        return Outcome("slow", f"{seconds:.1f} s; {ending}: {detail}", seconds, memory)
    return Outcome(ending, detail, seconds, memory)


def _child(work: object, name: str, writing: int, reading: int) -> None:
    """What the fork does; it never returns."""
    try:
        _alone(reading, bounded=bool(name))
        os.write(writing, f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n".encode())
        ending, detail = _judged(work, name)
        _write_all(writing, json.dumps([ending, detail[-_SHOWN:] if ending == "traceback" else detail[:_SHOWN]]))
    except BaseException:
        os._exit(99)
    os._exit(0)


def _alone(reading: int, *, bounded: bool = True) -> None:
    """Make a fork a group of its own, without input, core files or, if bounded, all the memory."""
    os.setsid()
    os.close(reading)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if bounded:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_GB << 30, ADDRESSES_GB << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _judged(work: object, name: str) -> tuple[str, str]:
    from radstudy.errors import RadstudyError

    try:
        return "ok", str(work() or "")  # type: ignore[operator]
    except EndedError as ended:
        code, said = ended.code, ended.said
    except RadstudyError as error:
        code, said = error.exit_code, str(error)
    except BaseException:
        return "traceback", traceback.format_exc()
    if "Traceback (most recent call last)" in said:
        return "traceback", said
    if code not in CLEAN_CODES:
        return "code", f"exit code {code}: {said}"
    named = not name or name in said or "Patient " in said  # of a table's row the patient is named
    return ("error" if named else "unnamed"), said


def _write_all(descriptor: int, text: str) -> None:
    content = text.encode()
    while content:
        content = content[os.write(descriptor, content) :]


def _listen(descriptor: int, until: float) -> tuple[bytes, bool]:
    """All that the fork writes before it ends, and whether it was still there at the end of its time."""
    said = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return said, True
            part = pipe.read(65536)
            if not part:
                return said, False
            said += part


def _kill(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


# --- the client's side -----------------------------------------------------------------------------------------


class Sandbox:
    """A server process; use it as a context."""

    def __init__(self) -> None:
        paths = [str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]
        settings = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg"}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  it is closed with the server
        self._server = subprocess.Popen(
            [sys.executable, "-c", "from hostile.sandbox import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=TESTS, text=True,
            env={**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), **settings},
        )  # fmt: skip
        if self._server.stdout.readline() != "ready\n":
            raise RuntimeError(f"the sandbox did not start:\n{_text(self._log)}")

    def run(self, kind: str, file: Path) -> Outcome:
        """What a user would run on this file, and how it ended."""
        return self.run_all(kind, [file])[0]

    def run_all(self, kind: str, files: Sequence[Path]) -> list[Outcome]:
        """As `run`, of each of the files; a fork does several, as long as they end well."""
        self._server.stdin.write(json.dumps({"kind": kind, "files": [str(file) for file in files]}) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the sandbox ended at one of {files[0]} ...:\n{_text(self._log)}")
        return [Outcome(**outcome) for outcome in json.loads(answer)]

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()
        try:
            self._server.wait(15)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server.stdout.close()
        self._log.close()

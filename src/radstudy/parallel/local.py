"""The pool of processes on this computer; if one is lost, the error names the task that it worked on.

A worker does one task at a time: if native code crashes, or the system ends a process that runs out of memory, only one
task is in doubt, and the others go on. Tasks in doubt are tried again when all others are finished: one at a time,
alone, each in a new process. A task that loses its process again yields an error.

loky starts the processes (a new Python, not a fork: kernels and BLAS have threads) and pickles. Its executor is not
used: if one worker is lost, it ends them all, and does not report which was lost, or how.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from radstudy.bugs import bug_of, with_bug
from radstudy.errors import CaseError, ProcessError, RadstudyError, TransientError
from radstudy.parallel.here import HERE
from radstudy.parallel.marks import tell

Task = TypeVar("Task")
Result = TypeVar("Result")

IDLE_S = 300.0  # a worker that has been idle for this long ends
_PATIENCE_S = 10.0  # for a process to end
_TO_UNDO_S = 3.0  # for a process to remove a half-written file
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
_BEGAN, _READING, _RESULT, _ERROR = range(4)  # kinds of a worker's messages
_CRASHES = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGILL,
    signal.SIGFPE,
}  # caused by a file, or by a fault in a library
_WINDOWS_CRASHES = {0xC0000005: "access violation", 0xC0000374: "heap corruption", 0xC00000FD: "stack overflow"}


class _LostError(Exception):
    """A worker has ended."""


class _EndedError(BaseException):
    """This worker must end: its unfinished work, such as a half-written file, is undone on the way."""


class _Program:
    """State of this process."""

    apart = False  # see `keep_cases_apart`
    left: ClassVar[list[_Worker]] = []  # workers that the last call left for the next


def keep_cases_apart() -> None:
    """Read files in a separate process even for one job; called by the command line, not by the library.

    No file can then end a command. A caller of the library who requests one job has the work done in the calling
    process, as a debugger needs it.
    """
    _Program.apart = True


def cores() -> int:
    """Number of processors that this process may use, by the computer, its affinity and the limits of its container."""
    from loky import cpu_count

    return int(cpu_count())


class Local:
    """Processes of this computer, each with one task at a time; see `radstudy.parallel.Pool`."""

    def results(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        jobs: int | None,
        *,
        threads: int | None,
        shielded: bool,
        say: Callable[[str], None],
    ) -> Iterator[tuple[int, Result | CaseError]]:
        """Yield each task's index and result in order of completion; see `radstudy.parallel.results`."""
        wanted = cores() if jobs is None else jobs
        in_this = not (shielded and (wanted > 1 or _Program.apart)) and (wanted == 1 or len(tasks) == 1)
        if in_this or not tasks:
            yield from HERE.results(function, tasks, jobs, threads=threads, shielded=shielded, say=say)
            return
        content = _pickled(function)
        with _Team(min(wanted, len(tasks)), _environment(wanted, threads)) as team:
            doubtful: list[int] = []
            yield from _together(team, content, tasks, doubtful)
            if doubtful:
                team.close()  # frees their memory for the tasks that may have lacked it
                cases = "1 case is" if len(doubtful) == 1 else f"{len(doubtful)} cases are"
                say(f"{cases} tried again, each alone, because the process that worked on it was ended")
            for index in sorted(doubtful):
                yield index, _alone(team, content, tasks[index])


LOCAL = Local()


def _environment(jobs: int, threads: int | None) -> dict[str, str]:
    """Environment variables of the workers: the number of threads that libraries start in each."""
    each = max(cores() // jobs, 1)
    numbers = {name: os.environ.get(name, str(each)) if threads is None else str(threads) for name in _THREADS}
    # a worker starts no processes (joblib), and TBB's threads take account of those in the other workers
    return {"JOBLIB_MULTIPROCESSING": "0", "ENABLE_IPC": "1", **numbers}


def _together(team: _Team, content: bytes, tasks: Sequence[Any], doubtful: list[int]) -> Iterator[tuple[int, Any]]:
    """Yield results in order of completion; add tasks that lost their process to `doubtful`."""
    due = list(range(len(tasks)))[::-1]
    unfinished = len(tasks)

    def give() -> None:
        while due and (worker := team.idle()) is not None:
            index = due.pop()
            worker.send(index, content, tasks[index])

    while unfinished:
        team.fill(unfinished)
        give()
        came: list[tuple[int, Any]] = []
        for worker in team.heard():
            try:
                answer = worker.receive()
            except _LostError:
                if (index := team.lose(worker)) is not None:
                    doubtful.append(index)
                    unfinished -= 1
                continue
            came += [] if answer is None else [answer]
        unfinished -= len(came)
        give()  # before the results are used, so that no process waits for that
        yield from came


def _alone(team: _Team, content: bytes, task: Any) -> Any:
    """Do a task in doubt in a new process, the only one; return its result, or an error if that is lost, too."""
    worker = team.add()
    try:
        while not worker.began:
            worker.receive()
        worker.send(0, content, task)
        while (answer := worker.receive()) is None:
            pass
    except _LostError:
        team.lose(worker)
        if not worker.began:
            raise _not_started(f"it {worker.ended}") from None
        return worker.lost()
    team.close()
    return answer[1]


class _Team:
    """The workers of one call of `results`.

    Parameters
    ----------
    size : the most processes; it shrinks if the system cannot start them, or ends them for lack of memory.
    environment : their environment variables.
    """

    def __init__(self, size: int, environment: dict[str, str]) -> None:
        self.size = size
        self.environment = environment
        self.members: list[_Worker] = []

    def __enter__(self) -> _Team:
        """Take over the workers that the last call left."""
        while _Program.left:
            worker = _Program.left.pop()
            if worker.environment == self.environment and len(self.members) < self.size and worker.process.is_alive():
                self.members.append(worker)
            else:
                worker.close()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the idle workers to the next call; end the others, whose results are no longer needed."""
        working = [worker for worker in self.members if worker.index is not None]
        for worker in working:
            worker.process.terminate()  # all of them, before waiting for the first
        until = time.monotonic() + _TO_UNDO_S
        for worker in working:
            worker.process.join(max(until - time.monotonic(), 0.0))
            worker.close()
        _Program.left += [worker for worker in self.members if worker.index is None]

    def fill(self, wanted: int) -> None:
        """Start workers up to the number wanted, as far as possible; one is enough to go on."""
        while len(self.members) < min(self.size, wanted):
            try:
                self.add()
            except ProcessError:
                if not self.members:
                    raise
                self.size = len(self.members)

    def add(self) -> _Worker:
        """Start a worker."""
        try:
            worker = _Worker(self.environment)
        except (OSError, ImportError, NotImplementedError) as error:  # a system that cannot start another process
            raise _not_started(str(error)) from error
        self.members.append(worker)
        return worker

    def idle(self) -> _Worker | None:
        """A worker that is waiting for a task; None if all are busy."""
        return next((worker for worker in self.members if worker.began and worker.index is None), None)

    def heard(self) -> list[_Worker]:
        """Wait for the first worker that has sent a message or ended; return all such workers."""
        from multiprocessing.connection import wait

        ready = set(wait([worker.answers for worker in self.members]))
        return [worker for worker in self.members if worker.answers in ready]

    def lose(self, worker: _Worker) -> int | None:
        """Remove a worker that has ended; return the index of the task that it worked on.

        Raises
        ------
        ProcessError : it ended before it was ready for a task, and it was the only worker.
        """
        self.members.remove(worker)
        worker.close()
        if not worker.began or worker.killed:
            self.size = max(self.size - 1, int(worker.began))
        if not self.size:
            raise _not_started(f"it {worker.ended}")
        return worker.index

    def close(self) -> None:
        """End all workers."""
        for worker in self.members:
            worker.close()
        self.members = []


class _Worker:
    """The program's handle of a process that does one task at a time.

    Parameters
    ----------
    environment : environment variables in addition to the program's.

    Attributes
    ----------
    began : True if it is ready for tasks.
    index : of the task that it works on; None if it waits for one.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        from loky.backend import get_context

        context = get_context("loky")
        self.environment = environment
        self.began = False
        self.index: int | None = None
        self._file = self._reader = ""
        self._content: bytes | None = None  # the pickled function that it has
        tasks, self._tasks = context.Pipe(duplex=False)
        self.answers, answers = context.Pipe(duplex=False)
        self.process = context.Process(target=_serve, args=(tasks, answers), env=environment, daemon=True)
        try:
            with _interrupts_held():
                self.process.start()
        except BaseException:
            self._tasks.close()
            self.answers.close()
            raise
        finally:
            tasks.close()
            answers.close()

    def send(self, index: int, content: bytes, task: Any) -> None:
        """Send it a task, and the function if it does not have that yet."""
        message = _pickled(task)
        self.index = index
        with suppress(OSError):  # it has ended: `receive` reports that
            self._tasks.send_bytes(b"" if self._content is content else content)
            self._tasks.send_bytes(message)
        self._content = content

    def receive(self) -> tuple[int, Any] | None:
        """Return the index and result of its task; None for any other message.

        Raises
        ------
        _LostError : it has ended.
        Any error of the task.
        """
        try:
            content = self.answers.recv_bytes()
        except (EOFError, OSError) as error:
            raise _LostError from error
        kind, value = pickle.loads(content)
        if kind == _BEGAN:
            self.began = True
        elif kind == _READING:
            self._file, self._reader = value
        else:
            index, self.index = self.index, None
            if kind == _ERROR:
                raise value
            assert index is not None
            return index, value
        return None

    def close(self) -> None:
        """End it, unless it has ended: a worker without a task ends by itself."""
        self._tasks.close()
        self.process.join(_PATIENCE_S)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join(_PATIENCE_S)
        self.answers.close()

    @property
    def killed(self) -> bool:
        """True if the system ended it, or a person did with the same signal."""
        return bool(self.process.exitcode == -getattr(signal, "SIGKILL", 0))

    @property
    def ended(self) -> str:
        """A phrase that describes how it ended."""
        code = self.process.exitcode
        if self.killed:
            return "was ended by the system (signal 9), probably for lack of memory"
        if code is not None and code < 0:
            name = signal.strsignal(-code)
            return f"was ended by signal {-code}" + (f" ({name.lower()})" if name else "")
        if code in _WINDOWS_CRASHES:
            return f"was ended by a crash ({_WINDOWS_CRASHES[code]})"
        return f"ended with exit code {code}" if code else "ended for an unknown reason"

    def lost(self) -> CaseError:
        """The error for the task that it worked on when it ended."""
        code = self.process.exitcode
        problem = f"the process that worked on it {self.ended}"
        if code and (code > 0 or -code in _CRASHES):
            remedy = ("export the file again; if it is sound, report this as a bug" if self._file else
                      "look at its image and its masks; if they are sound, report this as a bug")  # fmt: skip
            return CaseError(problem, remedy, reader=self._reader, file=self._file)
        remedy = "give the same command again; if memory is short, close other programs first or crop the image"
        return TransientError(problem, remedy, reader=self._reader, file=self._file)


def _not_started(why: str) -> ProcessError:
    remedy = (
        "free memory, have the limits of your account raised (ulimit -u, ulimit -n), or give fewer --jobs, and give "
        "the same command again"
    )
    return ProcessError(f"no process can be started: {why}", remedy)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C while a process starts, so that it does not reach the process: the program ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows: the worker itself ignores Ctrl-C
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pickled(value: object) -> bytes:
    from loky.backend.reduction import dumps

    return bytes(dumps(value))


def _serve(tasks: Any, answers: Any) -> None:
    """Run a worker: do the tasks that it is sent, until the program has ended or has no more tasks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    tell(partial(_answer, answers, _READING))
    waiting: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, waiting), daemon=True).start()
    _answer(answers, _BEGAN, None)
    try:
        _work_off(waiting, answers)
    except _EndedError:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # lets the program see how it ended


def _end(*_: object) -> None:
    raise _EndedError


def _work_off(waiting: queue.SimpleQueue[tuple[bytes, bytes]], answers: Any) -> None:
    """Do one task after another until none has come for `IDLE_S`."""
    function: Callable[[Any], Any] = _nothing
    while True:
        content = task = b""  # their memory is free while this process waits
        try:
            content, task = waiting.get(timeout=IDLE_S)
        except queue.Empty:
            return
        try:
            if content:
                function = _nothing  # the earlier function must not do the work if this fails
                function = pickle.loads(content)
            answer = _pickled((_RESULT, function(pickle.loads(task))))
        except Exception as error:
            answer = _pickled_error(error)
        answers.send_bytes(answer)


def _nothing(_: object) -> None:
    """The function of a worker that has not been sent one."""


def _listen(tasks: Any, waiting: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Pass tasks on; if the program has ended, end this process at once, even during a task."""
    with suppress(EOFError, OSError):
        while True:
            waiting.put((tasks.recv_bytes(), tasks.recv_bytes()))
    os._exit(0)


def _answer(answers: Any, kind: int, value: object) -> None:
    """Send a message to the program."""
    answers.send_bytes(pickle.dumps((kind, value)))


def _pickled_error(error: Exception) -> bytes:
    """Pickle an error with its traceback, so that the program can raise it again."""
    if not isinstance(error, RadstudyError):
        bug = bug_of(error)
        error = with_bug(error, bug)
        error.add_note("In a separate process:\n" + bug.whole)
    try:
        content = _pickled((_ERROR, error))
        pickle.loads(content)
    except Exception:  # an error that does not survive pickling
        whole = "".join(traceback.format_exception(error))
        return _pickled((_ERROR, with_bug(RuntimeError(whole), bug_of(error))))
    return content

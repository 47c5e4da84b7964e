"""A process that works on one task at a time, as the program knows it.

loky starts the processes (a new Python, not a fork: kernels and BLAS have threads) and pickles. Its executor is not
used: if one worker is lost, it ends them all, and does not report which was lost, or how.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from radstudy.errors import CaseError, TransientError
from radstudy.parallel.messages import BEGAN, ERROR, READING, pickled
from radstudy.parallel.serving import serve

_PATIENCE_S = 10.0  # for a process to end
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE}  # of a file, or of a fault in a library
_WINDOWS_CRASHES = {0xC0000005: "access violation", 0xC0000374: "heap corruption", 0xC00000FD: "stack overflow"}


class LostError(Exception):
    """A worker has ended."""


class Worker:
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
        self.process = context.Process(target=serve, args=(tasks, answers), env=environment, daemon=True)
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
        message = pickled(task)
        self.index = index
        with suppress(OSError):  # it has ended: `receive` tells
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
            raise LostError from error
        kind, value = pickle.loads(content)
        if kind == BEGAN:
            self.began = True
        elif kind == READING:
            self._file, self._reader = value
        else:
            index, self.index = self.index, None
            if kind == ERROR:
                raise value
            assert index is not None
            return index, value
        return None

    def close(self) -> None:
        """End it, unless it has ended: a worker without a task ends by itself."""
        self._tasks.close()
        self.process.join(_PATIENCE_S)
        if self.process.exitcode is None:
            self._kill()
            self.process.join(_PATIENCE_S)
        self.answers.close()

    def _kill(self) -> None:
        """End it, whatever it does; loky's processes have no `kill` where there are signals."""
        if not hasattr(signal, "SIGKILL"):
            self.process.kill()
        elif (pid := self.process.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

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


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C while a process starts, so that it does not reach the process: the program ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows: the worker itself sees to it
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""The worker processes of one call, and those that the last call has left for the next."""

from __future__ import annotations

import atexit
import threading
import time

from radstudy.errors import ProcessError
from radstudy.parallel.worker import Worker

_TO_UNDO_S = 3.0  # for a process to take back what it has half written
LEFT: list[Worker] = []  # workers that the last call has left for the next


class _Ending:
    """The end of this program while a thread still wants workers: none is started then, and none is replaced."""

    begun = False
    awaited = False
    starting = threading.Lock()  # held while a process starts: one that lost its program on the way would print that

    @classmethod
    def await_it(cls) -> None:
        """Have `begin` called before the workers are ended, which multiprocessing does at the program's end."""
        if not cls.awaited:
            import multiprocessing.util  # noqa: F401 - registers that, and what is registered later is done earlier

            cls.awaited = True
            atexit.register(cls.begin)

    @classmethod
    def begin(cls) -> None:
        cls.begun = True
        if cls.starting.acquire(timeout=_TO_UNDO_S):
            cls.starting.release()


class Team:
    """The workers of one call of `results`.

    Parameters
    ----------
    size : the most processes; it shrinks if the system cannot start them, or ends them for lack of memory.
    environment : their environment variables.
    """

    def __init__(self, size: int, environment: dict[str, str]) -> None:
        self.size = size
        self.environment = environment
        self.members: list[Worker] = []

    def __enter__(self) -> Team:
        """Take over the workers that the last call left."""
        while LEFT:
            worker = LEFT.pop()
            if worker.environment == self.environment and len(self.members) < self.size and worker.process.is_alive():
                self.members.append(worker)
            else:
                worker.close()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the idle workers to the next call; end the others, whose results are no longer needed."""
        working = [worker for worker in self.members if worker.index is not None]
        for worker in working:
            worker.process.terminate()  # all, before the first is waited for
        until = time.monotonic() + _TO_UNDO_S
        for worker in working:
            worker.process.join(max(until - time.monotonic(), 0.0))
            worker.close()
        LEFT.extend(worker for worker in self.members if worker.index is None)

    def fill(self, wanted: int) -> None:
        """Start workers up to the number wanted, as far as possible; one is enough to go on."""
        while len(self.members) < min(self.size, wanted):
            try:
                self.add()
            except ProcessError:
                if not self.members:
                    raise
                self.size = len(self.members)

    def add(self) -> Worker:
        """Start a worker.

        Raises
        ------
        ProcessError : the system starts none.
        SystemExit : the program is ending.
        """
        _Ending.await_it()
        try:
            with _Ending.starting:
                if _Ending.begun:
                    raise SystemExit  # of a daemon thread, which nobody waits for: it ends in silence
                worker = Worker(self.environment)
        except (OSError, ImportError, NotImplementedError) as error:  # what a system without processes to spare gives
            raise not_started(str(error)) from error
        self.members.append(worker)
        return worker

    def idle(self) -> Worker | None:
        """A worker that is waiting for a task; None if all are busy."""
        return next((worker for worker in self.members if worker.began and worker.index is None), None)

    def heard(self) -> list[Worker]:
        """Wait for the first worker that has sent a message or ended; return all such workers."""
        from multiprocessing.connection import wait

        ready = set(wait([worker.answers for worker in self.members]))
        return [worker for worker in self.members if worker.answers in ready]

    def lose(self, worker: Worker) -> int | None:
        """Remove a worker that has ended; return the index of the task that it worked on.

        Raises
        ------
        ProcessError : it ended before it was ready for a task, and it was the only worker.
        SystemExit : the program is ending.
        """
        if _Ending.begun:
            raise SystemExit  # of a daemon thread, which nobody waits for: it ends in silence
        self.members.remove(worker)
        worker.close()
        if not worker.began or worker.killed:
            self.size = max(self.size - 1, int(worker.began))
        if not self.size:
            raise not_started(f"it {worker.ended}")
        return worker.index

    def close(self) -> None:
        """End all workers."""
        for worker in self.members:
            worker.close()
        self.members = []


def not_started(why: str) -> ProcessError:
    """The error if the system starts no process."""
    remedy = (
        "free memory, have the limits of your account raised (ulimit -u, ulimit -n), or give fewer --jobs, and give "
        "the same command again"
    )
    return ProcessError(f"no process can be started: {why}", remedy)

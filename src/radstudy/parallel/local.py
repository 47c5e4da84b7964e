"""The pool of processes on this computer; if one is lost, the error names the task that it worked on.

A worker does one task at a time: if native code crashes, or the system ends a process that runs out of memory, only one
task is in doubt, and the others go on. Tasks in doubt are tried again when all others are finished: one at a time,
alone, each in a new process. A task that loses its process again yields an error.

Read on with `ordered.py` (results in order, of endless tasks), `team.py` (the workers of one call), `worker.py` (a
process as the program knows it), `serving.py` (the process's own side) and `messages.py` (what they send one another).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from radstudy.errors import CaseError
from radstudy.parallel.here import HERE
from radstudy.parallel.messages import pickled
from radstudy.parallel.ordered import Ordered, alone
from radstudy.parallel.team import Team
from radstudy.parallel.worker import LostError

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


class _Program:
    """State of this process."""

    apart = False  # see `keep_cases_apart`


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
        content = pickled(function)
        with Team(min(wanted, len(tasks)), _environment(wanted, threads)) as team:
            doubtful: list[int] = []
            yield from _together(team, content, tasks, doubtful)
            if doubtful:
                team.close()  # what they hold of the memory is free for the tasks that may have wanted it
                cases = "1 case is" if len(doubtful) == 1 else f"{len(doubtful)} cases are"
                say(f"{cases} tried again, each alone, because the process that worked on it was ended")
            for index in sorted(doubtful):
                yield index, alone(team, content, tasks[index])

    def in_order(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        jobs: int | None,
        *,
        threads: int | None,
        shielded: bool,
        say: Callable[[str], None],
    ) -> Iterator[Result | CaseError]:
        """Yield each task's result in the order of the tasks; see `radstudy.parallel.in_order`."""
        wanted = cores() if jobs is None else jobs
        if wanted == 1 and not (shielded and _Program.apart):
            yield from HERE.in_order(function, tasks, jobs, threads=threads, shielded=shielded, say=say)
            return
        with Team(wanted, _environment(wanted, threads)) as team:
            yield from Ordered(team, pickled(function), tasks, say).results()


LOCAL = Local()


def _environment(jobs: int, threads: int | None) -> dict[str, str]:
    """Environment variables of the workers: the number of threads that libraries start in each."""
    each = max(cores() // jobs, 1)
    numbers = {name: os.environ.get(name, str(each)) if threads is None else str(threads) for name in _THREADS}
    # no processes of a worker's own (joblib), and TBB's threads know of those in the other workers
    return {"JOBLIB_MULTIPROCESSING": "0", "ENABLE_IPC": "1", **numbers}


def _together(team: Team, content: bytes, tasks: Sequence[Any], doubtful: list[int]) -> Iterator[tuple[int, Any]]:
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
            except LostError:
                if (index := team.lose(worker)) is not None:
                    doubtful.append(index)
                    unfinished -= 1
                continue
            came += [] if answer is None else [answer]
        unfinished -= len(came)
        give()  # before the results are used: no process waits for that
        yield from came

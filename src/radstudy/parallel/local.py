"""The pool of processes on this computer; one that is lost names the task that it worked on.

A worker works on one task at a time: where native code crashes, or the system ends a process for want of memory, one
task alone is in doubt, and the others go on. Tasks in doubt are tried again when all others are finished: one at a
time, alone, each in a new process. One that loses its process then, too, becomes an error in its place.

Read on with `team.py` (the workers of one call), `worker.py` (a process as the program knows it), `serving.py` (the
process's own side) and `messages.py` (what they send one another).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from radstudy.errors import CaseError
from radstudy.parallel.here import HERE
from radstudy.parallel.messages import pickled
from radstudy.parallel.team import Team, not_started
from radstudy.parallel.worker import LostError

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


class _Program:
    """What holds for this process."""

    apart = False  # see `keep_cases_apart`


def keep_cases_apart() -> None:
    """Let one job, too, read files in a process of its own; called by the command line, not by the library.

    So no file can end a command. A library's caller who asks for one job gets the work in its own process, as a
    debugger needs it.
    """
    _Program.apart = True


def cores() -> int:
    """Processors that this process may use: of the computer, by its affinity and by the limits of its container."""
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
        """The result of every task with its index, as they come; see `radstudy.parallel.results`."""
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
                say(f"{cases} tried again, each alone, since the process that worked on it was ended")
            for index in sorted(doubtful):
                yield index, _alone(team, content, tasks[index])


LOCAL = Local()


def _environment(jobs: int, threads: int | None) -> dict[str, str]:
    """Variables of the workers' environment: how many threads the libraries start in each."""
    each = max(cores() // jobs, 1)
    numbers = {name: os.environ.get(name, str(each)) if threads is None else str(threads) for name in _THREADS}
    # no processes of a worker's own (joblib), and TBB's threads know of those in the other workers
    return {"JOBLIB_MULTIPROCESSING": "0", "ENABLE_IPC": "1", **numbers}


def _together(team: Team, content: bytes, tasks: Sequence[Any], doubtful: list[int]) -> Iterator[tuple[int, Any]]:
    """Results as they come; tasks that lost their process are added to `doubtful`."""
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


def _alone(team: Team, content: bytes, task: Any) -> Any:
    """The result of a task in doubt from a new process, the only one; an error if that is lost, too."""
    worker = team.add()
    try:
        while not worker.began:
            worker.receive()
        worker.send(0, content, task)
        while (answer := worker.receive()) is None:
            pass
    except LostError:
        team.lose(worker)
        if not worker.began:
            raise not_started(f"it {worker.ended}") from None
        return worker.lost()
    team.close()
    return answer[1]

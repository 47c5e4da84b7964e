"""All processes of the program start here; if one is lost, the error names the task that it worked on.

    results(function, tasks, jobs)    each task's result, or an error if its process was ended
    in_order(function, tasks, jobs)   the results in the tasks' order; few of the tasks are in memory at a time
    finished(function, tasks, jobs)   the same for work without the user's files: a lost process ends it
    reading(file)                     native code reads a file now: if the process ends, the error names it
    said_by(command, patience_s)      another program, such as a browser that prints the report
    detached(command, output, more)   a program that outlives this one, such as a run that a page has started

A `Pool` decides where the tasks run, and `use` selects it: `local` (processes of this computer, one task each; the
default) or `here` (this process, as a debugger needs it). A new pool goes into a file next to these and keeps the
rules of `Pool`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from radstudy.errors import CaseError, ProcessError
from radstudy.parallel.here import HERE
from radstudy.parallel.local import LOCAL, cores, keep_cases_apart
from radstudy.parallel.marks import reading
from radstudy.parallel.program import detached, end_program, is_running, said_by, terminate_program

__all__ = [
    "HERE", "LOCAL", "Pool", "cores", "detached", "end_program", "finished", "in_order", "is_running",
    "keep_cases_apart", "reading", "results", "said_by", "terminate_program", "use",
]  # fmt: skip

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool(Protocol):
    """The place where tasks run. Every pool keeps these rules, and its callers rely on them
    (tests/unit/parallel/test_pools.py):

    a. Function, task and result may be anything that cloudpickle supports: bound methods, partials, closures.
    b. Tasks read and write files by absolute paths, and the caller reads what they wrote: the same disk under the same
       names. A task's files exist when its result does.
    c. Processes divide the threads of their computer by the environment variables that numerical libraries read
       (OMP_NUM_THREADS and so on, also for `radstudy.imaging.slabs`), unless the user has set them.
    d. `radstudy.parallel.reading` may be called anywhere in a task. If a process is lost, the error names the file
       that it was reading and the reader of that mask.
    e. Nothing in the caller's context reaches a task, and nothing in a task's context reaches the caller, except by
       argument and result: every process has its own context variables, module variables and log handlers. (A pool
       without processes may share them; no task may rely on that.)
    f. A lost process yields a `CaseError` instead of the result (a `TransientError` if the case is not to blame). An
       error raised by the function ends the work: it is raised again with its type, its attributes and, in a note or
       as it is, its traceback. A result that is a `CaseError` is a result like any other.
    """

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
        """Yield each task's index and result once, in order of completion; see `radstudy.parallel.results`."""
        ...

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
        """Yield each task's result once, in the order of the tasks; see `radstudy.parallel.in_order`."""
        ...


class _Used:
    """The pool that this process uses."""

    pool: Pool = LOCAL


def use(pool: Pool) -> Pool:
    """Run all tasks of this process in a pool, from the next call of `results` on.

    Parameters
    ----------
    pool : such as `LOCAL` or `HERE`.

    Returns
    -------
    The pool that was used before.
    """
    before, _Used.pool = _Used.pool, pool
    return before


def results(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int | None = None,
    *,
    threads: int | None = None,
    shielded: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[int, Result | CaseError]]:
    """Yield each task's index and result in order of completion; a task that lost its process yields an error.

    Parameters
    ----------
    function : called with each task. It, the tasks and the results must be picklable if there are processes.
    tasks : independent of one another.
    jobs : processes; None uses all cores. With 1, or a single task, this process does the work.
    threads : of each process; None divides the cores, unless the environment sets them (OMP_NUM_THREADS and so on).
    shielded : the function reads files that may crash native code: even a single task has its own process, and so have
        the tasks of one job if `keep_cases_apart` was called.
    say : called with a line about tasks that are tried again.

    Yields
    ------
    Index and result. Instead of a result: a `CaseError` if the task crashed its process twice, a `TransientError` if
    the system or a person ended it. Its file is the one that was being read, if any; nothing else about the case is
    known here.

    Raises
    ------
    ProcessError : no process can be started.
    Any error of the function itself, from the first task that meets one.
    """
    return _Used.pool.results(function, tasks, jobs, threads=threads, shielded=shielded, say=say)


def in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    jobs: int | None = None,
    *,
    threads: int | None = None,
    shielded: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Result | CaseError]:
    """Yield each task's result in the order of the tasks; a task that lost its process twice yields an error.

    Tasks are drawn when a process is free for them, and no more than a few beyond the result that is due: memory stays
    the same for any number of tasks, even of an endless generator. A task in doubt is tried again at once, alone.

    Parameters
    ----------
    function, jobs, threads, shielded, say : as for `results`, but a single task does not stay in this process.
    tasks : independent of one another; they are drawn in this process.

    Raises
    ------
    ProcessError : no process can be started.
    Any error of the function itself, or of drawing a task.
    """
    return _Used.pool.in_order(function, tasks, jobs, threads=threads, shielded=shielded, say=say)


def finished(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int | None = None,
    *,
    threads: int | None = None,
    named: Callable[[Task], str] = str,
) -> Iterator[tuple[int, Result]]:
    """Like `results`, for work that reads none of the user's files: every task has a result, or the work ends.

    Parameters
    ----------
    function, tasks, jobs, threads : as for `results`.
    named : the name of a task, for the error.

    Raises
    ------
    ProcessError : no process can be started, or the one that worked on a task was ended twice.
    """
    for index, result in results(function, tasks, jobs, threads=threads):
        if isinstance(result, CaseError):
            raise ProcessError(f"{named(tasks[index])}: {result.problem}", "give the same command again with --jobs 1")
        yield index, result

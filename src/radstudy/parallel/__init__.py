"""All processes of the program start here; one that is lost names the task that it worked on.

    results(function, tasks, jobs)    each task's result, or the error of one whose process was ended
    finished(function, tasks, jobs)   the same for work without files of the user's: a lost process ends it
    reading(file)                     native code reads a file now: if the process ends, the error names it

Where the tasks run is a `Pool`'s concern, and `use` says which: `local` (processes of this computer, one task each;
what is used unless something else is asked for) or `here` (this process, as a debugger needs it). A pool that is
written anew goes into a file beside these and keeps what `Pool` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from radstudy.errors import CaseError, ProcessError
from radstudy.parallel.here import HERE
from radstudy.parallel.local import LOCAL, cores, keep_cases_apart
from radstudy.parallel.marks import reading

__all__ = [
    "HERE", "LOCAL", "Pool", "cores", "finished", "keep_cases_apart", "reading", "results", "use",
]  # fmt: skip

Task = TypeVar("Task")
Result = TypeVar("Result")


class Pool(Protocol):
    """Where tasks run. What every pool keeps, and what its callers rely on (tests/unit/parallel/test_pools.py):

    a. Function, task and result may be anything that cloudpickle takes: bound methods, partials, closures.
    b. Tasks read and write files by absolute paths, and the caller reads what they wrote: the same disk under the same
       names. A task's files are there when its result is.
    c. Processes share out the threads of their computer by the variables of the environment that numerical libraries
       read (OMP_NUM_THREADS and so on, also for `radstudy.imaging.slabs`), unless the user has set them.
    d. `radstudy.parallel.reading` may be called anywhere in a task. Where a process is lost, the error names the file
       that it was reading and whose mask that was.
    e. Nothing of the caller's context reaches a task, and nothing of a task's reaches the caller, but by argument and
       result: context variables, module variables and log handlers are each process's own. (A pool without processes
       may share them; no task may rely on that.)
    f. A lost process is a `CaseError` in the result's place (a `TransientError` where the case is not to blame). An
       error that the function raises ends the work: it is raised again with its type, its attributes and, in a note or
       as it is, its traceback. A result that is a `CaseError` is a result like others.
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
        """The result of every task with its index, each once, as they come; see `radstudy.parallel.results`."""
        ...


class _Used:
    """The pool that this process uses."""

    pool: Pool = LOCAL


def use(pool: Pool) -> Pool:
    """Let this process run all tasks in a pool, from the next call of `results` on.

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
    """The result of every task with its index, as they come; a task that lost its process stands as an error.

    Parameters
    ----------
    function : called with each task. It, tasks and results are picklable where there are processes.
    tasks : independent of one another.
    jobs : processes; None takes all cores. With 1, or a single task, this process does the work.
    threads : of each process; None shares the cores out, unless the environment says (OMP_NUM_THREADS and so on).
    shielded : the function reads files that may crash native code: a single task has a process of its own, too, and
        with one job where `keep_cases_apart` was called.
    say : told of tasks that are tried again.

    Yields
    ------
    Index and result. In place of a result: a `CaseError` where the task crashed its process twice, a `TransientError`
    where the system or a person ended it. Its file is the one that was being read, if any; nothing else of the case is
    known here.

    Raises
    ------
    ProcessError : no process can be started.
    Any error of the function itself, of the first task that meets one.
    """
    return _Used.pool.results(function, tasks, jobs, threads=threads, shielded=shielded, say=say)


def finished(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int | None = None,
    *,
    threads: int | None = None,
    named: Callable[[Task], str] = str,
) -> Iterator[tuple[int, Result]]:
    """As `results`, for work that reads no files of the user's: every task has a result, or the work ends.

    Parameters
    ----------
    function, tasks, jobs, threads : as for `results`.
    named : what a task is, for the error.

    Raises
    ------
    ProcessError : no process can be started, or the one that worked on a task was ended twice.
    """
    for index, result in results(function, tasks, jobs, threads=threads):
        if isinstance(result, CaseError):
            raise ProcessError(f"{named(tasks[index])}: {result.problem}", "give the same command again with --jobs 1")
        yield index, result

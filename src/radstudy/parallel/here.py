"""The pool without processes: this process does one task after another, as a debugger or a profiler needs it.

Here, native code that crashes ends the program, and no other worker competes for memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from radstudy.errors import CaseError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Here:
    """Do all tasks in this process, for any number of jobs; see `radstudy.parallel.Pool`."""

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
        """Yield each task's index and result, in the order of the tasks."""
        for index, task in enumerate(tasks):
            yield index, function(task)

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
        """Yield each task's result."""
        yield from map(function, tasks)


HERE = Here()

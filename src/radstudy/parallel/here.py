"""The pool without processes: this process does one task after another, as a debugger or a profiler needs it.

Native code that crashes ends the program here, and memory that is short is nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from radstudy.errors import CaseError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Here:
    """Does all tasks in this process, whatever number of jobs is asked for; see `radstudy.parallel.Pool`."""

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
        """The result of every task with its index, in the tasks' order."""
        for index, task in enumerate(tasks):
            yield index, function(task)


HERE = Here()

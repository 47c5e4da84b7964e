"""Results in the order of the tasks. Tasks are drawn when they are due: few are in memory, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from radstudy.parallel.team import Team, not_started
from radstudy.parallel.worker import LostError

_AHEAD = 8  # results of each worker that may wait for an earlier task


class Ordered:
    """The work on a stream of tasks by a team.

    Parameters
    ----------
    team : of workers.
    content : the pickled function.
    tasks : drawn one by one: those that are worked on, and one more.
    say : called with a line about a task that is tried again.
    """

    def __init__(self, team: Team, content: bytes, tasks: Iterable[Any], say: Callable[[str], None]) -> None:
        self._team, self._content, self._tasks, self._say = team, content, enumerate(tasks), say
        self._next = next(self._tasks, None)
        self._given: dict[int, Any] = {}  # tasks that are worked on
        self._doubtful: dict[int, Any] = {}  # tasks that lost their process
        self._done: dict[int, Any] = {}  # results that wait for an earlier one

    def results(self) -> Iterator[Any]:
        """Yield each task's result, or an error if it lost its process twice."""
        due, most = 0, _AHEAD * self._team.size
        while self._next is not None or self._given or self._doubtful or self._done:
            starting = self._give(due + most) if not self._doubtful else self._try_again()
            if self._given or starting:
                self._hear()
            if not self._doubtful:
                self._give(due + most)  # before the results are used: no process waits for that
            while due in self._done:
                yield self._done.pop(due)
                due += 1

    def _give(self, until: int) -> bool:
        """Give tasks to idle workers, and start those that are lacking; True if a task waits for a worker."""
        while self._next is not None and self._next[0] < until:
            self._team.fill(len(self._given) + 1)
            if (worker := self._team.idle()) is None:
                return True
            index, task = self._next
            self._given[index] = task
            worker.send(index, self._content, task)
            self._next = next(self._tasks, None)
        return False

    def _hear(self) -> None:
        for worker in self._team.heard():
            try:
                answer = worker.receive()
            except LostError:
                if (index := self._team.lose(worker)) is not None:
                    self._doubtful[index] = self._given.pop(index)
                continue
            if answer is not None:
                index, self._done[index] = answer
                del self._given[index]

    def _try_again(self) -> bool:
        """Do the tasks in doubt, each alone, as soon as no other is worked on; False: nothing waits for a worker."""
        if self._given:
            return False
        self._team.close()
        for index, task in sorted(self._doubtful.items()):
            self._say("1 case is tried again, alone, because the process that worked on it was ended")
            self._done[index] = alone(self._team, self._content, task)
        self._doubtful.clear()
        return False


def alone(team: Team, content: bytes, task: Any) -> Any:
    """Do a task in doubt in a new process, the only one; return its result, or an error if that is lost, too."""
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

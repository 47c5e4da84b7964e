"""The readers of a study: their tasks, their progress, and the lesions that need arbitration."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from radstudy.app.reading.arbitration import lesions_to_arbitrate
from radstudy.app.reading.cases import LesionToRead, ReadingCohort
from radstudy.app.reading.forms import form_of
from radstudy.app.reading.roster import TASKS, Lesion, Task, readers_of
from radstudy.app.reading.storage import Storage
from radstudy.app.web.needs import Json, LinkStore
from radstudy.app.web.room_errors import as_requests
from radstudy.protocol.reading import characteristics_readers
from radstudy.protocol.sections import Protocol as StudyProtocol

TASK_OF: Mapping[str, Task] = {"masks": "masks", "characteristics": "characteristics", "arbitration": "arbitration"}


@dataclass
class StudyPanel:
    """The readers of a study and their cases.

    Parameters
    ----------
    protocol : the study file.
    storage : its database, with the roster taken in.
    cohort : its lesions.
    """

    protocol: StudyProtocol
    storage: Storage
    cohort: ReadingCohort
    _lesions: dict[Lesion, LesionToRead] = field(init=False)

    def __post_init__(self) -> None:
        self._lesions = {lesion.key: lesion for lesion in self.cohort.lesions}

    @property
    def study(self) -> str:
        """The study's title."""
        return self.protocol.study

    @property
    def links(self) -> LinkStore:
        """The personal links."""
        return self.storage

    def tasks_of(self, reader: str) -> tuple[str, ...]:
        """The tasks of a reader."""
        return tuple(task for task in TASKS if reader in self._readers_of(task))

    def readers(self) -> tuple[str, ...]:
        """All readers, the arbiter too."""
        return tuple(dict.fromkeys(name for task in TASKS for name in self._readers_of(task)))

    def _readers_of(self, task: str) -> tuple[str, ...]:
        return readers_of(TASK_OF[task], self.protocol.cohort.readers, self.protocol.reading)

    def progress_of(self, reader: str) -> Sequence[Json]:
        """Progress of a reader with each task."""
        counts = {one.task: one for one in self.storage.progress(left_out=self._left_out()) if one.reader == reader}
        return [
            {"task": task, "closed": one.closed if (one := counts.get(TASK_OF[task])) else 0,
             "total": one.total if one else 0}
            for task in self.tasks_of(reader)
        ]  # fmt: skip

    def still_reads(self, reader: str) -> bool:
        """True if a reader has cases that are not closed."""
        return any(one["closed"] < one["total"] for one in self.progress_of(reader))

    @as_requests
    def worklist(self, reader: str, task: str) -> Json:
        """The cases of a task that are due, which comes next, and how many come later."""
        listed = self.storage.worklist(reader, TASK_OF[task], left_out=self._left_out())
        return {
            "cases": [
                {"id": one.id, "practice": one.practice, "status": one.status, "opens": None} for one in listed.entries
            ],
            "next": listed.next,
            "later": [{"opens": day and day.isoformat(), "count": count} for day, count in listed.later],
        }

    def _left_out(self) -> Collection[Lesion]:
        """Lesions without arbitration: the readers agree, or one of them has not answered yet."""
        return set(self._lesions) - set(self._disputed())

    def _disputed(self) -> Mapping[Lesion, tuple[str, ...]]:
        section = self.protocol.reading.characteristics
        if section.arbiter is None:
            return {}
        stored = self.storage.final_answers("characteristics")
        answers = {lesion: {reader: one.values for reader, one in given.items()} for lesion, given in stored.items()}
        readers = characteristics_readers(self.protocol.reading, self.protocol.cohort)
        return lesions_to_arbitrate(form_of(self.protocol, "characteristics"), answers, readers, section.differs_above)

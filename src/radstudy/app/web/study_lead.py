"""The study lead's side of a reading room: progress, agreement, opening again, arrows, the record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from radstudy.app.reading.case_storage import TaskProgress
from radstudy.app.reading.lead_storage import BegunCase
from radstudy.app.reading.roster import Assignment
from radstudy.app.web.needs import CaseImages, Json, UnknownError
from radstudy.app.web.room_errors import as_requests
from radstudy.app.web.room_images import drawing_grid, images_of
from radstudy.app.web.study_panel import TASK_OF, StudyPanel


class Record(Protocol):
    """Files and numbers of closed cases, for the lead and for `radstudy run`."""

    def closed(self, case: Assignment) -> Json:
        """Write the record of a case that was closed just now; its measures, for the page."""
        ...

    def hidden(self, case: Assignment, images: CaseImages) -> Json:
        """Values that the study computes from a case, shown once the reader's own answers are locked."""
        ...

    def agreement(self) -> Json:
        """Dice, volumes, kappa and ICC of first locked answers."""
        ...

    def disagreements(self) -> Json:
        """The cases on which readers differ."""
        ...

    def export(self) -> Json:
        """Write the record of all closed cases."""
        ...

    def take_in(self, *, reader: str, patient: str, lesion: str, sequence: str, file: Path) -> Json:
        """Take in a mask drawn elsewhere."""
        ...


@dataclass
class StudyLead(StudyPanel):
    """The lead's side of a study's reading room.

    Parameters
    ----------
    record : writes and computes of closed cases; None: the database alone keeps them (`Storage.to_export`).
    """

    record: Record | None = None

    def lead_progress(self) -> Json:
        """Progress of every reader, the lesions, and findings on the images that the lead should know."""
        left_out, cases, arrows = self._left_out(), self.storage.begun_cases(), self.storage.arrows()
        opened = self.storage.outcomes_opened()
        counts = {(one.reader, one.task): one for one in self.storage.progress(left_out=left_out)}
        readers = []
        panel = [(name, TASK_OF[task]) for name in self.readers() for task in self.tasks_of(name)]
        for reader, task in panel:
            own = [case for case in cases if (case.assignment.reader, case.assignment.task) == (reader, task)]
            readers.append({
                **vars(counts.get((reader, task), TaskProgress(reader, task, 0, 0, 0, 0))),
                "later": sum(count for _, count in self.storage.worklist(reader, task, left_out=left_out).later),
                "last": max((case.closed_at for case in own if case.closed_at), default=None),
                "outcomes_opened": opened.get(reader),
            })  # fmt: skip
        return {
            "readers": readers,
            "cases": [_as_the_lead_sees(case) for case in cases],
            "lesions": [{"patient": lesion.patient, "lesion": lesion.lesion, "arrow": arrows.get(lesion.key),
                         "sequences": [image.sequence for image in lesion.images]} for lesion in self.cohort.lesions],
            "problems": [str(problem) for problem in self.cohort.problems],
            "without_images": [list(lesion) for lesion in self.cohort.without_images],
            "unrecorded": len(self.storage.to_export()),
        }  # fmt: skip

    @as_requests
    def lesion_of_study(self, *, patient: str, lesion: str) -> tuple[Json, CaseImages]:
        """A lesion as the lead looks at it to place the arrow: what tells readers where it lies, and its images."""
        known = self._lesions.get((patient, lesion))
        if known is None:
            raise UnknownError(f"the study has no lesion {lesion} of a patient {patient}")
        arrow = self.storage.arrows().get(known.key)
        return {"target": dict(known.target), "arrow": arrow}, images_of(known)

    @as_requests
    def lead_agreement(self) -> Json:
        """Agreement of readers."""
        return self._record().agreement()

    @as_requests
    def lead_disagreements(self) -> Json:
        """The cases on which readers differ."""
        return self._record().disagreements()

    @as_requests
    def reopen(
        self, *, reader: str, task: str, patient: str, lesion: str, reason: str, repeat: bool = False
    ) -> Json:  # fmt: skip
        """Open a closed case again; the record follows when it is closed again."""
        self.storage.reopen(reader=reader, task=task, patient=patient, lesion=lesion, reason=reason, repeat=repeat)
        return {}

    @as_requests
    def begin_anew(
        self, *, reader: str, patient: str, lesion: str, sequence: str, reason: str, repeat: bool = False
    ) -> Json:  # fmt: skip
        """Have a lesion drawn anew on a sequence whose image was replaced."""
        _, images = self.lesion_of_study(patient=patient, lesion=lesion)
        grid = drawing_grid(images.named(sequence).file)
        self.storage.begin_anew(reader=reader, patient=patient, lesion=lesion, sequence=sequence, grid=grid,
                                reason=reason, repeat=repeat)  # fmt: skip
        return {}

    @as_requests
    def note_outcomes_opened(self, *, reader: str, detail: str) -> Json:
        """Note that a reader has learned outcomes."""
        self.storage.note_outcomes_opened(reader, detail)
        return {}

    @as_requests
    def place_arrow(self, *, patient: str, lesion: str, ras: tuple[float, float, float] | None) -> Json:
        """Point at a lesion."""
        if (patient, lesion) not in self._lesions:
            raise UnknownError(f"the study has no lesion {lesion} of a patient {patient}")
        self.storage.place_arrow(patient, lesion, ras)
        return {}

    @as_requests
    def export(self) -> Json:
        """Write the record."""
        return self._record().export()

    @as_requests
    def take_in(self, *, reader: str, patient: str, lesion: str, sequence: str, file: Path) -> Json:
        """Take in a mask drawn elsewhere."""
        return self._record().take_in(reader=reader, patient=patient, lesion=lesion, sequence=sequence, file=file)

    def _record(self) -> Record:
        if self.record is None:
            raise UnknownError("this server writes no record")
        return self.record


def _as_the_lead_sees(case: BegunCase) -> Json:
    one = case.assignment
    return {"reader": one.reader, "task": one.task, "patient": one.patient, "lesion": one.lesion, "repeat": one.repeat,
            "status": case.status, "closed_at": case.closed_at}  # fmt: skip

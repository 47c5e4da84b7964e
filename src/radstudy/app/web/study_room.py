"""The reading room of a study as the server needs it: what `radstudy.app.reading` keeps and decides, as JSON.

Nothing is decided here of who may do what: `Storage` does that. Here a lesion's files are found for a pseudonym, and a
case is put together for its page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.answer_storage import CaseContent
from radstudy.app.reading.arbitration import order_of_others
from radstudy.app.reading.case_storage import StoredCase
from radstudy.app.reading.cases import LesionToRead
from radstudy.app.reading.drawing_storage import Stroke
from radstudy.app.reading.forms import (
    FormItem,
    FormProblem,
    SequenceAnswer,
    accepted,
    form_of,
    problems_of_sequences,
    problems_of_values,
)
from radstudy.app.reading.roster import Assignment
from radstudy.app.reading.stored_cases import ReaderCase
from radstudy.app.reading.strokes import DrawingGrid, difference, mask_of
from radstudy.app.web.mask_operations import MaskOperations
from radstudy.app.web.needs import (
    CaseAddress,
    CaseImages,
    ComputeRequest,
    ConflictError,
    ImageFile,
    IncompleteError,
    Json,
    SentAnswers,
    SentStroke,
    UnknownError,
)
from radstudy.app.web.practice import practice_images, practice_side
from radstudy.app.web.room_errors import as_requests
from radstudy.app.web.room_images import drawing_grid, images_of
from radstudy.app.web.study_lead import StudyLead
from radstudy.app.web.volumes import ServedImages
from radstudy.errors import RadstudyError
from radstudy.protocol.reading import characteristics_readers, family_of

_LOG = logging.getLogger(__name__)
_NOT_RECORDED = (
    "the case is closed and nothing is lost, but its files could not be written: please tell the study lead, whose "
    "page says why when it exports"
)


@dataclass(kw_only=True)
class StudyRoom(StudyLead):
    """The reading room of one study.

    Parameters
    ----------
    viewed : reads the files of its images.
    cache : folder for practice images.
    """

    viewed: ServedImages
    cache: Path
    _grids: dict[object, DrawingGrid] = field(init=False, default_factory=dict)

    # --- a case -----------------------------------------------------------------------------------------------------

    @as_requests
    def open_case(self, case: CaseAddress, *, tab: str, take: bool) -> Json:
        """The case document but for its sequences."""
        self._require_own_images(self.storage.case(_reader_case(case)))
        stored = self.storage.open_case(_reader_case(case), tab, take=take, left_out=self._left_out())
        one = stored.assignment
        document: dict[str, Any] = {
            "id": one.id, "task": one.task, "practice": one.practice, "status": stored.state.status,
            "target": self._target(one), "arrow": stored.arrow,
            "masks": {name: {"revision": mask.revision, "runs": mask.runs.tolist()}
                      for name, mask in stored.masks.items()},
            "answers": {"revision": stored.answers.revision, "values": dict(stored.answers.values)},
            "per_sequence": {name: said.document() for name, said in stored.answers.per_sequence.items()},
            "form": [item.document() for item in self._form(one)],
            "tools": self.protocol.reading.tools.model_dump(),
            "bin_width": self.protocol.extract.bin_width,
            "minimum_voxels": self.protocol.extract.minimum_native_voxels,
            **self._locked(stored),
        }  # fmt: skip
        return document

    def _require_own_images(self, stored: StoredCase) -> None:
        """Refuse a case one of whose masks lies on another image than the one that is there now."""
        if stored.state.status == "closed" or stored.assignment.practice:
            return
        images = self._images(stored.assignment)
        for sequence, mask in stored.masks.items():
            if mask.grid != self._grid(images.named(sequence)):
                raise ConflictError(
                    f"the image of {sequence} is not the one on which this case was drawn: tell the study lead, who "
                    "puts the former image back, or has the lesion drawn anew"
                )

    @as_requests
    def images(self, case: CaseAddress) -> CaseImages:
        """The images of a case of this reader."""
        return self._images(self.storage.assignment(_reader_case(case)))

    def _images(self, one: Assignment) -> CaseImages:
        if one.practice:
            return practice_images(int(one.patient.rpartition(" ")[2]), self.protocol.sequences, self.cache)
        return images_of(self._lesion(one))

    def _lesion(self, one: Assignment) -> LesionToRead:
        lesion = self._lesions.get((one.patient, one.lesion))
        if lesion is None:
            raise UnknownError("there is no such case any more: the study lead finds it in the cohort table")
        return lesion

    def _target(self, one: Assignment) -> Json:
        return {"side": practice_side(int(one.patient.rpartition(" ")[2]))} if one.practice else dict(
            self._lesion(one).target
        )  # fmt: skip

    def _form(self, one: Assignment) -> tuple[FormItem, ...]:
        items = self._disputed().get((one.patient, one.lesion)) if one.task == "arbitration" else None
        return form_of(self.protocol, one.task, items)

    @as_requests
    def skip_case(self, case: CaseAddress, tab: str) -> None:
        """Put the case at the end."""
        self.storage.skip(_reader_case(case), tab)

    @as_requests
    def pause_case(self, case: CaseAddress, tab: str) -> None:
        """Release the tab."""
        self.storage.pause(_reader_case(case), tab)

    # --- drawing ----------------------------------------------------------------------------------------------------

    @as_requests
    def stroke(self, case: CaseAddress, tab: str, stroke: SentStroke) -> int:
        """Store a stroke."""
        grid = self._grid(self._drawn_on(self.images(case), stroke.sequence))
        sent = Stroke(stroke.sequence, stroke.revision, stroke.tool, stroke.runs, stroke.view)
        return self.storage.append_stroke(_reader_case(case), tab, sent, grid, off=self._off())

    def _off(self) -> tuple[str, ...]:
        """Tools that the study switches off, by the names of their codes."""
        tools = self.protocol.reading.tools
        return (*(() if tools.grow else ("growing",)), *(() if tools.carry else ("carried",)))

    def _drawn_on(self, images: CaseImages, sequence: str) -> ImageFile:
        image = images.named(sequence)
        if not image.of_study:
            raise UnknownError("this case has no such sequence")
        return image

    def _grid(self, image: ImageFile) -> DrawingGrid:
        """The grid of an image; its identity changes with the file's content."""
        state = image.file.stat()
        key = (image.file, state.st_size, state.st_mtime_ns)
        if key not in self._grids:
            self._grids[key] = drawing_grid(image.file)
        return self._grids[key]

    @as_requests
    def compute(self, case: CaseAddress, request: ComputeRequest) -> Sequence[Sequence[int]]:
        """The runs that an operation would put."""
        one = self.storage.assignment(_reader_case(case))
        images = self._images(one)
        grid = self._grid(self._drawn_on(images, request.sequence))
        stored = self.storage.case(_reader_case(case)).masks.get(request.sequence)
        if request.revision != (stored.revision if stored else 0):
            known = [] if stored is None else stored.runs.tolist()
            raise ConflictError("the mask was changed", {"revision": stored.revision if stored else 0, "runs": known})
        codes = self.storage.codes(one.id, request.sequence)
        before = np.zeros(grid.size, np.uint8) if codes is None else codes
        runs: list[list[int]] = difference(before, self._operations().result(before, grid, images, request)).tolist()
        return runs

    def _operations(self) -> MaskOperations:
        return MaskOperations(self.viewed, self.protocol.reading.tools.grow)

    # --- answers ----------------------------------------------------------------------------------------------------

    @as_requests
    def save_answers(self, case: CaseAddress, tab: str, answers: SentAnswers) -> int:
        """Store answers."""
        own = _reader_case(case)
        one = self.storage.assignment(own)
        sequences = {image.sequence for image in self._images(one).images if image.of_study}
        if unknown := set(answers.per_sequence) - sequences:
            raise IncompleteError(f"this case has no sequence '{min(unknown)}'")
        said = {name: SequenceAnswer.of(given) for name, given in answers.per_sequence.items()}
        return self.storage.save_answers(own, tab, answers.revision, accepted(self._form(one), answers.values), said)

    @as_requests
    def lock_answers(self, case: CaseAddress, tab: str) -> Json:
        """Lock the first answers; what is shown after that."""
        own = _reader_case(case)
        self.storage.lock_first(own, tab, self._check(self.storage.assignment(own)))
        return self._locked(self.storage.case(own))

    def _locked(self, stored: StoredCase) -> Json:
        """The lock on the first answers of a form, and what is shown only behind it; of masks nothing is locked."""
        one, first = stored.assignment, stored.first
        if one.task == "masks" or first is None:
            return {"locked": False, "frozen": False, "first": None, "hidden": {}, "others": []}
        shown = {"locked": True, "frozen": stored.frozen, "first": {"values": dict(first.values)}}
        if one.task == "arbitration":
            return {**shown, "hidden": {}, "others": self._others(one)}
        hidden = {} if self.record is None else self.record.hidden(one, self._images(one))
        return {**shown, "hidden": hidden, "others": []}

    def _others(self, one: Assignment) -> Sequence[Json]:
        """The readers' answers to what an arbiter decides, in an order drawn for the lesion."""
        lesion = (one.patient, one.lesion)
        given = self.storage.final_answers("characteristics").get(lesion, {})
        readers = [name for name in characteristics_readers(self.protocol.reading, self.protocol.cohort)
                   if name in given]  # fmt: skip
        items = {item.name for item in self._form(one)} - {"comment"}
        values = [{name: value for name, value in given[reader].values.items() if name in items} for reader in readers]
        order = order_of_others(self.protocol.seed, *lesion, len(values))
        return [{"values": values[place]} for place in order]

    def _check(self, one: Assignment) -> Callable[[CaseContent], Sequence[FormProblem]]:
        """Check that nothing is missing before locking or closing."""
        form = self._form(one)
        sequences = [image.sequence for image in self._images(one).images if image.of_study]

        def problems(content: CaseContent) -> Sequence[FormProblem]:
            drawn = content.voxels if one.task == "masks" else None
            said = problems_of_sequences(sequences, content.answers.per_sequence, drawn)
            return (*problems_of_values(form, content.answers.values), *said)

        return problems

    @as_requests
    def close_case(self, case: CaseAddress, tab: str) -> Json:
        """Close a case, and write its record; practice leaves none."""
        own = _reader_case(case)
        one = self.storage.assignment(own)
        self.storage.close_case(own, tab, self._check(one))
        return {"closed": True, **({"measures": {}} if one.practice else self._recorded(one))}

    def _recorded(self, one: Assignment) -> Json:
        """Write the record of a case that is closed, and say to its reader how it went, without names of files."""
        if self.record is None:
            return {"measures": {}}
        try:
            measures = dict(self.record.closed(one))
        except (RadstudyError, OSError) as error:
            _LOG.error("radstudy: %s is closed, and not recorded: %s", one.id, error)
            return {"measures": {}, "note": _NOT_RECORDED}
        if kept := measures.pop("kept", ()):
            _LOG.warning("radstudy: changed by somebody else, and kept under another name: %s", ", ".join(kept))
        problems = measures.pop("problems", ())
        for problem in problems:
            _LOG.error("radstudy: %s is closed, and not recorded: %s", one.id, problem)
        return {"measures": measures, **({"note": _NOT_RECORDED} if problems else {})}

    @as_requests
    def lesion(self, case: CaseAddress) -> tuple[str, NDArray[np.bool_]]:
        """This reader's own mask of the lesion, on a phase of a series."""
        one = self.storage.assignment(_reader_case(case))
        drawn = one if one.task == "masks" else self._own_masks(one)
        for image in self._images(one).images:
            if drawn is None or not image.of_study or family_of(image.sequence) == image.sequence:
                continue
            stage = None if drawn.id == one.id else "final"
            codes = self.storage.codes(drawn.id, image.sequence, stage=stage)  # type: ignore[arg-type]
            if codes is not None and codes.any():
                return image.sequence, mask_of(codes, self._grid(image))
        raise UnknownError("you have drawn no lesion on a phase of this case")

    def _own_masks(self, one: Assignment) -> Assignment | None:
        """The same reader's case of the same lesion in the task masks."""
        for other in self.storage.assignments():
            if (other.task, other.repeat, other.practice) == ("masks", False, False) and (
                (other.reader, other.patient, other.lesion) == (one.reader, one.patient, one.lesion)
            ):
                return other
        return None

    def shut(self) -> None:
        """Close the storage."""
        self.storage.close()


def _reader_case(case: CaseAddress) -> ReaderCase:
    return ReaderCase(case.reader, case.task, case.id)


# --- operations on codes ----------------------------------------------------------------------------------------------

"""The reading room of a study as the server needs it: what `radstudy.app.reading` keeps and decides, as JSON.

Nothing is decided here of who may do what: `Storage` does that. Here a lesion's files are found for a pseudonym, a
case is put together for its page, and what the storage refuses becomes what a page understands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.answer_storage import CaseContent
from radstudy.app.reading.arbitration import lesions_to_arbitrate, order_of_others
from radstudy.app.reading.case_storage import StoredCase, TaskProgress
from radstudy.app.reading.cases import LesionToRead, ReadingCohort
from radstudy.app.reading.drawing_storage import Stroke
from radstudy.app.reading.editing import grown, largest_piece, smoothed, without_holes, without_islands
from radstudy.app.reading.forms import (
    FormItem,
    FormProblem,
    SequenceAnswer,
    accepted,
    form_of,
    problems_of_sequences,
    problems_of_values,
)
from radstudy.app.reading.interpolation import interpolated
from radstudy.app.reading.lead_storage import BegunCase
from radstudy.app.reading.refusals import (
    BehindError,
    HeldElsewhereError,
    ReadingError,
    UnfinishedError,
    UnknownCaseError,
)
from radstudy.app.reading.roster import TASKS, Assignment, Lesion, Task, readers_of
from radstudy.app.reading.storage import Storage
from radstudy.app.reading.stored_cases import ReaderCase
from radstudy.app.reading.strokes import CODES, Codes, DrawingGrid, difference, mask_of
from radstudy.app.web.needs import (
    CaseAddress,
    CaseImages,
    ComputeRequest,
    ConflictError,
    ImageFile,
    IncompleteError,
    Json,
    LinkStore,
    RequestError,
    SentAnswers,
    SentStroke,
    UnknownError,
)
from radstudy.app.web.practice import practice_images, practice_side
from radstudy.app.web.volumes import ServedImages
from radstudy.errors import RadstudyError, RefusedError, UsageError
from radstudy.formats.raster import read_grid
from radstudy.formats.reading import digests_of, hash_of
from radstudy.protocol.reading import characteristics_readers, family_of
from radstudy.protocol.sections import Protocol as StudyProtocol
from radstudy.store import content_hash

Given = ParamSpec("Given")
Result = TypeVar("Result")
_LOG = logging.getLogger(__name__)
_NOT_RECORDED = (
    "the case is closed and nothing is lost, but its files could not be written: please tell the study lead, whose "
    "page says why when it exports"
)
_TASK_OF: Mapping[str, Task] = {"masks": "masks", "characteristics": "characteristics", "arbitration": "arbitration"}


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


@contextmanager
def _said() -> Iterator[None]:
    """Turn refusals of the room into errors that pages understand."""
    try:
        yield
    except RequestError:
        raise
    except UnknownCaseError as error:
        raise UnknownError(str(error)) from error
    except HeldElsewhereError as error:
        raise ConflictError(str(error), {"held": True}) from error
    except BehindError as error:
        more = {"revision": error.revision}
        runs = {} if error.runs is None else {"runs": error.runs.tolist()}
        values = {} if error.values is None else {"values": error.values}
        raise ConflictError(error.text, {**more, **runs, **values}) from error
    except UnfinishedError as error:
        missing = [{"what": one.what, "text": one.text, "item": one.item, "sequence": one.sequence}
                   for one in error.problems]  # fmt: skip
        raise IncompleteError(str(error), {"missing": missing}) from error
    except ReadingError as error:
        raise ConflictError(str(error)) from error
    except (RefusedError, UsageError) as error:
        raise IncompleteError(str(error)) from error


def _as_requests(
    method: Callable[Concatenate[StudyRoom, Given], Result],
) -> Callable[Concatenate[StudyRoom, Given], Result]:
    @wraps(method)
    def with_errors(room: StudyRoom, *given: Given.args, **named: Given.kwargs) -> Result:
        with _said():
            return method(room, *given, **named)

    return cast("Callable[Concatenate[StudyRoom, Given], Result]", with_errors)


@dataclass
class StudyRoom:
    """The reading room of one study.

    Parameters
    ----------
    protocol : the study file.
    storage : its database, with the roster taken in.
    cohort : its lesions.
    images : reads their files.
    cache : folder for practice images.
    record : writes and computes of closed cases; None: the database alone keeps them (`Storage.to_export`).
    """

    protocol: StudyProtocol
    storage: Storage
    cohort: ReadingCohort
    viewed: ServedImages
    cache: Path
    record: Record | None = None
    _lesions: dict[Lesion, LesionToRead] = field(init=False)
    _grids: dict[object, DrawingGrid] = field(init=False, default_factory=dict)

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

    # --- who reads what ---------------------------------------------------------------------------------------------

    def tasks_of(self, reader: str) -> tuple[str, ...]:
        """The tasks of a reader."""
        return tuple(task for task in TASKS if reader in self._readers_of(task))

    def readers(self) -> tuple[str, ...]:
        """All readers, the arbiter too."""
        return tuple(dict.fromkeys(name for task in TASKS for name in self._readers_of(task)))

    def _readers_of(self, task: str) -> tuple[str, ...]:
        return readers_of(_TASK_OF[task], self.protocol.cohort.readers, self.protocol.reading)

    def progress_of(self, reader: str) -> Sequence[Json]:
        """Progress of a reader with each task."""
        counts = {one.task: one for one in self.storage.progress(left_out=self._left_out()) if one.reader == reader}
        return [
            {"task": task, "closed": one.closed if (one := counts.get(_TASK_OF[task])) else 0,
             "total": one.total if one else 0}
            for task in self.tasks_of(reader)
        ]  # fmt: skip

    def still_reads(self, reader: str) -> bool:
        """True if a reader has cases that are not closed."""
        return any(one["closed"] < one["total"] for one in self.progress_of(reader))

    @_as_requests
    def worklist(self, reader: str, task: str) -> Json:
        """The cases of a task that are due, which comes next, and how many come later."""
        listed = self.storage.worklist(reader, _TASK_OF[task], left_out=self._left_out())
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

    # --- a case -----------------------------------------------------------------------------------------------------

    @_as_requests
    def open_case(self, case: CaseAddress, *, tab: str, take: bool) -> Json:
        """The case document but for its sequences."""
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

    @_as_requests
    def images(self, case: CaseAddress) -> CaseImages:
        """The images of a case of this reader."""
        return self._images(self.storage.assignment(_reader_case(case)))

    def _images(self, one: Assignment) -> CaseImages:
        if one.practice:
            return practice_images(int(one.patient.rpartition(" ")[2]), self.protocol.sequences, self.cache)
        return _images_of(self._lesion(one))

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

    @_as_requests
    def skip_case(self, case: CaseAddress, tab: str) -> None:
        """Put the case at the end."""
        self.storage.skip(_reader_case(case), tab)

    @_as_requests
    def pause_case(self, case: CaseAddress, tab: str) -> None:
        """Release the tab."""
        self.storage.pause(_reader_case(case), tab)

    # --- drawing ----------------------------------------------------------------------------------------------------

    @_as_requests
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

    @_as_requests
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
        runs: list[list[int]] = difference(before, self._computed(before, grid, images, request)).tolist()
        return runs

    def _computed(self, before: Codes, grid: DrawingGrid, images: CaseImages, request: ComputeRequest) -> Codes:
        mask, options = mask_of(before, grid), request.options
        spacing = read_grid(images.named(request.sequence).file).spacing_mm.tolist()
        if request.what == "interpolate":
            return _added(before, interpolated(mask, _axis(options), spacing), "interpolation")
        if request.what == "smooth":
            axis = _axis(options)
            width = _number(options, "width_mm", max(length for at, length in enumerate(spacing) if at != axis))
            smooth = smoothed(mask, spacing, width, axis=axis)
            return _without(_added(before, smooth, "smoothing"), smooth)
        if request.what == "islands":
            fewest = options.get("fewest")
            return _without(before, largest_piece(mask) if fewest is None else without_islands(
                mask, int(_number(options, "fewest", 1))))  # fmt: skip
        if request.what == "holes":
            return _added(before, without_holes(mask, _axis(options)), "islands_holes")
        return _added(before, self._grown(images, request), "growing")

    def _grown(self, images: CaseImages, request: ComputeRequest) -> NDArray[np.bool_]:
        if not self.protocol.reading.tools.grow:
            raise IncompleteError("region growing is switched off in this study")
        options = request.options
        phase = str(options.get("phase") or request.sequence)
        stored = self.viewed.image(images, phase, str(options.get("image") or self.viewed.first))
        low, high = _places(options, "box") if "box" in options else ((0, 0, 0), stored.grid.shape)
        seed = _place(options.get("seed"), "seed")
        limits = (_number(options, "low", -np.inf), _number(options, "high", np.inf))
        return grown(stored.voxels, seed, *limits, list(zip(low, high, strict=True)))

    # --- answers ----------------------------------------------------------------------------------------------------

    @_as_requests
    def save_answers(self, case: CaseAddress, tab: str, answers: SentAnswers) -> int:
        """Store answers."""
        own = _reader_case(case)
        one = self.storage.assignment(own)
        sequences = {image.sequence for image in self._images(one).images if image.of_study}
        if unknown := set(answers.per_sequence) - sequences:
            raise IncompleteError(f"this case has no sequence '{min(unknown)}'")
        said = {name: SequenceAnswer.of(given) for name, given in answers.per_sequence.items()}
        return self.storage.save_answers(own, tab, answers.revision, accepted(self._form(one), answers.values), said)

    @_as_requests
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

    @_as_requests
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
        return {"measures": measures}

    @_as_requests
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

    # --- the lead ---------------------------------------------------------------------------------------------------

    def lead_progress(self) -> Json:
        """Progress of every reader, the lesions, and findings on the images that the lead should know."""
        left_out, cases, arrows = self._left_out(), self.storage.begun_cases(), self.storage.arrows()
        counts = {(one.reader, one.task): one for one in self.storage.progress(left_out=left_out)}
        readers = []
        panel = [(name, _TASK_OF[task]) for name in self.readers() for task in self.tasks_of(name)]
        for reader, task in panel:
            own = [case for case in cases if (case.assignment.reader, case.assignment.task) == (reader, task)]
            readers.append({
                **vars(counts.get((reader, task), TaskProgress(reader, task, 0, 0, 0, 0))),
                "later": sum(count for _, count in self.storage.worklist(reader, task, left_out=left_out).later),
                "last": max((case.closed_at for case in own if case.closed_at), default=None),
            })  # fmt: skip
        return {
            "readers": readers,
            "cases": [_as_the_lead_sees(case) for case in cases],
            "lesions": [{"patient": lesion.patient, "lesion": lesion.lesion, "arrow": arrows.get(lesion.key),
                         "sequences": [image.sequence for image in lesion.images]} for lesion in self.cohort.lesions],
            "problems": [str(problem) for problem in self.cohort.problems],
            "without_images": [list(lesion) for lesion in self.cohort.without_images],
        }  # fmt: skip

    @_as_requests
    def lesion_of_study(self, *, patient: str, lesion: str) -> tuple[Json, CaseImages]:
        """A lesion as the lead looks at it to place the arrow: what tells readers where it lies, and its images."""
        known = self._lesions.get((patient, lesion))
        if known is None:
            raise UnknownError(f"the study has no lesion {lesion} of a patient {patient}")
        arrow = self.storage.arrows().get(known.key)
        return {"target": dict(known.target), "arrow": arrow}, _images_of(known)

    @_as_requests
    def lead_agreement(self) -> Json:
        """Agreement of readers."""
        return self._record().agreement()

    @_as_requests
    def lead_disagreements(self) -> Json:
        """The cases on which readers differ."""
        return self._record().disagreements()

    @_as_requests
    def reopen(
        self, *, reader: str, task: str, patient: str, lesion: str, reason: str, repeat: bool = False
    ) -> Json:  # fmt: skip
        """Open a closed case again; the record follows when it is closed again."""
        self.storage.reopen(reader=reader, task=task, patient=patient, lesion=lesion, reason=reason, repeat=repeat)
        return {}

    @_as_requests
    def place_arrow(self, *, patient: str, lesion: str, ras: tuple[float, float, float] | None) -> Json:
        """Point at a lesion."""
        if (patient, lesion) not in self._lesions:
            raise UnknownError(f"the study has no lesion {lesion} of a patient {patient}")
        self.storage.place_arrow(patient, lesion, ras)
        return {}

    @_as_requests
    def export(self) -> Json:
        """Write the record."""
        return self._record().export()

    @_as_requests
    def take_in(self, *, reader: str, patient: str, lesion: str, sequence: str, file: Path) -> Json:
        """Take in a mask drawn elsewhere."""
        return self._record().take_in(reader=reader, patient=patient, lesion=lesion, sequence=sequence, file=file)

    def _record(self) -> Record:
        if self.record is None:
            raise UnknownError("this server writes no record")
        return self.record

    def shut(self) -> None:
        """Close the storage."""
        self.storage.close()


def drawing_grid(image: Path) -> DrawingGrid:
    """The grid of an image file, whose identity changes with the file's content."""
    shape = read_grid(image).shape
    return DrawingGrid(shape, content_hash([shape, hash_of(digests_of(image))]))


def _images_of(lesion: LesionToRead) -> CaseImages:
    """The images of a lesion: the study's sequences, then further phases."""
    files: dict[str, ImageFile] = {}
    for image in lesion.images:
        seconds = next((phase.seconds for phase in image.phases if phase.name == image.sequence), None)
        files[image.sequence] = ImageFile(image.sequence, image.file, image.reference, seconds=seconds)
    for phase in (phase for image in lesion.images for phase in image.phases):
        files.setdefault(phase.name, ImageFile(phase.name, phase.file, of_study=False, seconds=phase.seconds))
    return CaseImages(tuple(files.values()))


def _as_the_lead_sees(case: BegunCase) -> Json:
    one = case.assignment
    return {"reader": one.reader, "task": one.task, "patient": one.patient, "lesion": one.lesion, "repeat": one.repeat,
            "status": case.status, "closed_at": case.closed_at}  # fmt: skip


def _reader_case(case: CaseAddress) -> ReaderCase:
    return ReaderCase(case.reader, case.task, case.id)


# --- operations on codes ----------------------------------------------------------------------------------------------


def _added(before: Codes, mask: NDArray[np.bool_], tool: str) -> Codes:
    """The codes with the mask's voxels that are new put there by a tool."""
    after = before.copy()
    after[(before == 0) & mask.ravel(order="F")] = CODES[tool]
    return after


def _without(before: Codes, mask: NDArray[np.bool_]) -> Codes:
    """The codes without the voxels outside the mask."""
    return np.where(mask.ravel(order="F"), before, np.uint8(0))


def _axis(options: Json) -> int:
    axis = options.get("axis")
    if axis not in (0, 1, 2) or isinstance(axis, bool):
        raise IncompleteError("options.axis: 0, 1 or 2")
    return int(axis)


def _number(options: Json, name: str, default: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or np.isnan(value):
        raise IncompleteError(f"options.{name}: a number")
    return float(value)


def _place(given: object, name: str) -> tuple[int, int, int]:
    if not isinstance(given, list) or len(given) != 3 or not all(type(one) is int for one in given):
        raise IncompleteError(f"options.{name}: three whole numbers")
    return given[0], given[1], given[2]


def _places(options: Json, name: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    given = options[name]
    if not isinstance(given, list) or len(given) != 2:
        raise IncompleteError(f"options.{name}: first and last place")
    return _place(given[0], name), _place(given[1], name)

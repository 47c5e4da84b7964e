"""The record of a study's reading: files for `radstudy run`, computed values, and agreement for the lead.

The database is what the room works with; the record is what stays. Closing a case writes its masks and all tables anew.
"""

from __future__ import annotations

import datetime
import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.app.reading.agreement import PairOfMasks, ReadersAgreement, SequenceAgreement, readers_agreement
from radstudy.app.reading.arbitration import FinalValue, final_values
from radstudy.app.reading.cases import LesionToRead, ReadingCohort, SequenceImage
from radstudy.app.reading.closed_case import ClosedCase, Drawing, DrawnSequence, UnplacedDrawing
from radstudy.app.reading.computed import computed_characteristics
from radstudy.app.reading.export import ReadingState, WrittenRecord, write_record
from radstudy.app.reading.forms import form_of
from radstudy.app.reading.record_masks import UnwrittenMask
from radstudy.app.reading.remembered import Remembered, stamp_of
from radstudy.app.reading.roster import Assignment, Lesion
from radstudy.app.reading.storage import Storage
from radstudy.app.reading.stored_answers import StoredAnswers
from radstudy.app.reading.strokes import DrawingGrid, apply_runs, empty, runs_of
from radstudy.app.reading.summary import ReadingSettings
from radstudy.app.reading.takein import taken_in_mask
from radstudy.cohort.case_files import file_of
from radstudy.errors import CaseError, DataError, TransientError
from radstudy.formats.raster import read_grid
from radstudy.imaging.masks.mask_format import DicomSeries
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol import Protocol
from radstudy.protocol.reading import characteristics_readers

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class _MasksOfCase:
    """The masks of a closed case, and the values computed from them."""

    drawn: tuple[DrawnSequence, ...] = ()
    unplaced: tuple[UnplacedDrawing, ...] = ()
    computed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyRecord:
    """The record of one study.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its relative paths start from.
    storage : the room's database.
    cohort : the lesions to read.
    drawing_grid : image file to the grid that masks are drawn on.
    """

    protocol: Protocol
    data: Path
    storage: Storage
    cohort: ReadingCohort
    drawing_grid: Callable[[Path], DrawingGrid]
    _writing: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _kept_masks: Remembered[_MasksOfCase] = field(default_factory=Remembered, repr=False)
    _kept_pairs: Remembered[PairOfMasks] = field(default_factory=Remembered, repr=False)

    @property
    def folder(self) -> Path:
        """The folder of the record."""
        return self.data / self.protocol.reading.folder

    # --- what is written --------------------------------------------------------------------------------------------

    def closed(self, case: Assignment) -> Json:
        """Write the record of a case that was closed just now, and of those whose writing was cut off.

        Returns
        -------
        Its volumes; ``kept``, tables that somebody had changed; ``problems``, why its mask files could not be written.
        """
        with self._writing:
            state, written = self._written({case.id, *(one.id for one in self.storage.to_export())})
        own = [one for one in state.cases if _is_of(one, case)]
        measures = [
            {"sequence": one.sequence, "voxels": one.voxel_count,
             "volume_mm3": one.voxel_count * float(np.prod(one.grid.spacing_mm))}
            for each in own for one in each.drawn
        ]  # fmt: skip
        problems = [one for one in written.unwritten if any(case in own for case in one.cases)]
        return {"masks": measures, **_told(written, problems)}

    def catch_up(self) -> list[str]:
        """Write what a crash has cut off; why mask files could not be written."""
        with self._writing:
            cut_off = {one.id for one in self.storage.to_export()}
            return _told(self._written(cut_off)[1])["problems"] if cut_off else []

    def export(self) -> Json:
        """Write the record of all closed cases anew; what was written, and why some mask files could not be."""
        with self._writing:
            state, written = self._written({one.id for one in self.storage.ever_closed()})
        return {"cases": len(state.cases), "files": len(written.files), **_told(written)}

    def _written(self, wanted: Collection[str]) -> tuple[ReadingState, WrittenRecord]:
        """Write the tables, and the mask files of some cases."""
        cases = [one for one in self.storage.ever_closed() if one.id in wanted]
        state = self._state()
        own = {one.id: next((each for each in state.cases if _is_of(each, one)), None) for one in cases}
        written = write_record(state, closed=[one for one in own.values() if one is not None])
        for one in cases:
            if own[one.id] not in written.incomplete:
                self.storage.mark_exported(one.id)
        return state, written

    def _state(self) -> ReadingState:
        reading, cohort = self.protocol.reading, self.protocol.cohort
        form = form_of(self.protocol, "characteristics")
        items = {item.name: item.levels or None for item in form if item.name != "comment"}
        readers = tuple(characteristics_readers(reading, cohort))
        return ReadingState(
            self.protocol, self.data, self.folder, readers, self._cases(),
            ReadingSettings(reading.image, reading.wash_out_days, items), self._finals(readers),
            self.storage.audit(),
        )  # fmt: skip

    def _finals(self, readers: Sequence[str]) -> dict[Lesion, dict[str, FinalValue]]:
        """Final values of each lesion that all readers have answered."""
        form, section = form_of(self.protocol, "characteristics"), self.protocol.reading.characteristics
        arbitrated = self.storage.final_answers("arbitration", reopened=True)
        finals: dict[Lesion, dict[str, FinalValue]] = {}
        for lesion, given in self.storage.final_answers("characteristics", reopened=True).items():
            if all(reader in given for reader in readers):
                answers = [given[reader].values for reader in readers]
                decided = next(iter(arbitrated.get(lesion, {}).values()), None)
                values = final_values(form, answers, section.differs_above, None if decided is None else decided.values)
                finals[lesion] = values
        return finals

    # --- closed cases -----------------------------------------------------------------------------------------------

    def _cases(self) -> list[ClosedCase]:
        lesions = {lesion.key: lesion for lesion in self.cohort.lesions}
        stages = {
            (task, repeat): self._answers(task, repeat=repeat)
            for task in ("masks", "characteristics", "arbitration") for repeat in (False, True)
        }  # fmt: skip
        closings, opened = self.storage.closings(), self.storage.outcomes_opened()
        cases = []
        for one in self.storage.ever_closed():
            lesion = lesions.get((one.patient, one.lesion))
            if lesion is None:
                continue
            first, final = stages[one.task, one.repeat].get((one.patient, one.lesion, one.reader), (None, None))
            closing = closings[one.id]
            masks = self._masks(one, lesion, closing.times)
            cases.append(
                ClosedCase(
                    one.reader, one.task, one.patient, one.lesion, closing.opened_at, closing.first_at, closing.times,
                    masks.drawn, answers=_values(first if one.task == "characteristics" else None),
                    decided=_values(final if one.task == "arbitration" else None),
                    per_sequence={} if final is None else final.per_sequence,
                    computed=masks.computed, unplaced=masks.unplaced, repeat=one.repeat,
                    opened_outcomes=one.reader in opened and opened[one.reader] < closing.first_at,
                    columns=dict(lesion.columns),
                )
            )  # fmt: skip
        return cases

    def _answers(
        self, task: Any, *, repeat: bool
    ) -> dict[tuple[str, str, str], tuple[StoredAnswers | None, StoredAnswers | None]]:
        """(patient, lesion, reader) to first and last answers."""
        first = self.storage.repeated_answers(task) if repeat else self.storage.first_answers(task)
        final = {} if repeat else self.storage.final_answers(task, reopened=True)
        return {
            (*lesion, reader): (one, one if repeat else final.get(lesion, {}).get(reader))
            for lesion, given in first.items() for reader, one in given.items()
        }  # fmt: skip

    def _masks(self, one: Assignment, lesion: LesionToRead, times: int) -> _MasksOfCase:
        """Masks of a closed case, and what follows from them, until it is closed again or a file of its images changes.

        Parameters
        ----------
        one, lesion : the case.
        times : how many times it was closed.
        """
        if one.task != "masks":
            return _MasksOfCase()

        files = [file for image in lesion.images for file in (image.file, *(phase.file for phase in image.phases))]
        state = (times, [(file, stamp_of(file)) for file in files])
        masks = self._kept_masks.get(one.id, state, lambda: self._read_masks(one, lesion))
        if masks.unplaced:
            self._kept_masks.forget(one.id)  # the image may be there again next time
        return masks

    def _read_masks(self, one: Assignment, lesion: LesionToRead) -> _MasksOfCase:
        drawn, unplaced = [], []
        for image in lesion.images:
            codes = self.storage.codes(one.id, image.sequence, stage="final")
            if codes is None or not codes.any():
                continue
            uses = tuple(
                (use.settings, use.strokes) for use in self.storage.displays(one.id, image.sequence, stage="final")
            )
            drawing = Drawing(sequence=image.sequence, runs=runs_of(codes), displays=uses)
            try:
                drawn.append(self._placed(one, lesion, image, drawing))
            except CaseError as error:
                problem = error.located(patient=one.patient, lesion=one.lesion, sequence=image.sequence,
                                        reader=one.reader, file=image.file)  # fmt: skip
                unplaced.append(UnplacedDrawing(**vars(drawing), problem=problem))
        return _MasksOfCase(tuple(drawn), tuple(unplaced), {} if unplaced else self._computed(lesion, drawn))

    def _placed(self, one: Assignment, lesion: LesionToRead, image: SequenceImage, drawing: Drawing) -> DrawnSequence:
        """A drawing on its image.

        Raises
        ------
        CaseError : the image cannot be read, or is not the one that it was drawn on.
        """
        grid = read_grid(image.file)
        if self.storage.grid(one.id, image.sequence, stage="final") != self.drawing_grid(image.file):
            raise CaseError(
                "the image is not the one that the lesion was drawn on: its file has changed since",
                "put the former image back and write the record again, or have the lesion drawn anew (the lead's page)",
            )
        series = self._series(lesion, image.sequence)
        return DrawnSequence(**vars(drawing), image=image.file, grid=grid, dicom=series)

    def _series(self, lesion: LesionToRead, sequence: str) -> DicomSeries | None:
        """The DICOM series of an image; None where the study names no folder, or there is none."""
        pattern = self.protocol.reading.dicom
        if pattern is None:
            return None
        names = {"patient": lesion.patient, "lesion": lesion.lesion, "sequence": sequence}
        folder = file_of(pattern, names, self.data)
        return DicomSeries(folder) if folder.is_dir() else None

    # --- computed values --------------------------------------------------------------------------------------------

    def hidden(self, case: Assignment, _: object = None) -> Json:
        """Values computed from the reader's own masks of the lesion, for the names that the study hides until then."""
        lesion = next((one for one in self.cohort.lesions if one.key == (case.patient, case.lesion)), None)
        own = next((one for one in self.storage.ever_closed()
                    if _is_first(one, case.reader, case.patient, case.lesion)), None)  # fmt: skip
        if lesion is None or own is None:
            return {}
        values = self._masks(own, lesion, self.storage.closings()[own.id].times).computed
        shown = {*self.protocol.reading.characteristics.hidden, "volume_cm3"}
        return {name: value for name, value in values.items() if name in shown}

    def _computed(self, lesion: LesionToRead, drawn: Sequence[DrawnSequence]) -> dict[str, Any]:
        """Size and curve of a drawn lesion: on the first sequence with phases, or else on the first one drawn."""
        dynamic = [one for one in drawn if lesion.image(one.sequence).phases]
        if not drawn:
            return {}
        chosen = (dynamic or list(drawn))[0]
        roi = Roi(chosen.mask(), chosen.grid.affine, label="lesion")
        phases = lesion.image(chosen.sequence).phases
        try:
            volumes = [Volume.read_3d(phase.file) for phase in phases]
            result = computed_characteristics(roi, volumes, [phase.seconds for phase in phases],
                                              names=[phase.name for phase in phases])  # fmt: skip
        except TransientError:
            raise
        except CaseError:  # a phase that cannot be read: the size is known all the same
            result = computed_characteristics(roi)
        return {name: self._as_level(name, value) for name, value in result.items().items()}

    def _as_level(self, name: str, value: Any) -> Any:
        """A curve's type as the codebook's level that begins with it, such as "II (plateau)"."""
        variable = self.protocol.cohort.clinical.get(name)
        levels = variable.levels if variable is not None and variable.levels else ()
        return next((level for level in levels if level.partition(" ")[0] == value), value)

    # --- the lead ---------------------------------------------------------------------------------------------------

    def agreement(self) -> Json:
        """Agreement of readers on masks and on the items of the form."""
        agreed = self._agreed()
        return {
            "masks": [_mask_row(one, agreed) for one in agreed.masks],
            "items": [
                {"item": item.item, "label": self._label(item.item), "readers": [pair.reader_a, pair.reader_b],
                 "n": item.lesions, "statistic": item.measure, "value": _finite(item.value), "low": _finite(item.low),
                 "high": _finite(item.high), "agreed": _finite(item.equal)}
                for pair in agreed.items for item in pair.items
            ],
        }  # fmt: skip

    def disagreements(self) -> Json:
        """The masks with the lowest Dice coefficients, and the items on which readers differ."""
        agreed, finals = self._agreed(), self._finals(characteristics_readers(self.protocol.reading,
                                                                              self.protocol.cohort))  # fmt: skip
        items = []
        for one in agreed.disagreements:
            for name, values in one.items.items():
                final = finals.get((one.patient, one.lesion), {}).get(name)
                items.append({
                    "patient": one.patient, "lesion": one.lesion, "item": name, "label": self._label(name),
                    "readers": [one.reader_a, one.reader_b], "values": list(values),
                    **({} if final is None else {"final": final.value, "source": final.source}),
                })  # fmt: skip
        masks = [
            {"patient": one.patient, "lesion": one.lesion, "sequence": one.sequence,
             "readers": [one.reader_a, one.reader_b], "dice": _finite(one.dice),
             "volumes_mm3": [one.volume_a_mm3, one.volume_b_mm3]}
            for one in agreed.lowest()
        ]  # fmt: skip
        return {"masks": masks, "items": items}

    def _agreed(self) -> ReadersAgreement:
        state = self._state()
        readers = tuple(dict.fromkeys((*self.protocol.cohort.readers, *state.readers)))
        return readers_agreement(
            state.cases, readers=readers, sequences=self.protocol.sequences,
            items=state.settings.items, differs_above=self.protocol.reading.characteristics.differs_above,
            kept=self._kept_pairs,
        )  # fmt: skip

    def _label(self, item: str) -> str:
        variable = self.protocol.cohort.clinical.get(item)
        return (variable.label if variable is not None else "") or ""

    def take_in(self, *, reader: str, patient: str, lesion: str, sequence: str, file: Path) -> Json:
        """Take in a mask drawn elsewhere, in the place of a reader's that is not closed yet.

        Raises
        ------
        DataError : there is no such lesion, sequence or case of that reader.
        CaseError : the file is not a mask on the image's grid.
        """
        own = next((one for one in self.cohort.lesions if one.key == (patient, lesion)), None)
        image = None if own is None else next((one for one in own.images if one.sequence == sequence), None)
        case = next((one for one in self.storage.assignments() if _is_first(one, reader, patient, lesion)), None)
        if image is None or case is None:
            raise DataError(f"{reader} has no case of patient {patient}, lesion {lesion}, on {sequence}")
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        mask = taken_in_mask(file, read_grid(image.file), reader=reader, patient=patient, lesion=lesion,
                             sequence=sequence, at=at)  # fmt: skip
        grid = self.drawing_grid(image.file)
        codes = apply_runs(empty(grid.size), mask.runs)
        self.storage.take_in(case.id, sequence, codes, grid, mask.event.detail)
        return {"voxels": mask.voxels, "label": mask.label, "notes": list(mask.notes)}


def _is_first(one: Assignment, reader: str, patient: str, lesion: str) -> bool:
    """True for a reader's first reading of a lesion in the task masks."""
    return (one.task, one.reader, one.patient, one.lesion, one.repeat, one.practice) == (
        "masks", reader, patient, lesion, False, False
    )  # fmt: skip


def _is_of(one: ClosedCase, case: Assignment) -> bool:
    """True if a closed case is that of an assignment."""
    return (one.reader, one.task, one.patient, one.lesion, one.repeat) == (
        case.reader, case.task, case.patient, case.lesion, case.repeat
    )  # fmt: skip


def _told(written: WrittenRecord, unwritten: Iterable[UnwrittenMask] | None = None) -> Json:
    """The answer to the lead about a record that was written."""
    problems = dict.fromkeys(str(one.error) for one in (written.unwritten if unwritten is None else unwritten))
    return {"kept": [str(file) for file in written.kept], "problems": list(problems)}


def _values(answers: StoredAnswers | None) -> Mapping[str, Any]:
    return {} if answers is None else dict(answers.values)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _mask_row(one: SequenceAgreement, agreed: ReadersAgreement) -> Json:
    pairs = [pair for pair in agreed.pairs
             if (pair.sequence, pair.reader_a, pair.reader_b)
             == (one.sequence, one.reader_a, one.reader_b)]  # fmt: skip
    low, high = np.percentile([pair.dice for pair in pairs], (25, 75)).tolist()
    dice = {"median": one.dice_median, "low": low, "high": high, "lowest": one.dice_low}
    return {
        "sequence": one.sequence, "readers": [one.reader_a, one.reader_b], "n": one.lesions,
        "dice": {name: _finite(value) for name, value in dice.items()},
        "volumes_mm3": [_median([pair.volume_a_mm3 for pair in pairs]), _median([pair.volume_b_mm3 for pair in pairs])],
        "icc": {"value": _finite(one.volume_icc)},
    }  # fmt: skip

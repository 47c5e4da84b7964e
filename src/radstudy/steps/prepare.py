"""Step 2, prepare: check every image and mask, fit the bias field and the intensity scale.

No volume is written. A volume's preparation (the control points of its bias field, the limits of its scale) is a small
record that the next step applies again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from radstudy.algorithms import algorithm_key
from radstudy.artefacts.prepare import FAILURES, LESIONS, QUALITY, TRANSFERRED, VOLUMES
from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.volume import (
    CheckedLesion,
    MaskPair,
    MaskPlace,
    PreparedVolume,
    TransferRecord,
    VolumeFacts,
)
from radstudy.errors import CaseError, DataError, TransientError
from radstudy.features.of_study import lesion_rules
from radstudy.features.settings import ExtractionSettings
from radstudy.formats.reading import changed
from radstudy.imaging.box import bounding_box
from radstudy.imaging.field_view import slices_before
from radstudy.imaging.lesion_check import LesionRules, check_lesion, check_readable
from radstudy.imaging.masks.agreement import mask_agreement
from radstudy.imaging.masks.read import needs_image
from radstudy.imaging.planes import lesion_planes
from radstudy.imaging.preparation import SENSITIVE, Preparation, prepare_volume, read_reference
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.kept import keep, kept, read_kept
from radstudy.protocol import Protocol as StudyProtocol
from radstudy.protocol.prepare import PreparationStep, Reference
from radstudy.protocol.sections import TransferSection
from radstudy.space.grid import spacing_text
from radstudy.steps.cohort import read_cases
from radstudy.steps.run import Run, write_failures
from radstudy.steps.transfer import carry, write_transferred
from radstudy.steps.volumes import Digests, LabelRule, ReaderMask, VolumeTask, flat, of_same_bytes, volume_tasks
from radstudy.store import content_hash, file_hash, write_arrays
from radstudy.timing import note_kept, timed

STEP = "prepare"


class After(Protocol):
    """Further work on a volume as soon as it is prepared, while it is in memory."""

    def __call__(
        self, task: VolumeTask, record: PreparedVolume, volume: Volume, rois: Mapping[tuple[str, str, str], Roi]
    ) -> None:
        """Do the work.

        Parameters
        ----------
        task : the volume's files.
        record : this step's record of it, with its key.
        volume : prepared.
        rois : masks on its grid by (patient, lesion, reader), those that passed.
        """


def do_prepare(run: Run, then: After | None = None) -> None:
    """Prepare every volume and check every lesion.

    Parameters
    ----------
    run : the run.
    then : called with every volume that is prepared in this run; it keeps its own results.
    """
    protocol = run.protocol
    if protocol.features is not None:
        run.say("prepare: nothing to do, the study begins at a feature table")
        return
    tasks = volume_tasks(read_cases(run), protocol.reader)
    settings = settings_of(protocol, run.extraction)
    pairs, unreadable = _hashed(run, tasks)
    if unreadable:
        raise DataError("files became unreadable:\n" + "\n".join(map(str, unreadable)))
    with run.step(STEP, settings=settings, inputs={t.name: t.files_hash(digests) for t, digests in pairs}) as due:
        if due:
            _collect(run, tasks, _as_read(run, pairs, run.each(_work(run, settings, then), pairs, "prepare")))


def prepare_part(run: Run, tasks: Sequence[VolumeTask], then: After) -> list[CaseError]:
    """Prepare some volumes and keep their records, for a later run that does the step.

    Parameters
    ----------
    run : the run.
    tasks : the volumes.
    then : called with every volume that is prepared in this run; it keeps its own results.

    Returns
    -------
    The failures.
    """
    pairs, failures = _hashed(run, tasks)
    for (task, _), result in zip(
        pairs, run.each(_work(run, settings_of(run.protocol, run.extraction), then), pairs, "prepare"), strict=True
    ):
        if isinstance(result, CaseError):
            failures.append(result.located(patient=task.patient, sequence=task.sequence, file=task.image))
            run.waiting.add(task.name)
        else:
            failures += [failure.error() for failure in (*result[0].failures, *result[0].passing)]
    return failures


def _hashed(run: Run, tasks: Sequence[VolumeTask]) -> tuple[list[tuple[VolumeTask, Digests]], list[CaseError]]:
    """The volumes with the hashes of their files, and the errors of those that cannot be read."""
    pairs, unreadable = list[tuple[VolumeTask, Digests]](), list[CaseError]()
    for task, item in zip(tasks, run.each(VolumeTask.digests, tasks, "files"), strict=True):
        if isinstance(item, CaseError):
            unreadable.append(item.located(patient=task.patient, sequence=task.sequence))
            continue
        pairs.append((task, item))
        run.digests.update(flat(item))
    return pairs, unreadable


def _work(run: Run, settings: Mapping[str, Any], then: After | None) -> _Work:
    protocol = run.protocol
    return _Work(
        protocol.prepare, lesion_rules(run.extraction, protocol.extract), protocol.cohort.label, run.out / STEP,
        content_hash([algorithm_key(STEP), settings]), protocol.reference, protocol.cohort.transfer, then,
    )  # fmt: skip


def settings_of(protocol: StudyProtocol, extraction: ExtractionSettings) -> dict[str, Any]:
    """The settings that this step depends on."""
    transfer = protocol.cohort.transfer
    return {
        "prepare": protocol.model_dump(mode="json", by_alias=True, include={"prepare"})["prepare"],
        "extract": _deciding_features(protocol, extraction),
        "label": protocol.cohort.label,
        "transfer": transfer and transfer.model_dump(mode="json", include={"rigid", "partial_volume"}),
    }


def _deciding_features(protocol: StudyProtocol, extraction: ExtractionSettings) -> dict[str, Any]:
    """The settings that decide which lesions are usable: the section, and the content of its parameter file if any."""
    section = protocol.extract
    content = {} if section.params is None else {"settings": extraction.as_dict()}
    return {**section.deciding_features(), **content}


def _as_read(
    run: Run, pairs: Sequence[tuple[VolumeTask, Digests]], results: Sequence[tuple[PreparedVolume, Digests] | CaseError]
) -> list[PreparedVolume | CaseError]:  # fmt: skip
    """The records; if a volume's files have changed since they were hashed, this run does not finish the step."""
    records: list[PreparedVolume | CaseError] = []
    for (task, digests), result in zip(pairs, results, strict=True):
        if isinstance(result, CaseError):
            records.append(result)
            continue
        record, read = result
        records.append(record)
        run.transient.extend(_transient(item) for item in record.passing)
        run.digests.update(flat(read))
        if read != digests:
            run.transient.append(changed(task.image))
            run.say(f"{task.name}: a file was changed during this run; the results are those of the file as it is now")
    return records


def _transient(failure: Failure) -> TransientError:
    error = failure.error(TransientError)
    assert isinstance(error, TransientError)
    return error


def _collect(run: Run, tasks: list[VolumeTask], results: Sequence[PreparedVolume | CaseError]) -> None:
    volumes, lesions, transferred = list[VolumeFacts](), list[CheckedLesion](), list[TransferRecord]()
    failures: list[CaseError] = []
    quality: dict[str, Any] = {}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, CaseError):
            if isinstance(result, TransientError):
                run.waiting.add(task.name)  # its record stays valid if its files come back as they were
            else:
                task.record_in(run.path(STEP)).unlink(missing_ok=True)  # of an earlier, better file
            lost = dict.fromkeys((d.patient, d.lesion) for d in task.drawings)
            failures += [
                result.located(patient=patient, lesion=_shown(lesion), sequence=task.sequence, file=task.image)
                for patient, lesion in lost
            ]
            continue
        volumes.append(result.volume)
        quality[task.name] = {
            "sequence": task.sequence,
            "fields": result.preparation["quality"],
            "field_shift": result.volume.field_shift,
        }
        lesions += result.lesions
        transferred += result.transferred
        failures += [failure.error() for failure in (*result.failures, *result.passing)]
    VOLUMES.write(run.out, map(vars, volumes))
    QUALITY.write(run.out, quality)
    LESIONS.write(run.out, map(vars, lesions))
    write_transferred(TRANSFERRED, run.out, transferred)
    write_failures(FAILURES.file(run.out), failures)
    run.tell(failures)
    if not lesions:
        raise DataError(f"no lesion can be used; see the messages above and {FAILURES.file(run.out)}")


def _shown(lesion: str) -> str:
    return "" if lesion == "1" else lesion


@dataclass(frozen=True)
class _Work:
    """The work on one volume; its result is kept, so that a run that was stopped does not do it again."""

    steps: tuple[PreparationStep, ...]
    rules: LesionRules
    label: LabelRule
    folder: Path
    key: str
    reference: Reference | None = None
    transfer: TransferSection | None = None
    then: After | None = None

    def __call__(self, given: tuple[VolumeTask, Digests]) -> tuple[PreparedVolume, Digests]:
        (task, hashed), prepared = given, list[tuple[Volume, dict[tuple[str, str, str], Roi]]]()
        file = task.record_in(self.folder)

        def load_or_prepare(digests: Digests) -> PreparedVolume:
            prepared.clear()
            if (content := kept(file, self._key(task, digests), folder=self.folder)) is not None:
                note_kept()
                return PreparedVolume.from_json(content)
            result, volume, rois = self._prepare(task)
            prepared.append((volume, rois))
            return result

        record, digests = of_same_bytes(task, hashed, load_or_prepare)
        if not prepared:
            return record, digests
        key = self._key(task, digests)
        key = content_hash([key, "again"]) if record.passing else key
        keep(file, key, record.as_json(), compact=True)
        result = record.under(key)
        if self.then is not None:
            self.then(task, result, *prepared[0])
        return result, digests

    def _key(self, task: VolumeTask, digests: Digests) -> str:
        return content_hash([self.key, task.files_hash(digests)])

    def _prepare(self, task: VolumeTask) -> tuple[PreparedVolume, Volume, dict[tuple[str, str, str], Roi]]:
        with timed("read"):
            volume = Volume.read_3d(task.image)
        check_readable(volume)
        prepared, preparation = prepare_volume(
            volume, self.steps, read_reference(task.reference, self.reference, volume.grid), disturb=True
        )
        lesions, transferred = list[CheckedLesion](), list[TransferRecord]()
        failures, transient = list[Failure](), list[Failure]()
        files: dict[str, str] = {}
        rois: dict[tuple[str, str], dict[str, Roi]] = {}
        for drawing in task.drawings:
            place = MaskPlace(
                patient=drawing.patient, lesion=drawing.lesion, sequence=task.sequence, reader=drawing.reader
            )
            try:
                roi, row = self._mask(drawing, volume, place)
                facts = check_lesion(prepared, roi, self.rules)
            except CaseError as error:
                located = error.located(
                    patient=drawing.patient, lesion=_shown(drawing.lesion), sequence=task.sequence,
                    reader=drawing.reader, file=drawing.mask,
                )  # fmt: skip
                again = isinstance(error, TransientError)
                (transient if again else failures).append(Failure.of_error(located))
                continue
            rois.setdefault((drawing.patient, drawing.lesion), {})[drawing.reader] = roi.on_grid_of(prepared)
            notes = [*facts.warnings, *roi.notes, *([row.warnings] if row else [])]
            lesion_facts = {**vars(facts), "warnings": "; ".join(notes)}
            lesions.append(CheckedLesion(**place, **lesion_facts, transferred_from=row.drawn_on if row else ""))
            transferred += [row] if row else []
            files |= {row.file: file_hash(self.folder / row.file)} if row else {}
        readers: list[MaskPair] = []
        for (patient, lesion), drawn in rois.items():
            readers += between_readers({"patient": patient, "lesion": lesion, "sequence": task.sequence}, drawn)
            files |= self._keep("pictures", f"{patient}_{lesion}_{task.sequence}", lesion_planes(prepared, drawn))
        if (corrected := preparation.before_field(volume)) is not None:
            files |= self._keep("fields", task.name, slices_before(corrected[0]))
        sensitivity = _sensitivity(preparation, [roi for drawn in rois.values() for roi in drawn.values()])
        facts_of_volume = VolumeFacts(
            patient=task.patient,
            sequence=task.sequence,
            name=task.name,
            image=str(task.image),
            size=" x ".join(map(str, volume.voxels.shape)),
            spacing_mm=spacing_text(volume.spacing_mm),
            **{**preparation.facts(), **sensitivity},
            history="; ".join(prepared.history),
        )
        result = PreparedVolume(
            facts_of_volume, preparation.as_dict(), tuple(lesions), tuple(readers), tuple(transferred),
            tuple(failures), tuple(transient), files,
        )  # fmt: skip
        return result, prepared, {(*at, reader): roi for at, drawn in rois.items() for reader, roi in drawn.items()}

    def _mask(self, drawing: ReaderMask, volume: Volume, place: MaskPlace) -> tuple[Roi, TransferRecord | None]:
        """The mask, and its row in the list of transferred ones."""
        label = drawing.label(self.label)
        if drawing.transfer is None or self.transfer is None:
            return Roi.read(drawing.mask, label, volume, reader=drawing.reader), None
        drawn_on = Volume.read_3d(drawing.transfer.image) if needs_image(drawing.mask) else None
        roi = Roi.read(drawing.mask, label, drawn_on, reader=drawing.reader)
        return carry(roi, drawing.transfer, volume, self.transfer, place, self.folder)

    def _keep(self, what: str, name: str, arrays: dict[str, Any]) -> dict[str, str]:
        """Write arrays that belong to the record; return the file's path in the step's folder, and its hash."""
        file = Path(what) / f"{name}.npz"
        write_arrays(self.folder / file, arrays)
        return {file.as_posix(): file_hash(self.folder / file)}


def _sensitivity(preparation: Preparation, rois: Sequence[Roi]) -> dict[str, Any]:
    """The bias field's shift in the lesions' boxes that rounding may cause, and the warnings, with one about it."""
    boxes = [box for roi in rois if (box := bounding_box(roi.mask)) is not None]
    shift = preparation.field_shift(boxes)
    warnings = list(preparation.warnings)
    if shift is not None and shift > SENSITIVE:
        warnings.append(f"rounding alone may move the bias field by more than {SENSITIVE:.0%} inside the lesion's box")
    return {"field_shift": shift, "warnings": "; ".join(warnings)}


def between_readers(place: Mapping[str, str], drawn: Mapping[str, Roi]) -> list[MaskPair]:
    """Compare the first reader's mask of a lesion with every other reader's: one record per pair."""
    records = []
    (first, mask), *others = drawn.items()
    for other, second in others:
        compared = mask_agreement(mask, second)
        pair = MaskPair(
            **place, reader_a=first, reader_b=other, dice=compared.dice, jaccard=compared.jaccard,
            hausdorff_mm=compared.hausdorff, hausdorff_95_mm=compared.hausdorff_95,
            mean_surface_distance_mm=compared.mean_surface_distance,
            volume_difference_percent=compared.volume_difference_percent, note=compared.note,
        )  # fmt: skip
        records.append(pair)
    return records


def read_preparation(run: Run, task: VolumeTask) -> PreparedVolume:
    """The step's record of one volume.

    Raises
    ------
    DamagedRecordError : the record was damaged after the step had verified it.
    """
    return PreparedVolume.from_json(read_kept(task.record_in(run.path(STEP))))

"""Step 2, prepare: check every image and mask, fit the bias field and the intensity scale.

No volume is written. A volume's preparation (the control points of its bias field, the limits of its scale) is a small
record that the next step applies again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from radstudy.errors import CaseError, DataError, TransientError
from radstudy.features.of_study import lesion_rules
from radstudy.formats.reading import changed
from radstudy.imaging.box import bounding_box
from radstudy.imaging.field_view import slices_before
from radstudy.imaging.lesion_check import CENTRE, LesionRules, check_lesion, check_readable
from radstudy.imaging.masks.agreement import mask_agreement
from radstudy.imaging.masks.read import needs_image
from radstudy.imaging.planes import lesion_planes
from radstudy.imaging.preparation import SENSITIVE, Preparation, prepare_volume, read_reference
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.kept import MADE, TRANSIENT, keep, kept, read_kept
from radstudy.protocol.prepare import PreparationStep, Reference
from radstudy.protocol.sections import Transfer as TransferSection
from radstudy.provenance import code_key
from radstudy.space.grid import spacing_text
from radstudy.steps.cohort import read_cases
from radstudy.steps.run import Run, write_failures
from radstudy.steps.transfer import TRANSFERRED, carry, write_transferred
from radstudy.steps.volumes import Digests, Drawing, LabelRule, VolumeTask, flat, of_same_bytes, volume_tasks
from radstudy.store import content_hash, file_hash, write_arrays, write_csv, write_json

STEP = "prepare"


class After(Protocol):
    """What is to be done with a volume as soon as it is prepared, while it is in memory."""

    def __call__(
        self, task: VolumeTask, record: Mapping[str, Any], volume: Volume, rois: Mapping[tuple[str, str, str], Roi]
    ) -> None:
        """Do it.

        Parameters
        ----------
        task : the volume's files.
        record : what this step keeps of it, its key included.
        volume : prepared.
        rois : masks on its grid by (patient, lesion, reader), those that passed.
        """


def do_prepare(run: Run, then: After | None = None) -> None:
    """Prepare every volume and check every lesion.

    Parameters
    ----------
    run : the run.
    then : is called with every volume that is prepared now; it keeps its results itself.
    """
    protocol = run.protocol
    if protocol.features is not None:
        run.say("prepare: nothing to do, the study begins at a feature table")
        return
    tasks = volume_tasks(read_cases(run), protocol.reader)
    transfer = protocol.cohort.transfer
    settings = {
        "prepare": protocol.model_dump(mode="json", by_alias=True, include={"prepare"})["prepare"],
        "extract": _deciding_features(run),
        "label": protocol.cohort.label,
        "transfer": transfer and transfer.model_dump(mode="json", include={"rigid", "partial_volume"}),
    }
    found = run.each(VolumeTask.digests, tasks, "files")
    problems = [str(item.located(patient=t.patient, sequence=t.sequence)) for t, item in zip(tasks, found, strict=True)
                if isinstance(item, CaseError)]  # fmt: skip
    if problems:
        raise DataError("files became unreadable:\n" + "\n".join(problems))
    pairs = [(task, item) for task, item in zip(tasks, found, strict=True) if not isinstance(item, CaseError)]
    for _, digests in pairs:
        run.digests.update(flat(digests))
    with run.step(STEP, settings=settings, inputs={t.name: t.files_hash(digests) for t, digests in pairs}) as due:
        if due:
            key = content_hash([code_key(), settings])
            work = _Work(
                protocol.prepare, lesion_rules(run.extraction, protocol.extract), protocol.cohort.label, run.out / STEP,
                key, protocol.reference, transfer, then,
            )  # fmt: skip
            _collect(run, tasks, _as_read(run, pairs, run.each(work, pairs, "prepare")))


def _deciding_features(run: Run) -> dict[str, Any]:
    """What lesions are checked for: the section, and the content of the parameter file where it names one."""
    section = run.protocol.extract
    content = {} if section.params is None else {"settings": run.extraction.as_dict()}
    return {**section.deciding_features(), **content}


def _as_read(
    run: Run, pairs: Sequence[tuple[VolumeTask, Digests]], results: Sequence[tuple[dict[str, Any], Digests] | CaseError]
) -> list[dict[str, Any] | CaseError]:  # fmt: skip
    """The records; where a volume's files have changed since they were hashed, the step is not done with this run."""
    records: list[dict[str, Any] | CaseError] = []
    for (task, digests), result in zip(pairs, results, strict=True):
        if isinstance(result, CaseError):
            records.append(result)
            continue
        record, read = result
        records.append(record)
        run.transient.extend(TransientError(**item) for item in record.get(TRANSIENT, ()))
        run.digests.update(flat(read))
        if read != digests:
            run.transient.append(changed(task.image))
            run.say(f"{task.name}: a file was changed during this run; what was computed is of the file as it is now")
    return records


def _collect(run: Run, tasks: list[VolumeTask], results: Sequence[dict[str, Any] | CaseError]) -> None:
    volumes, lesions, transferred, failures = [], [], [], []
    quality: dict[str, Any] = {}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, CaseError):
            if isinstance(result, TransientError):
                run.waiting.add(task.name)  # what is kept of it is good where its files come back as they were
            else:
                task.record_in(run.path(STEP)).unlink(missing_ok=True)  # of an earlier, better file
            lost = dict.fromkeys((d.patient, d.lesion) for d in task.drawings)
            failures += [
                result.located(patient=patient, lesion=_shown(lesion), sequence=task.sequence, file=task.image)
                for patient, lesion in lost
            ]
            continue
        volumes.append(result["volume"])
        quality[task.name] = {
            "sequence": task.sequence,
            "fields": result["preparation"]["quality"],
            "field_shift": result["volume"]["field_shift"],
        }
        lesions += result["lesions"]
        transferred += result["transferred"]
        failures += [CaseError(**failure) for failure in (*result["failures"], *result.get(TRANSIENT, ()))]
    write_csv(run.path(STEP, "volumes.csv"), pd.DataFrame(volumes))
    write_json(run.path(STEP, "quality.json"), quality)
    write_csv(run.path(STEP, "lesions.csv"), pd.DataFrame(lesions, columns=LESION_COLUMNS))
    write_transferred(run.path(STEP, TRANSFERRED), transferred)
    write_failures(run.path(STEP, "failures.csv"), failures)
    run.tell(failures)
    if not lesions:
        raise DataError("no lesion can be used; see the messages above and " + str(run.path(STEP, "failures.csv")))


LESION_COLUMNS = [
    "patient", "lesion", "sequence", "reader", "native_voxels", "volume_mm3", "resampled_voxels",
    "volume_change_percent", "bins", *CENTRE, "transferred_from", "warnings",
]  # fmt: skip


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

    def __call__(self, given: tuple[VolumeTask, Digests]) -> tuple[dict[str, Any], Digests]:
        (task, hashed), prepared = given, list[tuple[Volume, dict[tuple[str, str, str], Roi]]]()
        file = task.record_in(self.folder)

        def record(digests: Digests) -> dict[str, Any]:
            prepared.clear()
            if (found := kept(file, self._key(task, digests), folder=self.folder)) is not None:
                return found
            found, volume, rois = self._prepare(task)
            prepared.append((volume, rois))
            return found

        found, digests = of_same_bytes(task, hashed, record)
        if not prepared:
            return found, digests
        key = self._key(task, digests)
        result = keep(file, content_hash([key, "again"]) if found[TRANSIENT] else key, found, compact=True)
        if self.then is not None:
            self.then(task, result, *prepared[0])
        return result, digests

    def _key(self, task: VolumeTask, digests: Digests) -> str:
        return content_hash([self.key, task.files_hash(digests)])

    def _prepare(self, task: VolumeTask) -> tuple[dict[str, Any], Volume, dict[tuple[str, str, str], Roi]]:
        volume = Volume.read(task.image)
        check_readable(volume)
        prepared, preparation = prepare_volume(
            volume, self.steps, read_reference(task.reference, self.reference, volume.grid), disturb=True
        )
        lesions, transferred = [], []
        failures: list[dict[str, Any]] = []
        transient: list[dict[str, Any]] = []
        made: dict[str, str] = {}
        rois: dict[tuple[str, str], dict[str, Roi]] = {}
        for drawing in task.drawings:
            place = {"patient": drawing.patient, "lesion": drawing.lesion, "sequence": task.sequence,
                     "reader": drawing.reader}  # fmt: skip
            try:
                roi, row = self._mask(drawing, volume, place)
                facts = check_lesion(prepared, roi, self.rules)
            except CaseError as error:
                located = error.located(**{**place, "lesion": _shown(drawing.lesion)}, file=drawing.mask)
                again = isinstance(error, TransientError)
                (transient if again else failures).append({name: getattr(located, name) for name in _FAILURE})
                continue
            rois.setdefault((drawing.patient, drawing.lesion), {})[drawing.reader] = roi.on_grid_of(prepared)
            notes = [*facts.warnings, *roi.notes, *([row["warnings"]] if row else [])]
            from_ = row["from"] if row else ""
            lesions.append({**place, **vars(facts), "transferred_from": from_, "warnings": "; ".join(notes)})
            transferred += [row] if row else []
            made |= {row["file"]: file_hash(self.folder / row["file"])} if row else {}
        readers: list[dict[str, Any]] = []
        for (patient, lesion), drawn in rois.items():
            readers += between_readers({"patient": patient, "lesion": lesion, "sequence": task.sequence}, drawn)
            made |= self._keep("pictures", f"{patient}_{lesion}_{task.sequence}", lesion_planes(prepared, drawn))
        if (corrected := preparation.before_field(volume)) is not None:
            made |= self._keep("fields", task.name, slices_before(corrected[0]))
        facts_of_volume = {
            "patient": task.patient,
            "sequence": task.sequence,
            "name": task.name,
            "image": str(task.image),
            "size": " x ".join(map(str, volume.voxels.shape)),
            "spacing_mm": spacing_text(volume.spacing_mm),
            **preparation.facts(),
            **_sensitivity(preparation, [roi for drawn in rois.values() for roi in drawn.values()]),
            "history": "; ".join(prepared.history),
        }
        result = {"volume": facts_of_volume, "preparation": preparation.as_dict(), "lesions": lesions,
                  "readers": readers, "transferred": transferred, "failures": failures, TRANSIENT: transient,
                  MADE: made}  # fmt: skip
        return result, prepared, {(*of, reader): roi for of, drawn in rois.items() for reader, roi in drawn.items()}

    def _mask(self, drawing: Drawing, volume: Volume, place: dict[str, str]) -> tuple[Roi, dict[str, Any] | None]:
        """The mask, and its row in the list of transferred ones."""
        label = drawing.label(self.label)
        if drawing.transfer is None or self.transfer is None:
            return Roi.read(drawing.mask, label, volume, reader=drawing.reader), None
        drawn_on = Volume.read(drawing.transfer.image) if needs_image(drawing.mask) else None
        roi = Roi.read(drawing.mask, label, drawn_on, reader=drawing.reader)
        return carry(roi, drawing.transfer, volume, self.transfer, place, self.folder)

    def _keep(self, what: str, name: str, arrays: dict[str, Any]) -> dict[str, str]:
        """Write what belongs to the record: its path from the step's folder, and its hash."""
        file = Path(what) / f"{name}.npz"
        write_arrays(self.folder / file, arrays)
        return {file.as_posix(): file_hash(self.folder / file)}


def _sensitivity(preparation: Preparation, rois: Sequence[Roi]) -> dict[str, Any]:
    """How far rounding may move the bias field inside the lesions' boxes, and the warnings with one about that."""
    boxes = [box for roi in rois if (box := bounding_box(roi.mask)) is not None]
    shift = preparation.field_shift(boxes)
    warnings = list(preparation.warnings)
    if shift is not None and shift > SENSITIVE:
        warnings.append(f"rounding alone may move the bias field by more than {SENSITIVE:.0%} inside the lesion's box")
    return {"field_shift": shift, "warnings": "; ".join(warnings)}


def between_readers(place: Mapping[str, str], drawn: Mapping[str, Roi]) -> list[dict[str, Any]]:
    """How well the first reader's mask of a lesion agrees with every other reader's: one record a pair."""
    records = []
    (first, mask), *others = drawn.items()
    for other, second in others:
        found = vars(mask_agreement(mask, second))
        pair = {**place, "reader_a": first, "reader_b": other}
        records.append(pair | {column: found[name] for name, column in MASK_MEASURES.items()})
    return records


MASK_MEASURES = {  # of the comparison, to the columns of agree/masks.csv
    "dice": "dice", "jaccard": "jaccard", "hausdorff": "hausdorff_mm", "hausdorff_95": "hausdorff_95_mm",
    "mean_surface_distance": "mean_surface_distance_mm", "volume_difference_percent": "volume_difference_percent",
    "note": "note",
}  # fmt: skip
_FAILURE = ("problem", "remedy", "patient", "lesion", "sequence", "reader", "file")


def read_preparation(run: Run, task: VolumeTask) -> dict[str, Any]:
    """What the step has recorded of one volume.

    Raises
    ------
    DamagedRecordError : it was damaged after the step had verified it.
    """
    return read_kept(task.record_in(run.path(STEP)))

"""Step 3, extract: compute the features of every lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.algorithms import algorithm_key
from radstudy.artefacts.extract import FAILURES, FEATURES, IDENTICAL, LESIONS, MISSING, SUMMARY, TRANSFERRED
from radstudy.artefacts.records.lesion import ExtractedLesion
from radstudy.artefacts.records.volume import MaskPlace, PreparedVolume, TransferRecord
from radstudy.bugs import note
from radstudy.cohort.confirmation import Answer
from radstudy.errors import CaseError, DataError, TransientError
from radstudy.features.extract import extract_lesions
from radstudy.features.names import explain_count, feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.preparation import Preparation
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.kept import keep, kept
from radstudy.steps.cohort import read_cases
from radstudy.steps.feature_table import do_feature_table, identical_rows
from radstudy.steps.maps import check_maps, do_maps
from radstudy.steps.prepare import After, read_preparation
from radstudy.steps.run import Run, write_failures
from radstudy.steps.shuffled import do_shuffled
from radstudy.steps.transfer import (
    ACCEPTED,
    CONFIRMED,
    WAITING,
    answers_of_study,
    not_used,
    status_of,
    write_transferred,
)
from radstudy.steps.volumes import LabelRule, ReaderMask, VolumeTask, as_prepared, volume_tasks
from radstudy.store import content_hash
from radstudy.table import FeatureTable
from radstudy.timing import note_kept, timed

STEP = "extract"


def do_extract(run: Run) -> None:
    """Extract the features of every lesion that passed the preparation."""
    if run.protocol.features is not None:
        do_feature_table(run)
        return
    settings = run.extraction
    check_maps(run, settings)
    answers = answers_of_study(run.protocol, run.data)
    inputs = {"prepare": run.key_of("prepare")}
    if run.protocol.cohort.transfer is not None:
        accepted = run.protocol.cohort.transfer.accept_unconfirmed
        inputs["confirmed"] = content_hash([accepted, sorted((mask, a.confirmed) for mask, a in answers.items())])
    with run.step(STEP, settings=settings.as_dict(), inputs=inputs) as due:
        if due:
            _extract(run, settings, answers)
    baselines = run.protocol.evaluate.baselines
    if baselines is not None and baselines.shuffled:
        do_shuffled(run, settings, _usable(run, answers)[0])
    if run.protocol.extract.maps is not None:
        do_maps(run, run.protocol.extract.maps, settings, _usable(run, answers)[0])


def while_in_memory(run: Run) -> After:
    """Return the work for `prepare` to do with each volume: extract its lesions at once, so that no file is read twice.

    The results are those that `do_extract` looks for. Transferred masks are left to it: a reader confirms them first.

    Raises
    ------
    RadstudyError : the study's extraction settings cannot be used, or a requested map cannot be computed.
    """
    check_maps(run, run.extraction)
    return _work(run, run.extraction).at_once


def extract_part(run: Run, tasks: Sequence[VolumeTask]) -> list[CaseError]:
    """Extract some prepared volumes whose features are not kept yet, and keep them, for a later run that does the step.

    Parameters
    ----------
    run : the run.
    tasks : the volumes.

    Returns
    -------
    The failures.
    """
    usable, _ = _usable(run, answers_of_study(run.protocol, run.data), tasks)
    failures: list[CaseError] = []
    results = run.each_kept(
        _work(run, run.extraction), usable, "extract", lambda lesions: [lesion.error for lesion in lesions]
    )
    for (task, _), result in zip(usable, results, strict=True):
        if isinstance(result, CaseError):
            failures.append(result.located(patient=task.patient, sequence=task.sequence, file=task.image))
        else:
            failures += [error for error in result if error is not None]
    return failures


def _work(run: Run, settings: ExtractionSettings) -> _Work:
    return _Work(
        settings, run.protocol.cohort.label, run.out / STEP, content_hash([algorithm_key(STEP), settings.as_dict()])
    )


def _usable(
    run: Run, answers: Mapping[str, Answer], of_part: Sequence[VolumeTask] | None = None
) -> tuple[list[tuple[VolumeTask, PreparedVolume]], list[TransferRecord]]:
    """The volumes with their usable drawings and preparation, and all transferred masks with the reader's answers."""
    all_tasks = volume_tasks(read_cases(run), run.protocol.reader) if of_part is None else of_part
    tasks = [(task, read_preparation(run, task)) for task in all_tasks if _prepared(run, task)]
    transferred = [_answered(run, row, answers) for _, record in tasks for row in record.transferred]
    usable = [(_checked(run, task, record, transferred), record) for task, record in tasks]
    return [(task, record) for task, record in usable if task.drawings], transferred


def _extract(run: Run, settings: ExtractionSettings, answers: Mapping[str, Answer]) -> None:
    work = _work(run, settings)
    usable, transferred = _usable(run, answers)
    names = feature_names(settings)
    rows: dict[tuple[str, str, str, str], NDArray[np.float64]] = {}
    missing: list[Mapping[str, object]] = []
    lesions: list[dict[str, Any]] = []
    section = run.protocol.cohort.transfer
    refused = [not_used(row, section, run.out / "prepare") for row in transferred] if section else []
    failures = [error for error in refused if error is not None]
    results = run.each_kept(work, usable, "extract", lambda lesions: [_Row(lesion, names) for lesion in lesions])
    for (task, _), result in zip(usable, results, strict=True):
        if isinstance(result, CaseError):
            failures += [
                result.located(patient=d.patient, sequence=task.sequence, reader=d.reader, file=d.mask)
                for d in task.drawings
            ]
            continue
        for row in result:
            item = row.lesion
            if (error := item.error) is not None:
                failures.append(error)
                continue
            rows[item.row] = row.values
            missing += [{**item.place, "feature": name, "reason": reason} for name, reason in item.missing.items()]
            lesions.append({**item.place, **item.diagnostics})
    known = {id(error) for error in run.transient}
    run.transient.extend(error for error in failures if isinstance(error, TransientError) and id(error) not in known)
    if not rows:
        raise DataError("no lesion's features could be computed:\n" + "\n".join(map(str, failures[:20])))
    table = FeatureTable.from_arrays(rows, names)
    table.write(FEATURES.file(run.out))
    MISSING.write(run.out, missing)
    LESIONS.write(run.out, lesions)
    write_transferred(TRANSFERRED, run.out, transferred)
    IDENTICAL.write(run.out, identical_rows(table))
    write_failures(FAILURES.file(run.out), failures)
    SUMMARY.write(
        run.out, {"features": len(names), "explained": explain_count(settings), "settings": settings.as_dict()}
    )
    run.tell(failures)


class _Row:
    """A lesion without its features' names, which all lesions share.

    Parameters
    ----------
    lesion : with its features, or the failure.
    names : of the features.
    """

    __slots__ = ("lesion", "values")

    def __init__(self, lesion: ExtractedLesion, names: Sequence[str]) -> None:
        self.lesion = replace(lesion, values={})
        given = [] if lesion.problem else [lesion.values[name] for name in names]
        self.values: NDArray[np.float64] = np.array(
            [np.nan if value is None else value for value in given], dtype=np.float64
        )  # JSON has no NaN


def _prepared(run: Run, task: VolumeTask) -> bool:
    return task.name not in run.waiting and task.record_in(run.path("prepare")).exists()


def _answered(run: Run, row: TransferRecord, answers: Mapping[str, Answer]) -> TransferRecord:
    """A transferred mask with the reader's answer."""
    section, answer = run.protocol.cohort.transfer, answers.get(row.mask)
    status = WAITING if section is None else status_of(row, answers, section)
    if answer is None:
        return replace(row, status=status)
    return replace(row, status=status, confirmed="yes" if answer.confirmed else "no", confirmed_by=answer.by)


def _checked(
    run: Run, task: VolumeTask, record: PreparedVolume, transferred: Sequence[TransferRecord]
) -> VolumeTask:  # fmt: skip
    """The task without the drawings that the preparation or a reader refused; transferred masks as written."""
    passed = record.passed
    written = {
        (row.patient, row.lesion): run.path("prepare", row.file)
        for row in transferred
        if row.sequence == task.sequence and row.status in (CONFIRMED, ACCEPTED)
    }
    drawings = []
    for drawing in task.drawings:
        if (drawing.patient, drawing.lesion, drawing.reader) not in passed:
            continue
        if drawing.transfer is None:
            drawings.append(drawing)
        elif (drawing.patient, drawing.lesion) in written:
            drawings.append(replace(drawing, mask=written[drawing.patient, drawing.lesion]))
    files = {file for one in task.drawings for file in (one.mask, *([one.transfer.image] if one.transfer else []))}
    known = {file: run.digests[file] for file in (task.image, *files) if file in run.digests}
    known |= {run.path("prepare", name): digest for name, digest in record.files.items()}
    return replace(task, drawings=tuple(drawings), prepared_from=known)


@dataclass(frozen=True)
class _Work:
    """The work on one volume; its result is kept, so that a run that was stopped does not do it again."""

    settings: ExtractionSettings
    label: LabelRule
    folder: Path
    key: str

    def __call__(self, given: tuple[VolumeTask, PreparedVolume]) -> list[ExtractedLesion]:
        task, record = given
        file, key = task.record_in(self.folder), task.key(self.key, record)
        if (content := kept(file, key)) is not None:
            note_kept()
            return [ExtractedLesion.from_json(item) for item in content["lesions"]]
        with as_prepared(task):
            with timed("read"):
                volume = Volume.read_3d(task.image)
            with timed("prepare again"):
                volume = Preparation.from_dict(record.preparation).apply(volume)
            lesions = [self._lesion(volume, task.sequence, drawing) for drawing in task.drawings]
        self._keep(file, key, lesions)
        return lesions

    def _keep(self, file: Path, key: str, lesions: Sequence[ExtractedLesion]) -> None:
        """Keep the lesions, unless an error was transient."""
        if not any(lesion.passing for lesion in lesions):
            keep(file, key, {"lesions": [lesion.as_json() for lesion in lesions]}, compact=True)

    def at_once(
        self, task: VolumeTask, record: PreparedVolume, volume: Volume, rois: Mapping[tuple[str, str, str], Roi]
    ) -> None:
        """Extract the lesions of a volume in memory, and keep them in the file of a call; see `prepare.After`."""
        drawn = [d for d in task.drawings if d.transfer is None and (d.patient, d.lesion, d.reader) in record.passed]
        if not drawn:
            return
        key = replace(task, drawings=tuple(drawn)).key(self.key, record)
        try:
            lesions = [self._lesion(volume, task.sequence, d, rois[d.patient, d.lesion, d.reader]) for d in drawn]
        except Exception as error:  # the volume is prepared; the step itself meets the error again, and reports it
            note(error)
            return
        self._keep(task.record_in(self.folder), key, lesions)

    def _lesion(self, volume: Volume, sequence: str, drawing: ReaderMask, roi: Roi | None = None) -> ExtractedLesion:
        place = MaskPlace(patient=drawing.patient, lesion=drawing.lesion, sequence=sequence, reader=drawing.reader)
        try:
            roi = drawing.roi_on(volume, self.label) if roi is None else roi
            (lesion,) = extract_lesions(volume, [roi], self.settings)
        except CaseError as error:
            return ExtractedLesion.of_error(error, place, str(drawing.mask))
        return ExtractedLesion(**place, values=lesion.values, missing=lesion.missing, diagnostics=lesion.diagnostics)


def read_features(run: Run) -> FeatureTable:
    """The feature table that the step wrote."""
    return FeatureTable.read(FEATURES.file(run.out))

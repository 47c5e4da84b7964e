"""Part of step 1, cohort, and of the command `check`: open every mask on the grid of its image's header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.algorithms import algorithm_key
from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.opened import OpenedFiles
from radstudy.cohort.case_files import Case
from radstudy.cohort.doubled import Doubled, Used, doubled_images, doubled_masks, images_alike
from radstudy.cohort.manifest import Cohort
from radstudy.errors import CaseError, TransientError
from radstudy.formats.raster import read_grid, read_raster
from radstudy.formats.reading import Stamp, files_of, recorded, stamp
from radstudy.imaging.content import image_mark, mask_mark, same_voxels
from radstudy.imaging.lesion_check import refuse_tiny
from radstudy.imaging.masks.formats import files_of_mask
from radstudy.imaging.preparation import read_reference
from radstudy.imaging.roi import Roi
from radstudy.kept import keep, kept
from radstudy.protocol import Protocol
from radstudy.protocol.prepare import Reference
from radstudy.space.grid import Grid
from radstudy.steps.run import in_parallel
from radstudy.steps.volumes import LabelRule, VolumeTask, volume_tasks
from radstudy.store import content_hash

_KEY_LENGTH = 40  # bytes that a record's first key takes
_EARLIER = re.compile(rb'\{"[0-9a-f]{32}": |\{\}')
Bar = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True)
class OpenedStudy:
    """The files of a study, as they were found before anything is computed from them.

    Parameters
    ----------
    images, masks : those that could be opened, each with a mark of its content.
    failures : masks and images that cannot be used.
    """

    images: tuple[Used, ...]
    masks: tuple[Used, ...]
    failures: tuple[CaseError, ...]

    def doubled(self, sets: pd.Series[str]) -> list[Doubled]:
        """Content that appears in two places; `sets` is training or testing by patient."""
        return [*doubled_masks(self.masks), *doubled_images(self.images, sets, _same)]

    def alike(self) -> dict[tuple[str, str, str], str]:
        """(patient, lesion, sequence) of every image that has a double, to a name for the content that they share."""
        return images_alike(self.images, _same)


def sets_of(cohort: Cohort) -> pd.Series[str]:
    """Training or testing by patient."""
    rows = cohort.rows.reset_index()
    return rows.drop_duplicates("patient").set_index("patient")["set"]


def open_files(
    protocol: Protocol, cases: Sequence[Case], *, kept_in: Path | None = None, jobs: int = 1,
    bar: Bar = lambda items, _total, _what: items,
) -> OpenedStudy:  # fmt: skip
    """Open every mask of the cases, and the header and first slices of every image.

    Parameters
    ----------
    protocol : the study's protocol.
    cases : lesions on sequences, with their files.
    kept_in : JSON file that keeps the results; a file of the same size and time is not opened again.
    jobs, bar : processes, and where progress goes.
    """
    tasks = volume_tasks(cases, protocol.reader)
    known = _known(kept_in)
    rule = [
        protocol.cohort.label,
        protocol.extract.minimum_native_voxels,
        str(protocol.reference),
        algorithm_key("cohort"),
    ]
    keys = [_key(rule, task, {}) for task in tasks]
    due = [index for index, key in enumerate(keys) if key not in known]
    if due:
        minimum = protocol.extract.minimum_native_voxels
        look = partial(_look, rule=protocol.cohort.label, minimum=minimum, reference=protocol.reference)
        for place, seen in bar(
            in_parallel(look, [tasks[index] for index in due], jobs, doing="opening masks"), len(due), "opening masks"
        ):
            task = tasks[due[place]]
            record, read = seen if isinstance(seen, tuple) else (_unseen(task, seen), {})
            keys[due[place]] = _key(rule, task, read)  # of the files that were opened, not those that were there before
            known[keys[due[place]]] = record
        if kept_in is not None:
            sound = {key: known[key].as_json() for key in keys if not known[key].failures}  # others are looked at again
            keep(kept_in, "", {"seen": sound}, compact=True)
    return _put_together(tasks, [known[key] for key in keys])


def _known(file: Path | None) -> dict[str, OpenedFiles]:
    if file is None or not file.is_file():
        return {}
    with file.open("rb") as stream:
        if _EARLIER.match(stream.read(_KEY_LENGTH)):  # of a version that identified files by size and time alone
            return {}
    content = kept(file, "")
    seen = {} if content is None else content.get("seen", {})
    return {key: OpenedFiles.from_json(record) for key, record in seen.items()}


def _key(rule: Sequence[Any], task: VolumeTask, read: Mapping[Path, Stamp]) -> str:
    """Hash of the names, numbers, sizes and times of a task's files: the same if none of them has changed.

    Parameters
    ----------
    rule : everything else that the marks depend on.
    task : image and masks.
    read : stamps of the files that were opened; those of the others are taken now.
    """

    def own(file: Path | None, parts: Callable[[Path], tuple[Path, ...]] = files_of) -> Any:
        try:
            return file and [[str(part), read.get(part) or stamp(part.stat())] for part in parts(file)]
        except (CaseError, OSError) as error:
            return [str(file), str(error)]

    stamps: list[Any] = [task.sequence, own(task.image), own(task.reference, files_of_mask)]
    for drawing in task.drawings:
        on = own(drawing.transfer.image) if drawing.transfer is not None else None
        stamps.append([drawing.patient, drawing.lesion, drawing.reader, own(drawing.mask, files_of_mask), on])
    return content_hash([rule, *stamps])


def _look(
    task: VolumeTask, *, rule: LabelRule, minimum: int, reference: Reference | None
) -> tuple[OpenedFiles, dict[Path, Stamp]]:
    """Open one image and its masks; return what they hold, and the stamps of the files that were opened."""
    with recorded() as reading:
        return _seen(task, rule=rule, minimum=minimum, reference=reference), reading.stamps


def _seen(task: VolumeTask, *, rule: LabelRule, minimum: int, reference: Reference | None) -> OpenedFiles:
    grid, mark = _grid(task.image), image_mark(task.image)
    tissue = read_reference(task.reference, reference, grid)
    of_tissue = None if tissue is None else mask_mark(tissue.on_grid_of(grid))
    marks: list[str | None] = []
    failures = []
    for drawing in task.drawings:
        try:
            on = grid if drawing.transfer is None else _grid(drawing.transfer.image)
            roi = Roi.read(drawing.mask, drawing.label(rule), on, reader=drawing.reader)
            refuse_tiny(roi.voxel_count, minimum)
            if reference is not None and mask_mark(roi) == of_tissue:
                remedy = f"draw some {reference.tissue} apart from the lesion (prepare's reference.mask)"
                raise CaseError(f"the lesion's mask is also the mask of the {reference.tissue}", remedy)
        except CaseError as error:
            lesion = "" if drawing.lesion == "1" else drawing.lesion
            located = error.located(patient=drawing.patient, lesion=lesion, sequence=task.sequence,
                                    reader=drawing.reader, file=drawing.mask)  # fmt: skip
            failures.append(Failure.of_error(located))
            marks.append(None)
            continue
        marks.append(None if drawing.transfer is not None else mask_mark(roi))
    return OpenedFiles(mark, tuple(marks), tuple(failures))


def _grid(image: Path) -> Grid:
    """The grid of an image; its voxels are read only if the header does not give the grid."""
    try:
        return read_grid(image)
    except TransientError:
        raise
    except CaseError:  # of two dimensions, or damaged: the full reader decides
        voxels, affine = read_raster(image)
        return Grid(voxels.shape, affine)


def _unseen(task: VolumeTask, error: CaseError) -> OpenedFiles:
    """The record of an image that cannot be opened: every lesion on it is lost."""
    lost = dict.fromkeys((drawing.patient, drawing.lesion) for drawing in task.drawings)
    located = [
        error.located(patient=patient, lesion="" if lesion == "1" else lesion, sequence=task.sequence, file=task.image)
        for patient, lesion in lost
    ]
    return OpenedFiles(None, (None,) * len(task.drawings), tuple(map(Failure.of_error, located)))


def _put_together(tasks: Sequence[VolumeTask], seen: Sequence[OpenedFiles]) -> OpenedStudy:
    images, masks, failures = [], [], []
    for task, record in zip(tasks, seen, strict=True):
        first = task.drawings[0]
        if record.image is not None:
            images.append(Used(first.patient, first.lesion, task.sequence, "", task.image, record.image))
        for drawing, mark in zip(task.drawings, record.masks, strict=True):
            if mark is not None:
                masks.append(Used(drawing.patient, drawing.lesion, task.sequence, drawing.reader, drawing.mask, mark))
        failures += [failure.error() for failure in record.failures]
    return OpenedStudy(tuple(images), tuple(masks), tuple(failures))


def _same(one: Path, other: Path) -> bool:
    """True if two images have the same voxels; an image that cannot be read to its end is reported by another step."""
    try:
        return same_voxels(one, other)
    except TransientError:
        raise
    except CaseError:
        return False

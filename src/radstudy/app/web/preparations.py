"""Preparation of images for display: as `radstudy run` does it, from its record if there is one.

A preparation is fitted once. It is taken from the study's run, if that was of the same image by the same steps; else
from the reading room's own cache, whose records have the content of the image for their name; else it is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.algorithms import algorithm_key
from radstudy.app.web.needs import ImageFile
from radstudy.errors import RadstudyError
from radstudy.formats.reading import digests_of, hash_of
from radstudy.imaging.masks.formats import files_of_mask
from radstudy.imaging.preparation import Preparation, prepare_volume, read_reference
from radstudy.imaging.volume import Volume
from radstudy.kept import DamagedRecordError, keep, kept, read_kept
from radstudy.protocol import Protocol
from radstudy.protocol.prepare import PreparationStep, Reference
from radstudy.provenance import PROVENANCE, StepFolder
from radstudy.steps.cohort import cases_in
from radstudy.steps.prepare import STEP
from radstudy.steps.volumes import VolumeTask, volume_tasks
from radstudy.store import content_hash, read_json


@dataclass(frozen=True)
class Steps:
    """The study's steps of preparation, and where their records are.

    Parameters
    ----------
    steps : the list ``prepare`` of the study file.
    reference : its step ``reference``, if there is one.
    cache : folder of the reading room's own records.
    """

    steps: tuple[PreparationStep, ...]
    reference: Reference | None
    cache: Path

    @classmethod
    def of_study(cls, protocol: Protocol, cache: Path) -> Steps:
        """The steps of a study file."""
        return cls(protocol.prepare, protocol.reference, cache)

    def prepare(self, volume: Volume, image: ImageFile, record: Mapping[str, Any] | None) -> Volume:
        """The prepared volume; the preparation is fitted, and kept, unless it is known.

        Parameters
        ----------
        volume : as read from the image's file.
        image : the file, and that of its reference tissue.
        record : the preparation of the study's run, if that has one.

        Raises
        ------
        CaseError : a step cannot be applied to this image.
        """
        if record is not None:
            return Preparation.from_dict(record).apply(volume)
        key = self._key(image)
        file = self.cache / f"{key}.json"
        if (own := kept(file, key)) is not None:
            return Preparation.from_dict(own).apply(volume)
        reference = read_reference(image.reference, self.reference, volume.grid)
        prepared, preparation = prepare_volume(volume, self.steps, reference)
        keep(file, key, preparation.as_dict(), compact=True, private=True)
        return prepared

    def _key(self, image: ImageFile) -> str:
        """Hash of everything that the fit depends on."""
        steps = [step.model_dump(mode="json", by_alias=True) for step in self.steps]
        reference = None if image.reference is None else hash_of(digests_of(image.reference, files_of_mask))
        return content_hash([algorithm_key(STEP), steps, hash_of(digests_of(image.file)), reference])


class RunRecords:
    """The preparations that the study's run has kept, as far as they are of today's files and settings.

    Parameters
    ----------
    out : the run's folder; it need not exist.
    protocol : the study file.
    """

    def __init__(self, out: Path, protocol: Protocol) -> None:
        self._folder = out / STEP
        self._inputs: Mapping[str, str] = _inputs(self._folder, protocol)
        self._tasks: dict[tuple[Path, Path | None], VolumeTask] = {}
        if self._inputs:
            tasks = _tasks(out, protocol.reader)
            self._tasks = {(task.image.resolve(), _resolved(task.reference)): task for task in tasks}

    def of(self, image: ImageFile) -> Mapping[str, Any] | None:
        """The preparation of an image as the run has recorded it; None if there is none, or a file has changed."""
        task = self._tasks.get((image.file.resolve(), _resolved(image.reference)))
        if task is None or task.files_hash(task.digests()) != self._inputs.get(task.name):
            return None
        try:
            record = read_kept(task.record_in(self._folder)).get("preparation")
        except DamagedRecordError:
            return None
        return record if isinstance(record, dict) else None


def _resolved(file: Path | None) -> Path | None:
    return None if file is None else file.resolve()


def _tasks(out: Path, reader: str) -> Sequence[VolumeTask]:
    """The volumes of a run; none where its list of cases cannot be read: then everything is fitted anew."""
    try:
        return volume_tasks(cases_in(out), reader)
    except (RadstudyError, OSError, ValueError, KeyError, TypeError):
        return ()


def _inputs(folder: Path, protocol: Protocol) -> Mapping[str, str]:
    """Volume to the hash of its files, of a step that has finished with today's algorithm and these settings."""
    key = StepFolder(folder).finished_key()
    if key is None:
        return {}
    record = read_json(folder / PROVENANCE)
    settings, inputs = record.get("settings"), record.get("inputs")
    steps = protocol.model_dump(mode="json", by_alias=True, include={"prepare"})["prepare"]
    if not isinstance(settings, dict) or not isinstance(inputs, dict) or settings.get("prepare") != steps:
        return {}
    made_with = content_hash({"algorithm": algorithm_key(STEP), "settings": settings, "inputs": inputs})
    return inputs if made_with == key else {}

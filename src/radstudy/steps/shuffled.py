"""Part of step 3, extract: compute the features of lesions with shuffled voxels, for the shuffled-image baseline.

Within each of the first reader's masks the grey levels are put in random order; outline, volume and histogram stay,
all texture is gone. A model that does as well on these has not learned texture. The part has its own folder and key:
it takes as long as the extraction of one reader's masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.artefacts.extract import SHUFFLED, SHUFFLED_FAILURES
from radstudy.artefacts.records.volume import PreparedVolume
from radstudy.errors import CaseError, DataError
from radstudy.features.extract import extract_lesions
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.preparation import Preparation
from radstudy.imaging.volume import Volume
from radstudy.steps.run import Run, write_failures
from radstudy.steps.volumes import LabelRule, VolumeTask, as_prepared
from radstudy.store import content_hash
from radstudy.streams import Stream, generator_of
from radstudy.table import FeatureTable

STEP = "extract/shuffled"


def do_shuffled(
    run: Run, settings: ExtractionSettings, usable: Sequence[tuple[VolumeTask, PreparedVolume]]
) -> None:  # fmt: skip
    """Extract the first reader's lesions with their voxels shuffled.

    Parameters
    ----------
    run : the run; the step `extract` has finished.
    settings : of the extraction.
    usable : volumes with the drawings that may be used, and their preparation.
    """
    inputs = {"extract": run.key_of("extract")}
    with run.step(STEP, settings={"seed": run.protocol.seed}, inputs=inputs) as due:
        if due:
            _extract(run, settings, usable)


def _extract(
    run: Run, settings: ExtractionSettings, usable: Sequence[tuple[VolumeTask, PreparedVolume]]
) -> None:  # fmt: skip
    reader = run.protocol.reader
    mine = [(replace(task, drawings=drawings), record) for task, record in usable
            if (drawings := tuple(one for one in task.drawings if one.reader == reader))]  # fmt: skip
    work = _Work(settings, run.protocol.cohort.label, run.protocol.seed)
    names = feature_names(settings)
    rows: dict[tuple[str, str, str, str], NDArray[np.float64]] = {}
    failures: list[CaseError] = []
    results = run.each_kept(work, mine, "shuffled images", lambda lesions: [_numbers(one, names) for one in lesions])
    for (task, _), result in zip(mine, results, strict=True):
        if isinstance(result, CaseError):
            failures.append(result.located(patient=task.patient, sequence=task.sequence, file=task.image))
            continue
        rows |= {(patient, lesion, task.sequence, reader): values for patient, lesion, values in result}
    if not rows:
        raise DataError("no lesion's shuffled features could be computed:\n" + "\n".join(map(str, failures[:20])))
    FeatureTable.from_arrays(rows, names).write(SHUFFLED.file(run.out))
    write_failures(SHUFFLED_FAILURES.file(run.out), failures)
    run.tell(failures)


def _numbers(
    lesion: tuple[str, str, Mapping[str, float]], names: Sequence[str]
) -> tuple[str, str, NDArray[np.float64]]:
    """Patient, lesion and the features without their names."""
    patient, number, values = lesion
    return patient, number, np.array([values[name] for name in names], dtype=np.float64)


@dataclass(frozen=True)
class _Work:
    """The work on one volume."""

    settings: ExtractionSettings
    label: LabelRule
    seed: int

    def __call__(self, given: tuple[VolumeTask, PreparedVolume]) -> list[tuple[str, str, Mapping[str, float]]]:
        task, record = given
        with as_prepared(task):
            return self._shuffled(task, record)

    def _shuffled(self, task: VolumeTask, record: PreparedVolume) -> list[tuple[str, str, Mapping[str, float]]]:
        volume = Preparation.from_dict(record.preparation).apply(Volume.read_3d(task.image))
        lesions: list[tuple[str, str, Mapping[str, float]]] = []
        for drawing in task.drawings:
            roi = drawing.roi_on(volume, self.label)
            rng = generator(self.seed, drawing.patient, drawing.lesion, task.sequence)
            changed = replace(volume, voxels=shuffled(volume.voxels, roi.mask, rng))
            (lesion,) = extract_lesions(changed, [roi], self.settings)
            lesions.append((drawing.patient, drawing.lesion, lesion.values))
        return lesions


def generator(seed: int, patient: str, lesion: str, sequence: str) -> np.random.Generator:
    """The random generator of one lesion; each lesion has its own, so that the order of computation does not matter."""
    own = int(content_hash([patient, lesion, sequence])[:16], 16)
    return generator_of(seed, Stream.NOISE, own & 0xFFFFFFFF, own >> 32)


def shuffled(
    voxels: NDArray[np.floating[Any]], mask: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.floating[Any]]:
    """The image with the voxels inside the mask in random order, those outside as they are.

    Parameters
    ----------
    voxels : (I, J, K).
    mask : (I, J, K).
    rng : draws the order.
    """
    changed = voxels.copy()
    changed[mask] = rng.permutation(voxels[mask])
    return changed


def shuffled_key(run: Run) -> str:
    """The key under which this part has finished."""
    return run.key_of(STEP)


def read_shuffled(run: Run) -> FeatureTable:
    """The features of shuffled lesions that this part wrote."""
    return FeatureTable.read(SHUFFLED.file(run.out))

"""Part of step 3, extract: maps of a few features over the first reader's lesions, for the report.

The maps have their own folder and their own mark of completion, so that requesting them, or different ones,
computes no lesion's features again and leaves every step after `extract` as it was.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.algorithms import algorithm_key
from radstudy.artefacts.extract import MAPS
from radstudy.artefacts.records.volume import PreparedVolume
from radstudy.errors import CaseError, CohortError, StudyFileError, TransientError
from radstudy.features.maps import FeatureMaps, feature_maps, without_map
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.planes import lesion_planes
from radstudy.imaging.preparation import Preparation
from radstudy.imaging.volume import Volume
from radstudy.kept import MADE, keep, kept
from radstudy.protocol.sections import Maps
from radstudy.space.grid import spacing_text
from radstudy.steps.cohort import read_cases
from radstudy.steps.run import Run
from radstudy.steps.volumes import LabelRule, ReaderMask, VolumeTask, as_prepared
from radstudy.store import content_hash, file_hash, write_arrays
from radstudy.timing import note_kept

STEP = "extract/maps"


def check_maps(run: Run, settings: ExtractionSettings) -> None:
    """Refuse maps that cannot be computed, before anything is computed.

    Raises
    ------
    StudyFileError : a feature is unknown, is a shape feature, or is of an image that the settings do not include.
    CohortError : a patient is not in the cohort.
    """
    section = run.protocol.extract.maps
    if section is None:
        return
    if problems := without_map(section.features, settings):
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, 1))
        raise StudyFileError(f"extract.maps.features lists maps that cannot be computed:\n{lines}")
    known = {case.patient for case in read_cases(run)}
    unknown = [patient for patient in section.patients or () if patient not in known]
    if unknown:
        raise CohortError(
            "extract.maps.patients names patients without a lesion in this cohort:",
            [_hint(patient, known) for patient in unknown],
        )


def _hint(patient: str, known: set[str]) -> str:
    near = difflib.get_close_matches(patient, sorted(known), n=1, cutoff=0.6)
    return f"{patient}; did you mean {near[0]}?" if near else patient


def do_maps(
    run: Run, section: Maps, settings: ExtractionSettings, usable: Sequence[tuple[VolumeTask, PreparedVolume]]
) -> None:
    """Map the features over the first reader's lesions.

    Parameters
    ----------
    run : the run.
    section : which features and patients.
    settings : of the extraction.
    usable : the volumes with the drawings that the extraction uses, and their preparation.
    """
    inputs = {"extract": run.key_of("extract")}
    with run.step(STEP, settings=section.model_dump(mode="json"), inputs=inputs) as due:
        if due:
            _map_all(run, section, settings, usable)


def _map_all(
    run: Run, section: Maps, settings: ExtractionSettings, usable: Sequence[tuple[VolumeTask, PreparedVolume]]
) -> None:
    tasks = [(_asked(task, section, run.protocol.reader), record) for task, record in usable]
    tasks = [(task, record) for task, record in tasks if task.drawings]
    key = content_hash([algorithm_key(STEP), settings.as_dict(), section.features])
    work = _Work(section.features, settings, run.protocol.cohort.label, run.path(STEP), key)
    rows: list[dict[str, Any]] = []
    for (task, _), result in zip(tasks, run.each(work, tasks, "maps"), strict=True):
        if isinstance(result, CaseError):
            rows += [row for d in task.drawings for row in _not_made(d, task.sequence, section.features, result)]
        else:
            rows += result["rows"]
    rows += [_lost(patient) for patient in section.patients or () if patient not in {row["patient"] for row in rows}]
    _drop_others(run.path(STEP), rows)
    MAPS.write(run.out, MAPS.frame(rows).astype({"radius": "Int64", "voxels": "Int64"}))
    run.tell(
        CaseError(f"no map of {row['feature'] or 'any feature'}: {row['problem']}", row["remedy"],
                  patient=row["patient"], sequence=row["sequence"])
        for row in rows if row.get("problem")
    )  # fmt: skip


def _asked(task: VolumeTask, section: Maps, reader: str) -> VolumeTask:
    """The task with the first reader's drawings of the requested patients."""
    drawings = [
        drawing
        for drawing in task.drawings
        if drawing.reader == reader and (section.patients is None or drawing.patient in section.patients)
    ]
    return replace(task, drawings=tuple(drawings))


@dataclass(frozen=True)
class _Work:
    """The maps of one volume's lesions; kept, so that a run that was stopped does not compute them again."""

    features: tuple[str, ...]
    settings: ExtractionSettings
    label: LabelRule
    folder: Path
    key: str

    def __call__(self, given: tuple[VolumeTask, PreparedVolume]) -> dict[str, Any]:
        task, record = given
        file, key = task.record_in(self.folder), task.key(self.key, record)
        if (content := kept(file, key, folder=self.folder)) is not None and self._complete(content["rows"]):
            note_kept()
            return content
        with as_prepared(task):
            volume = Preparation.from_dict(record.preparation).apply(Volume.read_3d(task.image))
            rows = [row for drawing in task.drawings for row in self._lesion(volume, task.sequence, drawing)]
        hashes = {f"{name}.npz": file_hash(self.folder / f"{name}.npz") for name in sorted(_files(rows))}
        return keep(file, key, {"rows": rows, MADE: hashes}, compact=True)

    def _complete(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        return all((self.folder / f"{name}.npz").exists() for name in _files(rows))

    def _lesion(self, volume: Volume, sequence: str, drawing: ReaderMask) -> list[dict[str, Any]]:
        try:
            computed = feature_maps(volume, drawing.roi_on(volume, self.label), self.features, self.settings)
        except TransientError:
            raise
        except CaseError as error:
            return _not_made(drawing, sequence, self.features, error)
        if computed.maps:
            planes = lesion_planes(computed.image, {drawing.reader: computed.roi}, overlays=computed.maps)
            write_arrays(self.folder / f"{drawing.patient}_{drawing.lesion}_{sequence}.npz", planes)
        bad = [row for f, e in computed.problems.items() for row in _not_made(drawing, sequence, [f], e)]
        return [_made(drawing, sequence, feature, computed) for feature in computed.maps] + bad


def _made(drawing: ReaderMask, sequence: str, feature: str, computed: FeatureMaps) -> dict[str, Any]:
    return {
        **_place(drawing, sequence, feature),
        "radius": computed.radius,
        "spacing_mm": spacing_text(computed.image.spacing_mm),
        "voxels": int(np.count_nonzero(np.isfinite(computed.maps[feature].voxels))),
        "problem": "",
        "remedy": "",
    }


def _not_made(drawing: ReaderMask, sequence: str, features: Sequence[str], error: CaseError) -> list[dict[str, Any]]:
    why = {"problem": error.problem, "remedy": error.remedy}
    return [{**_place(drawing, sequence, feature), **why} for feature in features]


def _place(drawing: ReaderMask, sequence: str, feature: str) -> dict[str, Any]:
    return {"patient": drawing.patient, "lesion": drawing.lesion, "sequence": sequence, "feature": feature}


def _lost(patient: str) -> dict[str, Any]:
    why = {"problem": "none of the first reader's lesions passed the preparation", "remedy": "see the failures"}
    return {"patient": patient, "lesion": "", "sequence": "", "feature": "", **why}


def _files(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of the files that hold the maps of these rows."""
    return {f"{row['patient']}_{row['lesion']}_{row['sequence']}" for row in rows if not row["problem"]}


def _drop_others(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remove maps of an earlier run that this one does not include."""
    kept = _files(rows)
    for path in folder.glob("*.npz"):
        if path.stem not in kept:
            path.unlink()

"""3D Slicer's segmentations (.seg.nrrd) next to DICOM images, assigned to patients by folder.

Such a file names no patient and no series. It belongs to the only patient with images in its folder (or below it), or
in the nearest folder above that has images; and to the series in its own folder, if there is exactly one. If images of
several patients lie there, the patient is not known, and the file is not used.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import ImageFrame
from radstudy.intake.index import ImportedPatient, Index, SegmentationObject
from radstudy.intake.sources import Source

SLICER = "SLICER"
_Image = tuple[ImportedPatient, ImageFrame]
_UNOWNED = "a 3D Slicer segmentation in a folder with images of {count} patients: its patient is not known"


def add_beside(index: Index, source: Source) -> list[str]:
    """Add the .seg.nrrd files of a source to the drawings of their patients.

    Parameters
    ----------
    index : index of the source; its list of skipped files keeps only those whose patient is not known.
    source : holds the files.

    Returns
    -------
    The problems, as text.
    """
    if not index.beside:
        return []
    images: dict[PurePosixPath, list[_Image]] = defaultdict(list)
    for patient in index.patients.values():
        for examination in patient.examinations.values():
            for frame in (frame for frames in examination.series.values() for frame in frames):
                images[PurePosixPath(frame.file).parent].append((patient, frame))
    reasons = {}
    for name in index.beside:
        near = _near(name, images)
        owners = {id(patient): patient for patient, _ in near}
        if len(owners) != 1:
            reasons[name] = _UNOWNED.format(count=len(owners) or "no")
            continue
        (patient,) = owners.values()
        patient.drawings.append(_drawing(name, [frame for _, frame in near], source))
    index.skipped = [
        (name, reasons.get(name, reason))
        for name, reason in index.skipped
        if name in reasons or name not in index.beside
    ]
    if not reasons:
        return []
    remedy = "put each into the folder of its patient's images (skipped.csv in the private folder lists them)"
    problem = f"{len(reasons)} segmentation(s) of 3D Slicer are not in a folder with images of only one patient"
    return [str(CaseError(problem, remedy))]


def _near(name: str, images: Mapping[PurePosixPath, Sequence[_Image]]) -> list[_Image]:
    """The images in or below the nearest folder that has any, from the file's own folder upwards."""
    for folder in PurePosixPath(name).parents:
        near = [image for place, members in images.items() if place.is_relative_to(folder) for image in members]
        if near:
            return near
    return []


def _drawing(name: str, frames: Sequence[ImageFrame], source: Source) -> SegmentationObject:
    own = PurePosixPath(name).parent
    series = sorted({frame.identity.series_uid for frame in frames if PurePosixPath(frame.file).parent == own})
    spaces = sorted({frame.facts.frame_of_reference for frame in frames} - {""})
    identity = replace(min((frame.identity for frame in frames), key=lambda one: one.study_uid), series_uid="")
    # The file has no UID, and its content cannot be one: files of two readers or patients may hold the same bytes.
    label = "\0".join([identity.study_uid, own.name, PurePosixPath(name).name])
    with source.open(name) as file:
        uid = hashlib.blake2b(label.encode() + b"\0" + file.read(), digest_size=16).hexdigest()
    return SegmentationObject(
        name, SLICER, uid, identity, tuple(series) if len(series) == 1 else (), tuple(spaces), by_folder=True
    )

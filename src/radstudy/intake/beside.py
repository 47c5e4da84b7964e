"""3D Slicer's segmentations (.seg.nrrd) beside DICOM images: whose they are, by the folder that they lie in.

Such a file names no patient and no series. It belongs to the patient whose images alone lie in its folder (or below
it), or in the nearest folder above that has images; and to the one series in its own folder, if there is one. Where the
images of several patients lie there, nobody can know, and it is not used.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import Frame
from radstudy.intake.index import Drawing, Index, Patient
from radstudy.intake.sources import Source

SLICER = "SLICER"
_Image = tuple[Patient, Frame]
_UNOWNED = "a 3D Slicer segmentation in a folder with images of {count} patients: nothing says whose it is"


def add_beside(index: Index, source: Source) -> list[str]:
    """Add the .seg.nrrd files of a source to the drawings of their patients.

    Parameters
    ----------
    index : of the source; its list of skipped files then names those alone whose patient is not known.
    source : where the files lie.

    Returns
    -------
    What is wrong, as text.
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
    problem = f"{len(reasons)} segmentation(s) of 3D Slicer lie in no folder with the images of one patient alone"
    return [str(CaseError(problem, remedy))]


def _near(name: str, images: Mapping[PurePosixPath, Sequence[_Image]]) -> list[_Image]:
    """The images in or below the nearest folder that has any, from the file's own upwards."""
    for folder in PurePosixPath(name).parents:
        near = [image for place, there in images.items() if place.is_relative_to(folder) for image in there]
        if near:
            return near
    return []


def _drawing(name: str, frames: Sequence[Frame], source: Source) -> Drawing:
    own = PurePosixPath(name).parent
    series = sorted({frame.identity.series_uid for frame in frames if PurePosixPath(frame.file).parent == own})
    spaces = sorted({frame.facts.frame_of_reference for frame in frames} - {""})
    identity = replace(min((frame.identity for frame in frames), key=lambda one: one.study_uid), series_uid="")
    # The file has no UID. Its content alone is none: two readers' files, or two patients', may hold the same bytes.
    label = "\0".join([identity.study_uid, own.name, PurePosixPath(name).name])
    with source.open(name) as file:
        uid = hashlib.blake2b(label.encode() + b"\0" + file.read(), digest_size=16).hexdigest()
    return Drawing(
        name, SLICER, uid, identity, tuple(series) if len(series) == 1 else (), tuple(spaces), by_folder=True
    )

"""The images of a lesion as the pages name them."""

from __future__ import annotations

from radstudy.app.reading.cases import LesionToRead
from radstudy.app.web.needs import CaseImages, ImageFile


def images_of(lesion: LesionToRead) -> CaseImages:
    """The images of a lesion: the study's sequences, then further phases."""
    files: dict[str, ImageFile] = {}
    for image in lesion.images:
        seconds = next((phase.seconds for phase in image.phases if phase.name == image.sequence), None)
        files[image.sequence] = ImageFile(image.sequence, image.file, image.reference, seconds=seconds)
    for phase in (phase for image in lesion.images for phase in image.phases):
        files.setdefault(phase.name, ImageFile(phase.name, phase.file, of_study=False, seconds=phase.seconds))
    return CaseImages(tuple(files.values()))

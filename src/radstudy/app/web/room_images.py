"""The images of a lesion as the pages name them, and the grids that masks are drawn on."""

from __future__ import annotations

from pathlib import Path

from radstudy.app.reading.cases import LesionToRead
from radstudy.app.reading.strokes import DrawingGrid
from radstudy.app.web.needs import CaseImages, ImageFile
from radstudy.formats.raster import read_grid
from radstudy.formats.reading import digests_of, hash_of
from radstudy.store import content_hash


def images_of(lesion: LesionToRead) -> CaseImages:
    """The images of a lesion: the study's sequences, then further phases."""
    files: dict[str, ImageFile] = {}
    for image in lesion.images:
        seconds = next((phase.seconds for phase in image.phases if phase.name == image.sequence), None)
        files[image.sequence] = ImageFile(image.sequence, image.file, image.reference, seconds=seconds)
    for phase in (phase for image in lesion.images for phase in image.phases):
        files.setdefault(phase.name, ImageFile(phase.name, phase.file, of_study=False, seconds=phase.seconds))
    return CaseImages(tuple(files.values()))


def drawing_grid(image: Path) -> DrawingGrid:
    """The grid of an image file, whose identity changes with the file's content."""
    shape = read_grid(image).shape
    return DrawingGrid(shape, content_hash([shape, hash_of(digests_of(image))]))

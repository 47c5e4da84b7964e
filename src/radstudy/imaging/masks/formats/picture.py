"""Masks drawn as PNG or TIFF images: whole numbers on the pixels of an image of two axes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.errors import CaseError
from radstudy.imaging.masks.formats.label_map import segments_of
from radstudy.imaging.masks.mask_format import MaskFile, MaskFormat, Segment, one_file

if TYPE_CHECKING:
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid

_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
_LOSSY = (".jpg", ".jpeg")


def _knows(file: MaskFile) -> bool:
    return str(file.path).lower().endswith(_SUFFIXES)


def _read(file: Path, grid: Grid | None, _resample: bool) -> list[Segment]:
    import numpy as np

    from radstudy.formats.picture import read_picture

    if str(file).lower().endswith(_LOSSY):
        raise CaseError("JPEG changes the values of a mask", "export the mask as PNG or TIFF", file=file)
    picture = read_picture(file)
    if picture.notes:
        raise CaseError("the mask is in colour", "export it with one number for each region", file=file)
    voxels = picture.pixels.T[:, :, None]
    if grid is None:
        listed = segments_of(voxels, np.eye(4), file)
        return [replace(segment, draw=partial(_without_image, file)) for segment in listed]
    if voxels.shape != grid.shape:
        size, wanted = (" x ".join(map(str, shape)) for shape in (voxels.shape, grid.shape))
        raise CaseError(
            f"the mask has {size} pixels, its image {wanted}; a mask of this kind states no position",
            "draw it on this image, with all its pixels", file=file,
        )  # fmt: skip
    return segments_of(voxels, grid.affine, file)


def _without_image(file: Path) -> MaskOnGrid:
    raise CaseError(
        "a PNG or TIFF mask states no position", "give the image that it was drawn on (grid; --image)", file=file
    )


PICTURE = MaskFormat(
    name="picture",
    words="PNG or TIFF for an image of two axes",
    called_by="number",
    holds="one number per pixel, on the image's own pixels",
    knows=_knows,
    read=_read,
    needs_image=True,
    parts=one_file,
)

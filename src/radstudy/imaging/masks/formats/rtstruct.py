"""DICOM structure sets, whose contours are filled on the image's grid."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.errors import CaseError
from radstudy.formats.dicom_classes import RTSTRUCT_STORAGE
from radstudy.imaging.masks.mask_format import MaskFile, MaskFormat, Segment, one_file

if TYPE_CHECKING:
    from radstudy.formats.rtstruct import Structure
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid


def _knows(file: MaskFile) -> bool:
    return file.dicom_class == RTSTRUCT_STORAGE


def _read(file: Path, grid: Grid | None, resample: bool) -> list[Segment]:
    from radstudy.formats.dicom_frames import dicom_border
    from radstudy.formats.rtstruct import read_rtstruct
    from radstudy.imaging.masks.contours import draw_contours
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid

    def fill(structure: Structure) -> MaskOnGrid:
        if structure.problem is not None:
            raise structure.problem
        if grid is None:
            raise CaseError(
                "a structure set has no grid of its own", "give the image that it was drawn on (grid; --image)"
            )
        with dicom_border(file, "structure set"):
            filled = draw_contours(structure.contours, grid, resample=resample, exclusive=structure.exclusive)
        return MaskOnGrid(filled.mask, grid.affine, notes=(*structure.notes, *filled.notes))

    return [
        Segment(each.number, each.name, bool(each.contours or each.problem), partial(fill, each), each.notes)
        for each in read_rtstruct(file)
    ]


RTSTRUCT = MaskFormat(
    name="rtstruct",
    words="DICOM RTSTRUCT",
    called_by="ROIName or ROINumber",
    holds="closed or interpolated planar contours",
    knows=_knows,
    read=_read,
    needs_image=True,
    parts=one_file,
)

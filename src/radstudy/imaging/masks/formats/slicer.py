"""3D Slicer's segmentations, .seg.nrrd, with several named segments in layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.imaging.masks.mask_format import DicomSeries, MaskFile, MaskFormat, Segment, names_of, raster_files

if TYPE_CHECKING:
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid


def _knows(file: MaskFile) -> bool:
    from radstudy.formats.seg_nrrd import describes_segments

    return describes_segments(file.path)


def _read(file: Path, _grid: Grid | None, _resample: bool) -> list[Segment]:
    from radstudy.formats.seg_nrrd import read_seg_nrrd
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid

    content = read_seg_nrrd(file)
    masks = [(segment, content.mask(segment)) for segment in content.segments]
    return [
        Segment(segment.label, segment.name, bool(mask.any()), partial(MaskOnGrid, mask, content.affine))
        for segment, mask in masks
    ]


def _write(file: Path, masks: Sequence[MaskOnGrid], _series: DicomSeries) -> None:
    from radstudy.formats.seg_nrrd import write_seg_nrrd

    named = {name: mask.mask for name, mask in zip(names_of(masks), masks, strict=True)}
    write_seg_nrrd(file, named, masks[0].affine)


SLICER = MaskFormat(
    name="slicer",
    words="3D Slicer's .seg.nrrd",
    called_by="name or number",
    holds="several segments, several (overlapping) layers, 3-D and 4-D",
    knows=_knows,
    read=_read,
    needs_image=False,
    parts=raster_files,
    suffixes=(".seg.nrrd",),
    write=_write,
)

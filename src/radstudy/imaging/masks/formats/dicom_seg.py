"""DICOM segmentations, whose frames are placed one by one on the image's grid or on a grid of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.errors import UsageError
from radstudy.formats.dicom_classes import SEG_STORAGES
from radstudy.imaging.masks.mask_format import DicomSeries, MaskFile, MaskFormat, Segment, names_of, one_file

if TYPE_CHECKING:
    from radstudy.formats.dicom_seg import SegmentPlanes
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid


def _knows(file: MaskFile) -> bool:
    return file.dicom_class in SEG_STORAGES


def _read(file: Path, grid: Grid | None, resample: bool) -> list[Segment]:
    from radstudy.formats.dicom_frames import dicom_border
    from radstudy.formats.dicom_seg import read_dicom_seg
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.imaging.masks.placing import place_planes, stack_planes

    segments = read_dicom_seg(file)
    every = [plane for segment in segments for plane in segment.planes]

    def place(segment: SegmentPlanes) -> MaskOnGrid:
        with dicom_border(file, "segmentation"):
            if grid is None or resample:
                return MaskOnGrid(*stack_planes(segment.planes, every), notes=segment.notes)
            return MaskOnGrid(place_planes(segment.planes, grid), grid.affine, notes=segment.notes)

    return [Segment(each.number, each.name, bool(each.planes), partial(place, each)) for each in segments]


def _write(file: Path, masks: Sequence[MaskOnGrid], series: DicomSeries) -> None:
    from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg
    from radstudy.imaging.masks.placing import place_mask

    if series.folder is None:
        raise UsageError("a DICOM SEG belongs to a series: give the folder of its files (dicom; --dicom)")
    source = read_source_series(series.folder, series.phase)
    placed = [place_mask(mask, source.grid).mask for mask in masks]
    write_dicom_seg(file, zip(names_of(masks), placed, strict=True), source)


DICOM_SEG = MaskFormat(
    name="dicom_seg",
    words="DICOM SEG",
    called_by="SegmentLabel or SegmentNumber",
    holds="binary, fractional, label map",
    knows=_knows,
    read=_read,
    needs_image=True,
    parts=one_file,
    suffixes=(".dcm",),
    write=_write,
)

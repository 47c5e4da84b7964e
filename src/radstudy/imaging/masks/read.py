"""Mask files of every kind as one region of interest: label maps, DICOM SEG, RTSTRUCT, 3D Slicer's .seg.nrrd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError, unreadable
from radstudy.formats.raster import SUFFIXES, read_raster
from radstudy.formats.reading import held
from radstudy.formats.seg_nrrd import NrrdSegment, SegNrrd, describes_segments, read_seg_nrrd
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.parallel import reading

_LISTED = 10

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The voxels of one part of a mask file.

    Parameters
    ----------
    mask : bool (I, J, K).
    affine : float64 (4, 4), voxel index to RAS mm.
    notes : what a reader should know of how they came about.
    """

    mask: Bool
    affine: Float64
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Segment:
    """One part of a mask file.

    Parameters
    ----------
    number : label value, SegmentNumber or ROINumber.
    name : as the file calls it; "" in a plain label map.
    drawn : whether it holds anything.
    draw : gives its voxels, on the grid of the file itself or, for contours, of the image; raises a CaseError where
        this part cannot be used.
    notes : what a reader should know of a part in which nothing is drawn.
    """

    number: int
    name: str
    drawn: bool
    draw: Callable[[], Drawn]
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Number and name, for messages."""
        return f"{self.number} '{self.name}'" if self.name else str(self.number)


def read_roi(path: str | Path, label: Label | None, grid: Volume | None, *, reader: str, resample: bool) -> Roi:
    """Read one region from a mask file of any kind; see `Roi.read`."""
    from radstudy.imaging.masks.placing import place_mask

    if grid is None and resample:
        raise CaseError("there is no image to resample the mask onto", "give the image (grid; --image)", file=path)
    try:
        with held(), reading(path, reader=reader):
            segments = segments_of(path, grid, resample=resample)
            roi = _chosen(segments, label, reader, str(path))
        return roi if grid is None else place_mask(roi, grid, resample=resample)
    except CaseError as error:
        raise error.located(reader=reader, file=path) from error
    except OSError as error:
        raise unreadable(error, path).located(reader=reader) from error


def needs_image(path: str | Path) -> bool:
    """Whether a mask file has no grid of its own (DICOM SEG and RTSTRUCT), so that its image has to be given."""
    if str(path).lower().endswith(SUFFIXES):
        return False
    from radstudy.formats.dicom_frames import is_dicom

    return is_dicom(path)


def segments_of(path: str | Path, grid: Volume | None = None, *, resample: bool = False) -> list[Segment]:
    """What a mask file holds, in its own order.

    Parameters
    ----------
    path : a label map (NIfTI, NRRD, MetaImage), DICOM SEG, RTSTRUCT or .seg.nrrd.
    grid : the image; contours are filled on its grid, and single slices of a SEG are put into it.
    resample : whether what lies between the image's slices or voxels is taken to the nearest.

    Raises
    ------
    CaseError : the file cannot be read as a mask.
    """
    if describes_segments(path):
        found = read_seg_nrrd(path)
        return [_of_slicer(found, segment) for segment in found.segments]
    return _of_dicom(path, grid, resample) if needs_image(path) else _of_label_map(path)


def _of_label_map(path: str | Path) -> list[Segment]:
    voxels, affine = read_raster(path)
    stored = voxels.ravel(order="K")  # as it lies in memory: indexing by a mask in another order is slow
    drawn = stored[stored != 0]
    if not np.isfinite(drawn).all():
        raise CaseError("the mask holds values that are not finite", "export the mask again", file=path)
    present = [float(value) for value in np.unique(drawn)]
    fractional = [value for value in present if value != int(value)]
    if fractional:
        raise CaseError(
            f"the mask holds fractions such as {fractional[0]:g}",
            "export it as a label map of whole numbers",
            file=path,
        )

    return [Segment(int(value), "", True, partial(_label_drawn, voxels, affine, int(value))) for value in present]


def _label_drawn(voxels: NDArray[Any], affine: Float64, number: int) -> Drawn:
    return Drawn(voxels == number, affine)


def _of_slicer(file: SegNrrd, segment: NrrdSegment) -> Segment:
    mask = file.mask(segment)
    return Segment(segment.label, segment.name, bool(mask.any()), lambda: Drawn(mask, file.affine))


def _of_dicom(path: str | Path, grid: Volume | None, resample: bool) -> list[Segment]:
    from radstudy.formats.dicom_classes import RTSTRUCT_STORAGE, SEG_STORAGES
    from radstudy.formats.dicom_frames import dicom_border, read_dataset
    from radstudy.formats.dicom_seg import SegmentPlanes, read_dicom_seg
    from radstudy.formats.dicom_values import value_of
    from radstudy.formats.rtstruct import Structure, read_rtstruct

    with dicom_border(path, "mask"):
        kind = value_of(read_dataset(path, stop_before_pixels=True), "SOPClassUID") or ""
    if kind in SEG_STORAGES:
        from radstudy.imaging.masks.placing import place_planes, stack_planes

        found = read_dicom_seg(path)
        every = [plane for item in found for plane in item.planes]

        def place(item: SegmentPlanes) -> Drawn:
            with dicom_border(path, "segmentation"):
                if grid is None or resample:
                    return Drawn(*stack_planes(item.planes, every), item.notes)
                return Drawn(place_planes(item.planes, grid), grid.affine, item.notes)

        return [Segment(item.number, item.name, bool(item.planes), partial(place, item)) for item in found]
    if kind != RTSTRUCT_STORAGE:
        name = getattr(kind, "name", str(kind)) or "no stated class"
        raise CaseError(f"this DICOM file is no mask ({name})", "give a SEG or an RTSTRUCT file", file=path)

    def fill(item: Structure) -> Drawn:
        from radstudy.imaging.masks.contours import draw_contours

        if item.problem is not None:
            raise item.problem
        if grid is None:
            raise CaseError(
                "a structure set has no grid of its own", "give the image that it was drawn on (grid; --image)"
            )
        with dicom_border(path, "structure set"):
            filled = draw_contours(item.contours, grid, resample=resample, exclusive=item.exclusive)
        return Drawn(filled.mask, grid.affine, (*item.notes, *filled.notes))

    return [
        Segment(item.number, item.name, bool(item.contours or item.problem), partial(fill, item), item.notes)
        for item in read_rtstruct(path)
    ]


def _chosen(segments: Sequence[Segment], label: Label | None, reader: str, source: str) -> Roi:
    drawn = [segment for segment in segments if segment.drawn]
    if not drawn:
        what = f"its segments ({_listed(segments)}) hold nothing" if segments else "it has no voxel other than 0"
        raise CaseError(f"the mask is empty: {what}", "draw the lesion")
    if label in ("union", "largest") and not any(segment.name == label for segment in segments):
        return _together(drawn, label == "largest", reader, source)
    segment = _only(drawn, label, segments)
    part = segment.draw()
    return Roi(part.mask, part.affine, segment.name or str(segment.number), reader, source, part.notes)


def _only(drawn: Sequence[Segment], label: Label | None, segments: Sequence[Segment]) -> Segment:
    kind = "segments" if any(segment.name for segment in segments) else "labels"
    if label is None:
        if len(drawn) > 1:
            raise CaseError(
                f"the mask holds {len(drawn)} {kind} ({_listed(drawn)})", "say which one is the lesion (label)"
            )
        return drawn[0]
    named = [segment for segment in segments if segment.name and segment.name == str(label)]
    fitting = named or [segment for segment in segments if str(segment.number) == str(label)]
    word = "segment" if kind == "segments" else "label"
    if not fitting:
        raise CaseError(f"{word} {label} is not in the mask, which holds {_listed(segments)}", "name one of those")
    if len(fitting) > 1:
        raise CaseError(
            f"{len(fitting)} {kind} of the mask go by '{label}' ({_listed(fitting)})",
            "say its number" if named else "say its name",
        )
    if not fitting[0].drawn:
        raise CaseError(f"{word} {fitting[0].shown} of the mask is empty", "draw the lesion, or name another one")
    return fitting[0]


def _together(drawn: Sequence[Segment], largest: bool, reader: str, source: str) -> Roi:
    """All segments as one, or the largest connected piece of any (of equals the first)."""
    parts = [segment.draw() for segment in drawn]
    first = parts[0]
    if any(part.mask.shape != first.mask.shape or not np.array_equal(part.affine, first.affine) for part in parts):
        raise CaseError("the segments have no grid in common", "give the image that they were drawn on (grid; --image)")
    names = [segment.name or str(segment.number) for segment in drawn]
    if not largest:
        union = np.any([part.mask for part in parts], axis=0)
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return Roi(union, first.affine, " + ".join(names), reader, source, notes)
    best, size, name, notes = first.mask, 0, "", first.notes
    for part, of in zip(parts, names, strict=True):
        numbered, count = ndimage.label(part.mask, np.ones((3, 3, 3)))
        sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
        if sizes.max() > size:
            best, size, name, notes = numbered == 1 + int(sizes.argmax()), int(sizes.max()), of, part.notes
    return Roi(best, first.affine, name, reader, source, notes)


def _listed(segments: Sequence[Segment]) -> str:
    more = ", ..." if len(segments) > _LISTED else ""
    return ", ".join(segment.shown for segment in segments[:_LISTED]) + more

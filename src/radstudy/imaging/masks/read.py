"""Reading of one region of interest from a mask file of any format in `radstudy.imaging.masks.formats`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError, TransientError, UsageError, unreadable
from radstudy.formats.reading import held
from radstudy.imaging.masks.formats import format_of, label_map
from radstudy.imaging.masks.mask_format import Segment
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
from radstudy.imaging.masks.placing import place_mask
from radstudy.parallel import reading
from radstudy.space.grid import Grid

Label = int | str  # a number or name; "largest" and "union" are rules
_LISTED = 10


def label_of(text: str | None) -> Label | None:
    """Turn the text of --label into a number, a segment's name, largest or union.

    Raises
    ------
    UsageError : a number below 1.
    """
    if text is None or not re.fullmatch(r"-?[0-9]{1,18}", text):
        return text
    if int(text) < 1:
        raise UsageError(f"--label takes a number from 1, a segment's name, largest or union, not '{text}'")
    return int(text)


def read_mask(path: str | Path, label: Label | None, grid: Grid | None, *, reader: str, resample: bool) -> MaskOnGrid:
    """Read one region of a mask file of any format, on the image's grid if given; see `Roi.read`."""
    if grid is None and resample:
        raise CaseError("there is no image to resample the mask onto", "give the image (grid; --image)", file=path)
    try:
        with held(), reading(path, reader=reader):
            segments = segments_of(path, grid, resample=resample)
            mask = replace(_chosen(segments, label), reader=reader, source=str(path))
        return mask if grid is None else place_mask(mask, grid, resample=resample)
    except CaseError as error:
        raise error.located(reader=reader, file=path) from error
    except OSError as error:
        raise unreadable(error, path).located(reader=reader) from error


def region_of_labels(
    voxels: NDArray[Any],
    affine: NDArray[np.float64],
    label: Label | None,
    grid: Grid | None,
    *,
    reader: str = "",
    resample: bool = False,
) -> MaskOnGrid:
    """Take one region of a label map in memory, as `read_mask` does from a file.

    Parameters
    ----------
    voxels : whole numbers (I, J, K), 0 outside.
    affine : float64 (4, 4), voxel index to RAS mm.
    label, grid, reader, resample : as in `Roi.read`.

    Raises
    ------
    CaseError : as in `Roi.read`.
    """
    try:
        mask = replace(_chosen(label_map.segments_of(voxels, affine, ""), label), reader=reader)
        return mask if grid is None else place_mask(mask, grid, resample=resample)
    except CaseError as error:
        raise error.located(reader=reader) from error


def needs_image(path: str | Path) -> bool:
    """True if a mask file has no grid of its own (DICOM SEG and RTSTRUCT), so that its image has to be given.

    False for a file that is not a mask: reading it reports the reason.

    Raises
    ------
    TransientError : the file cannot be read now.
    """
    try:
        return format_of(path).needs_image
    except TransientError:
        raise
    except CaseError:
        return False


def segments_of(path: str | Path, grid: Grid | None = None, *, resample: bool = False) -> list[Segment]:
    """Return the segments of a mask file, in the file's order.

    Parameters
    ----------
    path : of any format in `radstudy.imaging.masks.formats.MASK_FORMATS`.
    grid : of the image; contours are filled on it, and single slices of a SEG are put into it.
    resample : whether parts between the image's slices or voxels are assigned to the nearest ones.

    Raises
    ------
    CaseError : the file cannot be read as a mask.
    """
    return format_of(path).read(Path(path), grid, resample)


def _chosen(segments: Sequence[Segment], label: Label | None) -> MaskOnGrid:
    drawn = [segment for segment in segments if segment.drawn]
    if not drawn:
        what = f"its segments ({_listed(segments)}) are empty" if segments else "it has no voxel other than 0"
        raise CaseError(f"the mask is empty: {what}", "draw the lesion")
    if label in ("union", "largest") and not any(segment.name == label for segment in segments):
        return _together(drawn, label == "largest")
    segment = _only(drawn, label, segments)
    return replace(segment.draw(), label=segment.name or str(segment.number))


def _only(drawn: Sequence[Segment], label: Label | None, segments: Sequence[Segment]) -> Segment:
    kind = "segments" if any(segment.name for segment in segments) else "labels"
    if label is None:
        if len(drawn) > 1:
            raise CaseError(
                f"the mask has {len(drawn)} {kind} ({_listed(drawn)})", "state which one is the lesion (label)"
            )
        return drawn[0]
    named = [segment for segment in segments if segment.name and segment.name == str(label)]
    fitting = named or [segment for segment in segments if str(segment.number) == str(label)]
    word = "segment" if kind == "segments" else "label"
    if not fitting:
        raise CaseError(f"{word} {label} is not in the mask, which has {_listed(segments)}", "name one of those")
    if len(fitting) > 1:
        raise CaseError(
            f"{len(fitting)} {kind} of the mask are called '{label}' ({_listed(fitting)})",
            "give its number instead" if named else "give its name instead",
        )
    if not fitting[0].drawn:
        raise CaseError(f"{word} {fitting[0].shown} of the mask is empty", "draw the lesion, or name another one")
    return fitting[0]


def _together(drawn: Sequence[Segment], largest: bool) -> MaskOnGrid:
    """Return all segments as one, or the largest connected piece of any (the first in a tie)."""
    parts = [segment.draw() for segment in drawn]
    first = parts[0]
    if any(part.mask.shape != first.mask.shape or not np.array_equal(part.affine, first.affine) for part in parts):
        raise CaseError("the segments have no grid in common", "give the image that they were drawn on (grid; --image)")
    names = [segment.name or str(segment.number) for segment in drawn]
    if not largest:
        union = np.any([part.mask for part in parts], axis=0)
        notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
        return MaskOnGrid(union, first.affine, " + ".join(names), notes=notes)
    best, size = first, 0
    for part, name in zip(parts, names, strict=True):
        numbered, count = ndimage.label(part.mask, np.ones((3, 3, 3)))
        sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
        if sizes.max() > size:
            size = int(sizes.max())
            best = MaskOnGrid(numbered == 1 + int(sizes.argmax()), first.affine, name, notes=part.notes)
    return best


def _listed(segments: Sequence[Segment]) -> str:
    more = ", ..." if len(segments) > _LISTED else ""
    return ", ".join(segment.shown for segment in segments[:_LISTED]) + more

"""Assembling DICOM slices into one array with an affine in RAS: sorted along their normal, checked, never interpolated.

References: DICOM PS3.3 C.7.6.2.1.1 (mapping of pixels to the patient), C.11.1 (rescale slope and intercept).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from radstudy.bounds import IMAGE
from radstudy.errors import CaseError
from radstudy.formats.dicom_file import UnreadableError, open_dataset
from radstudy.formats.dicom_header import ImageFrame, SeriesFacts
from radstudy.formats.dicom_pixels import UndecodableError, decoded
from radstudy.space.axes import ras_of_lps
from radstudy.space.grid import Grid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SAME_PLACE_MM = 0.01
_EVEN = 0.01  # gaps between slices may differ by this fraction (headers round positions)
_MOST_FLOAT32 = float(np.finfo(np.float32).max)
_AGAIN = "export the series again from the PACS"

Open = Callable[[str], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, eq=False)
class SliceGrid(Grid):
    """The grid of a series' slices: I along its columns, J along its rows, K along the slices.

    Parameters
    ----------
    shape, affine, source : see `Grid`.
    order : numbers of the frames in the order of the slices.
    """

    order: tuple[int, ...] = ()


def normal_of(facts: SeriesFacts) -> NDArray[np.float64]:
    """Compute the unit vector (3,), LPS, along which slices are sorted: the cross product of a row and a column.

    Raises
    ------
    CaseError : the header has no orientation, or its axes are not unit vectors at right angles.
    """
    if facts.orientation is None:
        raise CaseError(
            "the header has no ImageOrientationPatient", "it has no orientation in the patient: leave the series out"
        )
    row, column = np.asarray(facts.orientation[:3]), np.asarray(facts.orientation[3:])
    off = max(abs(row @ row - 1), abs(column @ column - 1), abs(row @ column))
    if off > 2e-3:
        raise CaseError(
            f"ImageOrientationPatient {list(facts.orientation)} does not hold two unit vectors at right angles", _AGAIN
        )
    normal: NDArray[np.float64] = np.cross(row, column)
    return normal / np.linalg.norm(normal)


def distances(frames: Sequence[ImageFrame]) -> NDArray[np.float64]:
    """Compute the position (N,) of each frame along the normal of the first one, in mm."""
    positions = _positions(frames)
    return positions @ normal_of(frames[0].facts)


def grid_of(frames: Sequence[ImageFrame]) -> SliceGrid:
    """Sort the slices of one volume by position along their normal, and check that they form a regular grid.

    Parameters
    ----------
    frames : one per slice, in any order.

    Raises
    ------
    CaseError : a slice is missing, a position occurs twice or lies off the line, the gaps are uneven, there is only
        one slice, or the headers do not state the positions. Nothing is interpolated.
    """
    facts = frames[0].facts
    if facts.pixel_spacing is None or min(facts.pixel_spacing) <= 0:
        raise CaseError(f"PixelSpacing is {facts.pixel_spacing}", _AGAIN)
    if len(frames) < 2:
        raise CaseError("the series has only one slice", "a volume needs two or more: leave the series out")
    normal, positions = normal_of(facts), _positions(frames)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    step = _even_step(along[order])
    first = positions[order[0]]
    aside = positions[order] - first - np.outer(along[order] - along[order[0]], normal)
    if np.linalg.norm(aside, axis=1).max() > max(0.05, 0.1 * min(facts.pixel_spacing)):
        raise CaseError(
            f"the slices are shifted by up to {np.linalg.norm(aside, axis=1).max():.2f} mm across their normal", _AGAIN
        )
    lps = np.eye(4)
    row = np.asarray(facts.orientation[:3]) if facts.orientation else normal
    row = row / np.linalg.norm(row)
    lps[:3, 0] = row * facts.pixel_spacing[1]
    lps[:3, 1] = np.cross(normal, row) * facts.pixel_spacing[0]
    lps[:3, 2] = normal * step
    lps[:3, 3] = first
    shape = (facts.columns, facts.rows, len(frames))
    return SliceGrid(shape, ras_of_lps(lps), order=tuple(int(number) for number in order))


def _positions(frames: Sequence[ImageFrame]) -> NDArray[np.float64]:
    places = [frame.position for frame in frames]
    if any(place is None for place in places):
        lacking = sum(place is None for place in places)
        raise CaseError(
            f"{lacking} of {len(places)} images have no ImagePositionPatient",
            "they are not slices of a volume: leave the series out",
        )
    return np.asarray(places, dtype=np.float64)


def _even_step(sorted_mm: NDArray[np.float64]) -> float:
    """Compute the distance between slices; raise a CaseError that explains the fault if they are not evenly spaced."""
    gaps = np.diff(sorted_mm)
    double = np.flatnonzero(gaps < SAME_PLACE_MM)
    if len(double):
        places = ", ".join(f"{sorted_mm[number]:.2f}" for number in double[:5])
        raise CaseError(f"{len(double)} slice position(s) occur twice (at {places} mm along the normal)", _AGAIN)
    step = float(np.median(gaps)) if len(gaps) > 2 else float(gaps.min())
    uneven = np.flatnonzero(np.abs(gaps - step) > max(_EVEN * step, 2 * SAME_PLACE_MM))
    if not len(uneven):
        return float((sorted_mm[-1] - sorted_mm[0]) / len(gaps))
    parts = gaps[uneven] / step
    whole = np.abs(parts - np.round(parts)) < 0.05
    if whole.all() and (np.round(parts) >= 2).all():
        missing = int((np.round(parts) - 1).sum())
        where = ", ".join(f"after slice {number + 1}" for number in uneven[:5])
        raise CaseError(
            f"{missing} slice(s) are missing ({where}, counted along the normal; step {step:.2f} mm)", _AGAIN
        )
    listed = ", ".join(f"{gaps[number]:.2f} mm after slice {number + 1}" for number in uneven[:5])
    raise CaseError(
        f"the slices are unevenly spaced (step {step:.2f} mm, but {listed})",
        "two scans may have been stored as one series: export them separately; nothing is interpolated",
    )


def same_grid(one: Grid, other: Grid, *, tolerance_voxels: float = 0.01) -> bool:
    """True if two series lie on the same grid, to a hundredth of a voxel: headers round the position of every slice.

    Looser than `Grid.same_as`, which is required of masks: a mask's header has only one origin to round.
    """
    if one.shape != other.shape:
        return False
    apart = np.abs(one.corners - other.corners).max()
    return bool(apart <= tolerance_voxels * one.spacing_mm.min())


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of one volume.

    Parameters
    ----------
    voxels : (I, J, K) along columns, rows, slices: the stored pixel type if no rescaling applies, float32 if it does.
    padded : number of voxels that the header's padding value marks as outside the image; they are set to 0.
    """

    voxels: NDArray[Any]
    padded: int


def read_voxels(frames: Sequence[ImageFrame], grid: SliceGrid, opened: Open, *, scale: float | None = None) -> Pixels:
    """Read the pixels of one volume, rescaled to real values.

    Parameters
    ----------
    frames : the frames from which `grid` was computed, in the same order.
    grid : their positions.
    opened : opens an object by the file name in `Frame`.
    scale : the `Frame.scale` to which all values of the volume are converted; None leaves them as rescaled.

    Raises
    ------
    CaseError : an object is cut off, its pixels are compressed in a way that no installed decoder supports, are in
        colour, or have another size than the header of the series states.
    """
    plain = all(frame.slope in (None, 1.0) and frame.intercept in (None, 0.0) for frame in frames)
    plain = plain and scale is None
    volume: NDArray[Any] | None = None
    padded = 0
    held: tuple[str, Any] = ("", None)
    for place, number in enumerate(grid.order):
        frame = frames[number]
        if held[0] != frame.file:
            held = (frame.file, _dataset(frame, opened))
        pixels = _pixels(held[1], frame)
        outside = _outside(pixels, frame)
        if pixels.shape != grid.shape[1::-1]:
            raise CaseError(f"slice {place + 1} has {pixels.shape} pixels, the others {grid.shape[1::-1]}", _AGAIN)
        if volume is None:
            _require_room(grid, pixels.dtype if plain else np.dtype(np.float32))
            volume = np.empty(grid.shape, dtype=pixels.dtype if plain else np.float32, order="F")
        if volume.dtype != pixels.dtype and plain:
            raise CaseError(f"slice {place + 1} is stored as {pixels.dtype}, the others as {volume.dtype}", _AGAIN)
        values = pixels if plain else rescaled(pixels, frame, scale)
        if not plain:
            _require_float32(values, frame, pixels)
        if outside is not None:
            values, padded = np.where(outside, 0, values), padded + int(np.count_nonzero(outside))
        volume[:, :, place] = values.T
    if volume is None:
        raise CaseError("the series has no images", _AGAIN)
    return Pixels(volume, padded)


def _require_room(grid: SliceGrid, dtype: np.dtype[Any]) -> None:
    if problem := IMAGE.exceeded(math.prod(grid.shape) * dtype.itemsize):
        raise CaseError(f"the volume has {' x '.join(map(str, grid.shape))} voxels: {problem}", IMAGE.remedy)


def _require_float32(values: NDArray[Any], frame: ImageFrame, stored: NDArray[Any]) -> None:
    """Refuse rescaled values that exceed float32's range, or that float32 cannot tell apart."""
    low, high = float(values.min()), float(values.max())
    with np.errstate(over="ignore"):
        lost = stored.min() < stored.max() and np.float32(low) == np.float32(high)
    if not max(-low, high) <= _MOST_FLOAT32 or lost:
        raise CaseError(
            f"instance {frame.instance_number}: RescaleSlope {frame.slope} and RescaleIntercept {frame.intercept} "
            "yield values that an image cannot hold",
            _AGAIN,
        )


def read_slice(frame: ImageFrame, opened: Open) -> NDArray[np.float64]:
    """Read the rescaled values (I, J) of one image, 0 outside it; raises as `read_voxels` does."""
    pixels = _pixels(_dataset(frame, opened), frame)
    outside = _outside(pixels, frame)
    values: NDArray[np.float64] = rescaled(pixels, frame, None).astype(np.float64)
    _require_float32(values, frame, pixels)
    return (values if outside is None else np.where(outside, 0.0, values)).T


def rescaled(pixels: NDArray[Any], frame: ImageFrame, scale: float | None) -> NDArray[Any]:
    """Convert the stored values of one image to real values, on another image's scale if one is given."""
    with np.errstate(over="ignore", invalid="ignore"):  # reported where the values are used
        values: NDArray[Any] = pixels * (frame.slope or 1.0) + (frame.intercept or 0.0)
        return values if scale is None or frame.scale is None else values * (scale / frame.scale)


def _outside(pixels: NDArray[Any], frame: ImageFrame) -> NDArray[np.bool_] | None:
    """Mark the stored values that the header's padding value puts outside the image; None if there are none."""
    if frame.facts.padding is None:
        return None
    low, high = frame.facts.padding
    outside = (pixels >= low) & (pixels <= high)
    return outside if outside.any() else None


def _dataset(frame: ImageFrame, opened: Open) -> Any:
    try:
        with opened(frame.file) as file:
            return open_dataset(file)
    except Exception as error:  # a file that could be read before and has changed since
        problem = f"instance {frame.instance_number} cannot be read ({type(error).__name__})"
        raise CaseError(problem, _AGAIN) from error


def _pixels(dataset: Dataset, frame: ImageFrame) -> NDArray[Any]:
    """Decode the stored values (rows, columns) of one image."""
    from pydicom.uid import UID

    if frame.facts.samples != 1:
        problem = f"instance {frame.instance_number} has colour pixels"
        raise CaseError(problem, "a screenshot is not a volume: leave it out")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decoded(dataset, frame.index)
    except UndecodableError as error:
        name = UID(frame.facts.transfer_syntax).name
        raise CaseError(
            f"the pixels are compressed as {name}, which cannot be decoded here",
            "export the series uncompressed (Explicit VR Little Endian)",
        ) from error
    except UnreadableError as error:
        raise CaseError(f"the pixels of instance {frame.instance_number} cannot be decoded: {error}", _AGAIN) from error
    except Exception as error:  # each decoder has its own errors
        raise CaseError(f"the pixels of instance {frame.instance_number} are cut off or damaged", _AGAIN) from error

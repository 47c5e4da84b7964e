"""Operations on a whole mask that the browser asks for and shows as a preview: nothing is kept before a reader accepts.

All work on the image's own grid, and on slices of one axis where the operation belongs to a slice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import UsageError

BoolArray = NDArray[np.bool_]
_NEIGHBOURS_2D, _NEIGHBOURS_3D = np.ones((3, 3), bool), ndimage.generate_binary_structure(3, 1)
_LARGEST_SMOOTHING_MM = 20.0


def smoothed(mask: BoolArray, spacing_mm: Sequence[float], width_mm: float, *, axis: int | None = None) -> BoolArray:
    """A mask with its outline smoothed by a Gaussian, cut at one half; its voxels stay about as many.

    Parameters
    ----------
    mask : bool (I, J, K).
    spacing_mm : of the three axes.
    width_mm : standard deviation of the Gaussian, up to 20 mm.
    axis : of the slices, each smoothed by itself; None: in space.

    Raises
    ------
    UsageError : the width is not a positive number of at most 20 mm.
    """
    if not 0 < width_mm <= _LARGEST_SMOOTHING_MM:
        raise UsageError(f"smooth by more than 0 and at most {_LARGEST_SMOOTHING_MM:g} mm (given: {width_mm:g})")
    sigma = [0.0 if number == axis else width_mm / length for number, length in enumerate(spacing_mm)]
    box = _box(mask, [int(np.ceil(4 * one)) + 1 for one in sigma])
    result = np.zeros_like(mask)
    result[box] = ndimage.gaussian_filter(mask[box].astype(np.float32), sigma, mode="constant", truncate=4.0) > 0.5
    return result


def largest_piece(mask: BoolArray) -> BoolArray:
    """The largest piece of a mask, of voxels that share a face; the first of several equally large ones."""
    labels, count = ndimage.label(mask, structure=_NEIGHBOURS_3D)
    if count < 2:
        return mask.copy()
    sizes = np.bincount(labels.ravel())[1:]
    return np.asarray(labels == 1 + int(np.argmax(sizes)))


def without_islands(mask: BoolArray, fewest: int) -> BoolArray:
    """A mask without pieces of fewer voxels than `fewest`; voxels that share a face belong together.

    Raises
    ------
    UsageError : `fewest` is below 1.
    """
    if fewest < 1:
        raise UsageError(f"keep pieces of at least one voxel (given: {fewest})")
    labels, _ = ndimage.label(mask, structure=_NEIGHBOURS_3D)
    sizes = np.bincount(labels.ravel())
    keep = sizes >= fewest
    keep[0] = False
    return np.asarray(keep[labels])


def without_holes(mask: BoolArray, axis: int) -> BoolArray:
    """A mask whose holes are filled, slice by slice along `axis`: what the outline encloses belongs to the lesion."""
    slices = np.moveaxis(mask, axis, 0)
    filled = np.stack([ndimage.binary_fill_holes(one) if one.any() else one for one in slices])
    return np.ascontiguousarray(np.moveaxis(filled, 0, axis))


def grown(
    voxels: NDArray[np.floating], seed: Sequence[int], low: float, high: float, box: Sequence[tuple[int, int]]
) -> BoolArray:
    """The voxels between two intensities that are connected with a seed by their faces, within a box.

    Parameters
    ----------
    voxels : (I, J, K) in the image's unit.
    seed : its index.
    low, high : smallest and largest intensity, both included.
    box : first and last index on each axis, both included; parts outside the image are ignored.

    Raises
    ------
    UsageError : the seed lies outside the box or the image, or its own intensity is not within the limits.
    """
    limits = [slice(max(0, first), min(last + 1, size)) for (first, last), size in zip(box, voxels.shape, strict=True)]
    if not all(part.start <= index < part.stop for index, part in zip(seed, limits, strict=True)):
        raise UsageError("start growing from a voxel inside the box")
    if not low <= float(voxels[tuple(seed)]) <= high:
        raise UsageError(
            f"the voxel clicked on has {float(voxels[tuple(seed)]):g}, which is not between {low:g} and {high:g}"
        )
    part = voxels[tuple(limits)]
    labels, _ = ndimage.label((part >= low) & (part <= high), structure=_NEIGHBOURS_3D)
    own = labels[tuple(index - piece.start for index, piece in zip(seed, limits, strict=True))]
    result = np.zeros(voxels.shape, bool)
    result[tuple(limits)] = labels == own
    return result


def _box(mask: BoolArray, margins: Sequence[int]) -> tuple[slice, ...]:
    """The box of a mask with margins, within the array; of an empty mask an empty box."""
    places = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(
        slice(max(0, int(place[0]) - margin), int(place[-1]) + margin + 1) if place.size else slice(0, 0)
        for place, margin in zip(places, margins, strict=True)
    )

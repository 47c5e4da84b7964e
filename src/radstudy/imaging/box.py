"""Bounding boxes of masks: first and last + 1 voxel along each axis of the array, in the array's order.

The features' arrays are (z, y, x), those of volumes and masks (I, J, K); a box fits arrays of one order only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # first and last + 1 along each axis of an array

Scalar = TypeVar("Scalar", bound=np.generic)


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """Return the first and last + 1 voxel inside along each axis; None for an empty mask.

    Examples
    --------
    >>> mask = np.zeros((2, 3, 4), dtype=bool)
    >>> mask[1, 0:2, 3] = True
    >>> bounding_box(mask)
    ((1, 2), (0, 2), (3, 4))
    """
    if not mask.flags.c_contiguous and mask.T.flags.c_contiguous:
        turned = bounding_box(mask.T)
        return None if turned is None else (turned[2], turned[1], turned[0])
    planes = np.flatnonzero(np.any(mask.reshape(mask.shape[0], -1), axis=1))
    if planes.size == 0:
        return None
    flat: NDArray[np.bool_] = np.logical_or.reduce(mask[planes[0] : planes[-1] + 1], axis=0)
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return (
        (int(planes[0]), int(planes[-1]) + 1),
        (int(rows[0]), int(rows[-1]) + 1),
        (int(columns[0]), int(columns[-1]) + 1),
    )


def box_around(masks: Sequence[NDArray[np.bool_]]) -> Box | None:
    """Return the box around the voxels of all masks, which share one grid; None if all masks are empty."""
    boxes = [box for box in map(bounding_box, masks) if box is not None]
    if not boxes:
        return None
    first, second, third = (
        (min(first for first, _ in ends), max(last for _, last in ends)) for ends in zip(*boxes, strict=True)
    )
    return first, second, third


def padded(box: Box, pad: int | tuple[int, int, int], shape: tuple[int, ...]) -> Box:
    """Return the box enlarged by `pad` voxels on all sides (or per axis), cut at the image's borders."""
    pads = (pad, pad, pad) if isinstance(pad, int) else pad
    z, y, x = (
        (max(first - more, 0), min(last + more, size))
        for (first, last), more, size in zip(box, pads, shape, strict=True)
    )
    return z, y, x


def cut(array: NDArray[Scalar], box: Box) -> NDArray[Scalar]:
    """Return the part of an array (z, y, x) inside the box."""
    return array[slice(*box[0]), slice(*box[1]), slice(*box[2])]

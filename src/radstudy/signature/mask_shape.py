"""Shape of a patient's mask on its image: empty slices within the lesion, and borders of the image that it touches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AXES = ("first", "second", "third")


@dataclass(frozen=True)
class MaskShape:
    """Facts of a mask that do not depend on intensities.

    Parameters
    ----------
    slices : from the first to the last slice with lesion, along the axis of the thickest voxels.
    empty_slices : of these, without lesion.
    borders : faces of the image that the lesion touches, such as "first slice of the third axis".
    """

    slices: int
    empty_slices: int
    borders: tuple[str, ...]


def mask_shape(mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> MaskShape:
    """Describe a mask that is not empty.

    Parameters
    ----------
    mask : bool (I, J, K).
    spacing_mm : (3,) of the voxels; an axis with one voxel has no border.

    Examples
    --------
    >>> mask = np.zeros((5, 5, 5), bool)
    >>> mask[2, 2, [1, 3, 4]] = True
    >>> mask_shape(mask, np.array([1.0, 1.0, 3.0]))
    MaskShape(slices=4, empty_slices=1, borders=('last slice of the third axis',))
    """
    thick = int(len(spacing_mm) - 1 - np.argmax(np.asarray(spacing_mm)[::-1]))
    along = [np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    drawn = along[thick]
    borders = [
        f"{end} slice of the {_AXES[axis]} axis"
        for axis, places in enumerate(along) if mask.shape[axis] > 1
        for end, touched in (("first", places[0] == 0), ("last", places[-1] == mask.shape[axis] - 1)) if touched
    ]  # fmt: skip
    slices = int(drawn[-1] - drawn[0]) + 1
    return MaskShape(slices, slices - len(drawn), tuple(borders))

"""Preparation of an image and a mask for IBSI features: interpolation, then resegmentation.

IBSI's order of work: interpolate the image and the mask, round the intensities, then remove voxels from the intensity
mask by their intensity. The morphological mask stays whole. Arrays and spacings are in the order (z, y, x).

References
----------
IBSI reference manual (arXiv:1612.07003), sections 2.4 (interpolation, VTM2) and 2.5 (re-segmentation, IF9H).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError
from radstudy.features.ibsi.settings import IbsiSettings
from radstudy.features.packed import Spacing
from radstudy.imaging.box import Box, bounding_box, cut
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.space.axes import zyx_of_ijk

Float64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

_Order = Literal[0, 1, 3]  # of a spline
_ORDERS: dict[str, _Order] = {"nearest": 0, "linear": 1, "cubic": 3}
_ROUNDING = 1e-6  # a voxel that is exactly half inside must not be lost to rounding


@dataclass(frozen=True, eq=False)
class Stage:
    """The image and its masks after one step of the preparation.

    Parameters
    ----------
    image : float64 (z, y, x), the image's unit.
    intensity_mask : bool (z, y, x), the voxels whose intensities count.
    morphological_mask : bool (z, y, x), the lesion's shape.
    spacing_mm : (z, y, x) between voxel centres.
    """

    image: Float64
    intensity_mask: Mask
    morphological_mask: Mask
    spacing_mm: Spacing

    @cached_property
    def values(self) -> Float64:
        """Intensities inside the intensity mask, (n,)."""
        return self.image[self.intensity_mask]

    @cached_property
    def box(self) -> Box:
        """First and last + 1 voxel of the morphological mask along (z, y, x)."""
        box = bounding_box(self.morphological_mask)
        assert box is not None, "a stage is never empty"
        return box

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the part of a (z, y, x) array inside the box."""
        return cut(array, self.box)


@dataclass(frozen=True, eq=False)
class PreparedLesion:
    """A lesion before and after each step; features come from `resegmented`."""

    initial: Stage
    interpolated: Stage
    resegmented: Stage


def prepare(volume: Volume, roi: Roi, settings: IbsiSettings, *, whole_image: bool = False) -> PreparedLesion:
    """Interpolate and resegment one lesion.

    Parameters
    ----------
    volume : the image.
    roi : a mask on its grid.
    settings : the steps and their settings.
    whole_image : intensities outside the mask are needed and must be finite too (as when interpolating).

    Raises
    ------
    CaseError : the mask is empty or not on the image's grid; it disappears on the new grid or in resegmentation;
        required intensities are not finite.
    """
    placed = roi.on_grid_of(volume)
    mask = np.ascontiguousarray(zyx_of_ijk(placed.mask))
    image = np.ascontiguousarray(zyx_of_ijk(volume.voxels), dtype=np.float64)
    x, y, z = (float(mm) for mm in volume.spacing_mm)
    if not mask.any():
        raise CaseError(
            "the mask is empty: no voxel lies inside", "draw the lesion", reader=roi.reader, file=roi.source
        )
    _check_finite(image if whole_image or settings.spacing_mm is not None else image[mask])
    initial = Stage(image, mask, mask, (z, y, x))
    interpolated = interpolate(initial, settings)
    return PreparedLesion(initial, interpolated, resegment(interpolated, settings))


def _check_finite(values: Float64) -> None:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise CaseError(
            f"{bad} required intensities are not finite",
            "replace them by the background's value, or draw the mask without them",
        )


def interpolate(stage: Stage, settings: IbsiSettings) -> Stage:
    """Interpolate image and mask onto the new grid, which has the same centre as the old one.

    An axis of n voxels at spacing s becomes ceil(n s / s') voxels at s'. Beyond the outermost voxel centres the
    outermost voxels repeat.

    Raises
    ------
    CaseError : no voxel of the new grid contains enough of the mask.
    """
    if settings.spacing_mm is None:
        return stage
    old = np.array(stage.spacing_mm)
    new = np.array(settings.spacing_mm[::-1], dtype=np.float64)
    new = np.where(new == 0, old, new)
    if settings.by_slice:
        new[0] = old[0]
    size = np.array(stage.image.shape)
    # a quotient that is an integer except for rounding must not gain a voxel
    count = np.ceil(np.round(size * old / new, 9)).astype(int)
    first = (old * (size - 1) - new * (count - 1)) / 2 / old
    image = _on_grid(stage.image, new / old, first, count, _ORDERS[settings.interpolation])
    part = _on_grid(stage.morphological_mask.astype(np.float64), new / old, first, count, 1)
    mask: Mask = part >= settings.mask_threshold - _ROUNDING
    if not mask.any():
        raise CaseError(
            f"interpolation from {_mm(old)} to {_mm(new)} mm leaves no voxel of the mask",
            "choose a finer spacing_mm or a lower mask_threshold",
        )
    if settings.round_intensities:
        image = np.rint(image)
    return Stage(image, mask, mask, (float(new[0]), float(new[1]), float(new[2])))


def _on_grid(array: Float64, step: Float64, first: Float64, count: NDArray[np.int_], order: _Order) -> Float64:
    """Sample an array (z, y, x) at `count` points along each axis, `step` voxels apart, starting at index `first`."""
    sampled: Float64 = ndimage.affine_transform(
        array, step, offset=first.tolist(), output_shape=tuple(count.tolist()), order=order, mode="nearest"
    )
    return sampled


def _mm(zyx: Float64) -> str:
    return " x ".join(f"{value:g}" for value in zyx[::-1])


def resegment(stage: Stage, settings: IbsiSettings) -> Stage:
    """Remove voxels from the intensity mask by their intensity.

    Both the range and mean +- n standard deviations refer to the mask before resegmentation; if both are set, voxels in
    their intersection stay.

    Raises
    ------
    CaseError : no voxel is left.
    """
    low, high = -np.inf, np.inf
    if settings.resegment_range is not None:
        low, high = settings.resegment_range
    if settings.resegment_sigma is not None:
        mean, reach = float(stage.values.mean()), settings.resegment_sigma * float(stage.values.std())
        low, high = max(low, mean - reach), min(high, mean + reach)
    kept = stage.intensity_mask & (stage.image >= low) & (stage.image <= high)
    if not kept.any():
        raise CaseError(
            f"resegmentation to {low:g} ... {high:g} leaves none of {stage.values.size} voxels, whose intensities are "
            f"{stage.values.min():g} ... {stage.values.max():g}",
            "widen resegment_range or resegment_sigma",
        )
    return Stage(stage.image, kept, stage.morphological_mask, stage.spacing_mm)

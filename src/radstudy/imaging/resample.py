"""Resampling of a lesion and its surroundings to a new voxel spacing, as in PyRadiomics 3.0.1 or IBSI.

Read `resample` for the order of work: the box of the mask, the new grid around it, the mask and the image at the
grid's points. PyRadiomics samples masks by nearest neighbour; IBSI interpolates them linearly and applies a threshold
to the fraction of the voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from radstudy.errors import CaseError
from radstudy.imaging.box import bounding_box, cut, padded
from radstudy.imaging.header import Header
from radstudy.imaging.interpolation import MARGIN, sample_bspline, sample_linear, sample_mask, sample_nearest
from radstudy.imaging.resampling_grid import Align, resampling_grid


@dataclass(frozen=True, eq=False)
class LesionRegion:
    """Part of an image with its lesion, on one grid.

    Parameters
    ----------
    image : (z, y, x) voxels in the pixel type for filters and features.
    mask : bool (z, y, x).
    spacing_mm : (x, y, z).
    start : (x, y, z) continuous index of the region's first voxel in the original image.
    """

    image: NDArray[Any]
    mask: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]
    start: tuple[float, ...]


def resample(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    header: Header,
    *,
    spacing_mm: tuple[float, float, float],
    pad: int = 5,
    interpolator: str = "sitkBSpline",
    dtype: DTypeLike | None = None,
    margin: int = MARGIN,
    align: Align = "corner",
    partial_volume: float | None = None,
) -> LesionRegion:
    """Resample the lesion and its surroundings to a new voxel spacing.

    Parameters
    ----------
    image : (z, y, x) voxels.
    mask : bool (z, y, x) on the same grid.
    header : of the image.
    spacing_mm : (x, y, z) new spacing, see `resampling_grid`.
    pad : voxels kept around the lesion's box.
    interpolator : of the image: "sitkBSpline", "sitkLinear" or "sitkNearestNeighbor".
    dtype : pixel type of the result; values are clipped to the range of integer types and truncated, as ITK does.
        None keeps float64.
    margin : voxels around the region for which spline coefficients are computed.
    align : "corner" (PyRadiomics) or "centre" (IBSI), see `resampling_grid`.
    partial_volume : of the mask: None takes the nearest voxel (PyRadiomics), a number in (0, 1] takes the samples where
        the linearly interpolated mask reaches it (IBSI: 0.5).

    Returns
    -------
    Region : with an empty mask if no sample falls into the lesion; `refuse_vanished` raises an error then.

    Raises
    ------
    CaseError : the mask is empty.
    """
    box = bounding_box(mask)
    if box is None:
        raise CaseError("the mask is empty: no voxel lies inside", "draw the lesion")
    grid = resampling_grid(box, mask.shape, header, spacing_mm, pad, align)
    if grid is None:
        around = padded(box, pad, mask.shape)
        kept = cut(image, around)
        begin = tuple(float(first) for first, _ in around[::-1])
        return LesionRegion(
            kept if dtype is None else to_dtype(kept, dtype), cut(mask, around), header.spacing_mm, begin
        )
    inside = sample_mask(mask, grid, partial_volume)
    if interpolator == "sitkNearestNeighbor":
        values = sample_nearest(image, grid)
    elif interpolator == "sitkLinear":
        values = sample_linear(image, grid)
    else:
        values = sample_bspline(image, grid, margin)
    return LesionRegion(values if dtype is None else to_dtype(values, dtype), inside, grid.spacing_mm, grid.start)


def to_dtype(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Cast values to a pixel type as ITK does: clipped to the type's range, then truncated towards zero."""
    wanted = np.dtype(dtype)
    if values.dtype == wanted:
        return values
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        truncated: NDArray[Any] = np.clip(values, limits.min, limits.max).astype(wanted)
        return truncated
    return values.astype(wanted)

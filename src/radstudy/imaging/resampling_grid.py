"""Grid that a lesion is resampled onto, as placed by PyRadiomics 3.0.1 or IBSI, and the positions of its points.

PyRadiomics' grid starts at the corner of the image's first voxel; IBSI's shares the image's centre. Only the part
around the lesion is computed. Its points have the coordinates that ITK computes, including rounding errors: from 1.5 to
1 mm every third sample falls on the border of two voxels.

Spacings and sizes are (x, y, z), ITK's order; arrays over the grid are (z, y, x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.box import Box
from radstudy.imaging.header import Header

ROUNDING = 1e-6  # fractions of a voxel, and sizes in voxels, closer than this to a bound count as on it
Align = Literal["corner", "centre"]


@dataclass(frozen=True, eq=False)
class SampleGrid:
    """The new grid around a lesion, and the positions of its samples in the old one.

    Parameters
    ----------
    size : (x, y, z) voxels.
    spacing_mm : (x, y, z).
    coordinates : x, y, z, float64 arrays that broadcast over (z, y, x): continuous index in the old grid. One value per
        plane if the axes are the scanner's, one per voxel if they are oblique (rounding differs line by line).
    nearest : x, y, z, int64 arrays of the same shapes: the nearest old voxel, -1 outside the image.
    start : (x, y, z) continuous index in the old grid of the first voxel.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    coordinates: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    nearest: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    start: tuple[float, ...]


def resampling_grid(
    box: Box,
    shape: tuple[int, ...],
    header: Header,
    spacing_mm: tuple[float, float, float],
    pad: int,
    align: Align = "corner",
) -> SampleGrid | None:
    """Compute the new grid around a lesion; None if the spacing stays the same.

    Parameters
    ----------
    box : of the lesion, (z, y, x).
    shape : of the image, (z, y, x).
    header : the image's.
    spacing_mm : (x, y, z) new spacing; 0 keeps an axis.
    pad : voxels of the new grid around the lesion.
    align : "corner" is PyRadiomics' grid, which keeps an axis along which the lesion is one voxel thick; "centre" is
        IBSI's: ceil(old size x old spacing / new spacing) voxels around the centre of the image.

    References
    ----------
    IBSI reference manual, section 2.4 (interpolation), doi 10.17195/candat.2016.08.1.
    """
    old = np.array(header.spacing_mm)
    lower = np.array([first for first, _ in box[::-1]])
    count = np.array([last - first for first, last in box[::-1]])
    new = np.where(np.array(spacing_mm) == 0, old, np.array(spacing_mm, dtype=np.float64))
    if align == "corner":
        new = np.where(count != 1, new, old)
    if np.allclose(old, new):
        return None
    ratio = old / new
    if align == "corner":
        first = np.maximum(np.floor((lower - 0.5) * ratio - pad), 0)
        last = np.ceil((lower + count - 0.5) * ratio + pad)
        last = np.minimum(last, np.ceil(np.array(shape[::-1]) * ratio) - 1)
        start = 0.5 * (new - old) / old
    else:
        voxels = np.ceil(np.array(shape[::-1]) * ratio - ROUNDING)
        start = (np.array(shape[::-1]) - 1) / 2 - (voxels - 1) / 2 / ratio
        first = np.maximum(np.floor((lower - 0.5 - start) * ratio) - pad, 0)
        last = np.minimum(np.ceil((lower + count - 0.5 - start) * ratio) + pad, voxels - 1)
    size = (last - first + 1).astype(int)
    origin_index = start + first / ratio
    coordinates, nearest = _itk_coordinates(header, new, origin_index, size, shape)
    return SampleGrid(
        (int(size[0]), int(size[1]), int(size[2])), (float(new[0]), float(new[1]), float(new[2])), coordinates, nearest,
        tuple(origin_index.tolist()),
    )  # fmt: skip


def outside(grid: SampleGrid, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which points of the grid lie outside the old image of `shape` (z, y, x); broadcasts over the grid."""
    x, y, z = (_within(c, n) for c, n in zip(grid.coordinates, shape[::-1], strict=True))
    outside: NDArray[np.bool_] = ~(x & y & z)
    return outside


def _itk_coordinates(
    header: Header,
    new: NDArray[np.float64],
    origin_index: NDArray[np.float64],
    size: NDArray[np.int_],
    shape: tuple[int, ...],
) -> tuple[Any, Any]:
    """Compute the continuous indices of the new grid's points in the old image, as ITK's resampling filter does.

    The filter maps the first point of every line along x, and the point after its last, through physical space, and
    divides the distance between them.
    """
    at_zero = replace(header, origin_mm=(0.0, 0.0, 0.0)).itk_image()
    to_index = np.array([at_zero.TransformPhysicalPointToContinuousIndex(unit) for unit in np.eye(3).tolist()]).T
    start = np.array(header.itk_image().TransformContinuousIndexToPhysicalPoint(origin_index.tolist()))
    cosines, origin = np.reshape(header.direction, (3, 3)), header.origin_mm
    to_point = cosines * new

    def continuous(index: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> list[NDArray[np.float64]]:
        offset = []
        for row in range(3):
            point = start[row] + to_point[row, 0] * index[0]
            point = point + to_point[row, 1] * index[1]
            point = point + to_point[row, 2] * index[2]
            offset.append(point - origin[row])
        return [
            to_index[row, 0] * offset[0] + to_index[row, 1] * offset[1] + to_index[row, 2] * offset[2]
            for row in range(3)
        ]

    x, y, z = (np.arange(n, dtype=np.float64) for n in size)
    across, up = y[None, :, None], z[:, None, None]
    begin, end = np.zeros((1, 1, 1)), np.full((1, 1, 1), float(size[0]))
    if (np.count_nonzero(cosines, axis=0) == 1).all():  # each old axis depends on one new axis, exactly
        first, last = continuous((begin, begin, begin))[0], continuous((end, begin, begin))[0]
        along = first + x / float(size[0]) * (last - first)
        points = [along, continuous((begin, across, begin))[1], continuous((begin, begin, up))[2]]
    else:
        lines = zip(continuous((begin, across, up)), continuous((end, across, up)), strict=True)
        points = [first + x / float(size[0]) * (last - first) for first, last in lines]
    return tuple(points), tuple(_nearest(point, n) for point, n in zip(points, shape[::-1], strict=True))


def _nearest(coordinate: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    index = np.floor(coordinate + 0.5).astype(np.int64)
    return np.where(_within(coordinate, size), index, -1)


def _within(coordinate: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    return (coordinate >= -0.5) & (coordinate < size - 0.5)

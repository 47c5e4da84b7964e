"""Cubic B-splines on a lattice of control points over a regular grid of voxels.

Along each axis a voxel depends on four control points, so a lattice is evaluated, and voxels are summed into one, one
axis at a time. Lattices are (a, b, c) and fields (I, J, K); fields are stored with I fastest, as images are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from radstudy.imaging.kernels import lattice as kernels
from radstudy.space.axes import ijk_of_zyx, zyx_of_ijk

ORDER = 3
_EPSILON = 1e-3  # of a voxel: ITK keeps the last voxel this far inside the B-spline's domain

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taps:
    """The control points that each voxel of one axis depends on, and their weights.

    Parameters
    ----------
    first : int64 (voxels,), the first control point of each voxel.
    weights : float (voxels, 4), of this control point and the next three; (voxels, 1) along an axis of one voxel.
    count : number of control points of the axis.
    """

    first: NDArray[np.int64]
    weights: NDArray[np.floating[Any]]
    count: int

    def squared(self) -> Taps:
        """Return the same control points with the squares w^2 of the weights."""
        return Taps(self.first, self.weights * self.weights, self.count)

    def cubed(self) -> Taps:
        """Return the same control points with w^3 divided by each voxel's sum of w^2."""
        squares = self.weights * self.weights
        total = squares[:, 0]
        for column in range(1, squares.shape[1]):  # in this order: NumPy sums in another order if that is faster
            total = total + squares[:, column]
        return Taps(self.first, squares * self.weights / total[:, None], self.count)

    def of_dtype(self, dtype: DTypeLike) -> NDArray[Any]:
        """Return the weights in a lattice's precision."""
        return self.weights.astype(dtype, copy=False)


def taps(size: int, count: int) -> Taps:
    """Compute cubic B-splines of `count` control points at `size` equidistant voxels across their domain, float64.

    An axis of one voxel has one control point, of weight 1.
    """
    if count == 1:
        return Taps(np.zeros(size, np.int64), np.ones((size, 1)), 1)
    spans = count - ORDER
    place = np.arange(size) * (spans / max(size - 1, 1))
    margin = spans / max(size - 1, 1) * _EPSILON
    place[np.abs(place - spans) <= margin] = spans - margin
    first = place.astype(np.int64)
    part = place - first
    rest, square, cube = 1 - part, part * part, part * part * part  # np.power's last bit depends on the processor
    weights = np.stack(
        [
            rest * rest * rest / 6,
            (3 * cube - 6 * square + 4) / 6,
            (-3 * cube + 3 * square + 3 * part + 1) / 6,
            cube / 6,
        ],
        axis=1,
    )
    return Taps(first, weights, count)


def refined(lattice: Float64) -> Float64:
    """Return the same function on twice as many spans: n control points become 2 n - 3 along every axis."""
    for axis in range(lattice.ndim):
        if lattice.shape[axis] == 1:
            continue
        points = np.moveaxis(lattice, axis, 0)
        finer = np.empty((2 * len(points) - ORDER, *points.shape[1:]))
        finer[0::2] = (points[:-1] + points[1:]) / 2
        finer[1::2] = (points[:-2] + 6 * points[1:-1] + points[2:]) / 8
        lattice = np.moveaxis(finer, 0, axis)
    return np.ascontiguousarray(lattice)


def evaluate(lattice: NDArray[Any], axes: Sequence[Taps]) -> NDArray[Any]:
    """Evaluate the lattice (a, b, c) at every voxel (I, J, K), in the lattice's own precision."""
    x, y, z = axes
    points = np.ascontiguousarray(zyx_of_ijk(lattice))
    wx, wy, wz = (one.of_dtype(points.dtype) for one in axes)
    field: NDArray[Any] = kernels.evaluate(points, z.first, wz, y.first, wy, x.first, wx)
    return ijk_of_zyx(field)


def rows_along_x(lattice: NDArray[Any], x: Taps) -> NDArray[Any]:
    """Evaluate the first axis for kernels that continue with the others: (a, b, c) to (c, b * I)."""
    points = np.ascontiguousarray(zyx_of_ijk(lattice))
    rows: NDArray[Any] = kernels.rows_of(points, x.first, x.of_dtype(points.dtype))
    return rows


def contract(values: Float64, axes: Sequence[Taps]) -> Float64:
    """Sum voxels (I, J, K) into a lattice (a, b, c): the transpose of `evaluate`."""
    x, y, z = axes
    stored = np.ascontiguousarray(zyx_of_ijk(values))
    sums: NDArray[Any] = kernels.contract(
        stored, (z.count, y.count, x.count), z.first, z.weights, y.first, y.weights, x.first, x.weights
    )  # fmt: skip
    return ijk_of_zyx(sums)


def contract_planes(planes: Float64, axes: Sequence[Taps]) -> Float64:
    """Finish `contract` for kernels that have already summed along J: (K, b, I) to (a, b, c)."""
    x, y, z = axes
    sums: NDArray[Any] = kernels.contract_planes(
        planes, (z.count, y.count, x.count), z.first, z.weights, x.first, x.weights
    )
    return ijk_of_zyx(sums)

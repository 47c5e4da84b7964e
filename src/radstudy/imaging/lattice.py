"""Cubic B-splines on a lattice of control points over a regular grid of voxels.

Along each axis a voxel sees four control points, so a lattice is evaluated, and voxels are summed into one, one axis at
a time. Lattices are (a, b, c) and fields (I, J, K); fields are stored with I fastest, as images are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.kernels import lattice as kernels

ORDER = 3
_EPSILON = 1e-3  # of a voxel: ITK keeps the last voxel this far inside the B-spline's domain

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Taps:
    """What the voxels of one axis see of its control points.

    Parameters
    ----------
    first : int64 (voxels,), the first control point that each voxel sees.
    weights : float (voxels, 4), of that one and the next three; (voxels, 1) along an axis of one voxel.
    count : control points of the axis.
    """

    first: NDArray[np.int64]
    weights: NDArray[np.floating[Any]]
    count: int

    def with_weights(self, weights: NDArray[np.floating[Any]]) -> Taps:
        """The same control points with other weights."""
        return Taps(self.first, weights, self.count)


def taps(size: int, count: int) -> Taps:
    """Cubic B-splines of `count` control points at `size` equidistant voxels that span their domain, float64.

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
    weights = np.stack(
        [
            (1 - part) ** 3 / 6,
            (3 * part**3 - 6 * part**2 + 4) / 6,
            (-3 * part**3 + 3 * part**2 + 3 * part + 1) / 6,
            part**3 / 6,
        ],
        axis=1,
    )
    return Taps(first, weights, count)


def refined(lattice: Float64) -> Float64:
    """The same function on twice as many spans: n control points become 2 n - 3 along every axis."""
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
    """The lattice (a, b, c) at every voxel (I, J, K), in the lattice's own precision."""
    x, y, z = axes
    points = np.ascontiguousarray(lattice.transpose(2, 1, 0))
    weights = [one.weights.astype(points.dtype, copy=False) for one in (z, y, x)]
    field: NDArray[Any] = kernels.evaluate(
        points, z.first, weights[0], y.first, weights[1], x.first, weights[2]
    ).transpose(2, 1, 0)  # fmt: skip
    return field


def plane_by_plane(lattice: NDArray[Any], axes: Sequence[Taps]) -> Callable[[int], NDArray[Any]]:
    """A function that gives one plane (J, I) of `evaluate` after the other, k from 0; it may be called by threads."""
    x, y, z = axes
    points = np.ascontiguousarray(lattice.transpose(2, 1, 0))
    weights = [one.weights.astype(points.dtype, copy=False) for one in (z, y, x)]
    rows = kernels.before_planes(points, y.first, weights[1], x.first, weights[2])

    def plane(k: int) -> NDArray[Any]:
        found: NDArray[Any] = kernels.plane(rows, z.first[k : k + 1], weights[0][k : k + 1])
        return found.reshape(y.first.size, x.first.size)

    return plane


def contract(values: Float64, axes: Sequence[Taps]) -> Float64:
    """The transpose of `evaluate`: voxels (I, J, K) summed into a lattice (a, b, c)."""
    x, y, z = axes
    stored = np.ascontiguousarray(values.transpose(2, 1, 0))
    sums: NDArray[Any] = kernels.contract(
        stored, (z.count, y.count, x.count), z.first, z.weights, y.first, y.weights, x.first, x.weights
    ).transpose(2, 1, 0)  # fmt: skip
    return sums

"""Evaluation of a B-spline lattice on a regular grid of voxels, and the transpose, by axis with four taps per voxel.

Arrays are (z, y, x) with x contiguous, so that the inner loops run along whole rows. Nothing here depends on a BLAS,
its threads or fused multiply-add: the sums have the same order and the same rounding on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Reals = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
_u = np.uint64  # an index that may be negative needs a test for counting from the end


@jit()
def mix(rows: Reals, at: int, taps: Reals, start: int, out: Reals) -> None:
    """Fill out (n,) with the sum of taps (4,) or (1,) times as many of the rows (a, width), starting at row `at`.

    `start` is the column of the rows that out begins at.
    """
    if taps.size == 4:
        a, b, c, d = rows[at, start:], rows[at + 1, start:], rows[at + 2, start:], rows[at + 3, start:]
        wa, wb, wc, wd = taps[0], taps[1], taps[2], taps[3]
        for i in range(out.size):
            out[_u(i)] = wa * a[_u(i)] + wb * b[_u(i)] + wc * c[_u(i)] + wd * d[_u(i)]
    else:
        row, weight = rows[at, start:], taps[0]
        for i in range(out.size):
            out[_u(i)] = weight * row[_u(i)]


@jit()
def gather(row: Reals, at: int, taps: Reals, start: int, sums: Reals) -> None:
    """Add taps (4,) or (1,) times the row (n,) to sums (a, width), starting at row `at`: the transpose of `mix`."""
    if taps.size == 4:
        a, b, c, d = sums[at, start:], sums[at + 1, start:], sums[at + 2, start:], sums[at + 3, start:]
        wa, wb, wc, wd = taps[0], taps[1], taps[2], taps[3]
        for i in range(row.size):
            value = row[_u(i)]
            a[_u(i)] += wa * value
            b[_u(i)] += wb * value
            c[_u(i)] += wc * value
            d[_u(i)] += wd * value
    else:
        total, weight = sums[at, start:], taps[0]
        for i in range(row.size):
            total[_u(i)] += weight * row[_u(i)]


@jit()
def rows_of(lattice: Reals, first_x: Indices, x: Reals) -> Reals:
    """Evaluate the lattice (c, b, a) along the first axis of `evaluate`, to (c, b * x)."""
    c, b, a = lattice.shape
    columns = np.ascontiguousarray(lattice.reshape(c * b, a).T)
    rows = np.empty((first_x.size, c * b), lattice.dtype)
    for voxel in range(first_x.size):
        mix(columns, first_x[voxel], x[voxel], 0, rows[voxel])
    return np.ascontiguousarray(rows.T).reshape(c, b * first_x.size)


@jit()
def evaluate(
    lattice: Reals, first_z: Indices, z: Reals, first_y: Indices, y: Reals, first_x: Indices, x: Reals
) -> Reals:
    """Evaluate the lattice (c, b, a) at every voxel (z, y, x).

    Parameters
    ----------
    first_z, first_y, first_x : int64 (voxels,), the first control point that a voxel sees along each axis.
    z, y, x : (voxels, taps), the weights of it and the next ones; 4 taps, or 1 along an axis of one voxel.
    """
    rows = rows_of(lattice, first_x, x)
    field = np.empty((first_z.size, first_y.size, first_x.size), lattice.dtype)
    mixed = np.empty((lattice.shape[1], first_x.size), lattice.dtype)
    for k in range(first_z.size):
        mix(rows, first_z[k], z[k], 0, mixed.reshape(mixed.size))
        for j in range(first_y.size):
            mix(mixed, first_y[j], y[j], 0, field[k, j])
    return field


@jit()
def contract_planes(
    planes: Reals, shape: tuple[int, int, int], first_z: Indices, z: Reals, first_x: Indices, x: Reals
) -> Reals:
    """Sum planes (z, b, x) into (c, b, a): the last two axes of `contract`."""
    c, b, a = shape
    width = planes.shape[2]
    along_z = np.zeros((c, b * width), planes.dtype)
    for k in range(planes.shape[0]):
        gather(planes[k].reshape(b * width), first_z[k], z[k], 0, along_z)
    columns = np.ascontiguousarray(along_z.reshape(c * b, width).T)
    sums = np.zeros((a, c * b), planes.dtype)
    for voxel in range(width):
        gather(columns[voxel], first_x[voxel], x[voxel], 0, sums)
    return np.ascontiguousarray(sums.T).reshape(c, b, a)


@jit()
def contract(
    values: Reals, shape: tuple[int, int, int],
    first_z: Indices, z: Reals, first_y: Indices, y: Reals, first_x: Indices, x: Reals,
) -> Reals:  # fmt: skip
    """Sum voxels (z, y, x) into a lattice of the given (c, b, a) shape: the transpose of `evaluate`."""
    planes = np.zeros((values.shape[0], shape[1], values.shape[2]), values.dtype)
    for k in range(values.shape[0]):
        for j in range(values.shape[1]):
            gather(values[k, j], first_y[j], y[j], 0, planes[k])
    return contract_planes(planes, shape, first_z, z, first_x, x)

"""A B-spline lattice evaluated on a regular grid of voxels, and the transpose: one axis at a time, four taps a voxel.

Arrays are (z, y, x) with x contiguous, so that the inner loops run along whole rows. Nothing here depends on a BLAS or
on its threads: the sums have one order, on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Reals = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
_CHUNK = 512  # columns: five rows of them stay in the fastest cache
_u = np.uint64  # an index that may be negative costs a test for counting from the end


@jit(fastmath={"contract"})
def _along_rows(lines: Reals, first: Indices, taps: Reals) -> Reals:
    """(n, a) control points along the last axis to (n, voxels)."""
    found = np.zeros((lines.shape[0], first.size), lines.dtype)
    for n in range(lines.shape[0]):
        for voxel in range(first.size):
            total = taps[voxel, 0] * lines[n, first[voxel]]
            for tap in range(1, taps.shape[1]):
                total += taps[voxel, tap] * lines[n, first[voxel] + tap]
            found[n, voxel] = total
    return found


@jit(fastmath={"contract"})
def _across_rows(rows: Reals, first: Indices, taps: Reals) -> Reals:
    """(n, a, width) control points along the middle axis to (n, voxels, width)."""
    count, width = taps.shape[1], rows.shape[2]
    found = np.empty((rows.shape[0], first.size, width), rows.dtype)
    for n in range(rows.shape[0]):
        for start in range(0, width, _CHUNK):
            stop = min(start + _CHUNK, width)
            for voxel in range(first.size):
                out = found[n, voxel, start:stop]
                at = first[voxel]
                if count == 4:
                    a, b = rows[n, at, start:stop], rows[n, at + 1, start:stop]
                    c, d = rows[n, at + 2, start:stop], rows[n, at + 3, start:stop]
                    wa, wb, wc, wd = taps[voxel, 0], taps[voxel, 1], taps[voxel, 2], taps[voxel, 3]
                    for i in range(out.size):
                        out[_u(i)] = wa * a[_u(i)] + wb * b[_u(i)] + wc * c[_u(i)] + wd * d[_u(i)]
                else:
                    row, weight = rows[n, at, start:stop], taps[voxel, 0]
                    for i in range(out.size):
                        out[_u(i)] = weight * row[_u(i)]
    return found


@jit()
def before_planes(lattice: Reals, first_y: Indices, y: Reals, first_x: Indices, x: Reals) -> Reals:
    """The first two axes of `evaluate`: the lattice (c, b, a) to (c, y * x)."""
    c, b, a = lattice.shape
    along_x = _along_rows(lattice.reshape(c * b, a), first_x, x)
    along_y = _across_rows(along_x.reshape(c, b, first_x.size), first_y, y)
    return along_y.reshape(c, first_y.size * first_x.size)


@jit()
def plane(rows: Reals, first: Indices, taps: Reals) -> Reals:
    """The last axis of `evaluate` for some planes (p,): (c, n) of `before_planes` to (p, n)."""
    found: Reals = _across_rows(rows.reshape(1, rows.shape[0], rows.shape[1]), first, taps)[0]
    return found


@jit()
def evaluate(
    lattice: Reals, first_z: Indices, z: Reals, first_y: Indices, y: Reals, first_x: Indices, x: Reals
) -> Reals:
    """The lattice (c, b, a) at every voxel (z, y, x).

    Parameters
    ----------
    first_z, first_y, first_x : int64 (voxels,), the first control point that a voxel sees along each axis.
    z, y, x : (voxels, taps), what it and the next ones count; 4 taps, or 1 along an axis of one voxel.
    """
    rows = before_planes(lattice, first_y, y, first_x, x)
    return plane(rows, first_z, z).reshape(first_z.size, first_y.size, first_x.size)


@jit(fastmath={"contract"})
def _gather_rows(rows: Reals, first: Indices, taps: Reals, count: int) -> Reals:
    """The transpose of `_across_rows`: (n, voxels, width) to (n, count, width)."""
    width = rows.shape[2]
    sums = np.zeros((rows.shape[0], count, width), rows.dtype)
    for n in range(rows.shape[0]):
        for voxel in range(first.size):
            row = rows[n, voxel]
            at = first[voxel]
            if taps.shape[1] == 4:
                a, b, c, d = sums[n, at], sums[n, at + 1], sums[n, at + 2], sums[n, at + 3]
                wa, wb, wc, wd = taps[voxel, 0], taps[voxel, 1], taps[voxel, 2], taps[voxel, 3]
                for i in range(width):
                    value = row[_u(i)]
                    a[_u(i)] += wa * value
                    b[_u(i)] += wb * value
                    c[_u(i)] += wc * value
                    d[_u(i)] += wd * value
            else:
                total, weight = sums[n, at], taps[voxel, 0]
                for i in range(width):
                    total[_u(i)] += weight * row[_u(i)]
    return sums


@jit()
def contract(
    values: Reals, shape: tuple[int, int, int],
    first_z: Indices, z: Reals, first_y: Indices, y: Reals, first_x: Indices, x: Reals,
) -> Reals:  # fmt: skip
    """The transpose of `evaluate`: voxels (z, y, x) summed into a lattice of the given (c, b, a) shape."""
    c, b, a = shape
    k, j, i = values.shape
    along_z = _gather_rows(values.reshape(1, k, j * i), first_z, z, c)
    along_y = _gather_rows(along_z.reshape(c, j, i), first_y, y, b).reshape(c * b, i)
    sums = np.zeros((c * b, a), values.dtype)
    for n in range(c * b):
        for voxel in range(i):
            for tap in range(x.shape[1]):
                sums[n, first_x[voxel] + tap] += x[voxel, tap] * along_y[n, voxel]
    return sums.reshape(c, b, a)

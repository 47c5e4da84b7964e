"""Division of a volume by its bias field, row by row: evaluated, exponentiated and divided within the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.imaging.kernels.elementary import exp32
from radstudy.imaging.kernels.lattice import mix

Reals = NDArray[np.floating[Any]]
Singles = NDArray[np.float32]
Indices = NDArray[np.int64]
_u = np.uint64  # an index that may be negative needs a test for counting from the end


@jit(error_model="numpy")
def divide_planes(
    voxels: Reals, rows: Singles, first_z: Indices, z: Singles, first_y: Indices, y: Singles, corrected: Reals,
    log_field: Reals, keep_log: bool,
) -> tuple[float, float]:  # fmt: skip
    """Fill corrected (z, y, x) with voxels (z, y, x) divided by the field.

    Parameters
    ----------
    rows : float32 (c, b * x), the log field's control points evaluated along x, as returned by `rows_of`.
    first_z, z, first_y, y : control points and taps of the other axes.
    log_field : (z, y, x), filled with the field's logarithm if `keep_log`.

    Returns
    -------
    The smallest and the largest corrected voxel; both are NaN if a voxel is not finite.
    """
    width = voxels.shape[2]
    mixed = np.empty((rows.shape[1] // width, width), np.float32)
    field = np.empty(width, np.float32)
    low, high = np.full(width, np.inf, corrected.dtype), np.full(width, -np.inf, corrected.dtype)
    strange = np.zeros(width, corrected.dtype)  # becomes NaN if a voxel is not finite
    for k in range(voxels.shape[0]):
        mix(rows, first_z[k], z[k], 0, mixed.reshape(mixed.size))
        for j in range(voxels.shape[1]):
            voxel, out = voxels[k, j], corrected[k, j]
            mix(mixed, first_y[j], y[j], 0, field)
            if keep_log:
                kept = log_field[k, j]
                for i in range(width):
                    kept[_u(i)] = field[_u(i)]
            for i in range(width):
                field[_u(i)] = exp32(field[_u(i)])
            for i in range(width):
                out[_u(i)] = voxel[_u(i)] / field[_u(i)]
            for i in range(width):
                low[_u(i)] = out[_u(i)] if out[_u(i)] < low[_u(i)] else low[_u(i)]
                high[_u(i)] = out[_u(i)] if out[_u(i)] > high[_u(i)] else high[_u(i)]
                strange[_u(i)] += out[_u(i)] - out[_u(i)]
    if np.isnan(strange).any():
        return np.nan, np.nan
    return low.min(), high.max()

"""Compiled kernels of the IBSI features: arrays in, arrays out; NumPy and numba only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]


@jit()
def sphere_means(image: Float64, centres: Int64, offsets: Int64) -> Float64:
    """Compute the mean of the image at the offsets around each centre, ignoring those outside the image.

    Parameters
    ----------
    image : float64 (z, y, x).
    centres : int64 (n, 3), voxels.
    offsets : int64 (m, 3), the voxel itself among them.

    Returns
    -------
    means : float64 (n,).
    """
    depth, height, width = image.shape
    means = np.empty(centres.shape[0])
    for index in range(centres.shape[0]):
        total = 0.0
        count = 0
        for step in range(offsets.shape[0]):
            z = centres[index, 0] + offsets[step, 0]
            y = centres[index, 1] + offsets[step, 1]
            x = centres[index, 2] + offsets[step, 2]
            if 0 <= z < depth and 0 <= y < height and 0 <= x < width:
                total += image[z, y, x]
                count += 1
        means[index] = total / count
    return means


@jit()
def zones(packed: Int32, inside: Int32, offsets: Int64, distance: Int32) -> tuple[Int32, Int32, Int32, Int32]:
    """Find the connected zones of equal level, with their position and least distance to the border.

    Parameters
    ----------
    packed : int32, a flat, zero-padded lesion; 0 outside.
    inside : int32 (n,), indices of lesion voxels.
    offsets : int64, to all neighbours, both ways.
    distance : int32 like `packed`, of each voxel to the border.

    Returns
    -------
    first, level, size, nearest : int32 (zones,), index of its first voxel, grey level, voxels, least distance.
    """
    left = packed.copy()
    stack = np.empty(inside.size, np.int64)
    results = np.empty((4, inside.size), np.int32)
    count = 0
    for seed in inside:
        level = left[seed]
        if level == 0:
            continue
        left[seed] = 0
        stack[0] = seed
        waiting = 1
        size = 0
        nearest = distance[seed]
        while waiting > 0:
            waiting -= 1
            voxel = stack[waiting]
            size += 1
            nearest = min(nearest, distance[voxel])
            for step in offsets:
                other = voxel + step
                if left[other] == level:
                    left[other] = 0
                    stack[waiting] = other
                    waiting += 1
        results[0, count] = seed
        results[1, count] = level
        results[2, count] = size
        results[3, count] = nearest
        count += 1
    return results[0, :count], results[1, :count], results[2, :count], results[3, :count]


@jit()
def neighbourhoods(
    packed: Int32, dense: Int32, inside: Int32, part: Int64, offsets: Int64, n_grey: int, n_parts: int
) -> tuple[Float64, Float64]:
    """Count voxels that have neighbours and sum their differences from the neighbours' mean, by part and level.

    Parameters
    ----------
    packed, dense : int32, flat and zero-padded: grey levels, and their ranks from 1.
    inside : int32 (n,), indices of lesion voxels.
    part : int64 (n,), the part (slice) that each voxel belongs to.
    offsets : int64, to all neighbours, both ways.

    Returns
    -------
    voxels : float64 (n_parts, n_grey), voxels with at least one neighbour inside the lesion.
    differences : float64 (n_parts, n_grey), sums of absolute differences.
    """
    voxels = np.zeros((n_parts, n_grey))
    differences = np.zeros((n_parts, n_grey))
    for index in range(inside.size):
        voxel = inside[index]
        total = 0
        count = 0
        for step in offsets:
            level = packed[voxel + step]
            total += level
            count += level > 0
        if count > 0:
            voxels[part[index], dense[voxel] - 1] += 1
            differences[part[index], dense[voxel] - 1] += abs(packed[voxel] - total / count)
    return voxels, differences

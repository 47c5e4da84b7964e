"""Counts of grey levels: neighbours, runs, zones and dependences, over lesion voxels only.

All kernels work on a flat, zero-padded copy of the lesion's bounding box, so that a neighbour is at a fixed offset and
no bounds are checked. Level 0 is "not lesion". Indices are unsigned in the inner loops: an index that may be negative
needs a test for Python's counting from the end, which would take half of the time here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
_u = np.uint64


@jit()
def bounding_box(levels: Int32) -> Int64:
    """Return the lesion's first and last index along z, y, x, its number of voxels, and its highest level.

    Parameters
    ----------
    levels : int32 (z, y, x), 0 outside.

    Returns
    -------
    box : int64 (8,): z0, z1, y0, y1, x0, x1, voxels, highest level. Without voxels the first seven are meaningless.
    """
    depth, height, width = levels.shape
    box = np.array([depth, -1, height, -1, width, -1, 0, 0], np.int64)
    for z in range(depth):
        for y in range(height):
            first, last, highest, count = width, -1, 0, 0
            for x in range(width):
                level = levels[z, y, x]
                if level > 0:
                    first = min(first, x)
                    last = x
                    count += 1
                    highest = max(highest, level)
            if count:
                box[0] = min(box[0], z)
                box[1] = z
                box[2] = min(box[2], y)
                box[3] = max(box[3], y)
                box[4] = min(box[4], first)
                box[5] = max(box[5], last)
                box[6] += count
                box[7] = max(box[7], highest)
    return box


@jit()
def pack(levels: Int32, box: Int64, pad: int) -> tuple[Int32, Int32, Int64]:
    """Return the flat, padded bounding box, the indices of its lesion voxels, and the number of voxels per level.

    Parameters
    ----------
    levels : int32 (z, y, x), 0 outside.
    box : of `bounding_box`.
    pad : zeros on every side.

    Returns
    -------
    packed : int32 (padded z * y * x,).
    inside : int32 (voxels,), indices into `packed`, ascending.
    histogram : int64 (highest level + 1,).
    """
    height = box[3] - box[2] + 1 + 2 * pad
    width = box[5] - box[4] + 1 + 2 * pad
    packed = np.zeros((box[1] - box[0] + 1 + 2 * pad) * height * width, np.int32)
    inside = np.empty(box[6], np.int32)
    histogram = np.zeros(box[7] + 1, np.int64)
    n_inside = 0
    for z in range(box[0], box[1] + 1):
        for y in range(box[2], box[3] + 1):
            row = ((z - box[0] + pad) * height + y - box[2] + pad) * width + pad - box[4]
            for x in range(box[4], box[5] + 1):
                level = levels[z, y, x]
                if level > 0:
                    packed[row + x] = level
                    inside[n_inside] = row + x
                    n_inside += 1
                    histogram[level] += 1
    return packed, inside, histogram


@jit()
def relabel(packed: Int32, inside: Int32, rank: Int32) -> Int32:
    """Return a copy of `packed` with levels replaced by their rank (from 1) among the levels present."""
    dense = np.zeros(packed.size, np.int32)
    for voxel in inside:
        dense[voxel] = rank[packed[voxel]]
    return dense


@jit()
def count_pairs(dense: Int32, inside: Int32, offsets: Int64, n_grey: int) -> Int32:
    """Count grey-level co-occurrences, one direction at a time.

    Returns
    -------
    counts : int32 (directions, n_grey + 1, n_grey + 1), voxels of rank i whose neighbour at the offset has rank j.
        Rank 0 is outside the lesion: counted too, because that is cheaper than a test.
    """
    side = _u(n_grey + 1)
    counts = np.zeros((offsets.size, (n_grey + 1) ** 2), np.int32)
    for direction in range(offsets.size):
        offset = _u(offsets[direction])
        matrix = counts[direction]
        for index in range(inside.size):
            voxel = _u(inside[index])
            matrix[_u(dense[voxel]) * side + _u(dense[voxel + offset])] += 1
    return counts.reshape(offsets.size, n_grey + 1, n_grey + 1)


@jit()
def count_runs(dense: Int32, inside: Int32, offsets: Int64, n_grey: int, longest: int) -> Int32:
    """Count runs of equal level, one direction at a time. Offsets must point forward (be positive).

    Returns
    -------
    counts : int32 (directions, n_grey + 1, longest), runs of rank i and length j + 1; rank 0 has none.
    """
    return count_pairs_and_runs(dense, inside, offsets, n_grey, longest)[1]


@jit()
def count_pairs_and_runs(dense: Int32, inside: Int32, offsets: Int64, n_grey: int, longest: int) -> tuple[Int32, Int32]:
    """Do `count_pairs` and `count_runs` over the same directions in one pass.

    The loop has no branch: whether a neighbour is equal is practically random, and a mispredicted branch costs more
    than adding 0.
    """
    side, row = _u(n_grey + 1), _u(longest)
    pairs = np.zeros((offsets.size, (n_grey + 1) ** 2), np.int32)
    runs = np.zeros((offsets.size, (n_grey + 1) * longest), np.int32)
    length = np.zeros(dense.size, np.int32)  # of the run up to, but not including, this voxel; reset to 0 afterwards
    for direction in range(offsets.size):
        offset = _u(offsets[direction])
        pair = pairs[direction]
        run = runs[direction]
        for index in range(inside.size):
            voxel = _u(inside[index])
            level = dense[voxel]
            other = dense[voxel + offset]
            before = length[voxel]
            length[voxel] = 0
            goes_on = np.int32(other == level)
            length[voxel + offset] = goes_on * (before + 1)
            run[_u(level) * row + _u(before)] += 1 - goes_on
            pair[_u(level) * side + _u(other)] += 1
    by_direction = runs.reshape(offsets.size, n_grey + 1, longest)
    return pairs.reshape(offsets.size, n_grey + 1, n_grey + 1), by_direction


@jit()
def a_line_holds_two(dense: Int32, inside: Int32, strides: Int64, shape: Int64, margin: int, direction: Int64) -> bool:
    """True if two lesion voxels, adjacent or not, lie on one line along the direction.

    strides (3,) of the padded box and shape (3,) of the box, z, y, x; margin: layers of padding; direction (3,).
    """
    step = direction[0] * strides[0] + direction[1] * strides[1] + direction[2]
    for index in range(inside.size):
        voxel = np.int64(inside[index])
        z, rest = voxel // strides[0] - margin, voxel % strides[0]
        y, x = rest // strides[1] - margin, rest % strides[1] - margin
        while True:
            z, y, x, voxel = z + direction[0], y + direction[1], x + direction[2], voxel + step
            if not (0 <= z < shape[0] and 0 <= y < shape[1] and 0 <= x < shape[2]):
                break
            if dense[voxel] > 0:
                return True
    return False


@jit()
def zones(packed: Int32, inside: Int32, offsets: Int64) -> tuple[Int32, Int32]:
    """Find the connected zones of equal level, by flood fill.

    Parameters
    ----------
    offsets : to all neighbours, in both directions.

    Returns
    -------
    level, size : int32 (zones,), of each zone.
    """
    left = packed.copy()
    stack = np.empty(inside.size, np.int64)
    level_of = np.empty(inside.size, np.int32)
    size_of = np.empty(inside.size, np.int32)
    n_zones = 0
    for seed in inside:
        level = left[_u(seed)]
        if level == 0:
            continue
        left[_u(seed)] = 0
        stack[0] = seed
        waiting = _u(1)
        size = 0
        while waiting > 0:
            waiting -= _u(1)
            voxel = stack[waiting]
            size += 1
            for index in range(offsets.size):
                other = voxel + offsets[index]
                if left[_u(other)] == level:
                    left[_u(other)] = 0
                    stack[waiting] = other
                    waiting += _u(1)
        level_of[n_zones] = level
        size_of[n_zones] = size
        n_zones += 1
    return level_of[:n_zones], size_of[:n_zones]


@jit()
def zone_matrix(rank: Int32, level: Int32, size: Int32, n_grey: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count zones by rank of level and by size, for the sizes that occur.

    Returns
    -------
    counts : float64 (n_grey, sizes).
    sizes : float64 (sizes,), ascending.
    """
    largest = n_sizes = 0
    for one in size:
        largest = max(largest, one)
    column = np.zeros(largest + 1, np.int32)
    for one in size:
        n_sizes += column[one] == 0
        column[one] = 1
    sizes = np.empty(n_sizes, np.float64)
    next_column = 0
    for one in range(column.size):
        if column[one] > 0:
            sizes[next_column] = one
            column[one] = next_column
            next_column += 1
    counts = np.zeros((n_grey, n_sizes), np.float64)
    for zone in range(level.size):
        counts[rank[level[zone]] - 1, column[size[zone]]] += 1
    return counts, sizes


@jit()
def dependences(packed: Int32, margin: int, offsets: Int64, alpha: int) -> Int32:
    """Count each voxel's neighbours inside the lesion within `alpha` levels of it.

    Parameters
    ----------
    margin : the largest offset; this many elements at either end of `packed` are padding.
    offsets : to all neighbours, in both directions.

    Returns
    -------
    dependent : int32 like `packed`, meaningless outside the lesion.
    """
    dependent = np.zeros(packed.size, np.int32)
    first, last = margin, packed.size - margin
    inner = packed[first:last]
    counted = dependent[first:last]
    done = 0
    while alpha == 0 and done + 4 <= offsets.size:  # four neighbours in one pass over memory; 0 outside equals no level
        one = packed[first + offsets[done] : last + offsets[done]]
        two = packed[first + offsets[done + 1] : last + offsets[done + 1]]
        three = packed[first + offsets[done + 2] : last + offsets[done + 2]]
        four = packed[first + offsets[done + 3] : last + offsets[done + 3]]
        for index in range(inner.size):
            level = inner[index]
            equal = np.int32(level == one[index]) + np.int32(level == two[index])
            counted[index] += equal + np.int32(level == three[index]) + np.int32(level == four[index])
        done += 4
    for offset in offsets[done:]:  # whole-array passes: the compiler vectorises them
        moved = packed[first + offset : last + offset]
        for index in range(inner.size):
            apart = inner[index] - moved[index]
            counted[index] += np.int32(apart <= alpha) & np.int32(-apart <= alpha) & np.int32(moved[index] > 0)
    return dependent


@jit()
def dependence_matrix(dense: Int32, inside: Int32, dependent: Int32, n_grey: int, most: int) -> NDArray[np.float64]:
    """Count voxels by rank of level and by number of dependent neighbours (0 ... most): float64."""
    counts = np.zeros((n_grey, most + 1), np.float64)
    for voxel in inside:
        counts[dense[voxel] - 1, dependent[voxel]] += 1
    return counts


@jit()
def neighbourhood_differences(
    packed: Int32, dense: Int32, inside: Int32, margin: int, offsets: Int64, n_grey: int
) -> NDArray[np.float64]:
    """Sum, per rank of level, the absolute difference between a voxel and the mean of its lesion neighbours.

    Parameters
    ----------
    margin, offsets : see `dependences`.

    Returns
    -------
    sums : float64 (n_grey,). A voxel without neighbours adds 0.
    """
    total = np.zeros(packed.size, np.int32)
    count = np.zeros(packed.size, np.int32)
    first, last = margin, packed.size - margin
    summed = total[first:last]
    counted = count[first:last]
    for half in range(0, offsets.size - 1, 2):  # two neighbours in one pass over memory; their number is even
        one = packed[first + offsets[half] : last + offsets[half]]
        two = packed[first + offsets[half + 1] : last + offsets[half + 1]]
        for index in range(one.size):
            summed[index] += one[index] + two[index]
            counted[index] += np.int32(one[index] > 0) + np.int32(two[index] > 0)
    sums = np.zeros(n_grey, np.float64)
    for voxel in inside:
        if count[voxel] > 0:
            sums[dense[voxel] - 1] += abs(packed[voxel] - total[voxel] / count[voxel])
    return sums

"""Surface of a lesion: marching cubes for area and volume, surface vertices for diameters.

A cube joins eight voxel centres; the surface crosses an edge half-way if one end is lesion and the other is not.
Lorensen and Cline 1987 (doi 10.1145/37402.37422), with the triangles into which PyRadiomics 3.0.1 cuts each cube. Its
table covers the 128 cubes whose corner 7 is outside; the others are treated inside out. If a face has two opposite
corners inside, neighbouring cubes may then disagree and the mesh has a hole, so the volume depends slightly on the
origin, which is the corner of the lesion's bounding box padded by one voxel, as in PyRadiomics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Corner 0 ... 7 of a cube as (z, y, x), and the half-way points of its edges 0 ... 11.
CORNERS = np.array(
    [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)], dtype=np.int64
)
_EDGE_ENDS = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
_MIDPOINTS = np.array([(CORNERS[one] + CORNERS[other]) / 2 for one, other in _EDGE_ENDS])

# Triangles of cube 0 ... 127 (bit n set: corner n inside), each as three hexadecimal edges with the same orientation.
_TRIANGLES = (
    "-, 083, 019, 183 198, 12a, 083 12a, 029 2a9, 283 2a8 8a9, 23b, 08b 0b2, 019 23b, 19b 1b2 8b9, 13a 3ba, "
    "08a 0a1 8ba, 039 3b9 9ba, 8a9 8ba, 478, 043 347, 019 478, 147 173 194, 12a 478, 043 12a 347, 029 2a9 478, "
    "273 297 2a9 479, 23b 478, 042 24b 47b, 019 23b 478, 192 29b 47b 4b9, 13a 3ba 478, 041 14b 1ba 47b, "
    "039 3b9 478 9ba, 47b 4b9 9ba, 495, 083 495, 015 054, 153 358 485, 12a 495, 083 12a 495, 024 254 2a5, "
    "253 2a5 348 354, 23b 495, 08b 0b2 495, 015 054 23b, 152 258 28b 485, 13a 3ba 495, 08a 0a1 495 8ba, "
    "03b 054 0b5 5ba, 485 58a 8ba, 579 789, 093 357 395, 017 078 157, 157 173, 12a 579 789, 093 12a 357 395, "
    "028 258 2a5 578, 253 2a5 357, 23b 579 789, 092 27b 297 579, 018 157 178 23b, 157 17b 1b2, 13a 3ba 579 789, "
    "057 07b 095 0a1 0ba, 03b 057 078 0a5 0ba, 57b 5ba, 5a6, 083 5a6, 019 5a6, 183 198 5a6, 126 165, "
    "083 126 165, 026 069 596, 258 265 283 598, 23b 5a6, 08b 0b2 5a6, 019 23b 5a6, 19b 1b2 5a6 8b9, 135 365 3b6, "
    "051 08b 0b5 5b6, 036 059 065 3b6, 596 69b 8b9, 478 5a6, 043 347 5a6, 019 478 5a6, 147 173 194 5a6, "
    "126 165 478, 043 126 165 347, 026 069 478 596, 269 293 397 479 596, 23b 478 5a6, 042 24b 47b 5a6, "
    "019 23b 478 5a6, 192 29b 47b 4b9 5a6, 135 365 3b6 478, 04b 0b1 1b5 47b 5b6, 036 059 065 3b6 478, "
    "479 596 69b 7b9, 49a 4a6, 083 49a 4a6, 01a 064 0a6, 168 183 1a6 486, 124 149 264, 083 124 149 264, 024 264, "
    "248 264 283, 23b 49a 4a6, 08b 0b2 49a 4a6, 01a 064 0a6 23b, 148 164 18b 1a6 1b2, 139 369 3b6 496, "
    "081 149 164 18b 1b6, 036 064 3b6, 486 68b, 67a 78a 89a, 073 09a 0a7 67a, 018 178 1a7 67a, 173 1a7 67a, "
    "126 168 189 678, 093 129 269 397 679, 026 067 078, 267 273, 23b 67a 78a 89a, 072 097 27b 67a 79a, "
    "018 178 1a7 23b 67a, 167 17b 1a6 1b2, 136 169 3b6 678 689, 091 67b, 03b 067 078 0b6, 67b"
)


def cube_triangles() -> tuple[Int64, Float64]:
    """Return all triangles of the table.

    Returns
    -------
    cube : int64 (triangles,), the cube that each triangle belongs to.
    corners : float64 (triangles, 3, 3), its three points as (z, y, x) in voxels from the cube's corner 0.
    """
    rows = [(number, code) for number, row in enumerate(_TRIANGLES.split(", ")) for code in row.split() if code != "-"]
    points = np.array([[_MIDPOINTS[int(edge, 16)] for edge in code] for _, code in rows])
    return np.array([number for number, _ in rows], dtype=np.int64), points


@jit()
def crop_and_pad(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop a mask (z, y, x) to its bounding box plus one empty voxel on every side; an empty mask becomes (0, 0, 0)."""
    depth, height, width = mask.shape
    z0, z1, y0, y1, x0, x1 = depth, -1, height, -1, width, -1
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if mask[z, y, x]:
                    z0, z1 = min(z0, z), max(z1, z)
                    y0, y1 = min(y0, y), max(y1, y)
                    x0, x1 = min(x0, x), max(x1, x)
    if z1 < 0:
        return np.zeros((0, 0, 0), np.uint8)
    padded = np.zeros((z1 - z0 + 3, y1 - y0 + 3, x1 - x0 + 3), np.uint8)
    for z in range(z0, z1 + 1):
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                padded[z - z0 + 1, y - y0 + 1, x - x0 + 1] = mask[z, y, x] != 0
    return padded


@jit()
def march(padded: NDArray[np.uint8], area: Float64, determinant: Float64, normal: Float64) -> tuple[float, float]:
    """Compute area and volume of the mesh.

    Parameters
    ----------
    padded : uint8 (z, y, x), from `crop_and_pad`.
    area : float64 (128,), area of each cube's triangles, in the area's final unit.
    determinant : float64 (128,), sum of a . (b x c) over its triangles, in voxels.
    normal : float64 (128, 3), sum of a x b + b x c + c x a, in voxels.

    Returns
    -------
    surface : in the unit of `area`.
    volume : in voxels.
    """
    surface = 0.0
    volume = 0.0
    for z in range(padded.shape[0] - 1):
        for y in range(padded.shape[1] - 1):
            left = padded[z, y, 0] | padded[z, y + 1, 0] << 3 | padded[z + 1, y, 0] << 4 | padded[z + 1, y + 1, 0] << 7
            for x in range(padded.shape[2] - 1):
                right = (
                    padded[z, y, x + 1]
                    | padded[z, y + 1, x + 1] << 3
                    | padded[z + 1, y, x + 1] << 4
                    | padded[z + 1, y + 1, x + 1] << 7
                )
                # corners 1, 2, 5, 6 of the right face correspond to 0, 3, 4, 7 of the left
                cube = left | (right & 1) << 1 | (right & 8) >> 1 | (right & 16) << 1 | (right & 128) >> 1
                left = right
                if cube in (0, 255):
                    continue
                sign = 1.0
                if cube > 127:
                    cube = 255 - cube
                    sign = -1.0
                surface += area[cube]
                moved = z * normal[cube, 0] + y * normal[cube, 1] + x * normal[cube, 2]
                volume += sign * (determinant[cube] + moved)
    return surface, volume / 6


@jit()
def moments(padded: NDArray[np.uint8]) -> Int64:
    """Compute the number of voxels and the sums of z, y, x, zz, yy, xx, zy, zx, yx over them: int64 (10,)."""
    sums = np.zeros(10, np.int64)
    for z in range(padded.shape[0]):
        for y in range(padded.shape[1]):
            count = along = squares = 0
            for x in range(padded.shape[2]):
                if padded[z, y, x]:
                    count += 1
                    along += x
                    squares += x * x
            if count:
                sums += np.array([count, z * count, y * count, along, z * z * count, y * y * count, squares,
                                  z * y * count, z * along, y * along])  # fmt: skip
    return sums


@jit()
def vertex_rows(padded: NDArray[np.uint8]) -> tuple[Int64, Int64]:
    """Find the first and last surface vertex along each line of the half-voxel grid.

    Only these can be the ends of a longest diameter.

    Returns
    -------
    along_x : int64 (2, 2 z, 2 y), first and last x of the vertices at (z, y), in half voxels; last < 0: none.
    along_z : int64 (2, 2 x, 2 y), the same along z.
    """
    depth, height, width = padded.shape
    along_x = np.empty((2, 2 * depth, 2 * height), np.int64)
    along_z = np.empty((2, 2 * width, 2 * height), np.int64)
    along_x[0], along_x[1] = 2 * width, -1
    along_z[0], along_z[1] = 2 * depth, -1
    for z in range(depth - 1):
        for y in range(height - 1):
            for x in range(width - 1):
                here = padded[z, y, x]
                for axis in range(3):
                    if padded[z + (axis == 0), y + (axis == 1), x + (axis == 2)] != here:
                        z2, y2, x2 = 2 * z + (axis == 0), 2 * y + (axis == 1), 2 * x + (axis == 2)
                        along_x[0, z2, y2] = min(along_x[0, z2, y2], x2)
                        along_x[1, z2, y2] = max(along_x[1, z2, y2], x2)
                        along_z[0, x2, y2] = min(along_z[0, x2, y2], z2)
                        along_z[1, x2, y2] = max(along_z[1, x2, y2], z2)
    return along_x, along_z


@jit()
def _turns_inwards(one: Int64, two: Int64, three: Int64, side: int) -> bool:
    cross = (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0])
    return bool(cross * side >= 0)


@jit()
def planar_hulls(ends: Int64, row_mm: float, column_mm: float) -> tuple[Int64, float]:
    """Compute the convex hull of the vertices in each plane, and the longest diameter within a plane.

    Parameters
    ----------
    ends : int64 (2, planes, rows), first and last column of each row, last < 0 for an empty row.
    row_mm, column_mm : millimetres between rows and between columns.

    Returns
    -------
    hulls : int64 (n, 3), plane, row and column of every hull vertex.
    longest : mm.
    """
    planes, rows = ends.shape[1:]
    hulls = np.empty((2 * planes * rows, 3), np.int64)
    chain = np.empty((2 * rows, 2), np.int64)
    n_points = 0
    longest = 0.0
    for plane in range(planes):
        size = 0
        for side in range(2):
            start = size
            for row in range(rows):
                if ends[1, plane, row] < 0:
                    continue
                chain[size, 0], chain[size, 1] = row, ends[side, plane, row]
                size += 1
                # the first columns bulge towards low values, the last towards high ones
                while size - start > 2 and _turns_inwards(
                    chain[size - 3], chain[size - 2], chain[size - 1], 2 * side - 1
                ):
                    chain[size - 2, 0], chain[size - 2, 1] = chain[size - 1, 0], chain[size - 1, 1]
                    size -= 1
        for one in range(size):
            hulls[n_points, 0], hulls[n_points, 1], hulls[n_points, 2] = plane, chain[one, 0], chain[one, 1]
            n_points += 1
            for other in range(one):
                down = (chain[one, 0] - chain[other, 0]) * row_mm
                across = (chain[one, 1] - chain[other, 1]) * column_mm
                longest = max(longest, down * down + across * across)
    return hulls[:n_points], np.sqrt(longest)


@jit()
def longest_distance(points: Float64, radius: Float64) -> float:
    """Compute the longest distance between two points.

    Parameters
    ----------
    points : float64 (n, 3), sorted by descending `radius`.
    radius : float64 (n,), distance of each point from a common centre: no pair is further apart than the sum of theirs.
    """
    longest = 0.0
    for one in range(radius.size):
        if (radius[one] + radius[0]) ** 2 <= longest:
            break
        for other in range(one):
            a = points[one, 0] - points[other, 0]
            b = points[one, 1] - points[other, 1]
            c = points[one, 2] - points[other, 2]
            longest = max(longest, a * a + b * b + c * c)
    return float(np.sqrt(longest))

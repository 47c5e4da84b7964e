"""Local binary patterns: codes of a plane's voxels, and samples and harmonics of spheres around a volume's voxels.

The arithmetic follows scikit-image 0.24 (in planes) and SciPy's `map_coordinates` (in space) operation by operation:
a code depends on comparisons of values that are often equal, so that a last bit can decide.

References
----------
Ojala T, Pietikainen M, Maenpaa T. Multiresolution gray-scale and rotation invariant texture classification with local
binary patterns. IEEE TPAMI 2002, 24:971-987, doi 10.1109/TPAMI.2002.1017623.
Banerjee J, Moelker A, Niessen WJ, van Walsum T. 3D LBP-based rotationally invariant region description. ACCV 2012
Workshops, LNCS 7728, doi 10.1007/978-3-642-37410-4_3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

METHODS = ("default", "ror", "uniform", "nri_uniform", "var")  # a kernel takes the position in this list
_DEFAULT, _ROR, _UNIFORM, _NRI_UNIFORM, _VAR = range(len(METHODS))


# --- in planes ---------------------------------------------------------------------------------------------------


@jit()
def _pixel(plane: Float64, row: int, column: int) -> float:
    if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
        return float(plane[row, column])
    return 0.0


@jit()
def _between(plane: Float64, row: float, column: float) -> float:
    """Interpolate linearly; pixels outside the plane are 0."""
    top, left = int(np.floor(row)), int(np.floor(column))
    bottom, right = int(np.ceil(row)), int(np.ceil(column))
    down, across = row - top, column - left
    above = (1 - across) * _pixel(plane, top, left) + across * _pixel(plane, top, right)
    below = (1 - across) * _pixel(plane, bottom, left) + across * _pixel(plane, bottom, right)
    return (1 - down) * above + down * below


@jit()
def _turned_least(code: int, points: int) -> int:
    """Return the least of a code's rotations."""
    least = code
    for _ in range(points - 1):
        code = (code >> 1) | ((code & 1) << (points - 1))
        least = min(least, code)
    return least


@jit()
def _turned_uniform(signs: NDArray[np.int8], ones: int) -> int:
    """Return the code of a uniform pattern that tells its rotations apart."""
    points = signs.size
    if ones == 0:
        return 0
    if ones == points:
        return points * (points - 1) + 1
    first_one = first_zero = -1
    for at in range(points):
        if signs[at] and first_one < 0:
            first_one = at
        if not signs[at] and first_zero < 0:
            first_zero = at
    turned = ones - first_zero if first_one == 0 else points - first_one
    return 1 + (ones - 1) * points + turned


@jit()
def _variance(values: Float64) -> float:
    total = squares = 0.0
    for value in values:
        total += value
        squares += value * value
    return (squares - (total * total) / values.size) / values.size


@jit()
def _code(values: Float64, signs: NDArray[np.int8], method: int) -> float:
    points = signs.size
    ones = changes = 0
    for at in range(points):
        ones += signs[at]
        if at + 1 < points and signs[at] != signs[at + 1]:
            changes += 1  # the step from the last point to the first does not count, as in scikit-image
    if method in (_DEFAULT, _ROR):
        code = 0
        for at in range(points):
            code += signs[at] << at
        return float(_turned_least(code, points)) if method == _ROR else float(code)
    if method == _NRI_UNIFORM:
        return float(_turned_uniform(signs, ones)) if changes <= 2 else float(points * (points - 1) + 2)
    if method == _UNIFORM:
        return float(ones) if changes <= 2 else float(points + 1)
    variance = _variance(values)
    return variance if variance != 0 else np.nan


@jit()
def plane_codes(plane: Float64, first: Int64, size: Int64, rows: Float64, columns: Float64, method: int) -> Float64:
    """Compute the local binary pattern of a part of a plane.

    Parameters
    ----------
    plane : float64 (rows, columns), whole.
    first, size : int64 (2,), of the part.
    rows, columns : float64 (points,), position of each point relative to the voxel.
    method : position in `METHODS`.

    Returns
    -------
    float64, the shape of the part; NaN where "var" has no variance.
    """
    codes = np.empty((size[0], size[1]))
    values = np.empty(rows.size)
    signs = np.empty(rows.size, np.int8)
    for down in range(size[0]):
        for across in range(size[1]):
            row, column = first[0] + down, first[1] + across
            for at in range(rows.size):
                values[at] = _between(plane, row + rows[at], column + columns[at])
                signs[at] = values[at] - plane[row, column] >= 0
            codes[down, across] = _code(values, signs, method)
    return codes


# --- in space ----------------------------------------------------------------------------------------------------


@jit()
def _taps(at: float, size: int, start: int, index: Int64, weights: Float64) -> bool:
    """Set the four indices, mirrored at the image's borders, and weights of a cubic spline; False outside the image."""
    if at < 0 or at > size - 1:
        return False
    floor = int(np.floor(at))
    y = at - floor
    z = 1.0 - y
    weights[1] = (y * y * (y - 2.0) * 3.0 + 4.0) / 6.0
    weights[2] = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0
    weights[0] = z * z * z / 6.0
    weights[3] = 1.0 - weights[0] - weights[1] - weights[2]
    for tap in range(4):
        near = floor - 1 + tap
        while size > 1 and (near < 0 or near > size - 1):
            near = -near if near < 0 else 2 * (size - 1) - near
        index[tap] = (near if size > 1 else 0) - start
    return True


@jit()
def sphere_samples(coefficients: Float64, start: Int64, shape: Int64, voxels: Int64, points: Float64) -> Float64:
    """Sample the cubic spline of an image at points around voxels; 0 outside the image.

    Parameters
    ----------
    coefficients : float64 (z, y, x), of a part of the image.
    start : int64 (3,), of that part in the image.
    shape : int64 (3,), of the image.
    voxels : int64 (n, 3), in the image.
    points : float64 (m, 3), relative to a voxel, in voxels.

    Returns
    -------
    float64 (n, m).
    """
    samples = np.zeros((voxels.shape[0], points.shape[0]))
    index = np.empty((3, 4), np.int64)
    weights = np.empty((3, 4))
    for one in range(voxels.shape[0]):
        for point in range(points.shape[0]):
            inside = True
            for axis in range(3):
                at = voxels[one, axis] + points[point, axis]
                inside = inside and _taps(at, shape[axis], start[axis], index[axis], weights[axis])
            if not inside:
                continue
            total = 0.0
            for z in range(4):
                for y in range(4):
                    for x in range(4):
                        part = coefficients[index[0, z], index[1, y], index[2, x]]
                        total += part * weights[0, z] * weights[1, y] * weights[2, x]
            samples[one, point] = total
    return samples


@jit()
def harmonic_norms(signs: NDArray[np.bool_], basis: Float64, factors: Float64, starts: Int64) -> Float64:
    """Compute the norm over a sphere's points of each degree of the harmonics of a pattern.

    Parameters
    ----------
    signs : bool (n, points), the patterns.
    basis : float64 (functions, points), the harmonics' real and imaginary parts at the points.
    factors : float64 (functions,), of the product of a function at two points.
    starts : int64 (degrees + 1,), first function of each degree.

    Returns
    -------
    float64 (n, degrees).
    """
    degrees = starts.size - 1
    norms = np.empty((signs.shape[0], degrees))
    around = np.empty(basis.shape[1])
    for one in range(signs.shape[0]):
        for degree in range(degrees):
            around[:] = 0.0
            for function in range(starts[degree], starts[degree + 1]):
                part = 0.0
                for point in range(basis.shape[1]):
                    if signs[one, point]:
                        part += basis[function, point]
                part *= factors[function]
                for point in range(basis.shape[1]):
                    around[point] += part * basis[function, point]
            total = 0.0
            for point in range(basis.shape[1]):
                total += around[point] * around[point]
            norms[one, degree] = np.sqrt(total)
    return norms

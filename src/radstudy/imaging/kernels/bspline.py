"""Cubic B-spline interpolation on an axis-aligned grid, in ITK's order of operations.

ITK computes coefficients along x, then y, then z and sums 64 weighted coefficients per voxel. Both are done here in the
same order and precision, because an image of integers is truncated afterwards: a value of 99.99999999999999 becomes
99. The only difference is that adjacent lines and voxels are processed together.

References
----------
Unser M, Aldroubi A, Eden M. B-spline signal processing. IEEE Trans Signal Process 1993, 41:821-848,
doi 10.1109/78.193220.
"""

import math

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Floats = NDArray[np.floating]
Numbers = NDArray[np.number]
Indices = NDArray[np.integer]

POLE = math.sqrt(3.0) - 2.0
HORIZON = 18  # samples after which POLE**n is below ITK's tolerance of 1e-10
_BLOCK = 64  # lines processed together: whole vector registers
_GAIN = (1.0 - POLE) * (1.0 - 1.0 / POLE)


@jit()
def _scale(row: Floats, source: Numbers, factor: float) -> None:
    for x in range(row.size):
        row[x] = source[x] * factor


@jit()
def _load_row(row: Floats, source: Numbers) -> None:
    for lane in range(source.size):
        row[lane] = source[lane] * _GAIN


@jit()
def _causal_row(pair: Floats) -> None:
    for lane in range(_BLOCK):
        pair[_BLOCK + lane] += POLE * pair[lane]


@jit()
def _anticausal_row(pair: Floats) -> None:
    for lane in range(_BLOCK):
        pair[lane] = POLE * (pair[_BLOCK + lane] - pair[lane])


@jit()
def _accumulate(row: Floats, other: Floats, factor: float) -> None:
    for lane in range(row.size):
        row[lane] += factor * other[lane]


@jit()
def _start_causal(c: Floats, n: int) -> None:
    """Replace the first sample by its causal coefficient, mirrored at the border, as ITK does (truncated if long)."""
    start = c[:_BLOCK]
    zn = POLE
    if n > HORIZON:
        for i in range(1, HORIZON):
            _accumulate(start, c[i * _BLOCK : (i + 1) * _BLOCK], zn)
            zn *= POLE
        return
    inverse = 1.0 / POLE
    z2n = POLE ** (n - 1.0)
    _accumulate(start, c[(n - 1) * _BLOCK : n * _BLOCK], z2n)
    z2n *= z2n * inverse
    for i in range(1, n - 1):
        _accumulate(start, c[i * _BLOCK : (i + 1) * _BLOCK], zn + z2n)
        zn *= POLE
        z2n *= inverse
    for lane in range(_BLOCK):
        start[lane] /= 1.0 - zn * zn


@jit()
def _keep_row(out: Floats, row: Floats) -> None:
    for lane in range(out.size):
        out[lane] = row[lane]


@jit()
def coefficients_along_lines(source: Numbers, first: int, last: int, target: Floats) -> None:
    """Compute the spline coefficients of every line along the middle axis; keeps samples `first` to `last` - 1.

    Parameters
    ----------
    source : (A, n, B) array or view, n at least 2.
    first, last : the part of each line to keep.
    target : float64 (A, last - first, B) array or view, overwritten.
    """
    outer, n, lines = source.shape
    c = np.zeros(n * _BLOCK)
    factor = POLE / (POLE * POLE - 1.0)
    for a in range(outer):
        for start in range(0, lines, _BLOCK):
            stop = min(start + _BLOCK, lines)
            for i in range(n):
                _load_row(c[i * _BLOCK : (i + 1) * _BLOCK], source[a, i, start:stop])
            _start_causal(c, n)
            for i in range(1, n):
                _causal_row(c[(i - 1) * _BLOCK : (i + 1) * _BLOCK])
            end = (n - 1) * _BLOCK
            for lane in range(_BLOCK):
                c[end + lane] = factor * (POLE * c[end - _BLOCK + lane] + c[end + lane])
            for k in range(n - 1 - first):
                i = n - 2 - k
                _anticausal_row(c[i * _BLOCK : (i + 2) * _BLOCK])
            for i in range(first, last):
                _keep_row(target[a, i - first, start:stop], c[i * _BLOCK : i * _BLOCK + stop - start])


@jit()
def _add_taps(row: Floats, weights: Floats, weight: float, coefficients: Floats) -> None:
    """Add the four taps along x, which are adjacent in `weights` and `coefficients`, to a row."""
    n = row.size
    for x in range(n):
        total = row[x]
        total += weights[x] * weight * coefficients[x]
        total += weights[n + x] * weight * coefficients[n + x]
        total += weights[2 * n + x] * weight * coefficients[2 * n + x]
        total += weights[3 * n + x] * weight * coefficients[3 * n + x]
        row[x] = total


@jit()
def interpolate(
    c: Floats,
    iz: Indices,
    iy: Indices,
    ix: Indices,
    wz: Floats,
    wy: Floats,
    wx: Floats,
    out: Floats,
) -> None:
    """Sum 64 weighted coefficients for every voxel of an axis-aligned grid.

    Parameters
    ----------
    c : float64 (Z, Y, X) coefficients.
    iz, iy, ix : int64 (4, n) indices into `c` for every output row, by tap.
    wz, wy, wx : float64 (4, n) their weights.
    out : float64 (nz, ny, nx), overwritten.
    """
    nz, ny, nx = out.shape
    planes, rows = c.shape[0], c.shape[1]
    gathered = np.empty((planes, rows, 4 * nx))
    for z in range(planes):
        for y in range(rows):
            for tap in range(4):
                for x in range(nx):
                    gathered[z, y, tap * nx + x] = c[z, y, ix[tap, x]]
    weights = np.empty((4, 4 * nx))
    for y in range(ny):
        for ty in range(4):
            for tx in range(4):
                _scale(weights[ty, tx * nx : (tx + 1) * nx], wx[tx], wy[ty, y])
        for z in range(nz):
            row = out[z, y]
            row[:] = 0.0
            for tz in range(4):
                for ty in range(4):
                    _add_taps(row, weights[ty], wz[tz, z], gathered[iz[tz, z], iy[ty, y]])


@jit()
def _tap(coordinate: float, start: int, size: int, index: Indices, weights: Floats) -> None:
    floor = math.floor(np.float32(coordinate))  # ITK chooses the taps in single precision
    w = coordinate - floor
    weights[3] = (1.0 / 6.0) * w * w * w
    weights[0] = (1.0 / 6.0) + 0.5 * w * (w - 1.0) - weights[3]
    weights[2] = w + weights[0] - 2.0 * weights[3]
    weights[1] = 1.0 - weights[0] - weights[2] - weights[3]
    for tap in range(4):
        i = abs(int(floor) - 1 + tap)
        if i >= size:
            i = 2 * size - 2 - i
        index[tap] = min(max(i, 0), size - 1) - start


@jit()
def interpolate_scattered(
    c: Floats, start: Indices, size: Indices, pz: Floats, py: Floats, px: Floats, out: Floats
) -> None:
    """Interpolate like `interpolate`, with a separate coordinate for every voxel.

    Parameters
    ----------
    c : float64 (Z, Y, X) coefficients of the part of the image that begins at `start`.
    start, size : int64 (3,) (z, y, x), first voxel of `c` and size of the whole image, for its mirrored borders.
    pz, py, px : float64, the shape of `out`: continuous indices in the whole image.
    out : float64 (A, B, C), overwritten.
    """
    index = np.empty((3, 4), np.int64)
    weights = np.empty((3, 4))
    for a in range(out.shape[0]):
        for b in range(out.shape[1]):
            for d in range(out.shape[2]):
                _tap(pz[a, b, d], start[0], size[0], index[0], weights[0])
                _tap(py[a, b, d], start[1], size[1], index[1], weights[1])
                _tap(px[a, b, d], start[2], size[2], index[2], weights[2])
                total = 0.0
                for tz in range(4):
                    for ty in range(4):
                        for tx in range(4):
                            weight = weights[2, tx] * weights[1, ty] * weights[0, tz]
                            total += weight * c[index[0, tz], index[1, ty], index[2, tx]]
                out[a, b, d] = total

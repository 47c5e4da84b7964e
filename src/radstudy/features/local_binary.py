"""Local binary patterns as images: in planes (LBP2D) and in space (LBP3D), with the values of PyRadiomics 3.0.1.

PyRadiomics leaves them to scikit-image, trimesh and SciPy; these are not needed here.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.features.kernels import local_binary as kernels
from radstudy.imaging.box import Box, cut, padded

Float64 = NDArray[np.float64]

_MARGIN = 64  # voxels; the influence of a voxel on a cubic spline decays by 0.27 per voxel: beyond the last bit
_AT_ONCE = 4096  # voxels whose spheres are in memory together


class UndefinedPatternError(ValueError):
    """Raised for an image on which the pattern is not defined; the message says why."""


# --- in planes ---------------------------------------------------------------------------------------------------


def plane_patterns(
    image: NDArray[Any], box: Box, *, axis: int, radius: float, points: int, method: str, dtype: Any
) -> NDArray[Any]:
    """Compute the local binary pattern of the planes of an image, inside a box.

    Parameters
    ----------
    image : (z, y, x), whole.
    box : the part to compute, (z, y, x).
    axis : of the array; the planes are across it.
    radius : of the circle, voxels.
    points : number of points on the circle, at least 1.
    method : "uniform" (number of ones, or points + 1), "default" (a bit per point), "ror" (the least rotation of it),
        "nri_uniform", or "var" (the variance of the points).
    dtype : pixel type of the result. PyRadiomics writes the codes of a volume into the volume's own type.

    Raises
    ------
    UndefinedPatternError : codes do not fit the pixel type.
    """
    angles = [2 * math.pi * number / points for number in range(points)]
    rows = np.round([-radius * math.sin(angle) for angle in angles], 5)
    columns = np.round([radius * math.cos(angle) for angle in angles], 5)
    # PyRadiomics swaps the axis with the first one; the rest keep their place.
    order = {0: (0, 1, 2), 1: (1, 0, 2), 2: (2, 1, 0)}[axis]
    planes = image.transpose(order)
    (first, last), *inside = (box[one] for one in order)
    start, size = np.array([one[0] for one in inside]), np.array([one[1] - one[0] for one in inside])
    number = kernels.METHODS.index(method)
    codes = np.stack([
        kernels.plane_codes(np.ascontiguousarray(planes[at], dtype=np.float64), start, size, rows, columns, number)
        for at in range(first, last)
    ])  # fmt: skip
    return np.ascontiguousarray(_as_type(codes, np.dtype(dtype)).transpose(order))


def _as_type(codes: Float64, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind not in "iu":
        return codes.astype(dtype)
    if not np.isfinite(codes).all():
        raise UndefinedPatternError(
            f"a voxel's neighbours are all equal: their variance is 0, which {dtype} cannot express (lbp2DMethod var)"
        )
    if codes.max() > np.iinfo(dtype).max:
        raise UndefinedPatternError(
            f"codes up to {codes.max():.0f} do not fit the image's pixel type, {dtype} (lbp2DSamples, lbp2DMethod)"
        )
    return codes.astype(dtype)


# --- in space ----------------------------------------------------------------------------------------------------


def space_patterns(
    image: NDArray[Any], box: Box, inside: NDArray[np.bool_], *, levels: int, radius: float, subdivision: int
) -> list[Float64]:
    """Compute the rotation-invariant local binary patterns of a lesion's voxels in space.

    The spline of the image is sampled on a sphere around each voxel, in the image's pixel type. The pattern is where a
    sample is at least the voxel; its spherical harmonics are summed within each degree, and their norms are the images.

    Parameters
    ----------
    image : (z, y, x), whole, in its pixel type.
    box : of the lesion, (z, y, x).
    inside : bool, the lesion in its box.
    levels : number of degrees, from 0.
    radius : of the sphere, voxels.
    subdivision : of the icosahedron whose corners are the samples.

    Returns
    -------
    One image per degree, then the kurtosis of the samples: float64 of the box, 0 outside the lesion. The kurtosis is
    NaN where all samples are equal.
    """
    points = icosphere(subdivision, radius)
    basis, factors, starts = _harmonics(subdivision, radius, levels)
    around = padded(box, _MARGIN + math.ceil(radius) + 2, image.shape)
    spline = ndimage.spline_filter(cut(image, around).astype(np.float64), order=3, mode="mirror")
    start, shape = np.array([first for first, _ in around]), np.array(image.shape)
    places = np.argwhere(inside)
    voxels = places + np.array([first for first, _ in box])
    values = np.empty((len(voxels), levels + 1))
    for begin in range(0, len(voxels), _AT_ONCE):
        part = voxels[begin : begin + _AT_ONCE]
        samples = _in_type(kernels.sphere_samples(spline, start, shape, part, points), image.dtype)
        signs = samples >= image[tuple(part.T)][:, None]
        values[begin : begin + _AT_ONCE, :levels] = kernels.harmonic_norms(signs, basis, factors, starts)
        values[begin : begin + _AT_ONCE, levels] = _kurtosis(samples)
    images = []
    for column in values.T:
        derived = np.zeros(inside.shape)
        derived[tuple(places.T)] = column
        images.append(derived)
    return images


def _in_type(samples: Float64, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round samples to the pixel type, as SciPy's interpolation does."""
    if dtype.kind not in "iu":
        return samples.astype(dtype)
    limits = np.iinfo(dtype)
    rounded = np.where(samples > 0, samples + 0.5, samples - 0.5 if dtype.kind == "i" else 0.0)
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def _kurtosis(samples: NDArray[Any]) -> NDArray[Any]:
    """Compute the excess kurtosis of each row, in the samples' precision; NaN for a row of equal samples."""
    kind = samples.dtype if samples.dtype.kind == "f" else np.dtype(np.float64)
    mean = samples.mean(axis=1, keepdims=True, dtype=kind)
    squares = (samples - mean) ** 2
    second, fourth = squares.mean(axis=1), (squares**2).mean(axis=1)
    with np.errstate(all="ignore"):
        flat = second <= (np.finfo(kind).resolution * mean[:, 0]) ** 2
        excess: NDArray[Any] = np.where(flat, np.nan, fourth / second**2.0) - 3
    return excess


@cache
def icosphere(subdivision: int, radius: float) -> Float64:
    """Return the corners of a subdivided icosahedron on a sphere, float64 (12, 42, 162, ...; 3).

    Parameters
    ----------
    subdivision : how often each triangle is cut into four.
    radius : of the sphere.
    """
    corners, triangles = _icosahedron()
    for _ in range(subdivision):
        corners, triangles = _cut_in_four(corners, triangles)
        corners = _on_sphere(corners, radius)
    return corners if subdivision else _on_sphere(corners, radius)


def _on_sphere(corners: Float64, radius: float) -> Float64:
    squares = corners**2
    length = np.sqrt(squares[:, 0] + squares[:, 2] + squares[:, 1])  # trimesh's order, to the last bit
    moved: Float64 = corners + corners / length[:, None] * (radius - length)[:, None]
    return moved


def _icosahedron() -> tuple[Float64, NDArray[np.int64]]:
    """Return the icosahedron's 12 corners and 20 triangles, in trimesh's order: sums over points depend on it."""
    short = 1 / math.sqrt(1 + ((1 + math.sqrt(5)) / 2) ** 2)
    long = short * (1 + math.sqrt(5)) / 2
    corners = [(-short, long, 0), (short, long, 0), (-short, -long, 0), (short, -long, 0), (0, -short, long),
               (0, short, long), (0, -short, -long), (0, short, -long), (long, 0, -short), (long, 0, short),
               (-long, 0, -short), (-long, 0, short)]  # fmt: skip
    triangles = [
        "0b5",
        "051",
        "017",
        "07a",
        "0ab",
        "159",
        "5b4",
        "ba2",
        "a76",
        "718",
        "394",
        "342",
        "326",
        "368",
        "389",
        "495",
        "24b",
        "62a",
        "867",
        "981",
    ]
    return np.array(corners, dtype=np.float64), np.array([[int(corner, 16) for corner in one] for one in triangles])


def _cut_in_four(corners: Float64, triangles: NDArray[np.int64]) -> tuple[Float64, NDArray[np.int64]]:
    """Cut each triangle at the middles of its edges, which follow the old corners by second, then first end."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    keys, which = np.unique(edges[:, 1] * len(corners) + edges[:, 0], return_inverse=True)
    middles = (corners[keys % len(corners)] + corners[keys // len(corners)]) / 2
    (a, b, c), (ab, bc, ca) = triangles.T, which.reshape(-1, 3).T + len(corners)
    cut_up = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return np.vstack([corners, middles]), cut_up


@cache
def _harmonics(subdivision: int, radius: float, levels: int) -> tuple[Float64, Float64, NDArray[np.int64]]:
    """Return the spherical harmonics at the points, as `harmonic_norms` takes them.

    PyRadiomics exchanges the angles: the harmonics' azimuth is the angle from the third axis, their polar angle the one
    in the plane. Y(-m) is the conjugate of Y(m), so both together give twice the real part of a product. Computed by
    arithmetic alone, without sines of the library, which differ between processors.
    """
    points = icosphere(subdivision, radius)
    cosine = np.clip(points[:, 2] / radius, -1, 1)  # of the azimuth
    turn = [np.ones(len(points), complex), cosine + 1j * np.sqrt(1 - cosine**2)]
    flat = np.sqrt(points[:, 0] ** 2 + points[:, 1] ** 2)
    polar = np.divide(points[:, 0], flat, out=np.ones(len(points)), where=flat > 0)
    basis, factors, starts = [], [], [0]
    for degree in range(levels):
        for order in range(degree + 1):
            while len(turn) <= order:
                turn.append(turn[-1] * turn[1])
            function = _legendre(degree, order, np.clip(polar, -1, 1)) * turn[order]
            basis += [function.real, function.imag][: 2 if order else 1]
            factors += [2.0, -2.0] if order else [1.0]
        starts.append(len(basis))
    return np.array(basis), np.array(factors), np.array(starts)


def _legendre(degree: int, order: int, cosine: Float64) -> Float64:
    """Compute the normalised associated Legendre function of a spherical harmonic (its sign is of no consequence)."""
    scale = math.sqrt(
        (2 * degree + 1) / (4 * math.pi) * math.factorial(degree - order) / math.factorial(degree + order)
    )
    before = np.zeros_like(cosine)
    here = math.prod(range(1, 2 * order, 2)) * np.sqrt(1 - cosine**2) ** order
    for number in range(order, degree):
        before, here = here, ((2 * number + 1) * cosine * here - (number + order) * before) / (number - order + 1)
    return scale * here

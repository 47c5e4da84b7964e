"""Shape features of a mask as in PyRadiomics 3.0.1: a triangle mesh, its diameters, and the voxels' principal axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError
from radstudy.features.kernels import surface

Float64 = NDArray[np.float64]


def shape(
    mask: NDArray[Any], spacing_zyx: tuple[float, float, float], features: Iterable[str] | None = None
) -> dict[str, float]:
    """Compute the three-dimensional shape features.

    Parameters
    ----------
    mask : (z, y, x), non-zero inside the lesion.
    spacing_zyx : mm between voxel centres.
    features : names; None for PyRadiomics' 14 (Compactness1, Compactness2 and SphericalDisproportion when named).

    Returns
    -------
    values : Elongation and Flatness are NaN for a single voxel, which has no axes; nothing else is NaN.

    Raises
    ------
    CaseError : the mask has no voxels.
    UsageError : a feature is unknown.

    Examples
    --------
    >>> shape(np.ones((2, 2, 2)), (1.0, 1.0, 1.0), ["VoxelVolume", "MeshVolume"])
    {'VoxelVolume': 8.0, 'MeshVolume': 5.666666666666667}
    """
    names = feature_names("shape", features)
    padded = surface.crop_and_pad(np.ascontiguousarray(mask, dtype=bool).view(np.uint8))
    if padded.size == 0:
        raise CaseError("the lesion has no voxels", "draw the lesion")
    spacing = np.asarray(spacing_zyx, dtype=np.float64)
    computed = _mesh_features(padded, spacing) | _axis_features(padded, spacing)
    if any("Diameter" in name for name in names):
        computed |= _diameters(padded, spacing)
    return {name: computed[name] for name in names}


def _mesh_features(padded: NDArray[np.uint8], spacing: Float64) -> dict[str, float]:
    cube, determinant, normal = _cube_sums()
    voxel = float(spacing.prod())
    areas = np.linalg.norm(_triangle_normals() * (voxel / spacing), axis=1) / 2
    area, voxels = surface.march(padded, np.bincount(cube, areas, 128).astype(np.float64), determinant, normal)
    volume = voxels * voxel  # of an open mesh: the volumes of its parts have signs, and may cancel
    # Area of the sphere of equal volume; the last digit of NumPy's cube root differs on CPUs with 512-bit registers.
    sphere = math.cbrt(36 * np.pi * volume**2)
    return {
        "MeshVolume": volume,
        "SurfaceArea": area,
        "SurfaceVolumeRatio": area / volume if volume else math.nan,
        "Sphericity": sphere / area,
        "SphericalDisproportion": area / sphere if sphere else math.nan,
        "Compactness1": volume / (area**1.5 * np.sqrt(np.pi)),
        "Compactness2": 36 * np.pi * volume**2 / area**3,
    }


@cache
def _triangle_normals() -> Float64:
    _, points = surface.cube_triangles()
    a, b, c = points.transpose(1, 0, 2)
    return np.cross(a, b) + np.cross(b, c) + np.cross(c, a)


@cache
def _cube_sums() -> tuple[NDArray[np.int64], Float64, Float64]:
    """Return the cube of each triangle, and per cube the summed determinants and normals of its triangles."""
    cube, points = surface.cube_triangles()
    determinants = np.linalg.det(points)
    normals = _triangle_normals()
    summed = np.stack([np.bincount(cube, normals[:, axis], 128) for axis in range(3)], axis=1)
    return cube, np.bincount(cube, determinants, 128).astype(np.float64), np.ascontiguousarray(summed, dtype=np.float64)


def _axis_features(padded: NDArray[np.uint8], spacing: Float64) -> dict[str, float]:
    count, z, y, x, zz, yy, xx, zy, zx, yx = (int(total) for total in surface.moments(padded))
    first = np.array([z, y, x], dtype=object)
    second = np.array([[zz, zy, zx], [zy, yy, yx], [zx, yx, xx]], dtype=object)
    exact = count * second - np.outer(first, first)  # integers, so a flat lesion has a thickness of exactly 0
    covariance = exact.astype(np.float64) / count**2 * np.outer(spacing, spacing)
    least, minor, major = np.maximum(np.linalg.eigvalsh(covariance), 0.0)
    return {
        "VoxelVolume": count * float(spacing.prod()),
        "MajorAxisLength": 4 * float(np.sqrt(major)),
        "MinorAxisLength": 4 * float(np.sqrt(minor)),
        "LeastAxisLength": 4 * float(np.sqrt(least)),
        "Elongation": float(np.sqrt(minor / major)) if major > 0 else float("nan"),
        "Flatness": float(np.sqrt(least / major)) if major > 0 else float("nan"),
    }


def _diameters(padded: NDArray[np.uint8], spacing: Float64) -> dict[str, float]:
    """Compute the longest distances between mesh vertices, anywhere and within planes of the half-voxel grid."""
    along_x, along_z = surface.vertex_rows(padded)
    z_mm, y_mm, x_mm = (float(mm) for mm in spacing / 2)
    hulls, in_slice = surface.planar_hulls(along_x, y_mm, x_mm)
    _, in_column = surface.planar_hulls(np.ascontiguousarray(along_x.transpose(0, 2, 1)), z_mm, x_mm)
    _, in_row = surface.planar_hulls(along_z, y_mm, z_mm)
    points = hulls * (spacing / 2)
    radius = np.linalg.norm(points - (points.min(axis=0) + points.max(axis=0)) / 2, axis=1)
    order = np.argsort(-radius, kind="stable")
    return {
        "Maximum3DDiameter": surface.longest_distance(points[order], radius[order]),
        "Maximum2DDiameterSlice": in_slice,
        "Maximum2DDiameterColumn": in_column,
        "Maximum2DDiameterRow": in_row,
    }

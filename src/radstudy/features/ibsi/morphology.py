"""Morphological features: size and shape of the morphological mask, and the distribution of intensities in it.

Mesh volume, area and diameter come from `radstudy.features.shape`: the tolerances of the reference values (0.1 % of an
area) allow only the usual tables' way of cutting a cube's polygons into triangles. Densities of the minimum enclosing
ellipsoid and of the oriented bounding box are not standardised and therefore not computed.

References
----------
IBSI reference manual, section 3.1 (HCUG).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.spatial import ConvexHull

from radstudy.features.ibsi.preparation import Float64, Mask, Stage
from radstudy.features.kernels import surface
from radstudy.features.packed import Spacing
from radstudy.features.shape import shape

_SHAPE = {
    "morph_volume": "MeshVolume",
    "morph_vol_approx": "VoxelVolume",
    "morph_area_mesh": "SurfaceArea",
    "morph_av": "SurfaceVolumeRatio",
    "morph_comp_1": "Compactness1",
    "morph_comp_2": "Compactness2",
    "morph_sph_dispr": "SphericalDisproportion",
    "morph_sphericity": "Sphericity",
    "morph_diam": "Maximum3DDiameter",
    "morph_pca_maj_axis": "MajorAxisLength",
    "morph_pca_min_axis": "MinorAxisLength",
    "morph_pca_least_axis": "LeastAxisLength",
    "morph_pca_elongation": "Elongation",
    "morph_pca_flatness": "Flatness",
}
_AXES = ("morph_pca_maj_axis", "morph_pca_min_axis", "morph_pca_least_axis")
_SERIES = 20


def morphology(stage: Stage) -> dict[str, float]:
    """Compute the morphological features, by IBSI tag.

    Parameters
    ----------
    stage : the lesion; its shape comes from the morphological mask, intensities from the intensity mask.

    Returns
    -------
    values : in mm, mm^2, mm^3 or without unit; morph_integ_int in intensity x mm^3. NaN: axes, elongation and flatness
        of a single voxel; densities of an ellipsoid without volume; Moran's and Geary's if intensities do not differ.
    """
    mask = np.ascontiguousarray(stage.cut(stage.morphological_mask))
    computed = shape(mask, stage.spacing_mm, _SHAPE.values())
    values = {tag: computed[name] for tag, name in _SHAPE.items()}
    voxels = int(np.count_nonzero(mask))
    for tag in _AXES:  # IBSI's reference values divide the covariance by n - 1
        values[tag] = values[tag] * float(np.sqrt(voxels / (voxels - 1))) if voxels > 1 else float("nan")
    values["morph_asphericity"] = values["morph_sph_dispr"] - 1.0
    values |= _densities(values["morph_volume"], values["morph_area_mesh"], [values[tag] / 2 for tag in _AXES], stage)
    values["morph_com"] = _centre_shift(stage)
    values["morph_integ_int"] = float(stage.values.mean()) * values["morph_volume"]
    return values | spatial_correlation(
        stage.cut(stage.image), np.ascontiguousarray(stage.cut(stage.intensity_mask)), stage.spacing_mm
    )


def _densities(volume: float, area: float, semi_axes: list[float], stage: Stage) -> dict[str, float]:
    """Compute volume and area relative to the bounding box, the ellipsoid of the axes, and the convex hull."""
    z, y, x = ((last - first) * mm for (first, last), mm in zip(stage.box, stage.spacing_mm, strict=True))
    ellipsoid, its_area = 4 / 3 * np.pi * float(np.prod(semi_axes)), _ellipsoid_area(*semi_axes)
    hull = ConvexHull(_hull_points(np.ascontiguousarray(stage.cut(stage.morphological_mask)), stage.spacing_mm))
    return {
        "morph_vol_dens_aabb": volume / (z * y * x),
        "morph_area_dens_aabb": area / (2 * (z * y + z * x + y * x)),
        "morph_vol_dens_aee": volume / ellipsoid if ellipsoid > 0 else float("nan"),
        "morph_area_dens_aee": area / its_area if its_area > 0 else float("nan"),
        "morph_vol_dens_conv_hull": volume / float(hull.volume),
        "morph_area_dens_conv_hull": area / float(hull.area),
    }


def _hull_points(mask: Mask, spacing: Spacing) -> Float64:
    """Return the mesh vertices on the convex hull of each plane, (n, 3) in mm; they include those of the whole hull."""
    padded = surface.crop_and_pad(mask.view(np.uint8))
    along_x, _ = surface.vertex_rows(padded)
    hulls, _ = surface.planar_hulls(along_x, spacing[1] / 2, spacing[2] / 2)
    points: Float64 = np.unique(hulls, axis=0) * (np.array(spacing) / 2)
    return points


def _ellipsoid_area(a: float, b: float, c: float) -> float:
    """Compute the surface of an ellipsoid with semi-axes a >= b >= c, by the first 20 terms of IBSI's series (RDD2).

    The series sums (alpha beta)^n P_n((alpha^2 + beta^2) / (2 alpha beta)) / (1 - 4 n^2), P_n a Legendre polynomial.
    The result is not the ellipsoid's true area (4 % less for the digital phantom), but the reference values were
    computed with it. The recurrence of P_n is multiplied by (alpha beta)^n, so that equal axes need no special case.
    """
    if a == 0:
        return 0.0
    alpha2, beta2 = 1 - (b / a) ** 2, 1 - (c / a) ** 2
    middle, product = (alpha2 + beta2) / 2, alpha2 * beta2
    before, term, total = 0.0, 1.0, 1.0
    for n in range(_SERIES):
        before, term = term, ((2 * n + 1) * middle * term - n * product * before) / (n + 1)
        total += term / (1 - 4 * (n + 1) ** 2)
    return 4 * np.pi * a * b * total


def _centre_shift(stage: Stage) -> float:
    """Compute the distance in mm between the shape's and the intensities' centre (KLMA); NaN if these add up to 0."""
    form = np.argwhere(stage.morphological_mask).mean(axis=0)
    total = float(stage.values.sum())
    if total == 0:
        return float("nan")
    bright = (np.argwhere(stage.intensity_mask) * stage.values[:, None]).sum(axis=0) / total
    return float(np.linalg.norm((bright - form) * np.array(stage.spacing_mm)))


def spatial_correlation(image: Float64, mask: Mask, spacing_mm: Spacing) -> dict[str, float]:
    """Compute Moran's I (N365) and Geary's C (NPT7), every pair of voxels weighted by one over their distance.

    The sums over pairs are sums over offsets, that is, convolutions with 1 / distance, which the Fourier transform
    computes exactly except for rounding: n log n instead of n^2.

    Parameters
    ----------
    image, mask : (z, y, x).
    spacing_mm : (z, y, x).

    Returns
    -------
    values : NaN for fewer than two voxels or for equal intensities.

    Examples
    --------
    >>> image = np.array([[[1.0, 2.0, 3.0]]])
    >>> values = spatial_correlation(image, image > 0, (1.0, 1.0, 1.0))
    >>> round(values["morph_moran_i"], 6), round(values["morph_geary_c"], 6)
    (-0.3, 0.8)
    """
    count = int(np.count_nonzero(mask))
    apart = np.where(mask, image - image[mask].mean(), 0.0)
    squares = float((apart**2).sum())
    if count < 2 or squares == 0:
        return {"morph_moran_i": float("nan"), "morph_geary_c": float("nan")}
    inside = mask.astype(np.float64)
    size = [fft.next_fast_len(2 * n - 1, real=True) for n in mask.shape]
    weights = fft.rfftn(_inverse_distances(mask.shape, size, spacing_mm))
    near = _convolved(inside, weights, size)
    near_apart = _convolved(apart, weights, size)
    total = float((inside * near).sum())
    products = float((apart * near_apart).sum())
    differences = 2 * float((apart**2 * near).sum()) - 2 * products
    return {
        "morph_moran_i": count / total * products / squares,
        "morph_geary_c": (count - 1) / (2 * total) * differences / squares,
    }


def _inverse_distances(shape_zyx: tuple[int, ...], size: list[int], spacing_mm: Spacing) -> Float64:
    """Return 1 / distance for every offset, wrapped around; 0 for the zero offset."""
    squared = np.zeros((1, 1, 1))
    for axis, (n, padded, mm) in enumerate(zip(shape_zyx, size, spacing_mm, strict=True)):
        offset = np.arange(padded)
        offset = np.where(offset < n, offset, offset - padded)
        squared = squared + np.expand_dims((offset * mm) ** 2, tuple({0, 1, 2} - {axis}))
    squared[0, 0, 0] = np.inf
    inverse: Float64 = 1.0 / np.sqrt(squared)
    return inverse


def _convolved(array: Float64, transformed: NDArray[np.complex128], size: list[int]) -> Float64:
    full: Float64 = fft.irfftn(fft.rfftn(array, size) * transformed, size)
    depth, height, width = array.shape
    return full[:depth, :height, :width]

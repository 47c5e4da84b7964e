"""One lesion in space: an ellipsoid with a lobulated, more or less spiculated boundary, on a fine grid of 1 mm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

Field = NDArray[np.float32]
MARGIN_MM = (24.0, 24.0, 20.0)  # breast shown around the lesion
LEAST_MM = (96.0, 92.0, 76.0)


@dataclass(frozen=True, eq=False)
class PhantomLesion:
    """A lesion on a grid of 1 mm whose centre voxel is the lesion's centre.

    Parameters
    ----------
    distance_mm : float32 (X, Y, Z), signed distance to the boundary in mm, negative inside; nearly Euclidean.
    depth : float32 (X, Y, Z), 0 at the centre, 1 at the boundary, above 1 outside.
    diameter_mm : largest diameter.
    """

    distance_mm: Field
    depth: Field
    diameter_mm: float

    @property
    def occupancy(self) -> Field:
        """Share of each voxel that the lesion fills, 0-1."""
        return np.asarray(np.clip(0.5 - self.distance_mm, 0, 1), dtype=np.float32)


def smooth_noise(shape: tuple[int, ...], scale: float | tuple[float, ...], rng: np.random.Generator) -> Field:
    """A Gaussian random field of unit variance, smoothed by a kernel of SD `scale` voxels (mm on the fine grid)."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), scale, mode="wrap", truncate=3.0)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def make_lesion(diameter_mm: float, traits: Mapping[str, float], rng: np.random.Generator) -> PhantomLesion:
    """Draw a lesion.

    Parameters
    ----------
    diameter_mm : largest diameter.
    traits : "lobulation" and "spiculation", standard normal: irregularity of its shape and margin.
    rng : source of its shape.
    """
    half = [int(np.ceil(max(least, diameter_mm + 2 * margin) / 2)) for least, margin in zip(
        LEAST_MM, MARGIN_MM, strict=True)]  # fmt: skip
    axes = [np.arange(-n, n + 1, dtype=np.float32) for n in half]
    shape = tuple(2 * n + 1 for n in half)
    ratios = np.array([1.0, rng.uniform(0.8, 0.97), rng.uniform(0.7, 0.92)])
    turn = _rotation(rng)
    bulges = smooth_noise(shape, 0.17 * diameter_mm + 1.0, rng)
    spikes = smooth_noise(shape, 1.6, rng)
    lobulation = 0.11 * np.exp(0.35 * traits["lobulation"])
    radius = np.clip(1 + lobulation * bulges, 0.72, 1.3)  # larger values would leave a spindle with hardly any volume
    spiculation = min(0.4 * np.exp(0.5 * traits["spiculation"]), 0.03 * diameter_mm)  # mm
    scale = 1.0
    for _ in range(3):  # the boundary's bumps change the largest diameter: measure it and scale
        semi = scale * diameter_mm / 2 * ratios
        depth = _ellipsoid(axes, turn, semi) / radius
        size = float(semi.prod() ** (1 / 3))
        distance = _in_one_piece(((depth - 1) * size + spiculation * spikes).astype(np.float32))
        scale *= diameter_mm / _largest_diameter(distance)
    return PhantomLesion(distance, depth.astype(np.float32), diameter_mm)


def _ellipsoid(axes: list[Field], turn: NDArray[np.float64], semi: NDArray[np.float64]) -> Field:
    """|x| in units of the ellipsoid's radius, at every point of the grid."""
    open_axes = np.ix_(*axes)
    squared: Field = np.zeros([axis.size for axis in axes], dtype=np.float32)
    for row, radius in zip(turn, semi, strict=True):
        x, y, z = (np.float32(cosine / radius) * axis for cosine, axis in zip(row, open_axes, strict=True))
        squared += (x + y + z) ** 2
    return np.asarray(np.sqrt(squared), dtype=np.float32)


def _rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    turned: NDArray[np.float64] = q * np.sign(np.diag(r))
    return turned


def _in_one_piece(distance: Field) -> Field:
    """Put everything outside the largest connected piece outside the lesion."""
    pieces, count = ndimage.label(distance < 0)
    if count <= 1:
        return distance
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.where((pieces > 0) & (pieces != largest), np.float32(0.6), distance)


def _largest_diameter(distance: Field) -> float:
    """Largest distance in mm between two points of the boundary, linear between voxels."""
    inside = np.argwhere(distance < 0)
    corners = inside[ConvexHull(inside).vertices]
    outwards = corners - np.array(distance.shape) // 2
    lengths = np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    # the boundary lies beyond the last voxel inside by that voxel's distance to it
    points = corners - distance[tuple(corners.T)][:, None] * outwards / lengths
    return float(pdist(points).max())

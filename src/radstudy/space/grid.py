"""A grid of voxels in the patient: its size and position, and the comparison of two grids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError

Float64 = NDArray[np.float64]

SNAP_VOXELS = 1e-3  # two grids whose corners are all closer than this, in voxels, count as the same grid


@dataclass(frozen=True, eq=False)
class Grid:
    """The voxels of an image or a mask, without their values.

    Parameters
    ----------
    shape : (I, J, K) voxels along each axis, each at least 1.
    affine : float64 (4, 4), voxel index to RAS mm: finite, axes at right angles.
    source : the file that the grid comes from, for messages; ignored when grids are compared.

    Raises
    ------
    CaseError : the shape does not have three axes, has no voxels, or the affine cannot be used.

    Examples
    --------
    >>> grid = Grid((22, 18, 7), np.diag([1.25, 1.25, 3.0, 1.0]))
    >>> str(grid)
    '22 x 18 x 7 voxels of 1.25 x 1.25 x 3 mm, the first at (0, 0, 0)'
    >>> shifted = Grid((22, 18, 7), np.array([[1.25, 0, 0, 5], [0, 1.25, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]]))
    >>> shifted.difference(grid)
    "its origin is (5, 0, 0), the image's (0, 0, 0) (RAS), 5 mm apart"
    """

    shape: tuple[int, int, int]
    affine: Float64
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise CaseError(f"a grid needs voxels along three axes, but its shape is {self.shape}", "give a 3D image")
        i, j, k = self.shape
        object.__setattr__(self, "shape", (int(i), int(j), int(k)))
        object.__setattr__(self, "affine", checked_affine(self.affine))

    def __str__(self) -> str:
        voxels = " x ".join(map(str, self.shape))
        return f"{voxels} voxels of {spacing_text(self.spacing_mm)} mm, the first at {_mm(self.affine[:3, 3])}"

    @property
    def spacing_mm(self) -> Float64:
        """Distance between voxel centres along I, J, K in mm, (3,)."""
        return spacing_of(self.affine)

    @cached_property
    def inverse(self) -> Float64:
        """Inverse affine, RAS mm to voxel index, float64 (4, 4)."""
        return np.asarray(np.linalg.inv(self.affine), np.float64)

    @property
    def corners(self) -> Float64:
        """Centres of the outermost voxels in RAS mm, (8, 3)."""
        corners: Float64 = (corner_indices(self.shape).T @ self.affine.T)[:, :3]
        return corners

    def same_as(self, other: Grid) -> bool:
        """True if all corners agree to a thousandth of a voxel (`SNAP_VOXELS`), since headers round numbers."""
        return self.shape == other.shape and self._corners_apart(other) <= SNAP_VOXELS

    def difference(self, other: Grid) -> str:
        """Describe how this grid differs from another, as text; "" if the grids are the same.

        Parameters
        ----------
        other : the grid called "the image's" in the text.
        """
        if self.shape != other.shape:
            return f"its size is {self.shape} voxels, the image's {other.shape}"
        apart = self._corners_apart(other)
        if apart <= SNAP_VOXELS:
            return ""
        spacing, of_spacing = self.spacing_mm, other.spacing_mm
        cosines, of_cosines = self.affine[:3, :3] / spacing, other.affine[:3, :3] / of_spacing
        parts = []
        if np.abs(spacing - of_spacing).max() > 1e-5:
            parts.append(f"its spacing is {_mm(spacing)} mm, the image's {_mm(of_spacing)} mm")
        angle = np.degrees(np.arccos(np.clip((cosines * of_cosines).sum(axis=0), -1, 1))).max()
        if angle > 1e-3:
            parts.append(f"its axes are turned by up to {angle:.3g} degrees")
        origin, of_origin = self.affine[:3, 3], other.affine[:3, 3]
        offset = np.linalg.norm(origin - of_origin)
        if offset > 1e-5:
            parts.append(f"its origin is {_mm(origin)}, the image's {_mm(of_origin)} (RAS), {offset:.3g} mm apart")
        return "; ".join(parts) or f"corners lie up to {apart:.3g} voxels apart"

    def _corners_apart(self, other: Grid) -> float:
        """Return the largest distance between corresponding corners, in voxels along the other grid's axes."""
        corners = corner_indices(self.shape)
        apart = other.inverse @ self.affine @ corners - corners
        return float(np.abs(apart[:3]).max())


def corner_indices(shape: tuple[int, ...]) -> Float64:
    """Return the homogeneous indices of a grid's outermost voxels, (4, 8)."""
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij"), dtype=np.float64).reshape(3, -1)
    return np.vstack([ends, np.ones(8)])


def spacing_of(affine: Float64) -> Float64:
    """Return the voxel spacing in mm of a (4, 4) affine, (3,)."""
    spacing: Float64 = np.linalg.norm(affine[:3, :3], axis=0)
    return spacing


def spacing_text(spacing_mm: Iterable[float]) -> str:
    """Format a spacing as text, without its unit.

    Examples
    --------
    >>> spacing_text((0.9375, 0.9375, 3.0))
    '0.9375 x 0.9375 x 3'
    """
    return " x ".join(f"{value:.4g}" for value in spacing_mm)


def checked_affine(affine: NDArray[Any]) -> Float64:
    """Return the affine as float64 (4, 4), or raise CaseError if a value, a spacing or an angle cannot be used."""
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise CaseError(f"the affine is not a finite 4 x 4 matrix: {matrix.tolist()}", "export the image again")
    spacing = spacing_of(matrix)
    if (spacing <= 0).any():
        raise CaseError(f"the voxel spacing is {spacing.tolist()} mm", "export the image again")
    cosines = matrix[:3, :3] / spacing
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > 1e-3:
        raise CaseError(
            "the axes of the image are not at right angles",
            "resample it onto a grid with right angles, and draw the mask on the new image",
        )
    return matrix


def _mm(values: Float64) -> str:
    return "(" + ", ".join(f"{value:g}" for value in np.round(values, 4)) + ")"

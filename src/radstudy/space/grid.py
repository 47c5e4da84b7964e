"""A grid of voxels in the patient: how many there are, where they lie, and whether two grids are one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError

Float64 = NDArray[np.float64]

SNAP_VOXELS = 1e-3  # grids nearer than this, in voxels, at every corner are one grid


@dataclass(frozen=True, eq=False)
class Grid:
    """The voxels of an image or a mask, without their values.

    Parameters
    ----------
    shape : (I, J, K) voxels along each axis, each at least 1.
    affine : float64 (4, 4), voxel index to RAS mm: finite, axes at right angles.
    source : the file whose grid it is, for messages; it makes no difference between grids.

    Raises
    ------
    CaseError : the shape has not three axes or no voxel, or the affine cannot be used.

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
            raise CaseError(f"a grid needs voxels along three axes, this one has {self.shape}", "give a 3D image")
        i, j, k = self.shape
        object.__setattr__(self, "shape", (int(i), int(j), int(k)))
        object.__setattr__(self, "affine", checked_affine(self.affine))

    def __str__(self) -> str:
        voxels = " x ".join(map(str, self.shape))
        return f"{voxels} voxels of {spacing_text(self.spacing_mm)} mm, the first at {_mm(self.affine[:3, 3])}"

    @property
    def spacing_mm(self) -> Float64:
        """(3,) distance between voxel centres along I, J, K in mm."""
        return spacing_of(self.affine)

    @cached_property
    def inverse(self) -> Float64:
        """float64 (4, 4), RAS mm to voxel index."""
        return np.asarray(np.linalg.inv(self.affine), np.float64)

    @property
    def corners(self) -> Float64:
        """(8, 3) centres of the outermost voxels, RAS mm."""
        corners: Float64 = (corner_indices(self.shape).T @ self.affine.T)[:, :3]
        return corners

    def same_as(self, other: Grid) -> bool:
        """Whether two grids agree to a thousandth of a voxel (`SNAP_VOXELS`) at every corner: headers round."""
        return self.shape == other.shape and self._corners_apart(other) <= SNAP_VOXELS

    def difference(self, other: Grid) -> str:
        """What differs, in words and by how much; "" where the grids are the same.

        Parameters
        ----------
        other : called "the image's" in the words.
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
        """How far corners of one index lie apart, in voxels of the other grid along its axes, at most."""
        corners = corner_indices(self.shape)
        apart = other.inverse @ self.affine @ corners - corners
        return float(np.abs(apart[:3]).max())


def corner_indices(shape: tuple[int, ...]) -> Float64:
    """(4, 8) homogeneous indices of a grid's outermost voxels."""
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij"), dtype=np.float64).reshape(3, -1)
    return np.vstack([ends, np.ones(8)])


def spacing_of(affine: Float64) -> Float64:
    """(3,) voxel spacing in mm of a (4, 4) affine."""
    spacing: Float64 = np.linalg.norm(affine[:3, :3], axis=0)
    return spacing


def spacing_text(spacing_mm: Iterable[float]) -> str:
    """A spacing as text, without its unit.

    Examples
    --------
    >>> spacing_text((0.9375, 0.9375, 3.0))
    '0.9375 x 0.9375 x 3'
    """
    return " x ".join(f"{value:.4g}" for value in spacing_mm)


def checked_affine(affine: NDArray[Any]) -> Float64:
    """A float64 (4, 4) affine, or a CaseError: finite, positive spacing, axes at right angles."""
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

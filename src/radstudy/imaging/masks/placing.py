"""Placing of masks on an image's grid by physical position: voxel by voxel if the grids share their points.

A mask that was cropped to its own extent, stored with flipped or exchanged axes, or as single slices still lies on the
image's grid: its voxels' centres are voxel centres of the image. Such a mask is moved voxel by voxel; nothing is
interpolated. A mask between the image's voxels is refused, or sampled on request (`mask_on_grid`); a mask outside the
image is always refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.bounds import IMAGE
from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import Plane
from radstudy.formats.raster import array_ijk, itk_place, to_sitk
from radstudy.imaging.masks.mask_on_grid import BY_RESAMPLING, MaskOnGrid
from radstudy.imaging.resampling_grid import ROUNDING
from radstudy.space.grid import SNAP_VOXELS, Grid, corner_indices, spacing_of, spacing_text

FRAME_SNAP_VOXELS = 0.02  # single slices: headers round the position of each slice, while a grid has only one origin
_SAME_HEIGHT_MM = 1e-3
_GIVE_IMAGE = "give the image that they were drawn on (grid; --image)"
_DRAW = f"draw it on this image, or {BY_RESAMPLING} (nearest neighbour)"

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Mask = TypeVar("Mask", bound=MaskOnGrid)


def place_mask(roi: Mask, grid: Grid, *, resample: bool = False) -> Mask:
    """Place a mask on the image's grid.

    Parameters
    ----------
    roi : anywhere in space.
    grid : of the image.
    resample : whether a mask whose voxels lie between the image's is sampled by nearest neighbour or refused.

    Raises
    ------
    CaseError : the mask is not on the image's grid (the message states by how much), or extends outside the image.
    """
    if roi.grid.same_as(grid):
        return roi.on_grid_of(grid)
    shape = roi.mask.shape
    step = _steps(grid.inverse @ roi.affine, shape, SNAP_VOXELS)
    if step is not None and not _moved_whole(step, shape, grid.shape):
        mask = np.zeros(grid.shape, bool)
        _fill(mask, np.argwhere(roi.mask), step, roi.source)
        return replace(roi, mask=mask, affine=grid.affine)
    if resample:
        return mask_on_grid(roi, grid)
    return roi.on_grid_of(grid)  # raises, with what differs


def mask_on_grid(
    roi: Mask, grid: Grid, *, partial_volume: float | None = None, transform: sitk.Transform | None = None
) -> Mask:
    """Place the mask on another grid by physical coordinates; unchanged if the grids agree.

    Parameters
    ----------
    roi : a mask anywhere in space.
    grid : the grid to place it on.
    partial_volume : None takes the nearest voxel of the mask; a number in (0, 1] takes the voxels at whose centre the
        linearly interpolated mask reaches it.
    transform : from points of that grid to points of the mask (LPS mm); None for no transform.

    Raises
    ------
    CaseError : part of the mask lies outside the image, or the mask contains no voxel's centre.
    """
    if transform is None and roi.grid.same_as(grid):
        return roi.on_grid_of(grid)
    if transform is None and _reaches_outside(roi, grid):
        raise CaseError("the mask extends outside the image", "draw it on this image", file=roi.source)
    image = to_sitk(roi.mask, roi.affine)
    kind = sitk.sitkNearestNeighbor
    if partial_volume is not None:
        image, kind = sitk.Cast(image, sitk.sitkFloat32), sitk.sitkLinear
    placed = sitk.Resample(image, grid.shape, transform or sitk.Transform(), kind, *itk_place(grid.affine))
    least = 0.5 if partial_volume is None else partial_volume - ROUNDING
    mask = array_ijk(placed) >= least
    if not mask.any():
        raise CaseError(
            f"the mask's {roi.voxel_count} voxels of {spacing_text(roi.spacing_mm)} mm contain no voxel's centre of "
            f"the image, whose voxels measure {spacing_text(grid.spacing_mm)} mm",
            "draw it on this image",
            file=roi.source,
        )
    return replace(roi, mask=mask, affine=grid.affine)


def _reaches_outside(roi: MaskOnGrid, grid: Grid) -> bool:
    corners = np.argwhere(roi.mask)
    if not corners.size:
        return False
    to_image = grid.inverse @ roi.affine
    low, high = corners.min(axis=0) - 0.5, corners.max(axis=0) + 0.5
    ends = np.array([to_image[:3, :3] @ end + to_image[:3, 3] for end in (low, high)])
    return bool((ends < -0.501).any() or (ends > np.array(grid.shape) - 0.499).any())


def place_planes(planes: Sequence[Plane], grid: Grid) -> Bool:
    """Place single slices on the image's grid: bool (I, J, K).

    Raises
    ------
    CaseError : a slice is not on the image's grid or extends outside it, or two slices have the same position.
    """
    mask = np.zeros(grid.shape, bool)
    seen: dict[tuple[int, int], int] = {}
    for plane in planes:
        step = _steps(grid.inverse @ _thick(plane, grid), (*plane.pixels.shape, 1), FRAME_SNAP_VOXELS)
        if step is None:
            raise CaseError(f"frame {plane.frame} is not on the image's grid: {_off(plane, grid)}", _DRAW)
        across = int(np.flatnonzero(step[:3, 2])[0])
        place = (across, int(step[across, 3]))
        if place in seen:
            raise CaseError(
                f"frames {seen[place]} and {plane.frame} of one segment have the same position",
                "export the segmentation again",
            )
        seen[place] = plane.frame
        inside = np.argwhere(plane.pixels)
        _fill(mask, np.column_stack([inside, np.zeros(len(inside), int)]), step, "")
    return mask


def stack_planes(planes: Sequence[Plane], of_file: Sequence[Plane]) -> tuple[Bool, Float64]:
    """Stack single slices on a grid of their own, with empty slices for missing ones.

    Parameters
    ----------
    planes : of one segment.
    of_file : slices of all segments of the file, which share the grid.

    Returns
    -------
    mask : bool (I, J, K), K along the slices' normal.
    affine : float64 (4, 4), voxel index to RAS mm.

    Raises
    ------
    CaseError : there is only one slice, or the slices are not evenly spaced: their image has to be given.
    """
    first = of_file[0]
    normal = first.affine[:3, 2]
    height = np.array([normal @ (plane.affine[:3, 3] - first.affine[:3, 3]) for plane in of_file])
    apart = np.diff(np.sort(height))
    apart = apart[apart > _SAME_HEIGHT_MM]
    if not len(apart):
        raise CaseError("the file contains only one slice, which is not a volume", _GIVE_IMAGE)
    affine = of_file[int(np.argmin(height))].affine.copy()
    affine[:3, 2] *= apart.min()
    slices = round(float(np.ptp(height) / apart.min())) + 1
    if problem := IMAGE.exceeded(4 * math.prod(first.pixels.shape) * slices):
        raise CaseError(f"the file's slices lie {np.ptp(height):.4g} mm apart: {problem}", _GIVE_IMAGE)
    try:
        columns, rows = first.pixels.shape
        grid = Grid((columns, rows, slices), affine)
        return place_planes(planes, grid), grid.affine
    except CaseError as error:
        raise CaseError(f"the file's slices do not form a grid ({error.problem})", _GIVE_IMAGE) from error


def _thick(plane: Plane, grid: Grid) -> Float64:
    """Return the plane's affine with its normal scaled to the image's voxel in that direction, so that it can fit."""
    cosines = np.abs((grid.affine[:3, :3] / grid.spacing_mm).T @ plane.affine[:3, 2])
    affine = plane.affine.copy()
    affine[:3, 2] *= grid.spacing_mm[int(np.argmax(cosines))]
    return affine


def _steps(to_image: Float64, shape: tuple[int, ...], snap: float) -> NDArray[np.int64] | None:
    """Return the map of indices as integers (axes flipped, exchanged and shifted); None if it is not integer.

    A map close to integers may still be off at the far corner of a large grid, so the corners decide.
    """
    whole = np.rint(to_image).astype(np.int64)
    axes = np.abs(whole[:3, :3])
    if not ((axes.sum(axis=0) == 1).all() and (axes.sum(axis=1) == 1).all()):
        return None
    corners = corner_indices(shape)
    return whole if np.abs((to_image - whole) @ corners)[:3].max() <= snap else None


def _moved_whole(step: NDArray[np.int64], shape: tuple[int, ...], of_shape: tuple[int, ...]) -> bool:
    """True if a mask as large as the image is shifted: a lost or wrong origin rather than a cropped mask."""
    ends = (step @ corner_indices(shape))[:3]
    low, high = ends.min(axis=1), ends.max(axis=1)
    return bool((high - low + 1 == of_shape).all() and (low != 0).any())


def _fill(mask: Bool, voxels: NDArray[np.int64], step: NDArray[np.int64], source: str) -> None:
    placed = voxels @ step[:3, :3].T + step[:3, 3]
    outside = int(((placed < 0) | (placed >= mask.shape)).any(axis=1).sum())
    if outside:
        raise CaseError(
            f"the mask extends outside the image: {outside} of its {len(voxels)} voxels",
            "use the whole image that it was drawn on",
            file=source,
        )
    mask[tuple(placed.T)] = True


def _off(plane: Plane, grid: Grid) -> str:
    """Describe how a plane differs from the image's grid, as text."""
    spacing, of_spacing = spacing_of(plane.affine)[:2], grid.spacing_mm
    cosines = grid.affine[:3, :3] / of_spacing
    alignment = np.abs(cosines.T @ (plane.affine[:3, :3] / spacing_of(plane.affine)))
    angle = float(np.degrees(np.arccos(np.clip(alignment.max(axis=0).min(), -1, 1))))
    if angle > 0.05:
        return f"it is tilted by {angle:.3g} degrees against the image's slices"
    across = np.argmax(alignment, axis=0)
    if np.abs(spacing - of_spacing[across[:2]]).max() > 1e-4:
        return (
            f"its pixels measure {spacing[0]:.4g} x {spacing[1]:.4g} mm, the image's "
            f"{of_spacing[across[0]]:.4g} x {of_spacing[across[1]]:.4g} mm"
        )
    first = (grid.inverse @ plane.affine[:, 3])[:3]
    off = float(np.abs(first - np.rint(first)).max())
    return f"its first pixel lies {off:.3g} voxels from the image's nearest voxel"

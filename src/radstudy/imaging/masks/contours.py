"""Filling of closed contours on an image's grid: the voxels whose centres a contour encloses.

`radstudy.imaging.masks.contour_sets` combines the contours of one slice into one region.

References
----------
DICOM PS3.3, C.8.8.6.3 (closed planar contours, keyholes, XOR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.masks.contour_sets import Combined, combine_contours
from radstudy.imaging.masks.mask_on_grid import BY_RESAMPLING
from radstudy.space.grid import Grid

PLANE_VOXELS = 0.1  # of the slice distance: points are rounded to tenths or hundredths of a millimetre
_LISTED = 6
_DRAW = f"give the image that it was drawn on, or {BY_RESAMPLING} (the nearest contour of each slice)"


@dataclass(frozen=True, eq=False)
class Filled:
    """Voxels enclosed by contours.

    Parameters
    ----------
    mask : bool (I, J, K).
    notes : facts that a reader should know: contours that were drawn twice, or overlap in part.
    """

    mask: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def draw_contours(
    contours: Sequence[NDArray[np.float64]], grid: Grid, *, resample: bool = False, exclusive: bool = False
) -> Filled:
    """Return the voxels whose centres lie inside the contours, with notes for the reader.

    Parameters
    ----------
    contours : each float64 (n, 3), RAS mm, planar and closed.
    grid : of the image; the contours are parallel to its slices along one of its axes.
    resample : whether contours between the image's slices, or on every second or third slice only, are assigned to the
        nearest slices; otherwise they are refused.
    exclusive : whether the file specifies exclusive or; see `combine_contours`.

    Raises
    ------
    CaseError : contours are tilted against the slices, lie between them, skip slices, or extend outside the image;
        overlap in part and may be holes; or enclose no voxel's centre.
    """
    inverse = grid.inverse
    indexed = [points @ inverse[:3, :3].T + inverse[:3, 3] for points in contours]
    axis = _slice_axis(indexed)
    heights = np.array([points[:, axis].mean() for points in indexed])
    groups = _slices(heights, resample)
    mask = np.zeros(grid.shape, bool)
    across = [other for other in range(3) if other != axis]
    plane = (grid.shape[across[0]], grid.shape[across[1]])
    spacing_mm = grid.spacing_mm[across]
    depth = grid.shape[axis]
    view = np.moveaxis(mask, axis, 2)
    filled: dict[float, Combined] = {}
    for height, members in groups.items():
        flat = [indexed[member][:, across] for member in members]
        _inside_image(flat, plane)
        try:
            filled[height] = combine_contours(flat, plane, spacing_mm.tolist(), exclusive=exclusive)
        except CaseError as error:
            raise CaseError(f"slice {height + 1:g}: {error.problem}", error.remedy) from error
    for slice_number, height in _targets(sorted(groups), resample):
        if not 0 <= slice_number < depth:
            raise CaseError(
                f"a contour lies on slice {slice_number + 1}, but the image has {depth} slices",
                "use the whole image that it was drawn on",
            )
        view[:, :, slice_number] = filled[height].mask
    if not mask.any():
        raise CaseError(
            f"no voxel's centre lies inside the {len(contours)} contour(s)", "draw the lesion on this image"
        )
    return Filled(mask, _notes(filled))


def _notes(filled: dict[float, Combined]) -> tuple[str, ...]:
    """Return what a reader should know about the contours, given by the heights of their slices."""
    notes = []
    twice = {height: combined.twice for height, combined in filled.items() if combined.twice}
    if twice:
        notes.append(f"{sum(twice.values())} contour(s) were drawn twice ({_shown(twice)}) and count once")
    partly = {height: combined for height, combined in filled.items() if combined.overlapping}
    if partly:
        voxels = sum(combined.overlap_voxels for combined in partly.values())
        notes.append(
            f"contours overlap in part by {voxels} voxel(s) ({_shown(partly)}) and were joined: check whether a "
            "hole was intended"
        )
    return tuple(notes)


def _shown(heights: dict[float, Any]) -> str:
    numbers = [f"{height + 1:g}" for height in sorted(heights)]
    more = ", ..." if len(numbers) > _LISTED else ""
    return f"slice {', '.join(numbers[:_LISTED])}{more}"


def _slice_axis(indexed: Sequence[NDArray[np.float64]]) -> int:
    """Return the image axis perpendicular to the contours."""
    thickness = np.array([np.ptp(points, axis=0) for points in indexed]).max(axis=0)
    axis = int(np.argmin(thickness))
    if thickness[axis] > PLANE_VOXELS:
        raise CaseError(
            f"the contours are tilted against the image's slices (one spans {thickness[axis]:.2g} slices)",
            "give the image that they were drawn on",
        )
    return axis


def _slices(heights: NDArray[np.float64], resample: bool) -> dict[float, list[int]]:
    """Group contours by their height, in slices of the image."""
    nearest = np.rint(heights)
    off = np.abs(heights - nearest)
    if off.max() > PLANE_VOXELS and not resample:
        worst = int(np.argmax(off))
        raise CaseError(f"a contour lies between slices (at {heights[worst] + 1:.2f}, counted from 1)", _DRAW)
    keys = nearest if off.max() <= PLANE_VOXELS else _levels(heights)
    groups: dict[float, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(float(key), []).append(index)
    apart = np.diff(sorted(groups))
    if len(apart) >= 2 and float(np.median(apart)) >= 1.5 and not resample:
        raise CaseError(
            f"the contours lie {float(np.median(apart)):.2g} slices apart: the slices between them were not drawn",
            _DRAW,
        )
    return groups


def _levels(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the height of each contour's slice; heights that differ only by rounding become equal."""
    order = np.argsort(heights, kind="stable")
    level = np.concatenate([[0], np.cumsum(np.diff(heights[order]) > PLANE_VOXELS)])
    means = np.bincount(level, heights[order]) / np.bincount(level)
    levels = np.empty(len(heights))
    levels[order] = np.round(means, 2)[level]
    return levels


def _targets(heights: list[float], resample: bool) -> list[tuple[int, float]]:
    """Pair slice numbers with the height whose contours they take."""
    if not resample:
        return [(int(height), height) for height in heights]
    apart = float(np.median(np.diff(heights))) if len(heights) > 1 else 1.0
    reach = max(apart, 1.0) / 2
    low, high = int(np.ceil(heights[0] - reach + 1e-6)), int(np.floor(heights[-1] + reach - 1e-6))
    at = np.array(heights)
    targets = []
    for number in range(low, high + 1):
        nearest = int(np.argmin(np.abs(at - number)))
        if abs(at[nearest] - number) <= reach:
            targets.append((number, heights[nearest]))
    return targets


def _inside_image(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> None:
    points = np.vstack(polygons)
    if (points < -0.5 - PLANE_VOXELS).any() or (points > np.array(shape) - 0.5 + PLANE_VOXELS).any():
        raise CaseError("a contour extends outside the image", "use the whole image that it was drawn on")

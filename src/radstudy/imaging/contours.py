"""Closed contours onto an image's grid: the voxels whose centre a contour encloses.

Contours of one slice are combined by the even-odd rule: a point is inside where a ray from it crosses an odd number of
edges of all contours of the slice. A contour within a contour is therefore a hole, one within that an island, and two
contours side by side are two pieces; where two contours overlap only in part, the overlap is outside. A hole drawn by a
keyhole (one contour that goes in and out along one line) comes out right too. A centre exactly on an edge belongs to
one side of it only, so that contours that share an edge neither overlap nor leave a gap.

References
----------
DICOM PS3.3, C.8.8.6.3 (closed planar contours, keyholes, XOR). Shimrat M, Algorithm 112, Commun ACM 1962;5:434.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.roi import BY_RESAMPLING
from radstudy.imaging.volume import Volume

PLANE_VOXELS = 0.1  # of the slice distance: points are rounded to tenths or hundredths of a millimetre
_DRAW = f"give the image that it was drawn on, or {BY_RESAMPLING} (the nearest contour of each slice)"


def fill_contours(
    contours: Sequence[NDArray[np.float64]], volume: Volume, *, resample: bool = False
) -> NDArray[np.bool_]:
    """The voxels whose centres lie inside the contours: bool (I, J, K).

    Parameters
    ----------
    contours : each float64 (n, 3), RAS mm, planar and closed.
    volume : the image; the contours are parallel to its slices along one of its axes.
    resample : whether contours between the image's slices, or on every second or third slice only, are taken for the
        slices nearest to them; else they are refused.

    Raises
    ------
    CaseError : contours are tilted against the slices, lie between them, skip slices, or reach outside the image; or
        no voxel's centre lies inside.
    """
    inverse = np.linalg.inv(volume.affine)
    indexed = [points @ inverse[:3, :3].T + inverse[:3, 3] for points in contours]
    axis = _slice_axis(indexed)
    heights = np.array([points[:, axis].mean() for points in indexed])
    groups = _slices(heights, resample)
    mask = np.zeros(volume.voxels.shape, bool)
    across = [other for other in range(3) if other != axis]
    plane = (volume.voxels.shape[across[0]], volume.voxels.shape[across[1]])
    depth = volume.voxels.shape[axis]
    view = np.moveaxis(mask, axis, 2)
    filled = {}
    for height, members in groups.items():
        flat = [indexed[member][:, across] for member in members]
        _inside_image(flat, plane)
        filled[height] = _even_odd(flat, plane)
    for slice_number, height in _targets(sorted(groups), resample):
        if not 0 <= slice_number < depth:
            raise CaseError(
                f"a contour lies on slice {slice_number + 1}, and the image has {depth}",
                "use the whole image that it was drawn on",
            )
        view[:, :, slice_number] = filled[height]
    if not mask.any():
        raise CaseError(
            f"no voxel's centre lies inside the {len(contours)} contour(s)", "draw the lesion on this image"
        )
    return mask


def _slice_axis(indexed: Sequence[NDArray[np.float64]]) -> int:
    """The image axis that the contours are flat along."""
    thickness = np.array([np.ptp(points, axis=0) for points in indexed]).max(axis=0)
    axis = int(np.argmin(thickness))
    if thickness[axis] > PLANE_VOXELS:
        raise CaseError(
            f"the contours are tilted against the image's slices (one spans {thickness[axis]:.2g} slices)",
            "give the image that they were drawn on",
        )
    return axis


def _slices(heights: NDArray[np.float64], resample: bool) -> dict[float, list[int]]:
    """Contours by the height, in slices of the image, at which they lie."""
    nearest = np.rint(heights)
    off = np.abs(heights - nearest)
    if off.max() > PLANE_VOXELS and not resample:
        worst = int(np.argmax(off))
        raise CaseError(f"a contour lies between slices (at {heights[worst] + 1:.2f}, counted from 1)", _DRAW)
    keys = nearest if off.max() <= PLANE_VOXELS else np.round(heights, 2)
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


def _targets(heights: list[float], resample: bool) -> list[tuple[int, float]]:
    """Slice numbers and the height whose contours they take."""
    if not resample:
        return [(int(height), height) for height in heights]
    apart = float(np.median(np.diff(heights))) if len(heights) > 1 else 1.0
    reach = max(apart, 1.0) / 2
    low, high = int(np.ceil(heights[0] - reach + 1e-6)), int(np.floor(heights[-1] + reach - 1e-6))
    at = np.array(heights)
    found = []
    for number in range(low, high + 1):
        nearest = int(np.argmin(np.abs(at - number)))
        if abs(at[nearest] - number) <= reach:
            found.append((number, heights[nearest]))
    return found


def _inside_image(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> None:
    points = np.vstack(polygons)
    if (points < -0.5 - PLANE_VOXELS).any() or (points > np.array(shape) - 0.5 + PLANE_VOXELS).any():
        raise CaseError("a contour reaches outside the image", "use the whole image that it was drawn on")


def _even_odd(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (index = coordinate of the centre) inside an odd number of the polygons.

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    >>> _even_odd([square], (4, 4)).sum().item()
    4
    """
    toggles = np.zeros((shape[0] + 1, shape[1]), np.int64)
    for polygon in polygons:
        x, y = polygon.T
        x_next, y_next = np.roll(x, -1), np.roll(y, -1)
        low, high = np.minimum(y, y_next), np.maximum(y, y_next)
        first, last = np.ceil(low).astype(int), np.ceil(high).astype(int)  # rows with low <= row < high
        counts = np.maximum(last - first, 0)
        edge = np.repeat(np.arange(len(x)), counts)
        row = first[edge] + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        crossing = x[edge] + (row - y[edge]) * (x_next[edge] - x[edge]) / (y_next[edge] - y[edge])
        inside = (row >= 0) & (row < shape[1])
        column = np.clip(np.ceil(crossing[inside]).astype(int), 0, shape[0])
        np.add.at(toggles, (column, row[inside]), 1)
    odd: NDArray[np.bool_] = np.cumsum(toggles, axis=0)[:-1] % 2 == 1
    return odd

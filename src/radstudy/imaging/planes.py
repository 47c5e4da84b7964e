"""Planes through a lesion and slices of a volume in radiological orientation, as arrays that the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.box import Box, box_around
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

# For a volume turned to (right to left, posterior to anterior, foot to head): plane, the axis cut, rows, columns.
# Rows run down the picture, columns to the right: the patient's right is on the left, anterior or head is up.
_PLANES = (("axial", 2, 1, 0), ("coronal", 1, 2, 0), ("sagittal", 0, 2, 1))


def lesion_planes(
    volume: Volume, rois: Mapping[str, Roi], *, overlays: Mapping[str, Volume] | None = None, margin_mm: float = 15.0
) -> dict[str, Any]:
    """Return the axial, coronal and sagittal planes of a lesion with every reader's mask.

    Parameters
    ----------
    volume : the image.
    rois : reader to mask on the volume's grid; the planes go through the largest sections of the first one.
    overlays : name to values on the volume's grid, cut like the image but not windowed.
    margin_mm : margin shown around the lesion.

    Returns
    -------
    For i = 0, 1, 2: ``image_i`` uint8 (rows, columns), in the window of `lesion_window`;
    ``spacing_i`` float (2,) mm per row and per column; ``name_i``; ``mask_<reader>_i`` bool (rows, columns);
    ``overlay_<name>_i`` float32 (rows, columns), in the overlay's own unit.

    Raises
    ------
    CaseError : an overlay is not on the volume's grid; all masks are empty.
    """
    _check_grids(volume, overlays or {})
    order, flips = _to_ras(volume.affine)
    spacing = volume.spacing_mm[list(order)]
    drawn = box_around([roi.mask for roi in rois.values()])
    if drawn is None:
        raise CaseError("the masks are empty: there is no lesion to show", "draw the lesion")
    box = _widened(drawn, np.ceil(margin_mm / volume.spacing_mm).astype(int))
    shown = _turned(volume.voxels[box], order, flips)
    masks = {reader: _turned(roi.mask[box], order, flips) for reader, roi in rois.items()}
    over = {name: _turned(overlay.voxels[box], order, flips) for name, overlay in (overlays or {}).items()}
    first = next(iter(masks.values()))
    low, high = lesion_window(shown, np.logical_or.reduce(list(masks.values())))
    planes: dict[str, Any] = {}
    for number, (name, cut, row, column) in enumerate(_PLANES):
        sections = first.sum(axis=tuple(axis for axis in range(3) if axis != cut))
        where: list[Any] = [slice(None)] * 3
        where[cut] = int(np.argmax(sections))
        scaled = np.clip((_oriented(shown[tuple(where)], column) - low) / max(high - low, 1e-12), 0, 1)
        planes[f"name_{number}"] = name
        planes[f"image_{number}"] = np.nan_to_num(scaled * 255).astype(np.uint8)
        planes[f"spacing_{number}"] = spacing[[row, column]]
        for reader, mask in masks.items():
            planes[f"mask_{reader}_{number}"] = _oriented(mask[tuple(where)], column)
        for name_over, values in over.items():
            planes[f"overlay_{name_over}_{number}"] = _oriented(values[tuple(where)], column).astype(np.float32)
    return planes


def lesion_window(shown: NDArray[Any], lesion: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the intensities shown as black and white, so that neither lesion nor surround is a white patch.

    From the 1st percentile of lesion and surround to the higher of two 99th percentiles: of both together, and of the
    lesion, which is often too small to count in the first.

    Parameters
    ----------
    shown : the lesion and its surround, (I, J, K).
    lesion : True inside a mask of any reader, (I, J, K).
    """
    low, high = np.nanpercentile(shown, [1, 99])
    inside = shown[lesion & np.isfinite(shown)]
    return float(low), float(max(high, np.percentile(inside, 99))) if inside.size else float(high)


def _check_grids(volume: Volume, overlays: Mapping[str, Volume]) -> None:
    for name, overlay in overlays.items():
        same = overlay.voxels.shape == volume.voxels.shape and np.allclose(overlay.affine, volume.affine, atol=1e-3)
        if not same:
            raise CaseError(
                f"the overlay '{name}' of {' x '.join(map(str, overlay.voxels.shape))} voxels is not on the grid of "
                f"the image, which has {' x '.join(map(str, volume.voxels.shape))}",
                "resample it to the image",
            )


@dataclass(frozen=True, eq=False)
class Slices:
    """The voxels that a few thinned-out slices show, of a volume or of anything else on its grid.

    Parameters
    ----------
    index : along I, J, K: the voxels shown.
    affine : of the volume, (4, 4).
    """

    index: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    affine: NDArray[np.float64]

    def pictures(self, thinned: NDArray[Any]) -> NDArray[Any]:
        """Return the slices (n, rows, columns) of values at `index`, (I, J, K), in radiological orientation."""
        order, flips = _to_ras(self.affine)
        _, cut, _, column = self._plane(order)
        turned = np.moveaxis(_turned(thinned, order, flips), cut, 0)
        return np.stack([_oriented(plane, column) for plane in turned])

    def spacing_mm(self) -> tuple[float, float]:
        """Distance between rows and between columns of the pictures, in mm."""
        order, _ = _to_ras(self.affine)
        _, _, row, column = self._plane(order)
        spacing = np.linalg.norm(self.affine[:3, :3], axis=0)
        steps = [float(spacing[axis] * (np.diff(self.index[axis][:2]).sum() or 1)) for axis in order]
        return steps[row], steps[column]

    def _plane(self, order: tuple[int, ...]) -> tuple[str, int, int, int]:
        """Return the plane of the picture: across the axis with the fewest voxels shown."""
        shown = [self.index[axis].size for axis in order]
        return next(plane for plane in _PLANES if plane[1] == int(np.argmin(shown)))


def few_slices(volume: Volume, *, shares: tuple[float, ...] = (0.25, 0.5, 0.75), longest: int = 96) -> Slices:
    """Choose a few slices as acquired (across the axis of the widest spacing, axial in a tie), thinned out.

    Parameters
    ----------
    volume : the image.
    shares : positions along the axis, from 0 to 1.
    longest : largest number of rows or columns of a picture.
    """
    spacing, head = volume.spacing_mm, _to_ras(volume.affine)[0][2]
    across = head if spacing[head] > 0.99 * spacing.max() else int(np.argmax(spacing))
    index = []
    for axis, size in enumerate(volume.voxels.shape):
        if axis == across:
            index.append(np.unique(np.round(np.array(shares) * (size - 1)).astype(np.int64)))
        else:
            index.append(np.arange(0, size, -(-size // longest), dtype=np.int64))
    return Slices((index[0], index[1], index[2]), volume.affine)


def _oriented(plane: NDArray[Any], column: int) -> NDArray[Any]:
    """Orient a plane: rows from anterior or head downwards, columns from the patient's right, or anterior, on."""
    rows_first = plane.T[::-1]  # the axis shown along the rows is the later one of the two
    return rows_first if column == 0 else rows_first[:, ::-1]


def _to_ras(affine: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Return the voxel axis closest to R, A and S, and whether to flip it (R to run from right to left)."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    order: list[int] = []
    for world in range(3):
        left = [axis for axis in range(3) if axis not in order]
        order.append(max(left, key=lambda axis: abs(cosines[world, axis])))
    # RAS: x increases to the right of the patient. Columns start at the patient's right, so x must decrease.
    flips = tuple(bool((cosines[world, axis] > 0) == (world == 0)) for world, axis in enumerate(order))
    return tuple(order), flips


def _turned(array: NDArray[Any], order: tuple[int, ...], flips: tuple[bool, ...]) -> NDArray[Any]:
    turned = array.transpose(order)
    return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def _widened(box: Box, margin: NDArray[np.int64]) -> tuple[slice, ...]:
    """Return slices along I, J, K of the box enlarged by `margin` voxels on all sides."""
    return tuple(
        slice(max(first - int(pad), 0), last + int(pad)) for (first, last), pad in zip(box, margin, strict=True)
    )

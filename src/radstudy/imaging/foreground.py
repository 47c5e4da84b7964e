"""Foreground of a volume: the voxels that are tissue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.kernels.otsu import best_split, histogram
from radstudy.imaging.roi import Roi
from radstudy.imaging.slabs import in_slabs
from radstudy.imaging.volume import Volume

BINS = 200
_MARGIN = 100  # ITK widens the last bin by a hundredth of a bin, so that the largest value falls into it

_SMALLEST_GAIN = 0.1 * float(np.finfo(np.float64).eps)  # of the variance; ITK still distinguishes two splits by it


def foreground(volume: Volume, mask: Roi | NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return the voxels that are tissue and not air: bool (I, J, K).

    Parameters
    ----------
    volume : the image, (I, J, K).
    mask : the foreground, if known; None takes the voxels above Otsu's threshold (200 bins), as 3D Slicer's N4 module
        does.

    Raises
    ------
    CaseError : the mask is not on the volume's grid.
    """
    if mask is None:
        return above_otsu(volume.voxels, limits=volume.limits)
    inside = mask.on_grid_of(volume).mask if isinstance(mask, Roi) else np.asarray(mask, dtype=bool)
    if inside.shape != volume.voxels.shape:
        raise CaseError(
            f"the foreground mask has {inside.shape} voxels, but the image has {volume.voxels.shape}",
            "use a mask of the image's size",
        )
    return inside


def above_otsu(
    voxels: NDArray[np.floating[Any]], bins: int = BINS, *, limits: tuple[float, float] | None = None
) -> NDArray[np.bool_]:
    """Return the voxels brighter than Otsu's threshold.

    Parameters
    ----------
    voxels : finite float (I, J, K).
    bins : of the histogram from the smallest to the largest value.
    limits : the smallest and the largest value, if already known.

    Returns
    -------
    bool (I, J, K), in the memory order of `voxels`; all False if all voxels have the same value.

    Notes
    -----
    As in ITK's OtsuThresholdImageFilter, the threshold is the upper edge of the lower class's last bin.

    References
    ----------
    Otsu N., IEEE Trans Syst Man Cybern 1979;9:62-66.
    """
    planes = voxels if voxels.flags.c_contiguous else voxels.T  # the slowest axis first

    def in_each_slab(kernel: Callable[..., Any], *more: Any) -> list[Any]:
        return in_slabs(lambda slab: kernel(planes[slab].ravel(order="K"), *more), len(planes))

    low, high = limits or (float(voxels.min()), float(voxels.max()))
    if not high > low:
        return np.zeros_like(voxels, dtype=bool)
    upper = high + (high - low) / bins / _MARGIN
    width = (np.float32(upper) - np.float32(low)) / np.float32(bins)  # ITK places the bins in single precision
    edges = low + (width * np.arange(bins + 1, dtype=np.float32)).astype(np.float64)
    edges[-1] = upper
    split = best_split(sum(in_each_slab(histogram, edges)), (edges[:-1] + edges[1:]) / 2, _SMALLEST_GAIN)
    above = np.empty_like(voxels, dtype=bool)
    into = above if planes is voxels else above.T
    threshold = voxels.dtype.type(edges[split + 1])
    in_slabs(lambda slab: np.greater(planes[slab], threshold, out=into[slab]), len(planes))
    return above

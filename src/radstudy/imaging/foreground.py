"""Which voxels of a volume are tissue."""

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

_SMALLEST_GAIN = 0.1 * float(np.finfo(np.float64).eps)  # of the variance, where ITK still tells two splits apart


def foreground(volume: Volume, mask: Roi | NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """The voxels that hold tissue and not air: bool (I, J, K).

    Parameters
    ----------
    volume : the image, (I, J, K).
    mask : the foreground, where it is known; None takes what lies above Otsu's threshold (200 bins), as 3D Slicer's N4
        module does.

    Raises
    ------
    CaseError : a mask that is not on the volume's grid.
    """
    if mask is None:
        return above_otsu(volume.voxels, limits=volume.limits)
    inside = mask.on_grid_of(volume).mask if isinstance(mask, Roi) else np.asarray(mask, dtype=bool)
    if inside.shape != volume.voxels.shape:
        raise CaseError(
            f"the foreground mask has {inside.shape} voxels, the image {volume.voxels.shape}", "use one of its size"
        )
    return inside


def above_otsu(
    voxels: NDArray[np.floating[Any]], bins: int = BINS, *, limits: tuple[float, float] | None = None
) -> NDArray[np.bool_]:
    """The voxels brighter than Otsu's threshold.

    Parameters
    ----------
    voxels : finite float (I, J, K).
    bins : of the histogram from the smallest to the largest value.
    limits : these two, where they are known already.

    Returns
    -------
    bool (I, J, K), in the memory order of `voxels`; nothing is True where all voxels have one value.

    Notes
    -----
    As ITK's OtsuThresholdImageFilter: the threshold is the upper edge of the lower class's last bin.

    References
    ----------
    Otsu N., IEEE Trans Syst Man Cybern 1979;9:62-66.
    """
    planes = voxels if voxels.flags.c_contiguous else voxels.T  # the slowest axis first

    def found(kernel: Callable[..., Any], *more: Any) -> list[Any]:
        return in_slabs(lambda slab: kernel(planes[slab].ravel(order="K"), *more), len(planes))

    low, high = limits or (float(voxels.min()), float(voxels.max()))
    if not high > low:
        return np.zeros_like(voxels, dtype=bool)
    upper = high + (high - low) / bins / _MARGIN
    width = (np.float32(upper) - np.float32(low)) / np.float32(bins)  # ITK lays the bins in single precision
    edges = low + (width * np.arange(bins + 1, dtype=np.float32)).astype(np.float64)
    edges[-1] = upper
    split = best_split(sum(found(histogram, edges)), (edges[:-1] + edges[1:]) / 2, _SMALLEST_GAIN)
    above = np.empty_like(voxels, dtype=bool)
    into = above if planes is voxels else above.T
    threshold = voxels.dtype.type(edges[split + 1])
    in_slabs(lambda slab: np.greater(planes[slab], threshold, out=into[slab]), len(planes))
    return above

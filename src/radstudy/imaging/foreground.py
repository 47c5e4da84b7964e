"""Which voxels of a volume are tissue."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

_OTSU_BINS = 200


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
        # ITK takes the image as (K, J, I); the histogram does not see the order of the voxels.
        image = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0))
        inside_image = sitk.OtsuThreshold(image, 0, 1, _OTSU_BINS)
        above: NDArray[np.bool_] = sitk.GetArrayViewFromImage(inside_image).transpose(2, 1, 0) == 1
        return above
    inside = mask.on_grid_of(volume).mask if isinstance(mask, Roi) else np.asarray(mask, dtype=bool)
    if inside.shape != volume.voxels.shape:
        raise CaseError(
            f"the foreground mask has {inside.shape} voxels, the image {volume.voxels.shape}", "use one of its size"
        )
    return inside

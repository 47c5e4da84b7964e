"""How even a volume's foreground is: numbers to look at before and after the bias field is removed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.foreground import foreground
from radstudy.imaging.volume import Volume


def coefficient_of_variation(volume: Volume, mask: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation over mean inside the mask (None: Otsu's foreground); NaN where the mean is 0."""
    values = volume.voxels[foreground(volume, mask)].astype(np.float64)
    mean = values.mean() if values.size else 0.0
    return float(values.std() / mean) if mean else float("nan")

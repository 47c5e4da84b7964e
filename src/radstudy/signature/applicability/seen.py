"""The facts of a patient's images and masks that are compared with the training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.signature.mask_shape import MaskShape


@dataclass(frozen=True, eq=False)
class Seen:
    """Facts of one sequence of a patient that are checked.

    Parameters
    ----------
    image : the image's file.
    voxels : (I, J, K).
    affine : (4, 4), voxel to RAS mm.
    spacing_mm : (3,).
    centre_mm : (3,) of the lesion's mask, RAS mm.
    volume_mm3 : of the lesion's mask.
    origin : content of the file that `radstudy import` wrote next to the image; empty for other images.
    shape : empty slices and borders of the mask; None if they are not checked.
    acquisition : as `radstudy import` recorded it; None for other images.
    scale : lower and upper end of the intensities before they were rescaled; None if they were not.
    """

    image: Path
    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    volume_mm3: float
    origin: Mapping[str, Any]
    shape: MaskShape | None = None
    acquisition: Acquisition | None = None
    scale: tuple[float, float] | None = None

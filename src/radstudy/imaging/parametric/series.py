"""Checking and stacking of images of one place at several times or b-values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.volume import FloatArray, Volume


def stacked(volumes: Sequence[Volume], names: Sequence[str], along: Sequence[float], what: str) -> FloatArray:
    """Stack the voxels of several volumes of one grid: (n, I, J, K), in the volumes' own type.

    Parameters
    ----------
    volumes : at least two.
    names : of each, for messages.
    along : the value that distinguishes them (b-values, times), one each, strictly increasing.
    what : name of `along`, for messages.

    Raises
    ------
    CaseError : there are fewer than two volumes, the numbers of volumes and values differ, values do not increase,
        grids differ, or voxels are not finite.
    """
    if len(volumes) < 2 or len(along) != len(volumes):
        raise CaseError(
            f"{len(volumes)} images with {len(along)} {what}", f"give at least two images, and as many {what} as images"
        )
    if not (np.isfinite(along).all() and (np.diff(along) > 0).all()):
        listed = ", ".join(f"{value:g}" for value in along)
        raise CaseError(f"the {what} ({listed}) do not increase", "put the images in order, each value once")
    first = volumes[0]
    for volume, name in zip(volumes, names, strict=True):
        differs = volume.grid.difference(first.grid)
        if differs:
            raise CaseError(
                f"{name} is not on the grid of {names[0]}: {differs}", "export them from one series, or resample one"
            )
        if not volume.is_finite:
            raise CaseError(f"{name} has voxels that are not finite numbers", "export it again from the source")
    return np.stack([volume.voxels for volume in volumes])

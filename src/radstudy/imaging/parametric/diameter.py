"""Longest diameter of a mask in three dimensions."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from radstudy.errors import CaseError
from radstudy.imaging.roi import Roi


def maximum_diameter_mm(roi: Roi) -> float:
    """Compute the longest distance between two points of the mask's surface, in mm.

    The surface runs half-way between the centres of voxels inside and their neighbours outside, like PyRadiomics' mesh
    (Maximum3DDiameter). The two points furthest apart are corners of the convex hull.

    Parameters
    ----------
    roi : the mask, with all its pieces.

    Returns
    -------
    mm.

    Raises
    ------
    CaseError : the mask is empty.

    Examples
    --------
    >>> maximum_diameter_mm(Roi(np.ones((5, 1, 1)), np.diag([2.0, 2.0, 2.0, 1.0])))
    10.0
    """
    if not roi.mask.any():
        raise CaseError("the mask is empty", "draw the lesion", reader=roi.reader, file=roi.source)
    points = _surface(roi.mask) @ roi.affine[:3, :3].T
    with suppress(QhullError):  # one line of voxels is flat: its few points are all compared
        points = points[ConvexHull(points).vertices]
    return float(pdist(points).max())


def _surface(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the indices of the points between voxels inside and outside, the outermost of each line, (n, 3)."""
    points = []
    for axis in range(3):
        along = np.moveaxis(mask, axis, 2)
        lines = np.argwhere(along.any(axis=2))
        drawn = along[lines[:, 0], lines[:, 1]]
        first, last = drawn.argmax(axis=1), drawn.shape[1] - 1 - drawn[:, ::-1].argmax(axis=1)
        for end in (first - 0.5, last + 0.5):
            points.append(np.insert(lines.astype(np.float64), axis, end, axis=1))
    return np.concatenate(points)

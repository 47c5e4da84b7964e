"""Longest diameter of a mask, in three dimensions and within a slice."""

from __future__ import annotations

from collections.abc import Sequence
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
    return _longest(_surface(roi.mask) @ roi.affine[:3, :3].T)


def maximum_diameter_in_slice_mm(roi: Roi, axis: int = 2) -> float:
    """Compute the longest distance between two points of the mask's outline within one slice, in mm.

    The largest over all slices. The outline runs half-way between the centres of voxels inside and their neighbours
    outside in the slice, like PyRadiomics' mesh (Maximum2DDiameterSlice for the last axis). Tumours are measured so
    in clinical reports.

    Parameters
    ----------
    roi : the mask, with all its pieces.
    axis : that the slices follow: 2 for the slices as acquired, in volumes of `radstudy import`.

    Raises
    ------
    CaseError : the mask is empty.

    References
    ----------
    Eisenhauer EA et al., Eur J Cancer 2009;45:228, doi 10.1016/j.ejca.2008.10.026 (RECIST 1.1: the longest diameter in
    the plane of measurement, in mm).

    Examples
    --------
    >>> maximum_diameter_in_slice_mm(Roi(np.ones((5, 1, 3)), np.diag([2.0, 2.0, 9.0, 1.0])))
    10.0
    """
    if not roi.mask.any():
        raise CaseError("the mask is empty", "draw the lesion", reader=roi.reader, file=roi.source)
    inside = [other for other in range(3) if other != axis]
    longest = 0.0
    for place in np.flatnonzero(roi.mask.any(axis=tuple(inside))):
        one = np.take(roi.mask, [place], axis=axis)
        points = _surface(one, inside)[:, inside] * roi.spacing_mm[inside]  # the axes are at right angles
        longest = max(longest, _longest(points))
    return longest


def _longest(points: NDArray[np.float64]) -> float:
    """The longest distance between two points; they are corners of the convex hull."""
    with suppress(QhullError):  # one line of voxels is flat: its few points are all compared
        points = points[ConvexHull(points).vertices]
    return float(pdist(points).max())


def _surface(mask: NDArray[np.bool_], axes: Sequence[int] = (0, 1, 2)) -> NDArray[np.float64]:
    """Return the indices of the points between voxels inside and outside, the outermost of each line, (n, 3)."""
    points = []
    for axis in axes:
        along = np.moveaxis(mask, axis, 2)
        lines = np.argwhere(along.any(axis=2))
        drawn = along[lines[:, 0], lines[:, 1]]
        first, last = drawn.argmax(axis=1), drawn.shape[1] - 1 - drawn[:, ::-1].argmax(axis=1)
        for end in (first - 0.5, last + 0.5):
            points.append(np.insert(lines.astype(np.float64), axis, end, axis=1))
    return np.concatenate(points)

"""Discretisation of a lesion's intensities into grey levels 1 ... n, binned as in PyRadiomics 3.0.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.features.kernels.binning import digitise

_MOST_BINS = 10_000_000


@dataclass(frozen=True, eq=False)
class Discretised:
    """A discretised lesion.

    Parameters
    ----------
    levels : int32 (z, y, x), bin number from 1 inside the lesion, 0 outside.
    n_levels : the highest bin number present in the lesion (bins below it may be empty).
    edges : (n + 1,) lower edges of the bins and the upper edge of the last, in the image's unit.
    counts : int64 (n_levels + 1,), voxels per level; no voxel has level 0.
    """

    levels: NDArray[np.int32]
    n_levels: int
    edges: NDArray[np.floating[Any]]
    counts: NDArray[np.int64]


def bin_edges(
    values: NDArray[Any], *, bin_width: float | None = None, bin_count: int | None = None
) -> NDArray[np.floating[Any]]:
    """Compute the edges of the grey-level bins.

    With a bin width w the edges are multiples of w, starting at the largest one not above the minimum. Every bin is
    half-open, so a maximum that is a multiple of w gets a separate bin (and the last bin may be empty). With a bin
    count the edges divide the range from minimum to maximum equally, and the maximum falls into the last bin. A bin
    count takes precedence over a bin width, as in PyRadiomics.

    Parameters
    ----------
    values : (n,) intensities inside the lesion. Edges are computed in their own floating-point type.
    bin_width : width of a bin, in the unit of `values`.
    bin_count : number of bins.

    Returns
    -------
    edges : (bins + 1,) ascending.

    Raises
    ------
    UsageError : neither a width nor a count is given, or the one used is not positive.
    CaseError : there are no values, a value is not finite, or there would be more than ten million bins.

    Examples
    --------
    >>> bin_edges(np.array([54.0, 166.0]), bin_width=25)
    array([ 50.,  75., 100., 125., 150., 175., 200.])
    """
    values = np.asarray(values)
    if values.size == 0:
        raise CaseError("the lesion has no voxels to bin", "draw the lesion")
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise CaseError("the lesion contains values that are not finite", "look at the image inside the lesion")
    if bin_count is not None:
        if bin_count < 1:
            raise UsageError(f"bin_count is {bin_count}; give at least 1")
        edges = np.histogram_bin_edges(values, bin_count)
        edges[-1] += 1  # the maximum belongs to the last bin
        return edges
    if bin_width is None or not bin_width > 0:
        raise UsageError(f"bin_width is {bin_width}; give a positive width or a bin_count")
    width = float(bin_width)
    if (float(high) - float(low)) / width > _MOST_BINS:
        raise CaseError(
            f"intensities from {low:g} to {high:g} would need more than {_MOST_BINS:,} bins of width {width:g}",
            "use a wider bin or normalise the image",
        )
    if float(high) + width == float(high) or float(low) - width == float(low):
        raise CaseError(
            f"intensities of {high:g} cannot be told apart in bins of width {width:g}",
            "use a wider bin or normalise the image",
        )
    edges = np.arange(low - low % width, high + 2 * width, width)
    return edges if edges.size > 1 else np.array([edges[0] - 0.5, edges[0] + 0.5])


def discretise(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    bin_width: float | None = None,
    bin_count: int | None = None,
) -> Discretised:
    """Compute the bin numbers of the voxels inside a lesion.

    Parameters
    ----------
    image : (z, y, x) intensities.
    mask : bool (z, y, x), True inside the lesion.
    bin_width, bin_count : see `bin_edges`.

    Raises
    ------
    UsageError, CaseError : see `bin_edges`.

    Examples
    --------
    >>> image = np.array([[[1.0, 30.0, 60.0]]])
    >>> discretise(image, np.array([[[True, True, False]]]), bin_width=25).levels
    array([[[1, 2, 0]]], dtype=int32)
    """
    inside = np.asarray(mask, dtype=bool)
    values = np.asarray(image)[inside]
    edges = bin_edges(values, bin_width=bin_width, bin_count=bin_count)
    numbers, counts = digitise(values.astype(np.float64, copy=False), edges.astype(np.float64))
    levels = np.zeros(inside.shape, dtype=np.int32)
    levels[inside] = numbers
    return Discretised(levels, counts.size - 1, edges, counts)

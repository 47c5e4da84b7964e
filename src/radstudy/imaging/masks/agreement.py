"""Agreement of two readers' masks of one lesion: overlap, distances between their surfaces, volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError
from radstudy.imaging.box import box_around
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid

_EMPTY = "a mask is empty: there is no surface to measure from"


@dataclass(frozen=True)
class MaskAgreement:
    """Agreement of two masks on one grid; distances in mm.

    Attributes
    ----------
    dice : ``2 |A and B| / (|A| + |B|)``; 0 without overlap, 1 for equal masks.
    jaccard : ``|A and B| / |A or B|``.
    hausdorff : largest distance from a surface voxel of either mask to the other's surface.
    hausdorff_95 : the larger of the two directions' 95th percentiles.
    mean_surface_distance : the mean over all surface voxels of both masks.
    volume_a_mm3, volume_b_mm3 : number of voxels times the volume of one.
    volume_difference_percent : ``200 (a - b) / (a + b)``.
    note : the reason why the distances are NaN (an empty mask), else "".
    """

    dice: float
    jaccard: float
    hausdorff: float
    hausdorff_95: float
    mean_surface_distance: float
    volume_a_mm3: float
    volume_b_mm3: float
    volume_difference_percent: float
    note: str = ""


def mask_agreement(first: MaskOnGrid, second: MaskOnGrid) -> MaskAgreement:
    """Compare two readers' masks of one lesion.

    A surface voxel is a voxel of the mask with at least one of its six neighbours outside; everything beyond the edge
    of the image is outside. Distances are between centres of surface voxels, in mm, with the grid's spacing.

    Parameters
    ----------
    first, second : on one grid.

    Returns
    -------
    MaskAgreement. If one mask is empty, the overlap is 0 and the distances are NaN with a note.

    Raises
    ------
    CaseError : the grids differ, or both masks are empty.

    References
    ----------
    Taha AA, Hanbury A, BMC Med Imaging 2015;15:29, doi 10.1186/s12880-015-0068-x.
    Maier-Hein L et al., Nat Methods 2024;21:195, doi 10.1038/s41592-023-02151-z (95th percentile in each direction).

    Examples
    --------
    >>> a, b = np.zeros((2, 4, 4, 1), dtype=bool)
    >>> a[0:2, 0:2], b[1:3, 0:2] = True, True
    >>> affine = np.diag([2.0, 1.0, 1.0, 1.0])
    >>> result = mask_agreement(MaskOnGrid(a, affine), MaskOnGrid(b, affine))
    >>> result.dice, result.hausdorff
    (0.5, 2.0)
    """
    problem = first.grid.difference(second.grid)
    if problem:
        raise CaseError(
            f"two masks of one lesion are on different grids: {problem.replace('image', 'other mask')}",
            "draw both on the same image, or resample one onto the other's grid",
            reader=f"{first.reader} and {second.reader}".strip(),
            file=first.source,
        )
    a, b = _cropped(first.mask, second.mask)
    size_a, size_b, both = (int(np.count_nonzero(part)) for part in (a, b, a & b))
    if size_a + size_b == 0:
        raise CaseError("both masks are empty", "draw the lesion", file=first.source)
    voxel = float(np.prod(first.spacing_mm))
    largest = largest_95 = mean = np.nan
    if size_a and size_b:
        to_b, to_a = _surface_distances(a, b, first.spacing_mm)
        largest = float(max(to_b.max(), to_a.max()))
        largest_95 = float(max(np.quantile(to_b, 0.95), np.quantile(to_a, 0.95)))
        mean = float(np.concatenate([to_b, to_a]).mean())
    return MaskAgreement(
        dice=2 * both / (size_a + size_b),
        jaccard=both / (size_a + size_b - both),
        hausdorff=largest,
        hausdorff_95=largest_95,
        mean_surface_distance=mean,
        volume_a_mm3=size_a * voxel,
        volume_b_mm3=size_b * voxel,
        volume_difference_percent=200 * (size_a - size_b) / (size_a + size_b),
        note="" if size_a and size_b else _EMPTY,
    )


def _cropped(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Crop both masks to their common box, with a margin of one voxel."""
    bounds = box_around([a, b]) or ((0, 0), (0, 0), (0, 0))
    box = tuple(slice(*ends) for ends in bounds)
    return np.pad(a[box], 1), np.pad(b[box], 1)


def _surface_distances(
    a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the distances from every surface voxel of a to the surface of b, and back."""
    surface_a, surface_b = a & ~ndimage.binary_erosion(a), b & ~ndimage.binary_erosion(b)
    from_a = ndimage.distance_transform_edt(~surface_a, sampling=spacing)
    from_b = ndimage.distance_transform_edt(~surface_b, sampling=spacing)
    return from_b[surface_a], from_a[surface_b]

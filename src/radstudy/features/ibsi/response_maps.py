"""Response maps of IBSI-2's filters, and intensity statistics in them.

`response_map` applies a filter to a volume; `filtered_statistics` goes from an image and a mask to statistics:
interpolate, resegment by the unfiltered intensities, filter, describe the response inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.errors import CaseError, StudyFileError
from radstudy.features.given import read_given
from radstudy.features.ibsi.convolution import PADDING, Boundary
from radstudy.features.ibsi.filters import PLANE, SPACE, Filter
from radstudy.features.ibsi.intensity import statistics
from radstudy.features.ibsi.preparation import Float64, Stage, prepare
from radstudy.features.ibsi.settings import IbsiSettings, ibsi_settings
from radstudy.features.packed import Spacing
from radstudy.imaging.box import cut, padded
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.space.axes import ijk_of_zyx, zyx_of_ijk


def response_map(volume: Volume, applied: Filter, *, by_slice: bool = False, boundary: Boundary = "reflect") -> Volume:
    """Compute a volume's response to a filter.

    Parameters
    ----------
    volume : the image, finite everywhere.
    applied : the filter; distances in mm are those of the volume's grid.
    by_slice : filter each plane of constant k alone.
    boundary : continuation of the image beyond its border: "constant" (zeros), "nearest" (the outermost voxel), "wrap"
        (periodic) or "reflect" (mirrored, with the outermost voxel repeated).

    Returns
    -------
    response : float64 volume on the same grid.

    Raises
    ------
    CaseError : the volume is not finite, or the filter needs equal spacing and the volume does not have it.
    StudyFileError : the boundary or an argument of the filter is unknown.

    Examples
    --------
    >>> from radstudy.features.ibsi.filters import Mean
    >>> volume = Volume(np.arange(5.0).reshape(5, 1, 1), np.eye(4))
    >>> response_map(volume, Mean(3), boundary="nearest").voxels.ravel().round(3)
    array([0.333, 1.   , 2.   , 3.   , 3.667])
    """
    if not np.isfinite(volume.voxels).all():
        raise CaseError(
            "the image has voxels that are not finite, so it cannot be filtered",
            "replace them by the background's value",
        )
    x, y, z = (float(mm) for mm in volume.spacing_mm)
    image = np.ascontiguousarray(zyx_of_ijk(volume.voxels), dtype=np.float64)
    response = _response(image, (z, y, x), applied, by_slice, boundary)
    return volume.with_voxels(ijk_of_zyx(response), f"filtered by {applied}")


def filtered_statistics(
    image: Volume | str | Path,
    mask: Roi | str | Path,
    settings: IbsiSettings | Mapping[str, Any] | str,
    applied: Filter,
    *,
    boundary: Boundary = "reflect",
    label: Label | None = None,
) -> dict[str, float]:
    """Compute intensity statistics of a lesion in a response map (IBSI-2, phase 2).

    Parameters
    ----------
    image, mask, label : as in `extract_ibsi`.
    settings : as in `extract_ibsi`; by_slice filters by slice, and bins are not needed. "ibsi2_A" and "ibsi2_B" are
        the published ones. Resegmentation uses the intensities before the filter.
    applied : the filter.
    boundary : see `response_map`.

    Returns
    -------
    values : IBSI tag to value, see `radstudy.features.ibsi.intensity.statistics`.

    Raises
    ------
    CaseError, StudyFileError, UsageError : as in `extract_ibsi` and `response_map`.
    """
    chosen = ibsi_settings(settings)
    volume, roi = read_given(image, mask, label)
    lesion = prepare(volume, roi, chosen, whole_image=True).resegmented
    return statistics(response_inside(lesion, applied, by_slice=chosen.by_slice, boundary=boundary))


def response_inside(
    lesion: Stage, applied: Filter, *, by_slice: bool = False, boundary: Boundary = "reflect"
) -> Float64:
    """Compute the response to a filter at the voxels of the intensity mask, filtering no more than needed.

    Parameters
    ----------
    lesion : as returned by `radstudy.features.ibsi.preparation.prepare`.
    applied, by_slice, boundary : see `response_map`.

    Returns
    -------
    values : float64 (n,).

    Raises
    ------
    CaseError, StudyFileError : as in `response_map`.
    """
    reach = applied.reach(lesion.spacing_mm, PLANE if by_slice else SPACE)
    if reach is None or boundary == "wrap":
        reach = max(lesion.image.shape)
    around = padded(lesion.box, reach, lesion.image.shape)
    image = np.ascontiguousarray(cut(lesion.image, around))
    response = _response(image, lesion.spacing_mm, applied, by_slice, boundary)
    return response[cut(lesion.intensity_mask, around)]


def _response(image: Float64, spacing_mm: Spacing, applied: Filter, by_slice: bool, boundary: Boundary) -> Float64:
    if boundary not in PADDING:
        raise StudyFileError(f"boundary is {boundary!r}; give one of {', '.join(PADDING)}")
    return applied.response(image, spacing_mm, PLANE if by_slice else SPACE, boundary)

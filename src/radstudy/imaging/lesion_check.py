"""Checks of a lesion before hours of work start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.box import bounding_box
from radstudy.imaging.masks.mask_on_grid import pieces_of
from radstudy.imaging.resampled_mask import refuse_vanished, resampled_mask_report
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.space.axes import zyx_of_ijk

FEW_BINS, MANY_BINS = 8, 256
CHANGE_PERCENT = 10.0
CENTRE = ("centre_right_mm", "centre_anterior_mm", "centre_superior_mm")  # of `LesionFacts`, RAS


@dataclass(frozen=True)
class LesionRules:
    """Rules that a lesion is checked against: the settings of its extraction and its smallest size.

    Parameters
    ----------
    spacing_mm : (x, y, z) of the extraction's resampling, 0 keeps an axis; None: not resampled.
    pad : voxels of the new grid around the lesion.
    bin_width : of the grey levels of the original image; None if their number is fixed, or if the extraction changes
        the grey levels or the mask before binning.
    sigmas_mm : of the Laplacian-of-Gaussian images, for a warning if the voxels are coarser.
    minimum_native, minimum_resampled : smaller lesions, in voxels, are refused.
    """

    spacing_mm: tuple[float, float, float] | None
    pad: int
    bin_width: float | None
    sigmas_mm: tuple[float, ...]
    minimum_native: int
    minimum_resampled: int


@dataclass(frozen=True)
class LesionFacts:
    """A lesion in numbers.

    Parameters
    ----------
    native_voxels : in the mask as drawn.
    volume_mm3 : of the mask as drawn.
    centre_right_mm, centre_anterior_mm, centre_superior_mm : mean position of its voxels (RAS).
    resampled_voxels : after resampling to the extraction's spacing.
    volume_change_percent : of the mask by resampling.
    bins : grey-level bins of the prepared, not resampled, image inside the mask; None if `LesionRules` has no width.
    warnings : facts that a reader of the results should know.
    """

    native_voxels: int
    volume_mm3: float
    centre_right_mm: float
    centre_anterior_mm: float
    centre_superior_mm: float
    resampled_voxels: int
    volume_change_percent: float
    bins: int | None
    warnings: tuple[str, ...]


def check_readable(volume: Volume) -> None:
    """Refuse a volume whose voxels are not all finite, or are all equal.

    Raises
    ------
    CaseError : a voxel is NaN or infinite, or all voxels have the same value.
    """
    low, high = volume.limits
    if not volume.is_finite:
        bad = int(np.count_nonzero(~np.isfinite(volume.voxels)))
        raise CaseError(f"the image has {bad} voxels that are not finite numbers", "export it again from the source")
    if low == high:
        raise CaseError(
            f"the image is constant: every voxel is {float(volume.voxels.flat[0]):g}", "export it again"
        )  # fmt: skip


def refuse_tiny(voxels: int, minimum: int) -> None:
    """Refuse a mask with fewer voxels than the study file allows.

    Raises
    ------
    CaseError : the mask is too small.
    """
    if voxels < minimum:
        raise CaseError(
            f"the lesion has {voxels} voxels, fewer than {minimum}",
            "check whether the mask is right; texture features of so few voxels mean little "
            "(extract.minimum_native_voxels sets the limit)",
        )


def check_lesion(volume: Volume, roi: Roi, rules: LesionRules) -> LesionFacts:
    """Check one mask on its prepared volume.

    Parameters
    ----------
    volume : the prepared image, on the mask's grid.
    roi : the mask.
    rules : of the study's extraction.

    Raises
    ------
    CaseError : the mask is not on the image's grid, empty, too small, or disappears when resampled.
    """
    placed = roi.on_grid_of(volume)
    report = resampled_mask_report(placed, rules.spacing_mm, pad=rules.pad)
    refuse_tiny(report.native_voxels, rules.minimum_native)
    if rules.spacing_mm is not None:
        refuse_vanished(report, placed, rules.spacing_mm)
    if report.resampled_voxels < rules.minimum_resampled:
        raise CaseError(
            f"the lesion's {report.native_voxels} voxels become {report.resampled_voxels} after resampling, "
            f"fewer than {rules.minimum_resampled}",
            "look at the mask and the spacing (extract.minimum_voxels sets the limit)",
        )
    (k0, k1), (j0, j1), (i0, i1) = bounding_box(zyx_of_ijk(placed.mask)) or ((0, 0), (0, 0), (0, 0))
    drawn = placed.mask[i0:i1, j0:j1, k0:k1]
    inside = volume.voxels[i0:i1, j0:j1, k0:k1][drawn]
    pieces = pieces_of(drawn)
    width = rules.bin_width
    bins = None if width is None else int(np.floor(inside.max() / width) - np.floor(inside.min() / width)) + 1
    right, anterior, superior = (float(value) for value in placed.centre_mm)
    return LesionFacts(
        report.native_voxels,
        placed.volume_mm3,
        right,
        anterior,
        superior,
        report.resampled_voxels,
        report.volume_change_percent,
        bins,
        (*_pieces_warning(pieces), *_warnings(report.volume_change_percent, bins, volume, rules.sigmas_mm)),
    )


def _pieces_warning(pieces: NDArray[np.int64]) -> list[str]:
    if len(pieces) == 1:
        return []
    share = 100 * pieces[0] / pieces.sum()
    return [f"the mask has {len(pieces)} separate pieces, the largest with {share:.0f} % of its voxels"]


def _warnings(change: float, bins: int | None, volume: Volume, sigmas_mm: tuple[float, ...]) -> list[str]:
    warnings = []
    if abs(change) > CHANGE_PERCENT:
        warnings.append(f"resampling changes the mask's volume by {change:+.1f} %")
    if bins is not None and bins < FEW_BINS:
        warnings.append(f"only {bins} grey-level bins: texture features have little to work with")
    if bins is not None and bins > MANY_BINS:
        warnings.append(f"{bins} grey-level bins: most contain only one or two voxels")
    coarse = float(volume.spacing_mm.max())
    fine = [sigma for sigma in sigmas_mm if sigma < round(coarse, 2)]  # a header's 4.0000005 mm is 4.00 mm
    if fine:
        warnings.append(
            f"LoG sigma {', '.join(f'{sigma:g}' for sigma in fine)} mm is below the native spacing ({coarse:.2f} mm)"
        )
    return warnings

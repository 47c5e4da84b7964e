"""Transfer of a mask drawn on one sequence to another sequence of the same examination.

The sequences of an examination share the scanner's coordinates, so a mask can be placed by them. If the patient moved
between the sequences, a rigid transform, fitted to the surroundings of the lesion, can follow. It cannot undo the
distortion of echo-planar images (DWI), breathing, or the compression of a breast. A transferred mask is therefore a
proposal that a reader has to check.

References
----------
Jezzard P, Balaban RS, Correction for geometric distortion in echo planar images from B0 field variations, Magn Reson
Med 1995;34:65, doi 10.1002/mrm.1910340111.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.masks.mask_on_grid import points_of
from radstudy.imaging.masks.placing import mask_on_grid
from radstudy.imaging.registration import MAX_ROTATION_DEGREES, MAX_SHIFT_MM, Rigid, RigidFit, fit_rigid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid

_ECHO_PLANAR = re.compile(r"dwi|adc|epi|dti|ivim|diff|b\d{2,}", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class TransferredMask:
    """A mask on the image that it was transferred to.

    Parameters
    ----------
    roi : on the target's grid.
    shift_mm : (3,) RAS, by which the rigid fit moves the lesion's centre; zeros without a fit.
    rotation_degrees : of the rigid fit; 0 without a fit.
    overlap : Dice coefficient of the mask with the one placed by the scanner's coordinates alone; 1 without a fit.
    volume_change_percent : of the mask, due to the target's voxels.
    warnings : facts that a reader of the results should know.
    """

    roi: Roi
    shift_mm: tuple[float, float, float]
    rotation_degrees: float
    overlap: float
    volume_change_percent: float
    warnings: tuple[str, ...] = ()


def transfer_mask(
    roi: Roi, source: Volume | None, target: Volume, *, partial_volume: float | None = None
) -> TransferredMask:
    """Transfer a mask from the image it was drawn on to another image of the same examination.

    Parameters
    ----------
    roi : the mask, on the source's grid.
    source : the image it was drawn on, for a rigid fit of the lesion's surroundings; None for no fit: the scanner's
        coordinates alone place the mask.
    target : the image it is transferred to.
    partial_volume : None takes the nearest voxel of the mask; a number in (0, 1] takes the voxels at whose centre the
        linearly interpolated mask reaches it.

    Returns
    -------
    TransferredMask : an implausible fit (too far, or without gain of information) is ignored, with a warning.

    Raises
    ------
    CaseError : the mask is empty, is not on the source's grid, extends outside the target, or contains no voxel of it.
    """
    if not roi.mask.any():
        raise CaseError("the mask to transfer is empty", "draw the lesion", reader=roi.reader, file=roi.source)
    plain = mask_on_grid(roi, target.grid, partial_volume=partial_volume)
    if source is None:
        return _transferred(roi, plain, plain, _still(roi), ())
    fit = fit_rigid(target, source, roi.on_grid_of(source))
    doubt = _doubt(fit)
    if doubt:
        return _transferred(roi, plain, plain, _still(roi), (doubt,))
    _require_inside(roi, target.grid, fit.rigid)
    moved = mask_on_grid(roi, target.grid, partial_volume=partial_volume, transform=fit.rigid.to_source())
    return _transferred(roi, moved, plain, fit.rigid, ())


def distortion_warning(sequence: str) -> tuple[str, ...]:
    """Return the warning for a mask transferred to a sequence whose name shows that it is echo-planar.

    Examples
    --------
    >>> distortion_warning("T2WI")
    ()
    >>> distortion_warning("DWI_b1000")
    ('a rigid transfer cannot undo the distortion of echo-planar images',)
    """
    if _ECHO_PLANAR.search(sequence) is None:
        return ()
    return ("a rigid transfer cannot undo the distortion of echo-planar images",)


def _doubt(fit: RigidFit) -> str:
    moved = f"{fit.rigid.distance_mm:.1f} mm and {fit.rigid.degrees:.1f} degrees"
    if fit.rigid.distance_mm > MAX_SHIFT_MM or fit.rigid.degrees > MAX_ROTATION_DEGREES:
        return f"the rigid fit moved by {moved} and was not used"
    if not fit.information_after > fit.information_before:
        return "the rigid fit found no better position than the scanner's coordinates and was not used"
    return ""


def _transferred(roi: Roi, placed: Roi, plain: Roi, rigid: Rigid, warnings: tuple[str, ...]) -> TransferredMask:
    both = int(np.count_nonzero(placed.mask & plain.mask))
    x, y, z = (float(value) for value in rigid.shift_mm)
    return TransferredMask(
        placed,
        (x, y, z),
        rigid.degrees,
        2 * both / (placed.voxel_count + plain.voxel_count),
        100 * (placed.volume_mm3 / roi.volume_mm3 - 1),
        warnings,
    )


def _still(roi: Roi) -> Rigid:
    return Rigid(np.eye(3), points_of(roi).mean(axis=0), np.zeros(3))


def _require_inside(roi: Roi, target: Grid, rigid: Rigid) -> None:
    to_index = target.inverse
    index = rigid.apply(points_of(roi)) @ to_index[:3, :3].T + to_index[:3, 3]
    outside = ((index < -0.5) | (index > np.array(target.shape) - 0.5)).any(axis=1)
    if outside.any():
        raise CaseError(
            f"{100 * outside.mean():.1f} % of the transferred mask lies outside the image",
            "draw the lesion on this image, or transfer without the rigid fit",
            file=roi.source,
        )

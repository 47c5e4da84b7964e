"""Effect of resampling on a mask, computed before anything else runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.box import bounding_box, cut
from radstudy.imaging.header import header_of
from radstudy.imaging.interpolation import sample_mask
from radstudy.imaging.resampling_grid import Align, resampling_grid
from radstudy.imaging.roi import Roi
from radstudy.space.axes import zyx_of_ijk
from radstudy.space.grid import spacing_text


@dataclass(frozen=True)
class ResampledMaskReport:
    """Effect of resampling on a mask, computed before anything else runs.

    Parameters
    ----------
    native_voxels, resampled_voxels : number of voxels inside.
    native_mm3, resampled_mm3 : their volumes.
    """

    native_voxels: int
    resampled_voxels: int
    native_mm3: float
    resampled_mm3: float

    @property
    def volume_change_percent(self) -> float:
        """Change of the volume in per cent of the native one; -100 if the lesion disappeared."""
        return 100.0 * (self.resampled_mm3 / self.native_mm3 - 1.0)


def resampled_mask_report(
    roi: Roi,
    spacing_mm: tuple[float, float, float] | None,
    *,
    pad: int = 5,
    align: Align = "corner",
    partial_volume: float | None = None,
) -> ResampledMaskReport:
    """Compute the voxels and the volume of a mask before and after resampling, without the image.

    Parameters
    ----------
    roi : the mask.
    spacing_mm : (x, y, z) new spacing; None for no resampling.
    pad, align, partial_volume : as in the extraction, see `resample`.

    Raises
    ------
    CaseError : the mask is empty.
    """
    mask = zyx_of_ijk(roi.mask)
    box = bounding_box(mask)
    if box is None:
        raise CaseError(
            "the mask is empty: no voxel lies inside", "draw the lesion", reader=roi.reader, file=roi.source
        )
    native = int(np.count_nonzero(cut(mask, box)))
    header = header_of(roi.affine)
    native_mm3 = native * float(np.prod(header.spacing_mm))
    grid = None if spacing_mm is None else resampling_grid(box, mask.shape, header, spacing_mm, pad, align)
    if grid is None:
        return ResampledMaskReport(native, native, native_mm3, native_mm3)
    resampled = int(np.count_nonzero(sample_mask(mask, grid, partial_volume)))
    return ResampledMaskReport(native, resampled, native_mm3, resampled * float(np.prod(grid.spacing_mm)))


def refuse_vanished(report: ResampledMaskReport, roi: Roi, spacing_mm: tuple[float, float, float]) -> None:
    """Refuse a mask that is empty after resampling, so that no lesion disappears silently.

    Parameters
    ----------
    report : the effect of resampling on the mask.
    roi : the mask as drawn.
    spacing_mm : (x, y, z) new spacing.

    Raises
    ------
    CaseError : nothing is left; the message states the original number of voxels, and both spacings.
    """
    if report.resampled_voxels == 0:
        wanted = [new or native for new, native in zip(spacing_mm, roi.spacing_mm, strict=True)]  # 0 keeps an axis
        raise CaseError(
            f"the mask disappears when resampled: of its {report.native_voxels} voxels ({report.native_mm3:g} mm3) of "
            f"{spacing_text(roi.spacing_mm)} mm nothing is left at {spacing_text(wanted)} mm",
            "resample to a finer spacing, or exclude the lesion",
            reader=roi.reader,
            file=roi.source,
        )

"""Writing of regions of interest for other programs: label map, .seg.nrrd, DICOM SEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radstudy.errors import CaseError, UsageError
from radstudy.imaging.masks.formats import format_written_as, written_suffixes
from radstudy.imaging.masks.mask_format import DicomSeries
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid


def write_rois(
    path: str | Path, rois: Sequence[MaskOnGrid], *, dicom: str | Path | None = None, phase: int | None = None
) -> None:
    """Write one or more regions of one grid into a file, in the format of the file name.

    Parameters
    ----------
    path : .seg.nrrd (3D Slicer), .dcm (DICOM SEG), or .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd (label map; values from
        1 in the given order). Names are the regions' labels, or lesion 1, lesion 2 ... if those are numbers.
    rois : at least one.
    dicom : folder of the series that a DICOM SEG belongs to; the masks are put onto its slices by physical position.
    phase : number of the volume in that series, from 1, if it has several.

    Raises
    ------
    CaseError : the regions have no grid in common, overlap although the format has one value per voxel, or do not lie
        on the series' slices.
    UsageError : the series of a DICOM SEG is missing, or the suffix is unknown.
    """
    file = Path(path)
    first = rois[0]
    if any(roi.mask.shape != first.mask.shape or np.abs(roi.affine - first.affine).max() > 1e-6 for roi in rois):
        raise CaseError(
            "the regions have no grid in common", "read all of them with one image as their grid", file=file
        )
    chosen = format_written_as(file.name)
    if chosen is None or chosen.write is None:
        raise UsageError(f"{file.name}: a mask is written as {', '.join(written_suffixes())}")
    chosen.write(file, rois, DicomSeries(None if dicom is None else Path(dicom), phase))

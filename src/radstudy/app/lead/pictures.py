"""A picture of a case whose lesion could not be used: what its files show, as acquired."""

from __future__ import annotations

import io

import numpy as np

from radstudy.cohort.case_files import Case
from radstudy.errors import RadstudyError
from radstudy.imaging.planes import few_slices, lesion_planes
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.report.pictures import draw

_HEIGHT = 190


def picture_of(case: Case) -> bytes | None:
    """A PNG in radiological orientation: the planes through the lesion with its contours, or else the middle slice.

    Parameters
    ----------
    case : masks that cannot be read, are empty or lie on another grid are left out.

    Returns
    -------
    None if the image cannot be read.
    """
    from PIL import Image

    try:
        volume = Volume.read_3d(case.image)
    except (RadstudyError, OSError, ValueError):
        return None
    rois = _readable(case, volume)
    if rois:
        picture = draw(lesion_planes(volume, rois), tuple(rois), height=_HEIGHT)
    else:
        slices = few_slices(volume, shares=(0.5,), longest=4 * _HEIGHT)
        plane = np.nan_to_num(slices.pictures(volume.voxels[np.ix_(*slices.index)])[0])
        low, high = np.percentile(plane, (1, 99.5))
        grey = np.clip((plane - low) / max(float(high - low), 1e-9) * 255, 0, 255).astype(np.uint8)
        down, across = slices.spacing_mm()
        height_mm, width_mm = grey.shape[0] * down, grey.shape[1] * across
        picture = Image.fromarray(grey).resize((max(1, round(_HEIGHT * width_mm / height_mm)), _HEIGHT))
    written = io.BytesIO()
    picture.save(written, format="PNG")
    return written.getvalue()


def _readable(case: Case, volume: Volume) -> dict[str, Roi]:
    """Reader to mask, of those that lie on the image's grid and hold a voxel."""
    rois = {}
    for reader, file in case.masks:
        try:
            roi = Roi.read(file)
        except (RadstudyError, OSError, ValueError):
            continue
        same = roi.mask.shape == volume.voxels.shape and np.allclose(roi.affine, volume.affine, atol=1e-3)
        if same and roi.mask.any():
            rois[reader] = roi
    return rois

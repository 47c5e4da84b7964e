"""Regions of interest written as what other programs read: label map, .seg.nrrd, DICOM SEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radstudy.errors import CaseError, UsageError
from radstudy.formats.raster import SUFFIXES, write_raster
from radstudy.formats.seg_nrrd import write_seg_nrrd
from radstudy.imaging.masks.placing import place_mask
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


def write_rois(
    path: str | Path, rois: Sequence[Roi], *, dicom: str | Path | None = None, phase: int | None = None
) -> None:
    """Write one or more regions of one grid into a file, in the format that its name asks for.

    Parameters
    ----------
    path : .seg.nrrd (3D Slicer), .dcm (DICOM SEG), or .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd (label map; values from
        1 in the order given). Names are the regions' labels, or lesion 1, lesion 2 ... where those are numbers.
    rois : at least one.
    dicom : folder of the series that a DICOM SEG belongs to; the masks are put onto its slices by physical position.
    phase : which volume of that series, from 1, where it holds several.

    Raises
    ------
    CaseError : the regions have no grid in common, overlap where the format holds one value a voxel, or do not lie on
        the series' slices.
    UsageError : a DICOM SEG without its series, or an unknown suffix.
    """
    file = Path(path)
    name = file.name.lower()
    first = rois[0]
    if any(roi.mask.shape != first.mask.shape or np.abs(roi.affine - first.affine).max() > 1e-6 for roi in rois):
        raise CaseError(
            "the regions have no grid in common", "read all of them with one image as their grid", file=file
        )
    if name.endswith(".dcm"):
        if dicom is None:
            raise UsageError("a DICOM SEG belongs to a series: give the folder of its files (dicom; --dicom)")
        _write_dicom(file, rois, dicom, phase)
    elif name.endswith(".seg.nrrd"):
        write_seg_nrrd(file, {name: roi.mask for name, roi in zip(_names(rois), rois, strict=True)}, first.affine)
    elif name.endswith(SUFFIXES):
        write_raster(file, _label_map(file, rois), first.affine)
    else:
        raise UsageError(f"{file.name}: a mask is written as .seg.nrrd, .dcm, {', '.join(SUFFIXES)}")


def _write_dicom(file: Path, rois: Sequence[Roi], dicom: str | Path, phase: int | None) -> None:
    from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg

    source = read_source_series(dicom, phase)
    grid = Volume(np.broadcast_to(np.float32(0), source.shape), source.affine)
    placed = [place_mask(roi, grid).mask for roi in rois]
    write_dicom_seg(file, zip(_names(rois), placed, strict=True), source)


def _names(rois: Sequence[Roi]) -> list[str]:
    names = [f"lesion {i}" if not roi.label or roi.label.isdigit() else roi.label for i, roi in enumerate(rois, 1)]
    if len(set(names)) != len(names):
        raise CaseError(f"two regions have one name ({', '.join(names)})", "give each a label of its own")
    return names


def _label_map(file: Path, rois: Sequence[Roi]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    labels = np.zeros(rois[0].mask.shape, np.uint16)
    for value, roi in enumerate(rois, 1):
        if (labels[roi.mask] != 0).any():
            raise CaseError(
                f"region {value} overlaps another one, and a label map has one value a voxel", "write a .seg.nrrd",
                file=file,
            )  # fmt: skip
        labels[roi.mask] = value
    return labels.astype(np.uint8) if len(rois) < 256 else labels

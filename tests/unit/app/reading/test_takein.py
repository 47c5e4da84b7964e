"""Masks from other programs become a reader's, on the image's grid, with the audit's line."""

import hashlib

import numpy as np
import pytest

from radstudy.app.reading.takein import taken_in_mask
from radstudy.errors import CaseError
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from unit.app.reading.recorded import SHAPE, block
from unit.imaging.masks.conftest import Series

WHO = {"reader": "ana", "patient": "P1", "lesion": "1", "sequence": "T2", "at": "2026-01-01T10:00:00+00:00"}


def unfolded(taken, shape):
    flat = np.zeros(int(np.prod(shape)), np.uint8)
    for start, length, code in taken.runs.tolist():
        flat[start : start + length] = code
    return flat.reshape(shape, order="F")


@pytest.mark.parametrize("suffix", ["seg.nrrd", "nii.gz", "nrrd"])
def test_a_mask_comes_in_as_the_same_voxels_all_of_them_taken_in(room, tmp_path, suffix):
    grid = Volume.read(room.file("P1", "T2")).grid
    file = tmp_path / f"elsewhere.{suffix}"
    Roi(block(2, 1, 1), grid.affine, "tumour").write(file)
    taken = taken_in_mask(file, grid, **WHO, name="from Slicer.seg.nrrd")
    np.testing.assert_array_equal(unfolded(taken, SHAPE), 11 * block(2, 1, 1))
    assert taken.voxels == 12
    digest = hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
    assert (taken.event.at, taken.event.reader, taken.event.event) == (WHO["at"], "ana", "mask taken in")
    assert taken.event.detail.startswith(f"from Slicer.seg.nrrd (BLAKE2b {digest}), region ")


def test_a_cropped_mask_is_moved_to_its_place(room, tmp_path):
    grid = Volume.read(room.file("P1", "T2")).grid
    moved = grid.affine.copy()
    moved[:3, 3] = (grid.affine @ [2, 1, 1, 1])[:3]
    Roi(np.ones((3, 2, 2), bool), moved, "tumour").write(tmp_path / "cropped.seg.nrrd")
    taken = taken_in_mask(tmp_path / "cropped.seg.nrrd", grid, **WHO)
    np.testing.assert_array_equal(unfolded(taken, SHAPE) > 0, block(2, 1, 1))


def test_another_grid_is_refused_with_everybody_named_unless_asked_for(room, tmp_path):
    grid = Volume.read(room.file("P1", "T2")).grid
    moved = grid.affine.copy()
    moved[0, 3] += 0.4
    Roi(block(2, 1, 1), moved).write(tmp_path / "off.nii.gz")
    with pytest.raises(CaseError, match=r"Patient P1.*T2.*ana.*not on its image's grid"):
        taken_in_mask(tmp_path / "off.nii.gz", grid, **WHO)
    taken = taken_in_mask(tmp_path / "off.nii.gz", grid, **WHO, resample=True)
    assert "resampled" in taken.event.detail
    np.testing.assert_array_equal(unfolded(taken, SHAPE) > 0, block(2, 1, 1))


def test_a_dicom_seg_comes_in_and_several_regions_need_a_name(room, tmp_path):
    series = Series(tmp_path / "series")
    roi = series.roi()
    roi.write(tmp_path / "m.dcm", dicom=series.folder)
    taken = taken_in_mask(tmp_path / "m.dcm", series.volume.grid, **WHO)
    np.testing.assert_array_equal(unfolded(taken, roi.mask.shape) > 0, roi.mask)
    labels = block(0, 0, 0).astype(np.uint8) + 2 * block(4, 3, 2)
    from radstudy.formats.raster import write_raster

    grid = Volume.read(room.file("P1", "T2")).grid
    write_raster(tmp_path / "two.nii.gz", labels, grid.affine)
    with pytest.raises(CaseError, match="2 labels"):
        taken_in_mask(tmp_path / "two.nii.gz", grid, **WHO)
    assert taken_in_mask(tmp_path / "two.nii.gz", grid, **WHO, label=2).voxels == 12


def test_a_file_that_is_not_there_is_named(room, tmp_path):
    grid = Volume.read(room.file("P1", "T2")).grid
    with pytest.raises(CaseError, match=r"Patient P1.*cannot be read"):
        taken_in_mask(tmp_path / "gone.nii.gz", grid, **WHO)

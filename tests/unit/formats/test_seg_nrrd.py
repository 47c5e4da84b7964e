"""Slicer's segmentations: written and read, and as SimpleITK sees them."""

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.seg_nrrd import describes_segments, read_seg_nrrd, write_seg_nrrd
from radstudy.imaging.roi import Roi

AFFINE = np.array([[0, 0, 4.0, -20], [-1.1, 0, 0, 30], [0, 1.1, 0, 5], [0, 0, 0, 1]])


@pytest.fixture
def masks():
    rng = np.random.default_rng(2)
    drawn = rng.integers(0, 4, (9, 8, 7))
    return {"mass": drawn == 1, "satellite": drawn == 3, "whole mass, with its rim": drawn != 0}


def test_overlapping_segments_come_back_from_two_layers(tmp_path, masks):
    write_seg_nrrd(tmp_path / "m.seg.nrrd", masks, AFFINE)
    assert describes_segments(tmp_path / "m.seg.nrrd")
    found = read_seg_nrrd(tmp_path / "m.seg.nrrd")
    assert [(item.name, item.layer) for item in found.segments] == [(name, name[0] == "w") for name in masks]
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-12)
    for item in found.segments:
        np.testing.assert_array_equal(found.mask(item), masks[item.name])


def test_one_layer_is_a_label_map_for_everybody(tmp_path, masks):
    write_seg_nrrd(tmp_path / "m.seg.nrrd", {name: masks[name] for name in ("mass", "satellite")}, AFFINE)
    image = sitk.ReadImage(str(tmp_path / "m.seg.nrrd"))
    assert image.GetDimension() == 3 and image.GetNumberOfComponentsPerPixel() == 1
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0) == 2, masks["satellite"])
    assert image.GetMetaData("Segment1_Name") == "satellite"
    extent = [int(part) for part in image.GetMetaData("Segment0_Extent").split()]
    assert masks["mass"][extent[0] : extent[1] + 1, extent[2] : extent[3] + 1, extent[4] : extent[5] + 1].sum() == (
        masks["mass"].sum()
    )


def test_a_segment_in_a_layer_that_is_not_there_is_refused(tmp_path, masks):
    file = tmp_path / "m.seg.nrrd"
    write_seg_nrrd(file, {"mass": masks["mass"]}, AFFINE)
    file.write_bytes(file.read_bytes().replace(b"Segment0_Layer:=0", b"Segment0_Layer:=3"))
    with pytest.raises(CaseError, match=r"m.seg.nrrd: segment 'mass' lies in layer 3, but the file has only 1"):
        Roi.read(file)


def test_an_empty_segment_is_named(tmp_path, masks):
    file = tmp_path / "m.seg.nrrd"
    write_seg_nrrd(file, {"mass": masks["mass"], "nothing": np.zeros((9, 8, 7), bool)}, AFFINE)
    assert Roi.read(file).label == "mass"
    with pytest.raises(CaseError, match="segment 2 'nothing' of the mask is empty"):
        Roi.read(file, "nothing")


def test_a_label_map_without_names_is_no_segmentation(tmp_path):
    sitk.WriteImage(sitk.Image(3, 3, 3, sitk.sitkUInt8), str(tmp_path / "m.nrrd"))
    assert not describes_segments(tmp_path / "m.nrrd")

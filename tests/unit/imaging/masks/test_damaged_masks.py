"""Damaged segmentations and structure sets: an error that names the file, or the region alone that cannot be used."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from radstudy.errors import CaseError
from radstudy.imaging.masks.read import segments_of
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi


@pytest.fixture
def structures(series, tmp_path):
    """A structure set of two regions, and a function that damages it."""
    other = Roi(series.roi(4).mask, series.volume.affine, "fat")
    file = series.draw(tmp_path / "rt.dcm", [series.roi(), other])

    def damaged(change):
        dataset = pydicom.dcmread(file)
        change(dataset)
        dataset.save_as(file)
        return file

    return damaged


@pytest.fixture
def segmentation(series, tmp_path):
    """A segmentation, and a function that damages it."""
    write_rois(tmp_path / "seg.dcm", [series.roi()], dicom=series.folder)

    def damaged(change):
        dataset = pydicom.dcmread(tmp_path / "seg.dcm")
        change(dataset)
        dataset.save_as(tmp_path / "seg.dcm")
        return tmp_path / "seg.dcm"

    return damaged


def _without_number(dataset):
    del dataset.StructureSetROISequence[0].ROINumber


def _one_number_twice(dataset):
    dataset.StructureSetROISequence.append(dataset.StructureSetROISequence[0])


def _contours_twice(dataset):
    dataset.ROIContourSequence.append(dataset.ROIContourSequence[0])


def _contours_of_nobody(dataset):
    del dataset.ROIContourSequence[0].ReferencedROINumber


def _a_point_less(dataset):
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = contour.ContourData[:-3]


def _no_numbers(dataset):
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.add_new(0x30060050, "LO", ["a", "b", "c"] * int(contour.NumberOfContourPoints))


def _beyond_any_patient(dataset):
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [1e300, *contour.ContourData[1:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [(_without_number, "no number"), (_one_number_twice, "2 regions share its number"),
     (_contours_twice, "several contour sets"), (_contours_of_nobody, "name no region"),
     (_a_point_less, "points but has"), (_no_numbers, "coordinates"), (_beyond_any_patient, "finite numbers")],
    ids=lambda value: getattr(value, "__name__", "").strip("_"),
)  # fmt: skip
def test_a_damaged_region_of_a_structure_set_costs_no_other(series, structures, change, says):
    file = structures(change)
    parts = segments_of(file, series.volume.grid)
    by_name = {part.name: part for part in parts}
    np.testing.assert_array_equal(by_name["fat"].draw().mask, series.roi(4).mask)
    assert by_name["mass"].drawn
    with pytest.raises(CaseError, match=says):
        by_name["mass"].draw()


def _sequence_of_text(dataset):
    dataset.add_new(0x30060020, "LO", "nothing")


def test_a_structure_set_whose_regions_are_no_sequence_is_named(structures):
    with pytest.raises(CaseError, match="StructureSetROISequence is not a sequence") as raised:
        segments_of(structures(_sequence_of_text))
    assert raised.value.file.endswith("rt.dcm")


def _no_segment_number(dataset):
    del dataset.SegmentSequence[0].SegmentNumber


def _one_coordinate(dataset):
    place = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    place.add_new(0x00200032, "DS", "-40.0")


def _place_of_text(dataset):
    place = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    place.add_new(0x00200032, "LO", ["a", "b", "c"])


def _no_rows(dataset):
    del dataset.Rows


def _groups_of_text(dataset):
    dataset.PerFrameFunctionalGroupsSequence[1].add_new(0x00209113, "LO", "nothing")


def _far_apart(dataset):
    place = dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    place.ImagePositionPatient = [1e300, 0, 0]


@pytest.mark.parametrize(
    "change",
    [_no_segment_number, _one_coordinate, _place_of_text, _no_rows, _groups_of_text, _far_apart],
    ids=lambda change: change.__name__.strip("_"),
)
def test_a_damaged_segmentation_is_named(series, segmentation, change):
    with pytest.raises(CaseError) as raised:
        [part.draw() for part in segments_of(segmentation(change), series.volume.grid)]
    assert raised.value.file.endswith("seg.dcm")


def _asks_for_much(dataset):
    dataset.compress(RLELossless)
    dataset.Rows, dataset.Columns = 30000, 30000


def test_a_compressed_segmentation_that_asks_for_more_than_it_has_takes_no_memory(series, segmentation):
    def eight_bits(dataset):
        pixels = dataset.pixel_array
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit = 7
        dataset.PixelData = pixels.astype(np.uint8).tobytes()
        _asks_for_much(dataset)

    with pytest.raises(CaseError, match=r"run lengths|would be"):
        segments_of(segmentation(eight_bits))

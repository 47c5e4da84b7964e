from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    RLELossless,
    UltrasoundImageStorage,
    generate_uid,
)

from radstudy.errors import CaseError
from radstudy.formats.dicom_picture import read_dicom_picture
from radstudy.imaging.volume import Volume

GREY = np.arange(8 * 10, dtype=np.uint16).reshape(8, 10) * 50


def written(folder, pixels, *, photometric="MONOCHROME2", sop_class=UltrasoundImageStorage, packed=False, **tags):
    """Write a DICOM file with one image."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    bits = pixels.dtype.itemsize * 8
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    if packed:
        dataset.compress(RLELossless, pixels)
    file = folder / "image.dcm"
    dataset.save_as(file, enforce_file_format=True)
    return file


def region(across, down, unit=3):
    item = Dataset()
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = unit
    item.PhysicalDeltaX, item.PhysicalDeltaY = across, down
    return item


def test_an_ultrasound_image_has_the_pixel_size_of_its_region(tmp_path):
    regions = Sequence([region(0.012, -0.015), region(0.001, 0.002, unit=4)])  # the second is a Doppler trace
    file = written(tmp_path, GREY.astype(np.uint8), SequenceOfUltrasoundRegions=regions)
    volume = Volume.read(file)
    assert volume.planar
    np.testing.assert_allclose(volume.spacing_mm[:2], (0.12, 0.15))
    np.testing.assert_array_equal(volume.voxels[:, :, 0], GREY.astype(np.uint8).T)
    assert volume.history[1] == "pixel size 0.12 x 0.15 mm by ultrasound region"


def test_regions_that_differ_state_no_pixel_size(tmp_path):
    file = written(tmp_path, GREY, SequenceOfUltrasoundRegions=Sequence([region(0.01, 0.01), region(0.02, 0.02)]))
    with pytest.raises(CaseError, match=r"ultrasound regions have several \(0\.1 x 0\.1 mm and 0\.2.*--pixel-size"):
        Volume.read(file)
    np.testing.assert_allclose(Volume.read(file, pixel_size_mm="0.1").spacing_mm[:2], 0.1)


def test_pixel_spacing_is_between_rows_first(tmp_path):
    file = written(tmp_path, GREY, PixelSpacing=[0.4, 0.3])
    assert read_dicom_picture(file).size_mm == (0.3, 0.4)


def test_a_mammogram_has_the_pixel_size_of_its_detector_and_says_so(tmp_path):
    file = written(
        tmp_path, GREY, sop_class=DigitalMammographyXRayImageStorageForPresentation, photometric="MONOCHROME1",
        ImagerPixelSpacing=[0.07, 0.07], EstimatedRadiographicMagnificationFactor=1.08,
    )  # fmt: skip
    with pytest.warns(UserWarning) as warned:
        volume = Volume.read(file)
    told = " ".join(str(one.message) for one in warned)
    assert "darker; they are kept as stored" in told
    assert "on the detector (ImagerPixelSpacing), where the image is 1.08 times larger" in told
    np.testing.assert_allclose(volume.spacing_mm[:2], 0.07)
    np.testing.assert_array_equal(volume.voxels[:, :, 0], GREY.T)


def test_slope_and_intercept_are_applied(tmp_path):
    whole = written(tmp_path, GREY, RescaleSlope=2, RescaleIntercept=-1000, PixelSpacing=[1, 1])
    assert read_dicom_picture(whole).pixels.dtype == np.int32
    np.testing.assert_array_equal(read_dicom_picture(whole).pixels, GREY.astype(int) * 2 - 1000)
    part = written(tmp_path, GREY, RescaleSlope=0.5, RescaleIntercept=0, PixelSpacing=[1, 1])
    np.testing.assert_array_equal(read_dicom_picture(part).pixels, GREY.astype(np.float32) / 2)


@pytest.mark.parametrize("packed", [False, True])
def test_colour_becomes_grey(tmp_path, packed):
    colours = np.random.default_rng(1).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    file = written(tmp_path, colours, photometric="RGB", PixelSpacing=[1, 1], packed=packed)
    red, green, blue = colours.astype(int).transpose(2, 0, 1)
    np.testing.assert_array_equal(
        read_dicom_picture(file).pixels, (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16
    )
    with pytest.warns(UserWarning, match="colour converted to grey"):
        Volume.read(file)


def test_grey_in_ybr_keeps_its_luma(tmp_path):
    luma = GREY.astype(np.uint8)
    neutral = np.stack([luma, np.full_like(luma, 128), np.full_like(luma, 128)], axis=-1)
    file = written(tmp_path, neutral, photometric="YBR_FULL", PixelSpacing=[1, 1])
    picture = read_dicom_picture(file)
    np.testing.assert_array_equal(picture.pixels, luma)
    assert picture.notes == ()


def test_refuses_several_frames_and_lookup_tables(tmp_path):
    with pytest.raises(CaseError, match="2 frames"):
        read_dicom_picture(written(tmp_path, GREY, NumberOfFrames=2, Rows=4))
    with pytest.raises(CaseError, match="lookup table"):
        read_dicom_picture(written(tmp_path, GREY, ModalityLUTSequence=Sequence([Dataset()])))


def test_refuses_an_object_without_pixels(tmp_path):
    file = written(tmp_path, GREY)
    import pydicom

    dataset = pydicom.dcmread(file)
    del dataset.PixelData
    dataset.save_as(file)
    with pytest.raises(CaseError, match="no pixels"):
        Volume.read(file)

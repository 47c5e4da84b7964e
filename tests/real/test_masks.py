"""Real segmentation files of every kind, against what other programs made of them.

The label maps beside dcmqi's SEG files are dcmqi's own (itkimage2segimage's input or segimage2itkimage's output), the
structure sets' NIfTI masks were filled by MIRP, highdicom reads SEG files on its own.
"""

import highdicom as hd
import numpy as np
import pydicom
import pytest

from radstudy import Roi, Volume
from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import frame_affines
from radstudy.imaging.masks.read import segments_of


@pytest.fixture(scope="module")
def samples(real_data):
    return real_data / "seg_samples"


@pytest.mark.parametrize(
    ("seg", "label", "nrrd", "value"),
    [
        ("liver.dcm", None, "liver_seg.nrrd", 1),
        ("partial_overlaps.dcm", None, "", None),
        ("sparse-labelmap-noppv.dcm", None, "sparse_labelmap_noppv_seg.nrrd", 1),
        ("sparse-labelmap-ppv5.dcm", "Liver", "sparse_labelmap_ppv5_seg.nrrd", 1),
    ],
)
def test_dicom_segmentations_are_the_label_maps_of_dcmqi(samples, seg, label, nrrd, value):
    if not nrrd:
        with pytest.raises(CaseError, match=r"5 segments \(1 'GREEN', 2 'ORANGE', 3 'PURPLE', 4 'LIGHT_BLUE', 5 'DARK"):
            Roi.read(samples / "dcmqi" / seg)
        return
    image = Volume.read(samples / "dcmqi" / nrrd)
    placed = Roi.read(samples / "dcmqi" / seg, label, image)
    np.testing.assert_array_equal(placed.mask, image.voxels == value)
    assert placed.label == "Liver"


def test_overlapping_segments_are_each_whole(samples):
    """Every segment is one of the label values of the three maps that the file was made from."""
    maps = [Volume.read(samples / "dcmqi" / f"partial_overlaps-{number}.nrrd") for number in (1, 2, 3)]
    made_from = [item.voxels == value for item in maps for value in np.unique(item.voxels) if value]
    names = [item.name for item in segments_of(samples / "dcmqi" / "partial_overlaps.dcm")]
    masks = [Roi.read(samples / "dcmqi" / "partial_overlaps.dcm", name, maps[0]).mask for name in names]
    assert len(masks) == len(made_from) == 5
    for mask in masks:
        assert sum(np.array_equal(mask, other) for other in made_from) == 1
    together = Roi.read(samples / "dcmqi" / "partial_overlaps.dcm", "union", maps[0])
    np.testing.assert_array_equal(together.mask, np.any(made_from, axis=0))
    assert np.sum(made_from, axis=0).max() > 1


@pytest.mark.parametrize(
    "name",
    ["dcmqi/seg.dcm", "dcmqi/23x38x3/seg/label.seg", "highdicom/seg_image_ct_binary.dcm",
     "highdicom/seg_image_ct_binary_fractional.dcm", "highdicom/seg_image_ct_true_fractional.dcm"],
)  # fmt: skip
def test_segmentations_are_read_as_highdicom_reads_them(samples, name):
    ours = Roi.read(samples / name)
    theirs = hd.seg.segread(samples / name).get_volume(
        segment_numbers=[1], combine_segments=False, rescale_fractional=True
    )
    lps = theirs.affine @ np.array([0, 0, 0, 1.0])
    shares = theirs.array[..., 0]  # (slices, rows, columns)
    mask = (shares >= 0.5).transpose(2, 1, 0)
    if not np.allclose(ours.affine[:3, 3], lps[:3] * [-1, -1, 1], atol=1e-6):
        mask = mask[:, :, ::-1]  # highdicom stacks along the other direction
    np.testing.assert_array_equal(ours.mask, mask)


def test_images_radiographs_and_microscopy_are_refused_by_name(samples):
    with pytest.raises(CaseError, match=r"IMG0001.dcm: this DICOM file is not a mask \(CT Image Storage\)"):
        Roi.read(samples / "dcmqi" / "23x38x3" / "image" / "IMG0001.dcm")
    for name in ("cr_binary", "sm_control_labelmap", "sm_dots_tiled_full"):
        with pytest.raises(CaseError, match=rf"seg_image_{name}.dcm: frame 1 has no ImagePositionPatient"):
            Roi.read(samples / "highdicom" / f"seg_image_{name}.dcm", 1)


def test_slicers_segments_of_several_layers(samples):
    flat, layered = (samples / "slicerio" / f"{name}.seg.nrrd" for name in ("Segmentation", "SegmentationOverlapping"))
    assert Roi.read(flat, "ribs").voxel_count == Roi.read(flat, 1).voxel_count == 8487
    np.testing.assert_array_equal(Roi.read(flat, "ribs").mask, Roi.read(layered, "ribs").mask)
    sphere = Roi.read(layered, "overlapping sphere")
    assert (sphere.mask & Roi.read(layered, "tissue").mask).any()
    with pytest.raises(CaseError, match=r"2 segments of the mask are called '1' .*give its name"):
        Roi.read(layered, 1)
    with pytest.raises(CaseError, match=r"8 segments \(1 'ribs', 2 'cervical"):
        Roi.read(layered)
    with pytest.raises(CaseError, match="segment heart is not in the mask, which has 1 'ribs'"):
        Roi.read(flat, "heart")
    volume = Volume.read(samples / "slicerio" / "CTChest4.nrrd")
    assert Roi.read(layered, "left lung", volume).mask.shape == volume.voxels.shape
    corner = Volume(volume.voxels[40:], volume.affine @ [[1, 0, 0, 40], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    with pytest.raises(CaseError, match="extends outside the image"):
        Roi.read(layered, "tissue", corner)


@pytest.mark.parametrize(("name", "cc"), [("T1", 364.754), ("T2", 364.895)])
def test_contours_of_an_oblique_series_are_filled_as_mirp_fills_them(real_data, name, cc):
    """Without the direction cosines it would be 321 cc."""
    file = real_data / "dicom_headers" / "mirp_sts_t1_t2_siemens_avanto" / f"MR_{name}_mask" / "1-1.dcm"
    image = Volume.read(real_data / "sts_t1_t2_pair" / f"MR_{name}_image.nii.gz")
    ours = Roi.read(file, "GTV_Mass", image)
    theirs = Roi.read(real_data / "sts_t1_t2_pair" / f"MR_{name}_GTV_Mass.nii.gz")
    np.testing.assert_array_equal(ours.mask, theirs.mask)
    assert ours.volume_mm3 / 1000 == pytest.approx(cc, abs=1e-3)
    with pytest.raises(CaseError, match="no grid of its own"):
        Roi.read(file, "GTV_Mass")
    with pytest.raises(CaseError, match=r"2 segments \(1 'GTV_Mass', 2 'GTV_Edema'\)"):
        Roi.read(file, None, image)
    with pytest.raises(CaseError, match="slice -6, but the image has 24 slices"):
        Roi.read(file, "GTV_Edema", image)  # the image is cropped to the mass


def test_contours_on_the_other_sequence_are_refused_or_taken_to_its_slices_where_asked(real_data):
    file = real_data / "dicom_headers" / "mirp_sts_t1_t2_siemens_avanto" / "MR_T1_mask" / "1-1.dcm"
    t2 = Volume.read(real_data / "sts_t1_t2_pair" / "MR_T2_image.nii.gz")
    drawn_there = Roi.read(real_data / "sts_t1_t2_pair" / "MR_T2_GTV_Mass.nii.gz")
    ours = Roi.read(file, 1, t2, resample=True)
    assert 2 * (ours.mask & drawn_there.mask).sum() / (ours.voxel_count + drawn_there.voxel_count) > 0.99


@pytest.fixture(scope="module")
def breast(real_data):
    """The first phase of the real DCE series as (volume, files), slices along their normal."""
    folder = real_data / "breast_dce" / "UCSF-BR-06"
    files = [pydicom.dcmread(file) for file in (folder / "image_dce_3dfgre_orig").iterdir()]
    files = sorted(files, key=lambda item: int(item.InstanceNumber))[:60]
    places = {id(item): frame_affines(item)[0] for item in files}
    normal = places[id(files[0])][:3, 2]
    files.sort(key=lambda item: float(normal @ places[id(item)][:3, 3]))
    first, last = places[id(files[0])], places[id(files[-1])]
    affine = first.copy()
    affine[:3, 2] = (last[:3, 3] - first[:3, 3]) / (len(files) - 1)
    voxels = np.stack([item.pixel_array.T for item in files], axis=2)
    return Volume(voxels, affine, stored_dtype=voxels.dtype), files


def test_the_real_breasts_segmentation_lies_slice_by_slice_where_its_frames_say(real_data, breast):
    """42 frames for 60 slices, no reference to a series: each slice holds its own frame's pixels."""
    volume, files = breast
    seg = pydicom.dcmread(real_data / "breast_dce" / "UCSF-BR-06" / "mask" / "1-1.dcm")
    frames = seg.pixel_array
    roi = Roi.read(real_data / "breast_dce" / "UCSF-BR-06" / "mask" / "1-1.dcm", None, volume)
    positions = [tuple(map(float, item.ImagePositionPatient)) for item in files]
    slices = {}
    for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        place = np.array([float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient])
        nearest = int(np.argmin([np.linalg.norm(place - position) for position in positions]))
        assert np.linalg.norm(place - positions[nearest]) < 0.01
        slices[nearest] = (frame > 127).T
    assert len(frames) == len(slices) == 42 and len(files) == 60
    for k in range(60):
        np.testing.assert_array_equal(roi.mask[:, :, k], slices.get(k, np.zeros((256, 256), bool)))
    assert roi.voxel_count == 82527


def test_a_mask_goes_back_onto_the_real_series_and_comes_back_the_same(real_data, breast, tmp_path):
    volume, _ = breast
    folder = real_data / "breast_dce" / "UCSF-BR-06"
    roi = Roi.read(folder / "mask" / "1-1.dcm", None, volume)
    with pytest.raises(CaseError, match="3 volumes of 60 slices"):
        roi.write(tmp_path / "m.dcm", dicom=folder / "image_dce_3dfgre_orig")
    roi.write(tmp_path / "m.dcm", dicom=folder / "image_dce_3dfgre_orig", phase=1)
    np.testing.assert_array_equal(Roi.read(tmp_path / "m.dcm", "Breast", volume).mask, roi.mask)
    theirs = hd.seg.segread(tmp_path / "m.dcm")
    assert int(theirs.NumberOfFrames) == 60
    assert int(theirs.get_volume(combine_segments=True).array.sum()) == roi.voxel_count

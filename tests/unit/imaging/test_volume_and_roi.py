"""Volumes and masks in space: affines, labels, and which grids are one."""

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError, StorageError, UsageError
from radstudy.imaging.masks.mask_on_grid import pieces_of
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid

AFFINE = np.array([[0, 0, 4.0, -20], [-1.1, 0, 0, 30], [0, 1.1, 0, 5], [0, 0, 0, 1]])


@pytest.fixture
def volume():
    return Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), AFFINE)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_file_gives_back_voxels_affine_and_pixel_type(volume, tmp_path, suffix):
    image = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0).astype(np.int16))
    lps = np.diag([-1, -1, 1]) @ AFFINE[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:, 3].tolist())
    image.SetDirection((lps[:, :3] / spacing).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / f"x{suffix}"))
    read = Volume.read(tmp_path / f"x{suffix}")
    assert read.stored_dtype == np.int16
    np.testing.assert_array_equal(read.voxels, volume.voxels)
    np.testing.assert_allclose(read.affine, AFFINE, atol=1e-5)
    # The voxel that ITK places at a point is the voxel that the affine places there.
    point = np.array(image.TransformIndexToPhysicalPoint((1, 2, 3))) * [-1, -1, 1]
    np.testing.assert_allclose((read.affine @ [1, 2, 3, 1])[:3], point, atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_voxels_that_are_not_finite_are_read_as_such(tmp_path, suffix, dtype):
    voxels = np.arange(24, dtype=dtype).reshape(4, 3, 2)
    voxels[1, 2, 0], voxels[3, 0, 1] = np.nan, np.inf
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / f"x{suffix}"))
    read = Volume.read(tmp_path / f"x{suffix}")
    assert read.stored_dtype == dtype
    np.testing.assert_array_equal(read.voxels, voxels.transpose(2, 1, 0))


def test_written_volumes_come_back(volume, tmp_path):
    volume.write(tmp_path / "x.nii.gz")
    read = Volume.read(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(read.voxels, volume.voxels)
    np.testing.assert_allclose(read.affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "kept"), [(np.uint8, np.float32), (np.int16, np.float32), (np.float32, np.float32),
                        (np.int32, np.float64), (np.float64, np.float64)]
)  # fmt: skip
def test_voxels_are_float32_unless_that_loses_digits(dtype, kept):
    assert Volume(np.ones((2, 2, 2), dtype), np.eye(4)).voxels.dtype == kept


@pytest.mark.parametrize(
    ("affine", "says"),
    [
        (np.diag([0, 1, 1, 1.0]), "spacing"),
        (np.full((4, 4), np.nan), "finite"),
        (np.array([[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "right angles"),
    ],
)
def test_geometry_that_cannot_be_used_is_refused(affine, says):
    with pytest.raises(CaseError, match=says):
        Volume(np.ones((2, 2, 2)), affine)


def test_files_that_are_no_scalar_image(tmp_path):
    (tmp_path / "text.nii").write_bytes(b"hello")
    with pytest.raises(CaseError, match="cannot be read as an image"):
        Volume.read(tmp_path / "text.nii")
    rgb = sitk.Compose(*[sitk.Image(3, 3, 3, sitk.sitkUInt8)] * 3)
    sitk.WriteImage(rgb, str(tmp_path / "rgb.nrrd"))
    with pytest.raises(CaseError, match="3 components"):
        Volume.read(tmp_path / "rgb.nrrd")
    with pytest.raises(CaseError, match="does not exist"):
        Volume.read(tmp_path / "nothing.nii")


def label_map(tmp_path, values):
    array = np.zeros((3, 3, 3), np.uint8)
    array.flat[: len(values)] = values
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / "m.nrrd"))
    return tmp_path / "m.nrrd"


def test_the_only_label_is_taken_and_several_are_listed(tmp_path):
    assert Roi.read(label_map(tmp_path, [255, 255])).voxel_count == 2
    several = label_map(tmp_path, [1, 1, 2])
    with pytest.raises(CaseError, match=r"2 labels \(1, 2\)"):
        Roi.read(several)
    assert Roi.read(several, 2).voxel_count == 1
    with pytest.raises(CaseError, match="label 7 is not in the mask, which has 1, 2"):
        Roi.read(several, 7)
    with pytest.raises(CaseError, match="the mask is empty"):
        Roi.read(label_map(tmp_path, []))


def test_grids_that_differ_by_rounding_are_one_and_others_are_named(volume):
    mask = np.ones(volume.voxels.shape, bool)
    snapped = Roi(mask, AFFINE + 1e-6 * np.eye(4)).on_grid_of(volume)
    np.testing.assert_array_equal(snapped.affine, volume.affine)
    moved = AFFINE.copy()
    moved[:3, 3] += [0.5, 0, 0]
    with pytest.raises(CaseError, match=r"origin is .*0\.5 mm apart"):
        Roi(mask, moved).on_grid_of(volume)
    with pytest.raises(CaseError, match="spacing is"):
        Roi(mask, AFFINE @ np.diag([2, 1, 1, 1])).on_grid_of(volume)
    with pytest.raises(CaseError, match=r"size is \(2, 3, 5\)"):
        Roi(np.ones((2, 3, 5), bool), AFFINE).on_grid_of(volume)
    turn = np.array([[np.cos(0.1), -np.sin(0.1), 0, 0], [np.sin(0.1), np.cos(0.1), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert "turned by up to 5.73 degrees" in Grid((2, 3, 4), turn @ AFFINE).difference(volume.grid)


def test_volume_of_a_mask(volume):
    assert Roi(np.ones((2, 3, 4), bool), AFFINE).volume_mm3 == pytest.approx(24 * 1.1 * 1.1 * 4)


@pytest.fixture
def three_pieces(tmp_path):
    """Label 1 in two pieces of 2 and 5 voxels, label 2 in one of 4; voxels that share a corner hang together."""
    voxels = np.zeros((8, 6, 5), dtype=np.uint8)
    voxels[0, 0, 0:2] = 1
    voxels[3:8, 4, 2] = 1
    voxels[1, 2, 1:4] = 2
    voxels[2, 3, 4] = 2
    sitk.WriteImage(sitk.GetImageFromArray(voxels.transpose(2, 1, 0)), str(tmp_path / "m.nii.gz"))
    return tmp_path / "m.nii.gz", voxels


def test_largest_and_union_are_what_they_say(three_pieces):
    file, voxels = three_pieces
    largest, union = Roi.read(file, "largest"), Roi.read(file, "union")
    assert largest.label == "1"
    assert largest.voxel_count == 5
    assert largest.mask[3:8, 4, 2].all()
    np.testing.assert_array_equal(union.mask, voxels != 0)
    assert union.label == "1 + 2"
    assert Roi.read(file, 2).voxel_count == 4
    assert pieces_of(voxels != 0).tolist() == [5, 4, 2]


def test_several_labels_without_a_rule_are_listed(three_pieces):
    with pytest.raises(CaseError, match=r"2 labels \(1, 2\)"):
        Roi.read(three_pieces[0])


def _value(dtype, values=((0, 1), (100, 250))):
    """A volume whose voxels are whole numbers that every numeric type holds."""
    return Volume(np.resize(np.array(values, dtype=dtype), (2, 2, 2)), np.eye(4))


@pytest.mark.parametrize("dtype", [">i2", ">u2", ">f4", ">f8", "f2", "g", "?", "<i8", "u1"])
def test_every_real_array_becomes_voxels_in_native_order(dtype):
    made = _value(dtype)
    assert made.voxels.dtype in (np.float32, np.float64) and made.voxels.dtype.isnative
    np.testing.assert_array_equal(made.voxels, np.resize(np.array(((0, 1), (100, 250)), dtype=dtype), (2, 2, 2)))


@pytest.mark.parametrize(
    ("given", "stored"),
    [(">i2", "i2"), (">f4", "f4"), (">f8", "f8"), ("f2", "f4"), ("?", "u1"), ("u2", "u2"), ("g", "f8")],
)
def test_the_pixel_type_is_one_that_an_image_file_has(given, stored):
    """PyRadiomics resamples into it: into bool every voxel above 0 would become 1, into float16 it would be rounded."""
    made = _value(given)
    assert made.stored_dtype == np.dtype(stored) and made.stored_dtype.isnative


@pytest.mark.parametrize("dtype", [np.complex64, object, "U3", "M8[s]"])
def test_voxels_that_are_no_real_numbers_are_refused(dtype):
    with pytest.raises(CaseError, match="not real numbers"):
        Volume(np.ones((2, 2, 2)).astype("i8").astype(dtype), np.eye(4))


def test_a_complex_file_is_refused_by_name(tmp_path):
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkComplexFloat32), str(tmp_path / "kspace.nii"))
    with pytest.raises(CaseError, match=r"kspace\.nii.*magnitude"):
        Volume.read(tmp_path / "kspace.nii")


def test_a_volume_without_voxels_is_refused():
    with pytest.raises(CaseError, match="empty"):
        Volume(np.zeros((0, 3, 3)), np.eye(4))


@pytest.mark.parametrize("inside", [True, 1, 255, 2.0])
def test_a_mask_is_true_where_it_is_not_zero(inside):
    mask = np.zeros((3, 3, 3), dtype=type(inside))
    mask[1, 1, :2] = inside
    assert Roi(mask, np.eye(4)).voxel_count == 2


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [(np.nan, 1, "values such as nan"), (0.4, 0.4, "values such as 0.4"), (1, np.inf, "values such as inf"),
     (1, 2, "several values, from 1 to 2"), (-1, 1, "several values")],
)  # fmt: skip
def test_nan_probabilities_and_several_labels_are_no_mask(first, second, says):
    mask = np.zeros((3, 3, 3))
    mask[1, 1, :2] = first, second
    with pytest.raises(CaseError, match=says):
        Roi(mask, np.eye(4))


def test_a_folder_is_made_for_what_is_written(volume, tmp_path):
    volume.write(tmp_path / "new" / "folder" / "x.nii.gz")
    np.testing.assert_array_equal(Volume.read(tmp_path / "new" / "folder" / "x.nii.gz").voxels, volume.voxels)


@pytest.mark.parametrize("name", ["file/x.nii.gz", "file/x.nrrd", "folder.nii.gz"])
def test_what_cannot_be_written_is_named(volume, tmp_path, name):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.nii.gz").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        volume.write(tmp_path / name)


def test_a_format_that_is_not_read_is_not_written(volume, tmp_path):
    with pytest.raises(UsageError, match=r"must end in one of \.nii"):
        volume.write(tmp_path / "x.png")

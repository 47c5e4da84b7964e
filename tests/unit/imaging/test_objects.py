"""Images of other libraries have the voxels, pixel type and place of their files: features are equal bit for bit."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import radstudy
from radstudy import Roi, Volume
from radstudy.errors import CaseError, UsageError

SETTINGS = {
    "setting": {"binWidth": 10, "resampledPixelSpacing": [1, 1, 1], "label": 2},
    "imageType": {"Original": {}},
    "featureClass": {"firstorder": None, "shape": None, "glcm": ["Contrast"]},
}
PLAIN = {**SETTINGS, "setting": {"binWidth": 10}}


def oblique(array, spacing=(0.9375, 0.9375, 1.7)):
    """A SimpleITK image (K, J, I) whose axes are parallel to none of the patient's."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-31.4, 17.25, 92.125))
    turn = sitk.Euler3DTransform((0, 0, 0), 0.21, -0.33, 0.47)
    image.SetDirection(turn.GetMatrix())
    return image


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    z, y, x = np.mgrid[:14, :18, :20]
    image = (200 + 60 * np.sin(x / 2) * np.cos(y / 3) + rng.normal(0, 20, z.shape)).astype(np.int16)
    mask = np.where((x - 10) ** 2 + (y - 9) ** 2 + (1.7 * (z - 7)) ** 2 < 40, 2, 0).astype(np.uint8)
    return oblique(image), oblique(mask)


def written(folder, pair, suffix):
    files = [folder / f"{name}{suffix}" for name in ("image", "mask")]
    for image, file in zip(pair, files, strict=True):
        sitk.WriteImage(image, str(file))
    return files


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_file_and_what_other_libraries_read_from_it_have_the_same_features(tmp_path, pair, suffix):
    image, mask = written(tmp_path, pair, suffix)
    expected = radstudy.extract(image, mask, SETTINGS)
    read = Volume.read(image)
    given = {
        "Volume": (read, Roi.read(mask, grid=read)),
        "SimpleITK": (sitk.ReadImage(str(image)), sitk.ReadImage(str(mask))),
        "there and back": (Volume.read(image).to_sitk(), Roi.read(mask).to_sitk(2)),
        "a file for one": (sitk.ReadImage(str(image)), mask),
    }
    if suffix == ".nii.gz":
        given["nibabel"] = (nib.load(image), nib.load(mask))
        given["nibabel and SimpleITK"] = (nib.load(image), sitk.ReadImage(str(mask)))
    for name, (one, other) in given.items():
        assert radstudy.extract(one, other, SETTINGS) == expected, name


def test_an_object_and_a_volume_of_it_have_the_same_features(pair):
    expected = radstudy.extract(*pair, SETTINGS)
    volume = Volume.from_sitk(pair[0])
    assert radstudy.extract(volume, Roi.from_sitk(pair[1], 2), SETTINGS) == expected
    assert radstudy.extract(volume.to_sitk(), pair[1], SETTINGS) == expected
    assert radstudy.extract(volume.with_voxels(volume.voxels, "nothing"), pair[1], {**SETTINGS}) != {}


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_the_pixel_type_is_kept_through_every_library(dtype):
    array = np.arange(24, dtype=dtype).reshape(4, 3, 2)
    volume = Volume.from_sitk(oblique(array))
    assert volume.stored_dtype == dtype
    assert volume.to_sitk().GetPixelID() == oblique(array).GetPixelID()
    image = volume.to_nibabel()
    assert image.get_data_dtype() == dtype
    again = Volume.from_nibabel(image)
    assert again.stored_dtype == dtype
    np.testing.assert_array_equal(again.voxels, array.transpose(2, 1, 0))
    np.testing.assert_array_equal(again.affine, volume.affine)


def test_right_and_left_are_where_itk_has_them(pair):
    volume = Volume.from_sitk(pair[0])
    lps = np.array(pair[0].TransformIndexToPhysicalPoint((3, 5, 7)))
    np.testing.assert_allclose((volume.affine @ [3, 5, 7, 1])[:3], lps * [-1, -1, 1], atol=1e-9)
    assert volume.voxels[3, 5, 7] == pair[0].GetPixel(3, 5, 7)
    back = volume.to_sitk()
    assert (back.GetSpacing(), back.GetOrigin(), back.GetDirection()) == (
        pair[0].GetSpacing(), pair[0].GetOrigin(), pair[0].GetDirection()
    )  # fmt: skip


def test_values_that_the_pixel_type_does_not_hold_are_not_cut_off():
    halves = Volume(np.full((2, 2, 2), 0.5, np.float32), np.eye(4), stored_dtype=np.int16)
    assert sitk.GetArrayFromImage(halves.to_sitk()).max() == 0.5


def test_a_slope_gives_the_values_that_the_file_gives(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([1, 1, 2, 1.0]))
    image.header.set_slope_inter(0.5, 3)
    nib.save(image, tmp_path / "x.nii")
    header = nib.load(tmp_path / "x.nii").header.copy()
    raw = bytearray((tmp_path / "x.nii").read_bytes())
    raw[112:120] = np.array([0.5, 3], header["scl_slope"].dtype).tobytes()
    (tmp_path / "x.nii").write_bytes(raw)
    read, taken = Volume.read(tmp_path / "x.nii"), Volume.from_nibabel(nib.load(tmp_path / "x.nii"))
    assert read.stored_dtype == taken.stored_dtype == np.float32
    assert taken.voxels[0, 0, 1] == read.voxels[0, 0, 1] != 1
    np.testing.assert_array_equal(taken.voxels, read.voxels)


def test_a_header_with_two_positions_is_where_nibabel_has_it():
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.diag([1, 1, 2, 1.0]))
    moved = np.diag([1, 1, 2, 1.0])
    moved[:3, 3] = 50
    image.header.set_qform(moved, 1)
    image.header.set_sform(np.diag([1, 1, 2, 1.0]), 2)
    np.testing.assert_array_equal(Volume.from_nibabel(image).affine, image.affine)


class Tensor:
    """What this program uses of a torch tensor."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class MetaTensor(Tensor):
    def __init__(self, array, affine, space="RAS"):
        super().__init__(array)
        self.affine, self.meta = Tensor(affine), {"space": space}


def torchio(array, affine):
    return SimpleNamespace(data=Tensor(array), affine=affine, spatial_shape=array.shape[1:])


def test_torchio_and_monai_give_the_features_of_a_volume(pair):
    volume, roi = Volume.from_sitk(pair[0]), Roi.from_sitk(pair[1], 2)
    array, labels = volume.voxels.astype(np.int16)[None], (roi.mask * 2).astype(np.int32)[None]
    placed = Volume(array[0], volume.affine)
    expected = radstudy.extract(placed, Roi(roi.mask, volume.affine), PLAIN)
    lps = np.diag([-1, -1, 1, 1]) @ volume.affine
    given = {
        "TorchIO": (torchio(array, volume.affine), torchio(labels, volume.affine)),
        "MONAI": (MetaTensor(array, volume.affine), MetaTensor(labels.astype(np.float32), volume.affine)),
        "MONAI without channel, LPS": (MetaTensor(array[0], lps, "LPS"), MetaTensor(labels[0], lps, "LPS")),
    }
    for name, (image, mask) in given.items():
        assert radstudy.extract(image, mask, PLAIN, label=2) == expected, name
    np.testing.assert_array_equal(Volume.from_object(given["TorchIO"][0]).affine, volume.affine)


def test_what_is_not_one_volume_is_refused_by_name(pair):
    vector = sitk.Compose(pair[0], pair[0])
    series = sitk.JoinSeries([pair[0], pair[0]])
    refused = {
        "2 components": lambda: Volume.from_sitk(vector),
        "4 dimensions": lambda: Volume.from_sitk(series),
        "ITK's type 'complex": lambda: Volume.from_sitk(sitk.RealAndImaginaryToComplex(*[sitk.Cast(pair[0], 8)] * 2)),
        "ITK's type 'label": lambda: Roi.from_sitk(sitk.Cast(pair[1], sitk.sitkLabelUInt8)),
        "nibabel image has 4 dim": lambda: Volume.from_nibabel(nib.Nifti1Image(np.zeros((2, 2, 2, 3)), np.eye(4))),
        "3 channels": lambda: Volume.from_object(torchio(np.zeros((3, 2, 2, 2)), np.eye(4))),
        "2 channels": lambda: Volume.from_object(MetaTensor(np.zeros((2, 2, 2, 2)), np.eye(4))),
        "space 'SCREEN'": lambda: Volume.from_object(MetaTensor(np.zeros((2, 2, 2)), np.eye(4), "screen")),
        "not a SimpleITK.Image": lambda: Volume.from_sitk(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))),
        "not a nibabel image": lambda: Volume.from_nibabel(pair[0]),
        "fractions such as 0.5": lambda: Roi.from_sitk(oblique(np.full((2, 2, 2), 0.5))),
        "2 labels": lambda: Roi.from_sitk(oblique(np.arange(3, dtype=np.uint8).reshape(3, 1, 1))),
    }
    for message, call in refused.items():
        with pytest.raises(CaseError, match=message):
            call()


def test_a_label_map_off_the_image_s_grid_is_refused_or_resampled(pair):
    image, mask = pair
    coarse = sitk.Resample(mask, (10, 9, 7), sitk.Transform(), sitk.sitkNearestNeighbor, mask.GetOrigin(),
                           (1.875, 1.875, 3.4), mask.GetDirection())  # fmt: skip
    with pytest.raises(CaseError, match="the mask"):
        radstudy.extract(image, coarse, PLAIN)
    resampled = {**PLAIN, "setting": {"binWidth": 10, "correctMask": True}}
    assert radstudy.extract(image, coarse, resampled)["original_shape_MeshVolume"] > 0


def test_an_array_has_no_place():
    with pytest.raises(UsageError, match="image of SimpleITK, nibabel, TorchIO or MONAI"):
        radstudy.extract(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)))
    with pytest.raises(UsageError, match="from 1 to 65535"):
        Roi(np.ones((2, 2, 2)), np.eye(4)).to_sitk(0)


def test_an_image_of_two_axes_is_planar_and_goes_back_as_one():
    image = sitk.GetImageFromArray(np.arange(20, dtype=np.uint8).reshape(4, 5))
    image.SetSpacing((0.1, 0.2))
    volume = Volume.from_sitk(image)
    assert volume.planar and volume.voxels.shape == (5, 4, 1)
    back = volume.to_sitk()
    assert back.GetSize() == (5, 4) and back.GetSpacing() == (0.1, 0.2)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    flat = Volume.from_nibabel(nib.Nifti1Image(np.zeros((3, 4), np.int16), np.eye(4)))
    assert flat.planar and flat.to_nibabel().shape == (3, 4)
    with pytest.raises(CaseError, match="first axis may be a channel"):
        Volume.from_object(MetaTensor(np.zeros((1, 4, 5)), np.eye(4)))

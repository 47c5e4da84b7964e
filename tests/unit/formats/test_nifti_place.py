"""A header without a voxel size, or with two places, is refused or named: readers take one and say nothing."""

import gzip
import struct

import nibabel as nib
import nibabel.processing
import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.imaging.content import image_mark
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


def written(path, byteorder):
    header = nib.Nifti1Header(endianness=byteorder)
    nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.diag([0.5, 0.6, 3, 1]), header).to_filename(path)
    return path


def with_size(path, axis, value, byteorder):
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rb") as stream:
        content = bytearray(stream.read())
    struct.pack_into(byteorder + "f", content, 76 + 4 * axis, value)
    with opened(path, "wb") as stream:
        stream.write(bytes(content))


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("axis", "value"), [(1, 0.0), (3, 0.0), (2, float("nan"))])
def test_a_file_without_a_voxel_size_is_refused_by_name(tmp_path, suffix, byteorder, axis, value):
    path = written(tmp_path / f"a{suffix}", byteorder)
    assert Volume.read(path).spacing_mm == pytest.approx([0.5, 0.6, 3])
    with_size(path, axis, value, byteorder)
    with pytest.raises(CaseError, match=f"no voxel size along {'IJK'[axis - 1]}") as error:
        Volume.read(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"abc", b"\x5c\x01\x00\x00", bytes(400)])
def test_what_is_no_header_is_left_to_the_reader(tmp_path, content):
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(CaseError, match="cannot be read as an image"):
        Volume.read(tmp_path / "a.nii")


AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def placed(path, sform, code, qform=None):
    image = nib.Nifti1Image(np.ones((20, 18, 10), np.int16), sform)
    image.header["qform_code"] = 0
    if qform is not None:
        image.set_qform(qform, 1)
    image.set_sform(sform, code)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("shear", [0.002, 0.02, 0.2])
def test_a_sheared_image_is_refused_for_what_it_is_and_the_remedy_works(tmp_path, shear):
    sform = AFFINE.copy()
    sform[0, 1] = shear
    path = placed(tmp_path / "IN.nii.gz", sform, 1)
    with pytest.raises(CaseError, match="not at right angles: its sform is sheared by") as error:
        Volume.read(path)
    remedy = str(error.value).partition("In Python: ")[2].rstrip(".")
    exec(remedy.replace("IN.nii.gz", str(path)).replace("OUT.nii.gz", str(tmp_path / "OUT.nii.gz")))
    assert Volume.read(tmp_path / "OUT.nii.gz").spacing_mm == pytest.approx([1, np.hypot(1, shear), 2], abs=1e-3)


def test_two_voxel_sizes_in_one_header_are_refused(tmp_path):
    path = placed(tmp_path / "a.nii", np.diag([2.0, 2.0, 2.0, 1.0]), 2, AFFINE)
    with pytest.raises(CaseError, match="two voxel sizes: 2 x 2 x 2 mm in its sform, 1 x 1 x 2 mm in pixdim"):
        Volume.read(path)


def test_a_mask_off_its_image_by_its_other_position_says_so_and_the_remedy_works(tmp_path):
    moved = AFFINE.copy()
    moved[0, 3] = 5
    image = placed(tmp_path / "IMAGE.nii.gz", moved, 2, AFFINE)  # as SPM writes a coregistered image
    mask = tmp_path / "MASK.nii.gz"
    drawn = np.zeros((20, 18, 10), np.uint8)
    drawn[4:8, 4:8, 4:8] = 1
    nib.save(nib.Nifti1Image(drawn, nib.load(image).affine), mask)
    with pytest.raises(CaseError, match=r"IMAGE.nii.gz holds two positions, up to 5 mm apart") as error:
        Roi.read(mask, None, Volume.read(image))
    remedy = str(error.value).partition("import nibabel as nib; ")[2].rstrip(".")
    for name in ("IMAGE2", "MASK2", "IMAGE", "MASK"):
        remedy = remedy.replace(f"'{name}.nii.gz'", f"r'{tmp_path / name}.nii.gz'")
    exec(remedy, {"nib": nib})
    roi = Roi.read(tmp_path / "MASK2.nii.gz", None, Volume.read(tmp_path / "IMAGE2.nii.gz"))
    assert roi.voxel_count == 64


def with_long_quaternion(path, sform_code):
    """A file whose qform is no rotation (as rounding and some converters leave it); ITK reads it, nibabel does not."""
    header = nib.Nifti1Header()
    header.set_data_shape((6, 5, 4))
    header.set_data_dtype(np.int16)
    header.set_sform(np.diag([1, 1, 2, 1]), sform_code)
    header["pixdim"][1:4], header["qform_code"] = (1, 1, 2), 1
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = 0.9, 0.5, 0.1
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path.write_bytes(header.binaryblock + bytes(4) + np.arange(120, dtype=np.int16).tobytes())
    return path


def test_an_image_that_only_nibabel_cannot_place_is_compared_all_the_same(tmp_path):
    file = with_long_quaternion(tmp_path / "a.nii", 0)
    assert Volume.read(file).voxels.sum() == 120 * 119 / 2
    assert image_mark(file) == image_mark(with_long_quaternion(tmp_path / "b.nii", 1))


def test_a_mask_off_an_image_with_a_negative_voxel_size_says_so(tmp_path):
    image = nib.Nifti1Image(np.arange(120, dtype=np.int16).reshape(6, 5, 4), np.diag([1, 1, 2, 1]))
    image.set_qform(image.affine, 1)
    nib.save(image, tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[80:84] = struct.pack("<f", -1.0)  # pixdim[1]
    (tmp_path / "a.nii").write_bytes(bytes(content))
    mask = np.zeros((6, 5, 4), np.uint8)
    mask[2, 2, 2] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([1, 1, 3, 1])), tmp_path / "mask.nii")
    with pytest.raises(CaseError, match=r"a\.nii: its header gives a negative voxel size"):
        Roi.read(tmp_path / "mask.nii", None, Volume.read(tmp_path / "a.nii"))


def test_a_mask_off_an_image_whose_qform_is_no_rotation_says_so(tmp_path):
    image = Volume.read(with_long_quaternion(tmp_path / "a.nii", 1))
    mask = np.zeros((6, 5, 4), np.uint8)
    mask[2, 2, 2] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([1, 1, 3, 1])), tmp_path / "mask.nii")
    with pytest.raises(CaseError, match=r"a\.nii: its qform is not a rotation"):
        Roi.read(tmp_path / "mask.nii", None, image)

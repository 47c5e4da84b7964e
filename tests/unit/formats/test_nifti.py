"""One reader for NIfTI, whatever the file is called: nibabel's values in ITK's pixel type, at ITK's place."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.raster import read_grid, read_raster, write_raster
from radstudy.imaging.header import read_header

AFFINE = np.array([[-0.7, 0.1, 0.0, 10.0], [0.05, -0.9, 0.2, -20.0], [0.0, 0.3, 2.0, 30.0], [0.0, 0.0, 0.0, 1.0]])
AFFINE[:3, :3] = np.linalg.qr(AFFINE[:3, :3])[0] * [0.7, 0.9, 2.0]


def by_itk(file: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file))).transpose(2, 1, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_pixel_type_as_itk_reads_it(tmp_path: Path, dtype: str) -> None:
    voxels = np.random.default_rng(1).integers(0, 100, (5, 7, 3)).astype(dtype)
    file = tmp_path / "a.nii.gz"
    write_raster(file, voxels, AFFINE)
    found, affine = read_raster(file)
    assert found.dtype == np.dtype(dtype) and found.flags.writeable and found.flags.f_contiguous
    np.testing.assert_array_equal(found, by_itk(file))
    np.testing.assert_allclose(affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize("how", ["scaled", "big-endian", "four axes"])
def test_what_is_stored_otherwise_is_read_as_nibabel_reads_it(tmp_path: Path, how: str) -> None:
    voxels = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    image = nib.Nifti1Image(voxels, AFFINE)
    if how == "scaled":
        image.header.set_slope_inter(0.5, 3.0)
    elif how == "big-endian":
        image = nib.Nifti1Image(voxels.astype(">i2"), AFFINE, nib.Nifti1Header(endianness=">"))
    else:
        image = nib.Nifti1Image(voxels[..., None], AFFINE)
    file = tmp_path / "a.nii.gz"
    nib.save(image, file)
    found, _ = read_raster(file)
    np.testing.assert_allclose(found, nib.load(file).get_fdata().reshape(voxels.shape))


def test_nan_stays_nan(tmp_path: Path) -> None:
    voxels = np.ones((4, 4, 4), dtype=np.float32)
    voxels[1, 2, 3], voxels[0, 0, 0] = np.nan, np.inf
    nib.save(nib.Nifti1Image(voxels, AFFINE), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.nii.gz")[0], voxels)


@pytest.mark.parametrize("fault", ["cut off", "a flipped bit", "too few voxels"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, fault: str) -> None:
    voxels = np.random.default_rng(2).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    good, file = tmp_path / "good.nii.gz", tmp_path / "bad.nii.gz"
    write_raster(good, voxels, AFFINE)
    content = good.read_bytes()
    if fault == "cut off":
        file.write_bytes(content[: len(content) // 2])
    elif fault == "a flipped bit":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :])
    else:
        file.write_bytes(gzip.compress(gzip.decompress(content)[:-100]))
    with pytest.raises(CaseError, match="cannot be read as an image") as caught:
        read_raster(file)
    assert "bad.nii.gz" in str(caught.value)


def test_without_the_fast_decompressor_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voxels = np.random.default_rng(3).integers(0, 9, (4, 5, 6)).astype(np.uint8)
    write_raster(tmp_path / "a.nii.gz", voxels, AFFINE)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    np.testing.assert_array_equal(read_raster(tmp_path / "a.nii.gz")[0], voxels)


def stored_with(file: Path, slope: float, intercept: float) -> Path:
    """A file of 50s whose header has this slope and intercept."""
    image = nib.Nifti1Image(np.full((4, 5, 6), 50, np.int16), AFFINE)
    content = bytearray(image.to_bytes())
    struct.pack_into("<2f", content, 112, slope, intercept)
    file.write_bytes(gzip.compress(bytes(content)) if file.name.endswith(".gz") else bytes(content))
    return file


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("slope", [0.0, float("nan"), float("inf")])
def test_a_slope_that_is_no_number_scales_nothing_in_either_suffix(tmp_path: Path, suffix: str, slope: float) -> None:
    file = stored_with(tmp_path / f"a{suffix}", slope, 100.0)
    found, _ = read_raster(file)
    assert found.dtype == np.int16
    assert np.unique(found).tolist() == np.unique(nib.load(file).get_fdata()).tolist() == [50]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_an_intercept_that_is_no_number_is_refused(tmp_path: Path, suffix: str) -> None:
    file = stored_with(tmp_path / f"a{suffix}", 2.0, float("nan"))
    with pytest.raises(CaseError, match="intercept"):
        read_raster(file)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
def test_scaled_voxels_are_itks_to_the_last_bit(tmp_path: Path, dtype: str, order: str) -> None:
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(dtype)
    voxels = np.random.default_rng(4).integers(0, 200, (5, 6, 7)).astype(dtype)
    content = bytearray(nib.Nifti1Image(voxels, AFFINE, header).to_bytes())
    struct.pack_into(order + "2f", content, 112, 0.0371, -3.3)
    file = tmp_path / "a.nii"
    file.write_bytes(bytes(content))
    found, _ = read_raster(file)
    assert found.dtype == by_itk(file).dtype
    np.testing.assert_array_equal(found, by_itk(file))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_2_is_read_where_its_nifti_1_twin_lies(tmp_path: Path, suffix: str) -> None:
    voxels = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    for name, kind in (("one", nib.Nifti1Image), ("two", nib.Nifti2Image)):
        image = kind(voxels, AFFINE)
        image.set_qform(AFFINE, 1)
        nib.save(image, tmp_path / f"{name}{suffix}")
    (first, there), (second, too) = (read_raster(tmp_path / f"{name}{suffix}") for name in ("one", "two"))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == second.dtype
    np.testing.assert_allclose(there, too, atol=1e-6)
    assert read_header(tmp_path / f"two{suffix}").spacing_mm == pytest.approx((0.7, 0.9, 2.0))
    assert read_grid(tmp_path / f"two{suffix}").shape == (5, 6, 7)


def test_a_pair_is_read_by_either_name(tmp_path: Path) -> None:
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    nib.save(nib.Nifti1Pair(voxels, AFFINE), tmp_path / "a.hdr")
    for name in ("a.hdr", "a.img"):
        np.testing.assert_array_equal(read_raster(tmp_path / name)[0], voxels)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
def test_an_image_of_two_dimensions_gives_no_thickness_and_is_refused(tmp_path: Path, name: str) -> None:
    flat = sitk.GetImageFromArray(np.arange(20, dtype=np.int16).reshape(4, 5))
    sitk.WriteImage(flat, str(tmp_path / name))
    with pytest.raises(CaseError, match=r"two dimensions, size \(5, 4\).*thickness"):
        read_raster(tmp_path / name)


def test_a_volume_of_one_slice_keeps_the_thickness_that_it_states(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.ones((4, 5, 1), np.int16), np.diag([0.5, 0.5, 3.3, 1])), tmp_path / "a.nii")
    found, affine = read_raster(tmp_path / "a.nii")
    assert found.shape == (4, 5, 1)
    assert affine[2, 2] == pytest.approx(3.3)

"""Compressed NIfTI, read quickly: the same voxels and place as ITK reads, or left to ITK."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.nifti_gz import read_voxels
from radstudy.formats.raster import read_raster, write_raster

AFFINE = np.array([[-0.7, 0.1, 0.0, 10.0], [0.05, -0.9, 0.2, -20.0], [0.0, 0.3, 2.0, 30.0], [0.0, 0.0, 0.0, 1.0]])
AFFINE[:3, :3] = np.linalg.qr(AFFINE[:3, :3])[0] * [0.7, 0.9, 2.0]


def by_itk(file: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file))).transpose(2, 1, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_pixel_type_as_itk_reads_it(tmp_path: Path, dtype: str) -> None:
    voxels = np.random.default_rng(1).integers(0, 100, (5, 7, 3)).astype(dtype)
    file = tmp_path / "a.nii.gz"
    write_raster(file, voxels, AFFINE)
    assert read_voxels(file, voxels.shape) is not None
    found, affine = read_raster(file)
    assert found.dtype == np.dtype(dtype) and found.flags.writeable and found.flags.f_contiguous
    np.testing.assert_array_equal(found, by_itk(file))
    np.testing.assert_allclose(affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize("how", ["scaled", "big-endian", "four axes"])
def test_what_is_stored_otherwise_is_left_to_itk(tmp_path: Path, how: str) -> None:
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
    assert read_voxels(file, voxels.shape) is None
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

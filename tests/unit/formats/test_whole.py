"""A damaged file is refused in every format, with the bytes expected and found."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.seg_nrrd import write_seg_nrrd
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

VOXELS = np.random.default_rng(5).integers(1, 1000, (20, 18, 10)).astype(np.int16)
BYTES = VOXELS.nbytes
WHERE = {
    "a.nii": "a.nii", "a.hdr": "a.img", "a.img": "a.img", "raw.nrrd": "raw.nrrd", "gzip.nrrd": "gzip.nrrd",
    "raw.nhdr": "raw.raw", "gzip.nhdr": "gzip.raw.gz", "raw.mha": "raw.mha", "zlib.mha": "zlib.mha",
    "raw.mhd": "raw.raw", "zlib.mhd": "zlib.zraw",
}  # fmt: skip


def written(folder: Path, name: str) -> Path:
    """The file with the header; beside it lies the one of `WHERE` with the voxels."""
    if name in ("a.hdr", "a.img"):
        nib.save(nib.Nifti1Pair(VOXELS, np.eye(4)), folder / "a.hdr")
    else:
        image = sitk.GetImageFromArray(VOXELS.transpose(2, 1, 0))
        sitk.WriteImage(image, str(folder / name), useCompression=name.startswith(("gzip", "zlib")))
    np.testing.assert_array_equal(Volume.read(folder / name).voxels, VOXELS)
    return folder / name


@pytest.mark.parametrize("name", WHERE)
def test_a_file_that_is_cut_off_is_refused_with_its_bytes(tmp_path: Path, name: str) -> None:
    header = written(tmp_path, name)
    body = tmp_path / WHERE[name]
    body.write_bytes(body.read_bytes()[:-1500])
    with pytest.raises(CaseError, match=r"cut off: it has \d+ bytes, but its header requires \d+") as error:
        Volume.read(header)
    expected = BYTES + 352 if name == "a.nii" else BYTES
    assert f"its header requires {expected}" in str(error.value)
    assert WHERE[name] in str(error.value)
    assert name in str(error.value)
    assert "No such file" not in str(error.value)
    with pytest.raises(CaseError, match="cut off"):
        Roi.read(header)


def test_a_compressed_nifti_that_is_cut_off_says_how_far_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "a.nii.gz"
    file.write_bytes(gzip.compress(nib.Nifti1Image(VOXELS, np.eye(4)).to_bytes()[:3000]))
    with pytest.raises(CaseError, match=f"cut off: it has 3000 bytes, but its header requires {BYTES + 352}"):
        Volume.read(file)


@pytest.mark.parametrize("name", WHERE)
def test_a_file_that_is_longer_than_its_header_says_is_refused(tmp_path: Path, name: str) -> None:
    header = written(tmp_path, name)
    body = tmp_path / WHERE[name]
    body.write_bytes(body.read_bytes() + b"x" * 50)
    with pytest.raises(CaseError, match=r"longer than its header says: it has \d+ bytes, but \d+ are expected"):
        Volume.read(header)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "raw.nrrd", "raw.mha"])
def test_an_empty_file_is_refused_as_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(CaseError, match="0 bytes"):
        Volume.read(tmp_path / name)


def test_a_compressed_file_that_is_cut_off_within_its_header_is_refused_as_cut_off(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(VOXELS, np.eye(4)), tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:40])
    with pytest.raises(CaseError, match=r"cut off or damaged within its header \(it has 40 compressed bytes"):
        Volume.read(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(("name", "key"), [("raw.mha", b"ElementSpacing"), ("raw.nrrd", b"space directions")])
def test_a_header_without_a_voxel_size_is_refused_in_every_format(tmp_path: Path, name: str, key: bytes) -> None:
    file = written(tmp_path, name)
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join(line for line in lines if not line.startswith(key)))
    with pytest.raises(CaseError, match="gives no voxel size"):
        Volume.read(file)


def test_a_size_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "raw.mha")
    file.write_bytes(file.read_bytes().replace(b"DimSize = 20 18 10", b"DimSize = 20 18 99"))
    with pytest.raises(CaseError, match=f"it has {BYTES} bytes, but its header requires {20 * 18 * 99 * 2}"):
        Volume.read(file)


def test_a_segmentation_of_slicer_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.seg.nrrd"
    mask = VOXELS > 500
    write_seg_nrrd(file, {"Tumor": mask}, np.eye(4))
    assert Roi.read(file).voxel_count == mask.sum()
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(CaseError, match=r"cut off: it has \d+ bytes, but its header requires 3600"):
        Roi.read(file)


def test_an_analyze_file_is_refused(tmp_path: Path) -> None:
    nib.save(nib.AnalyzeImage(VOXELS, np.eye(4)), tmp_path / "a.hdr")
    with pytest.raises(CaseError, match=r"Analyze 7.5 file, which does not distinguish left from right"):
        Volume.read(tmp_path / "a.hdr")

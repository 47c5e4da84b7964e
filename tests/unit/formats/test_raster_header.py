"""What a raster's header says is checked before its voxels are read: sizes, places, files beside it, a slope."""

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.raster import read_grid
from radstudy.imaging.volume import Volume

VOXELS = np.random.default_rng(5).integers(1, 1000, (20, 18, 10)).astype(np.int16)


def written(folder, name):
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS.transpose(2, 1, 0)), str(folder / name))
    return folder / name


def replaced(file, old, new):
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))
    return file


@pytest.mark.parametrize("way", ["absolute", "parent", "share", "link", "list", "pattern"])
@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
def test_a_header_that_names_a_file_outside_its_folder_is_refused(tmp_path, name, way):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    header = written(inside, name)
    data = (inside / "a.raw").rename(outside / "a.raw")
    (outside / "a1.raw").write_bytes(data.read_bytes())
    if way == "link":
        (inside / "a.raw").symlink_to(data)
    named = {
        "absolute": str(data), "parent": "../out/a.raw", "share": r"\\server\share\a.raw", "link": "a.raw",
        "list": "LIST\n../out/a.raw", "pattern": "../out/a%d.raw 1 1 1",
    }[way]  # fmt: skip
    lines = [line for line in header.read_text().splitlines() if "a.raw" not in line]
    key = "ElementDataFile = " if name == "a.mhd" else "data file: "
    header.write_text("\n".join([*lines, f"{key}{named}", ""]))
    with pytest.raises(CaseError, match="names a file outside its folder") as error:
        Volume.read(header)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("name", "line"), [("a.mha", b"Offset"), ("a.mha", b"TransformMatrix"), ("a.nrrd", b"space origin")]
)
def test_a_header_without_a_place_is_refused(tmp_path, name, line):
    file = written(tmp_path, name)
    lines = file.read_bytes().split(b"\n")
    file.write_bytes(b"\n".join(part for part in lines if not part.startswith(line)))
    with pytest.raises(CaseError, match="gives no position"):
        Volume.read(file)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.mha", b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix = 1 0 0 0 1 0 0 0 1terOf"),
        # ITK's reader does not come back from this one
        ("a.mha", b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix = 1 0 0 1e308 1 0 0 0 1"),
        ("a.nrrd", b"space origin: (0,0,0)", b"space origin: (0,0,1e308)"),
        ("a.mha", b"Offset = 0 0 0", b"Offset = 0 nan 0"),
        ("a.mha", b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1"),
        ("a.mha", b"BinaryData = True", b"BinaryData = Tr\x00e"),
        ("a.nrrd", b"space origin: (0,0,0)", b"space origin: (0,0,inf)"),
        ("a.nrrd", b"sizes: 20 18 10", b"sizes: 20 18 10 1"),
    ],
)
def test_a_damaged_line_of_a_header_is_refused_with_its_value(tmp_path, name, old, new):
    file = replaced(written(tmp_path, name), old, new)
    with pytest.raises(CaseError, match=r"cannot be read as an image: its header gives"):
        Volume.read(file)


def test_a_detached_file_in_a_folder_below_the_header_is_read(tmp_path):
    header = written(tmp_path, "a.mhd")
    (tmp_path / "voxels").mkdir()
    (tmp_path / "a.raw").rename(tmp_path / "voxels" / "a.raw")
    replaced(header, b"ElementDataFile = a.raw", b"ElementDataFile = voxels/a.raw")
    np.testing.assert_array_equal(Volume.read(header).voxels, VOXELS)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
def test_an_image_beyond_the_bound_is_refused_until_the_bound_is_raised(tmp_path, monkeypatch, name):
    file = written(tmp_path, name)
    monkeypatch.setenv("RADSTUDY_MAX_IMAGE_GB", "0.000005")
    with pytest.raises(CaseError, match=r"at most 5e-06 GB are read.*RADSTUDY_MAX_IMAGE_GB"):
        Volume.read(file)
    monkeypatch.setenv("RADSTUDY_MAX_IMAGE_GB", "0.1")
    np.testing.assert_array_equal(Volume.read(file).voxels, VOXELS)


def test_compressed_content_is_read_to_a_little_more_than_the_header_asks_for(tmp_path):
    file = tmp_path / "a.nii.gz"
    file.write_bytes(gzip.compress(nib.Nifti1Image(VOXELS, np.eye(4)).to_bytes() + bytes(50 << 20)))
    with pytest.raises(CaseError, match="longer than its header says: it unpacks to more than"):
        Volume.read(file)


def test_a_compressed_nifti_of_several_streams_is_read_whole(tmp_path):
    raw = nib.Nifti1Image(VOXELS, np.eye(4)).to_bytes()
    file = tmp_path / "a.nii.gz"
    file.write_bytes(b"".join(gzip.compress(raw[at : at + 1000]) for at in range(0, len(raw), 1000)))
    np.testing.assert_array_equal(Volume.read(file).voxels, VOXELS)


@pytest.mark.parametrize("offset", [np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_that_begin_nowhere_are_refused(tmp_path, suffix, offset):
    image = nib.Nifti1Image(VOXELS, np.eye(4))
    raw = bytearray(image.to_bytes())
    raw[108:112] = np.float32(offset).tobytes()
    file = tmp_path / f"a{suffix}"
    file.write_bytes(gzip.compress(bytes(raw)) if suffix == ".nii.gz" else bytes(raw))
    with pytest.raises(CaseError, match="the voxels begin at byte"):
        Volume.read(file)


@pytest.mark.parametrize(
    ("slope", "what"), [(1e300, "exceed the range of float32"), (1e-60, "different values become equal")]
)
def test_a_slope_that_no_value_survives_is_refused(tmp_path, slope, what):
    image = nib.Nifti2Image(VOXELS, np.eye(4))
    raw = bytearray(image.to_bytes())
    raw[176:192] = np.array([slope, 0.0]).tobytes()
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    with pytest.raises(CaseError, match=what):
        Volume.read(tmp_path / "a.nii")


@pytest.mark.parametrize("line", [b"x" * 5000, b"units: " + b"x" * 5000], ids=["no field", "a field"])
@pytest.mark.parametrize("look", ["read_grid", "read_raster"])
def test_a_long_line_of_a_header_does_not_end_the_process(tmp_path, look, line):
    file = replaced(written(tmp_path, "a.nrrd"), b"encoding: ", line + b"\nencoding: ")
    code = f"import sys; from radstudy.formats import raster; raster.{look}(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"a.nrrd: the file cannot be read as an image: its header has a line of {len(line)} ch" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no path as long")
@pytest.mark.parametrize("look", ["read_grid", "read_raster"])
def test_an_image_in_folders_with_long_names_is_read_and_a_damaged_one_refused(tmp_path, look):
    folder = tmp_path.joinpath(*["folder" * 20] * 9)
    folder.mkdir(parents=True)
    file = written(folder, "a.nrrd")
    np.testing.assert_array_equal(Volume.read(file).voxels, VOXELS)
    assert read_grid(file).shape == VOXELS.shape
    replaced(file, b"encoding: ", b"units: x\nencoding: ")  # which ITK refuses
    code = f"import sys; from radstudy.formats import raster; raster.{look}(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.nrrd: the file cannot be read" in done.stderr

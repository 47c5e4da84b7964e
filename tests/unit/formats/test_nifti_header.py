"""A header without a voxel size is refused: readers put 1 mm there and say nothing."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest

from radstudy.errors import CaseError
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

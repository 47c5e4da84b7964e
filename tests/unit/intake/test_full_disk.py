"""An import whose disk is full ends with a StorageError; what it has written is whole, and the next import goes on."""

import resource

import pytest

from radstudy import Volume
from radstudy.errors import StorageError


def test_a_full_disk_leaves_no_truncated_volume(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(size=(96, 96), slices=4), synthetic.dynamic(3))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, before[1]))
    try:
        with pytest.raises(StorageError, match=r"T2WI\.nii\.gz cannot be written.* make room"):
            imported(tmp_path / "in")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "out").rglob("*T2WI*"))
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    assert Volume.read(next((tmp_path / "out").rglob("T2WI.nii.gz"))).voxels.shape == (96, 96, 4)


def test_parts_of_a_killed_import_go_with_the_next(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in")
    (volume,) = (tmp_path / "out").rglob("T2WI.nii.gz")
    part = volume.parent / ".part-killed" / "DCE1.nii.gz"
    part.parent.mkdir()
    part.write_bytes(b"half a volume")
    imported(tmp_path / "in")
    assert not part.parent.exists()
    assert volume.is_file()

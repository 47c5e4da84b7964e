"""A disk that is full: the error says so, and no file lies under the final name that is not whole."""

import numpy as np
import pytest

from radstudy import Volume
from radstudy.demo import cohort
from radstudy.errors import StorageError
from radstudy.formats.raster import write_raster
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi
from unit.full_disk import full_at

VOXELS = np.random.default_rng(1).integers(0, 30_000, (64, 64, 40)).astype(np.int16)
FORMATS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("part", [0.0001, 0.3, 0.99])
def test_nothing_stays_of_a_file_that_did_not_fit(tmp_path, suffix, part):
    file = tmp_path / f"T2WI{suffix}"
    write_raster(file, VOXELS, np.eye(4))
    size = sum(written.stat().st_size for written in tmp_path.iterdir())
    for written in tmp_path.iterdir():
        written.unlink()
    with full_at(int(part * size)), pytest.raises(StorageError, match=f"T2WI{suffix} cannot be written"):
        write_raster(file, VOXELS, np.eye(4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_there_stays_where_the_new_file_does_not_fit(tmp_path, suffix):
    file = tmp_path / f"T2WI{suffix}"
    write_raster(file, VOXELS, np.eye(4))
    with full_at(20_000), pytest.raises(StorageError):
        write_raster(file, VOXELS[::-1], np.eye(4))
    np.testing.assert_array_equal(Volume.read(file).voxels, VOXELS)


def test_zeros_that_were_not_written_do_not_pass_for_zeros(tmp_path):
    with full_at(100_000), pytest.raises(StorageError):
        write_raster(tmp_path / "mask.nii", np.zeros((64, 64, 40), np.uint8), np.eye(4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("writer", ["image", "mask", "demo"])
def test_every_writer_of_images_tells(tmp_path, writer):
    file = tmp_path / "one.nii.gz"
    writers = {
        "image": lambda: Volume(VOXELS.astype(np.float32), np.eye(4)).write(file),
        "mask": lambda: write_rois(file, [Roi(VOXELS % 2 == 1, np.eye(4), "lesion")]),
        "demo": lambda: cohort._write(file, VOXELS, np.eye(4)),
    }
    with full_at(5_000), pytest.raises(StorageError, match=r"one\.nii\.gz cannot be written"):
        writers[writer]()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("voxels", [
    VOXELS, VOXELS > 15_000, VOXELS / np.float32(7), np.where(VOXELS > 29_000, np.nan, VOXELS), VOXELS[:, :, :1],
], ids=["int16", "bool", "float32", "float64 with NaN", "one slice"])  # fmt: skip
def test_what_fits_is_written_as_it_is(tmp_path, voxels):
    for suffix in FORMATS:
        write_raster(tmp_path / f"one{suffix}", voxels, np.diag([2.0, 2.0, 3.0, 1.0]))
        np.testing.assert_array_equal(Volume.read(tmp_path / f"one{suffix}").voxels, voxels)

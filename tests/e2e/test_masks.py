"""`radstudy mask`: what a file holds, and from one format into another."""

import numpy as np

from radstudy import Roi


def test_a_mask_is_listed_and_converted(command, real_data, tmp_path):
    samples = real_data / "seg_samples" / "dcmqi"
    listed = command("mask", "list", samples / "partial_overlaps.dcm", check=0).stdout.splitlines()
    assert listed == ["1\tGREEN", "2\tORANGE", "3\tPURPLE", "4\tLIGHT_BLUE", "5\tDARK_BLUE"]
    out, image = tmp_path / "two.seg.nrrd", samples / "partial_overlaps-1.nrrd"
    command("mask", "convert", samples / "partial_overlaps.dcm", out, "--image", image,
            "--label", "GREEN", "--label", "5", check=0)  # fmt: skip
    for name in ("GREEN", "DARK_BLUE"):
        again = Roi.read(samples / "partial_overlaps.dcm", name)
        np.testing.assert_array_equal(Roi.read(out, name).mask, again.mask)
    failed = command("mask", "convert", samples / "partial_overlaps.dcm", out, "--image", image, check=4)
    assert "5 segments (1 'GREEN'" in failed.stderr and "Traceback" not in failed.stderr
    command("mask", "convert", samples / "liver.dcm", tmp_path / "m.dcm", "--image", image, check=2)

"""A sarcoma's T1 and fat-saturated T2 with a contour on each: the mask of one lands on the other's."""

import numpy as np
import pytest

from radstudy.imaging.masks.transfer import transfer_mask
from radstudy.imaging.registration import fit_rigid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@pytest.fixture(scope="module")
def pair(real_data):
    folder = real_data / "sts_t1_t2_pair"
    images = [Volume.read(folder / f"MR_{name}_image.nii.gz") for name in ("T1", "T2")]
    return *images, *[Roi.read(folder / f"MR_{name}_GTV_Mass.nii.gz") for name in ("T1", "T2")]


def dice(a, b):
    return 2 * (a.mask & b.mask).sum() / (a.mask.sum() + b.mask.sum())


@pytest.mark.parametrize("partial_volume", [None, 0.5])
def test_oblique_grids_are_placed_by_the_scanners_coordinates(pair, partial_volume):
    t1, t2, on_t1, on_t2 = pair
    there = transfer_mask(on_t1, None, t2, partial_volume=partial_volume)
    back = transfer_mask(on_t2, None, t1, partial_volume=partial_volume)
    assert dice(there.roi, on_t2) > 0.99
    assert dice(back.roi, on_t1) > 0.99
    assert abs(there.volume_change_percent) < 0.1
    assert there.roi.volume_mm3 == pytest.approx(364_900, rel=2e-3)


def test_the_rigid_fit_stays_where_the_scanner_was_right(pair):
    t1, t2, on_t1, on_t2 = pair
    carried = transfer_mask(on_t1, t1, t2)
    assert carried.warnings == ()
    assert np.linalg.norm(carried.shift_mm) < 1.0
    assert carried.rotation_degrees < 1.0
    assert dice(carried.roi, on_t2) > 0.97


def test_a_shift_of_the_header_is_found_again(pair):
    """The image ends 8 mm beyond the lesion, in 5.2 mm slices: little to hold on to, hence a millimetre here."""
    t1, t2, on_t1, _ = pair
    moved = t2.affine.copy()
    moved[:3, 3] += [2, -1, 1.5]
    still, fit = fit_rigid(t2, t1, on_t1), fit_rigid(Volume(t2.voxels, moved), t1, on_t1)
    np.testing.assert_allclose(fit.rigid.shift_mm - still.rigid.shift_mm, [2, -1, 1.5], atol=1.0)
    assert fit.information_after > fit.information_before

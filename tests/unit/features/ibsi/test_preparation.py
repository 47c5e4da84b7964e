from __future__ import annotations

import numpy as np
import pytest

from radstudy import Roi, Volume
from radstudy.errors import CaseError
from radstudy.features.ibsi.preparation import prepare
from radstudy.features.ibsi.settings import IbsiSettings

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])


def case(shape=(6, 5, 4)):
    ramp = np.add.outer(
        np.add.outer(np.arange(shape[0]) * 1.0, np.arange(shape[1]) * 20.0), np.arange(shape[2]) * 300.0
    )
    mask = np.zeros(shape, dtype=bool)
    mask[1:5, 1:4, 1:3] = True
    return Volume(ramp, AFFINE), Roi(mask, AFFINE)


def test_nothing_is_done_by_default():
    volume, roi = case()
    lesion = prepare(volume, roi, IbsiSettings())
    assert lesion.initial is lesion.interpolated
    np.testing.assert_array_equal(lesion.resegmented.image, volume.voxels.transpose(2, 1, 0))
    assert lesion.resegmented.spacing_mm == (3.0, 2.0, 1.0)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_ramp_stays_a_ramp_around_the_same_centre(interpolation):
    volume, roi = case((12, 10, 8))
    settings = IbsiSettings(spacing_mm=(0.5, 1.0, 1.5), interpolation=interpolation)
    stage = prepare(volume, roi, settings).interpolated
    assert stage.image.shape == (16, 20, 24)
    z, y, x = np.meshgrid(
        *[np.arange(n) * mm for n, mm in zip((16, 20, 24), (1.5, 1.0, 0.5), strict=True)], indexing="ij"
    )
    truth = (x - 0.25) + 20 * (y / 2 - 0.25) + 300 * (z / 3 - 0.25)
    inner = (slice(6, -6),) * 3 if interpolation == "cubic" else (slice(2, -2),) * 3
    np.testing.assert_allclose(stage.image[inner], truth[inner], atol=1.0 if interpolation == "cubic" else 1e-9)
    assert stage.image.mean() == pytest.approx(volume.voxels.mean())


def test_a_mask_keeps_its_volume_when_voxels_are_halved():
    volume, roi = case()
    stage = prepare(volume, roi, IbsiSettings(spacing_mm=(0.5, 1.0, 1.5), mask_threshold=0.5)).interpolated
    assert stage.morphological_mask.sum() * 0.75 == pytest.approx(roi.volume_mm3, rel=0.15)


def test_by_slice_keeps_the_slices():
    volume, roi = case()
    stage = prepare(volume, roi, IbsiSettings(by_slice=True, spacing_mm=(0.5, 0.5, 0.5))).interpolated
    assert stage.spacing_mm == (3.0, 0.5, 0.5)
    assert stage.image.shape == (4, 20, 12)


def test_zero_keeps_an_axis_and_the_old_spacing_changes_nothing():
    volume, roi = case()
    kept = prepare(volume, roi, IbsiSettings(spacing_mm=(0, 2.0, 0))).interpolated
    np.testing.assert_allclose(kept.image, volume.voxels.transpose(2, 1, 0))
    np.testing.assert_array_equal(kept.morphological_mask, roi.mask.transpose(2, 1, 0))


def test_resegmentation_leaves_the_form_alone_and_both_limits_hold():
    volume, roi = case()
    values = volume.voxels[roi.mask]
    low, high = values.mean() - values.std(), values.mean() + values.std()
    stage = prepare(volume, roi, IbsiSettings(resegment_range=(0.0, 500.0), resegment_sigma=1.0)).resegmented
    kept = values[(values >= low) & (values <= min(high, 500.0))]
    np.testing.assert_array_equal(np.sort(stage.values), np.sort(kept))
    assert stage.morphological_mask.sum() == roi.voxel_count


def test_a_lesion_that_vanishes_says_where():
    volume, roi = case()
    with pytest.raises(CaseError, match=r"-9 \.\.\. -5 leaves none of 24 voxels"):
        prepare(volume, roi, IbsiSettings(resegment_range=(-9.0, -5.0)))
    corner = np.zeros_like(roi.mask)
    corner[0, 0, 0] = True
    with pytest.raises(CaseError, match="from 1 x 2 x 3 to 3 x 5 x 6 mm leaves no voxel of the mask"):
        prepare(volume, Roi(corner, AFFINE), IbsiSettings(spacing_mm=(3.0, 5.0, 6.0)))


def test_an_empty_mask_and_values_that_are_not_finite():
    volume, roi = case()
    with pytest.raises(CaseError, match="the mask is empty"):
        prepare(volume, Roi(roi.mask & False, AFFINE), IbsiSettings())
    hole = volume.voxels.copy()
    hole[0, 0, 0] = np.nan
    prepare(Volume(hole, AFFINE), roi, IbsiSettings())  # outside, and not needed
    for settings in ({"spacing_mm": (1.0, 1.0, 1.0)}, {}):
        with pytest.raises(CaseError, match="1 required intensities are not finite"):
            prepare(Volume(hole, AFFINE), roi, IbsiSettings(**settings), whole_image=not settings)

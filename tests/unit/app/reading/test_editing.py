"""Smoothing, islands, holes and growing: on shapes whose result is known."""

import numpy as np
import pytest

from radstudy.app.reading.editing import grown, largest_piece, smoothed, without_holes, without_islands
from radstudy.errors import UsageError


def ball(shape, centre, radius_mm, spacing):
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.linalg.norm((grid - centre) * spacing, axis=-1) <= radius_mm


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 0.7, 3)])
def test_smoothing_keeps_a_ball_and_takes_a_spike(spacing):
    whole = ball((40, 40, 24), (20, 20, 12), 9, spacing)
    spiky = whole.copy()
    spiky[20, 0:40, 12] = True
    result = smoothed(spiky, spacing, 1.5)
    assert not result[20, :4, 12].any()
    assert 2 * (result & whole).sum() / (result.sum() + whole.sum()) > 0.95


def test_smoothing_by_slices_leaves_other_slices_alone():
    mask = np.zeros((30, 30, 5), bool)
    mask[8:22, 8:22, 2] = True
    result = smoothed(mask, (1, 1, 4), 2, axis=2)
    assert result[:, :, 2].any() and not result[:, :, [0, 1, 3, 4]].any()
    assert not result[8, 8, 2] and result[15, 8, 2]  # corners are rounded, sides stay


@pytest.mark.parametrize("width", [0, -1, 21, float("nan")])
def test_a_width_that_smooths_nothing_or_all_is_refused(width):
    with pytest.raises(UsageError, match="20 mm"):
        smoothed(np.ones((3, 3, 3), bool), (1, 1, 1), width)


def test_smoothing_an_empty_mask_gives_an_empty_one():
    assert not smoothed(np.zeros((5, 5, 5), bool), (1, 1, 1), 1).any()


def test_islands_go_by_their_size_and_touching_corners_do_not_join():
    mask = np.zeros((12, 12, 4), bool)
    mask[1:5, 1:5, 1:3] = True  # 32 voxels
    mask[5, 5, 3] = True  # touches it by a corner alone
    mask[9:11, 9:11, 0] = True  # 4 voxels
    assert without_islands(mask, 4).sum() == 36 and without_islands(mask, 5).sum() == 32
    assert without_islands(mask, 1).sum() == mask.sum()
    assert largest_piece(mask).sum() == 32
    with pytest.raises(UsageError):
        without_islands(mask, 0)


def test_holes_are_filled_in_their_slices_alone():
    mask = np.zeros((9, 9, 3), bool)
    mask[2:7, 2:7, 1] = True
    mask[4, 4, 1] = False
    mask[4, 3:6, 2] = True
    filled = without_holes(mask, 2)
    assert filled[4, 4, 1] and filled.sum() == mask.sum() + 1
    assert (without_holes(mask, 0) == mask).all()  # seen from the side it is a gap, not a hole


def test_growing_stays_within_intensities_box_and_connection():
    voxels = np.zeros((20, 20, 6), np.float32)
    voxels[4:9, 4:9, 1:5] = 100
    voxels[12:15, 12:15, 2] = 100  # as bright, not connected
    voxels[9:20, 6, 2] = 90  # a vessel that leaves the lesion
    box = [(2, 10), (2, 10), (0, 5)]
    result = grown(voxels, (6, 6, 2), 80, 120, box)
    assert result.sum() == 5 * 5 * 4 + 2 and not result[11:].any()
    assert grown(voxels, (6, 6, 2), 95, 120, box).sum() == 100
    with pytest.raises(UsageError, match="inside the box"):
        grown(voxels, (15, 6, 2), 80, 120, box)
    with pytest.raises(UsageError, match="has 0, which is not between 80 and 120"):
        grown(voxels, (3, 3, 0), 80, 120, box)

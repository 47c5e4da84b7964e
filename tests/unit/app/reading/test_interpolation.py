"""Interpolation between drawn slices: shapes whose slices between are known, and what it leaves alone."""

import numpy as np
import pytest

from radstudy.app.reading.interpolation import interpolated


def disc(centre, radius, size=40):
    i, j = np.ogrid[:size, :size]
    return (i - centre[0]) ** 2 + (j - centre[1]) ** 2 <= radius**2


def stack(slices, drawn):
    mask = np.zeros((40, 40, len(slices)), bool)
    for number in drawn:
        mask[:, :, number] = slices[number]
    return mask


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cone_that_moves_is_itself_between_its_slices(axis):
    slices = [disc((12 + number, 15 + 0.5 * number), 4 + number) for number in range(9)]
    whole = np.moveaxis(stack(slices, range(9)), 2, axis)
    sparse = np.moveaxis(stack(slices, (0, 4, 8)), 2, axis)
    result = interpolated(sparse, axis, (1, 1, 1))
    assert dice(result, whole) > 0.97
    for number in (0, 4, 8):
        np.testing.assert_array_equal(np.moveaxis(result, axis, 2)[:, :, number], slices[number])


def test_a_lesion_that_moves_by_more_than_its_width_stays_one():
    slices = [disc((12 + 3 * number, 20), 4) for number in range(4)]
    assert not (slices[0] & slices[3]).any()
    assert dice(interpolated(stack(slices, (0, 3)), 2, (1, 1, 1)), stack(slices, range(4))) > 0.95


def test_two_pieces_that_become_one_fill_the_slices_between():
    two, one = disc((12, 12), 5) | disc((28, 28), 5), disc((20, 20), 14)
    result = interpolated(stack([two, two, one], (0, 2)), 2, (1, 1, 1))
    assert two.sum() * 0.6 < result[:, :, 1].sum() < one.sum()


def test_a_piece_without_a_partner_ends_half_way():
    lone = disc((10, 10), 4)
    result = interpolated(stack([lone, lone, lone, lone, disc((32, 32), 4)], (0, 4)), 2, (1, 1, 1))
    assert not result[:16, :16, 2:4].any() and 0 < result[:16, :16, 1].sum() < lone.sum()


def test_a_slice_that_is_drawn_empty_ends_the_lesion():
    mask = stack([disc((20, 20), 6)] * 5, (0, 4))
    assert interpolated(mask, 2, (1, 1, 1))[:, :, 2].any()
    ended = interpolated(mask, 2, (1, 1, 1), drawn=(0, 2, 4))
    assert not ended[:, :, 2].any()


def test_nothing_is_added_outside_the_drawn_slices_or_beside_neighbours():
    mask = stack([disc((20, 20), 6)] * 6, (2, 3))
    np.testing.assert_array_equal(interpolated(mask, 2, (1, 1, 1)), mask)
    empty = np.zeros((5, 5, 5), bool)
    assert not interpolated(empty, 2, (1, 1, 1)).any()


def test_spacing_within_the_slice_counts():
    wide = np.zeros((40, 40, 3), bool)
    wide[10:30, 18:22, 0] = True
    wide[18:22, 10:30, 2] = True
    square, long = (interpolated(wide, 2, spacing)[:, :, 1] for spacing in ((1, 1, 4), (1, 5, 4)))
    assert (square == square.T).all() and not (long == long.T).all()

"""Contours to voxels: holes, islands, oblique slices, and what is refused."""

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from radstudy.errors import CaseError
from radstudy.imaging.masks.contours import draw_contours
from radstudy.imaging.volume import Volume

TILT = np.deg2rad(17.0)
OBLIQUE = np.array([[-1.5, 0, 0, 12], [0, -1.5 * np.cos(TILT), 4 * np.sin(TILT), -3],
                    [0, 1.5 * np.sin(TILT), 4 * np.cos(TILT), 40], [0, 0, 0, 1]])  # fmt: skip


@pytest.fixture
def image():
    return Volume(np.zeros((40, 36, 7), np.float32), OBLIQUE)


def drawn(volume, k, points):
    """Points given in voxel indices of slice k, in RAS."""
    flat = np.asarray(points, float)
    return np.column_stack([flat, np.full(len(flat), k), np.ones(len(flat))]) @ volume.affine.T[:, :3]


def square(low, high):
    return [(low, low), (high, low), (high, high), (low, high)]


def test_random_polygons_are_filled_as_matplotlib_fills_them(image):
    rng = np.random.default_rng(4)
    for _ in range(20):
        angle = np.sort(rng.uniform(0, 2 * np.pi, 25))
        radius = rng.uniform(3, 15, 25)
        points = np.column_stack([19.3 + radius * np.cos(angle), 17.1 + radius * np.sin(angle)])
        ours = draw_contours([drawn(image, 3, points)], image.grid).mask
        centres = np.argwhere(np.ones((40, 36), bool))
        theirs = Polygon(np.vstack([points, points[:1]]), closed=True).contains_points(centres).reshape(40, 36)
        np.testing.assert_array_equal(ours[:, :, 3], theirs)
        assert ours.sum() == theirs.sum() > 0


def test_a_contour_within_a_contour_is_a_hole_and_within_that_an_island(image):
    rings = [drawn(image, 2, square(low + 0.5, high + 0.5)) for low, high in ((2, 32), (8, 26), (14, 20))]
    mask = draw_contours(rings, image.grid).mask
    assert mask.sum() == 30**2 - 18**2 + 6**2
    assert mask[5, 5, 2] and not mask[10, 10, 2] and mask[17, 17, 2]


def test_pieces_side_by_side_that_share_an_edge_neither_overlap_nor_leave_a_gap(image):
    left = drawn(image, 1, [(3, 3), (11, 3), (11, 20), (3, 20)])
    right = drawn(image, 1, [(11, 3), (19, 3), (19, 20), (11, 20)])
    whole = drawn(image, 1, [(3, 3), (19, 3), (19, 20), (3, 20)])
    np.testing.assert_array_equal(
        draw_contours([left, right], image.grid).mask, draw_contours([whole], image.grid).mask
    )


def test_a_hole_by_keyhole_is_a_hole(image):
    keyhole = [(2.5, 2.5), (30.5, 2.5), (30.5, 30.5), (2.5, 30.5), (2.5, 10.2),
               (10.5, 10.2), (10.5, 20.5), (20.5, 20.5), (20.5, 10.2), (10.5, 10.2), (2.5, 10.2)]  # fmt: skip
    assert draw_contours([drawn(image, 5, keyhole)], image.grid).mask.sum() == 28**2 - 10 * 10


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda v: [drawn(v, 2.5, square(3, 9))], "between slices .at 3.50"),
        (lambda v: [drawn(v, k, square(3, 9)) for k in (0, 2, 4, 6)], "2 slices apart"),
        (lambda v: [drawn(v, 9, square(3, 9))], "slice 10, but the image has 7 slices"),
        (lambda v: [drawn(v, 2, square(30, 50))], "outside the image"),
        (lambda v: [drawn(v, 2, square(3.2, 3.6))], "no voxel's centre"),
        (lambda v: [drawn(Volume(v.voxels, np.diag([1.5, 1.5, 4, 1])), 2, square(3, 9))], "tilted"),
    ],
)
def test_contours_that_do_not_fit_the_image_are_refused_by_name(image, make, says):
    with pytest.raises(CaseError, match=says):
        draw_contours(make(image), image.grid)


def test_contours_between_and_beyond_slices_go_to_the_nearest_where_asked(image):
    every_other = [drawn(image, k, square(3.5, 3.5 + size)) for k, size in ((1, 4), (3, 6), (5, 8))]
    areas = draw_contours(every_other, image.grid, resample=True).mask.sum(axis=(0, 1)).tolist()
    assert [areas[1], areas[3], areas[5]] == [16, 36, 64]
    assert areas[2] in (16, 36) and areas[4] in (36, 64)
    assert draw_contours([drawn(image, 2.3, square(3.5, 7.5))], image.grid, resample=True).mask[:, :, 2].sum() == 16


def disc(centre, radius, points=180):
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.column_stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)])


def inside(centre, radius):
    """Voxels whose centre lies in a disc, on a slice of the image."""
    i, j = np.meshgrid(np.arange(40), np.arange(36), indexing="ij")
    return (i - centre[0]) ** 2 + (j - centre[1]) ** 2 < radius**2


@pytest.mark.parametrize("apart", [0.0, 0.05 / 1.5, 0.2])
def test_a_contour_that_was_exported_twice_counts_once(image, apart):
    once = disc((18.3, 17.6), 9.4)
    again = np.roll(once, 40, axis=0) + apart * np.array([0.6, 0.8])
    mask = draw_contours([drawn(image, 3, once), drawn(image, 3, again)], image.grid).mask
    np.testing.assert_array_equal(mask[:, :, 3], inside((18.3, 17.6), 9.4))


def test_a_contour_drawn_twice_with_other_points_in_another_direction_counts_once(image):
    once, again = disc((18.3, 17.6), 9.4, 180), disc((18.3, 17.6), 9.4, 97)[::-1]
    mask = draw_contours([drawn(image, 3, once), drawn(image, 3, again)], image.grid).mask
    np.testing.assert_array_equal(mask[:, :, 3], inside((18.3, 17.6), 9.4))


def test_a_ring_exported_twice_keeps_its_hole(image):
    rings = [drawn(image, 2, square(low + 0.5, high + 0.5)) for low, high in ((2, 32), (8, 26))] * 2
    assert draw_contours(rings, image.grid).mask.sum() == 30**2 - 18**2


def test_pieces_that_overlap_in_part_are_joined_and_the_overlap_is_inside(image):
    one, other = (13.2, 17.4), (21.1, 17.9)
    mask = draw_contours([drawn(image, 3, disc(one, 8.3)), drawn(image, 3, disc(other, 8.3))], image.grid).mask
    np.testing.assert_array_equal(mask[:, :, 3], inside(one, 8.3) | inside(other, 8.3))


def test_a_hole_in_one_of_two_joined_pieces_stays_a_hole(image):
    shapes = [square(2.5, 20.5), square(15.5, 30.5), square(5.5, 9.5)]
    mask = draw_contours([drawn(image, 3, shape) for shape in shapes], image.grid).mask
    assert mask.sum() == 18**2 + 15**2 - 5**2 - 4**2


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ([square(2.5, 30.5), [(2.5 - 1, 8.5), (22.5, 8.5), (22.5, 20.5), (2.5 - 1, 20.5)]],
         "slice 4: a contour of 252 voxels lies inside another one except for 12 of them"),
        ([square(0.5, 34.5), square(4.5, 16.5), square(10.5, 26.5)], "lie within another one overlap in part"),
    ],
)  # fmt: skip
def test_what_may_be_a_hole_or_a_piece_is_refused(image, shapes, says):
    with pytest.raises(CaseError, match=says):
        draw_contours([drawn(image, 3, shape) for shape in shapes], image.grid)


def test_pieces_of_one_slice_at_heights_that_differ_by_rounding_are_all_taken(image):
    pieces = [drawn(image, 2.32, square(3.5, 7.5)), drawn(image, 2.29, square(12.5, 15.5))]
    assert draw_contours(pieces, image.grid, resample=True).mask[:, :, 2].sum() == 16 + 9

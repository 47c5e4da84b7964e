"""Contours to voxels: holes, islands, oblique slices, and what is refused."""

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from radstudy.errors import CaseError
from radstudy.imaging.contours import fill_contours
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
        ours = fill_contours([drawn(image, 3, points)], image)
        centres = np.argwhere(np.ones((40, 36), bool))
        theirs = Polygon(np.vstack([points, points[:1]]), closed=True).contains_points(centres).reshape(40, 36)
        np.testing.assert_array_equal(ours[:, :, 3], theirs)
        assert ours.sum() == theirs.sum() > 0


def test_a_contour_within_a_contour_is_a_hole_and_within_that_an_island(image):
    rings = [drawn(image, 2, square(low + 0.5, high + 0.5)) for low, high in ((2, 32), (8, 26), (14, 20))]
    mask = fill_contours(rings, image)
    assert mask.sum() == 30**2 - 18**2 + 6**2
    assert mask[5, 5, 2] and not mask[10, 10, 2] and mask[17, 17, 2]


def test_pieces_side_by_side_that_share_an_edge_neither_overlap_nor_leave_a_gap(image):
    left = drawn(image, 1, [(3, 3), (11, 3), (11, 20), (3, 20)])
    right = drawn(image, 1, [(11, 3), (19, 3), (19, 20), (11, 20)])
    whole = drawn(image, 1, [(3, 3), (19, 3), (19, 20), (3, 20)])
    np.testing.assert_array_equal(fill_contours([left, right], image), fill_contours([whole], image))


def test_a_hole_by_keyhole_is_a_hole(image):
    keyhole = [(2.5, 2.5), (30.5, 2.5), (30.5, 30.5), (2.5, 30.5), (2.5, 10.2),
               (10.5, 10.2), (10.5, 20.5), (20.5, 20.5), (20.5, 10.2), (10.5, 10.2), (2.5, 10.2)]  # fmt: skip
    assert fill_contours([drawn(image, 5, keyhole)], image).sum() == 28**2 - 10 * 10


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda v: [drawn(v, 2.5, square(3, 9))], "between slices .at 3.50"),
        (lambda v: [drawn(v, k, square(3, 9)) for k in (0, 2, 4, 6)], "2 slices apart"),
        (lambda v: [drawn(v, 9, square(3, 9))], "slice 10, and the image has 7"),
        (lambda v: [drawn(v, 2, square(30, 50))], "outside the image"),
        (lambda v: [drawn(v, 2, square(3.2, 3.6))], "no voxel's centre"),
        (lambda v: [drawn(Volume(v.voxels, np.diag([1.5, 1.5, 4, 1])), 2, square(3, 9))], "tilted"),
    ],
)
def test_contours_that_do_not_fit_the_image_are_refused_by_name(image, make, says):
    with pytest.raises(CaseError, match=says):
        fill_contours(make(image), image)


def test_contours_between_and_beyond_slices_go_to_the_nearest_where_asked(image):
    every_other = [drawn(image, k, square(3.5, 3.5 + size)) for k, size in ((1, 4), (3, 6), (5, 8))]
    areas = fill_contours(every_other, image, resample=True).sum(axis=(0, 1)).tolist()
    assert [areas[1], areas[3], areas[5]] == [16, 36, 64]
    assert areas[2] in (16, 36) and areas[4] in (36, 64)
    assert fill_contours([drawn(image, 2.3, square(3.5, 7.5))], image, resample=True)[:, :, 2].sum() == 16

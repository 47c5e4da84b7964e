"""A grid: where its voxels lie, and what differs between two."""

import itertools

import numpy as np
import pytest

from radstudy import Roi, Volume
from radstudy.errors import CaseError
from radstudy.formats.raster import affine_from_lps, itk_place, to_sitk
from radstudy.space.axes import (
    axes_to_left_back_head,
    ijk_of_zyx,
    lps_of_ras,
    map_between_frames,
    points_ras_of_lps,
    ras_of_lps,
    zyx_of_ijk,
)  # fmt: skip
from radstudy.space.grid import Grid

TURN = np.array([[np.cos(0.4), 0, -np.sin(0.4)], [0, 1, 0], [np.sin(0.4), 0, np.cos(0.4)]])
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = TURN * [0.9, 1.1, 4.0], [-20.0, 30.0, 5.0]


@pytest.fixture
def grid():
    return Grid((2, 3, 4), AFFINE)


def test_spacing_corners_and_inverse_are_those_of_the_affine(grid):
    np.testing.assert_allclose(grid.spacing_mm, [0.9, 1.1, 4.0], rtol=1e-14)
    expected = [AFFINE[:3, :3] @ index + AFFINE[:3, 3] for index in itertools.product((0, 1), (0, 2), (0, 3))]
    corners = sorted(map(tuple, np.round(grid.corners, 9)))
    np.testing.assert_allclose(corners, sorted(map(tuple, np.round(expected, 9))))
    np.testing.assert_allclose(grid.inverse @ [*(AFFINE[:3, :3] @ [1, 2, 3] + AFFINE[:3, 3]), 1], [1, 2, 3, 1])
    assert str(grid) == "2 x 3 x 4 voxels of 0.9 x 1.1 x 4 mm, the first at (-20, 30, 5)"


def test_volume_and_mask_give_their_grid_with_its_file():
    volume = Volume(np.zeros((2, 3, 4), np.float32), AFFINE, source="t2.nii")
    roi = Roi(np.ones((2, 3, 4), bool), AFFINE, source="mask.nii")
    assert (volume.grid.shape, volume.grid.source) == ((2, 3, 4), "t2.nii") and roi.grid.source == "mask.nii"
    assert volume.grid.same_as(roi.grid)
    assert roi.on_grid_of(volume.grid).affine is volume.grid.affine


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a, ""),
        (lambda a: a + np.array([[0, 0, 0, 8e-4], [0] * 4, [0] * 4, [0] * 4]), ""),
        (lambda a: a + np.array([[0, 0, 0, 0.3], [0] * 4, [0] * 4, [0] * 4]),
         "its origin is (-19.7, 30, 5), the image's (-20, 30, 5) (RAS), 0.3 mm apart"),
        (lambda a: a @ np.diag([2, 1, 1, 1]), "its spacing is (1.8, 1.1, 4) mm, the image's (0.9, 1.1, 4) mm"),
    ],
)  # fmt: skip
def test_what_differs_is_said_in_words_and_by_how_much(grid, change, words):
    other = Grid((2, 3, 4), change(AFFINE))
    assert other.difference(grid) == words
    assert other.same_as(grid) is (not words)


def test_another_size_is_another_grid(grid):
    other = Grid((2, 3, 5), AFFINE)
    assert not other.same_as(grid)
    assert other.difference(grid) == "its size is (2, 3, 5) voxels, the image's (2, 3, 4)"


@pytest.mark.parametrize(
    ("shape", "affine", "says"),
    [
        ((2, 3), AFFINE, "needs voxels along three axes"),
        ((2, 0, 4), AFFINE, "needs voxels along three axes"),
        ((2, 3, 4), np.full((4, 4), np.nan), "not a finite 4 x 4"),
        ((2, 3, 4), np.zeros((4, 4)), "the voxel spacing is"),
        ((2, 3, 4), np.array([[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "not at right angles"),
    ],
)
def test_what_is_no_grid_is_refused(shape, affine, says):
    with pytest.raises(CaseError, match=says):
        Grid(shape, affine)


def test_frames_and_orders_change_as_itk_has_them():
    voxels = np.arange(24.0).reshape(2, 3, 4)
    image = to_sitk(voxels, AFFINE)
    for index in itertools.product((0, 1), (0, 2), (0, 3)):
        point = AFFINE[:3, :3] @ index + AFFINE[:3, 3]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), lps_of_ras(point), atol=1e-12)
        assert image.GetPixel(*index) == voxels[index] == zyx_of_ijk(voxels)[index[::-1]]
    np.testing.assert_array_equal(ijk_of_zyx(zyx_of_ijk(voxels)), voxels)
    np.testing.assert_allclose(affine_from_lps(*itk_place(AFFINE)), AFFINE, rtol=1e-15)
    np.testing.assert_array_equal(ras_of_lps(lps_of_ras(AFFINE)), AFFINE)


def test_a_map_between_points_is_the_same_in_either_frame():
    points = np.random.default_rng(1).normal(size=(5, 3))
    moved = points_ras_of_lps(points @ TURN.T)  # turned in LPS
    np.testing.assert_allclose(points_ras_of_lps(points) @ map_between_frames(TURN).T, moved, atol=1e-14)
    assert axes_to_left_back_head(np.eye(3)).tolist() == [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]

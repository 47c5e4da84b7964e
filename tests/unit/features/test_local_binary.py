from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from radstudy.features.kernels import local_binary as kernels
from radstudy.features.local_binary import UndefinedPatternError, icosphere, plane_patterns, space_patterns

BOX = ((0, 1), (1, 2), (1, 2))
PLANE = np.array([[[9, 1, 9], [1, 5, 1], [9, 9, 9]]], np.int16)  # four points: right 1, up 1, left 1, down 9


def code(method, *, image=PLANE, points=4, dtype=np.float64):
    (value,) = plane_patterns(image, BOX, axis=0, radius=1, points=points, method=method, dtype=dtype).ravel()
    return float(value)


def test_codes_by_hand():
    assert code("default") == 8.0  # the fourth point alone: bit 3
    assert code("ror") == 1.0
    assert code("uniform") == 1.0
    assert code("nri_uniform") == 1 + 0 * 4 + (4 - 3)
    assert code("var") == pytest.approx(np.var([1, 1, 1, 9]))


def test_many_changes_are_not_uniform():
    image = np.array([[[0, 9, 0], [1, 5, 1], [0, 9, 0]]], np.int16)
    assert code("uniform", image=image) == 5.0  # right 1, up 9, left 1, down 9: three changes
    assert code("nri_uniform", image=image) == 4 * 3 + 2
    assert code("default", image=image) == 2 + 8


def test_points_outside_the_image_are_zero():
    corner = plane_patterns(PLANE, ((0, 1), (0, 1), (0, 1)), axis=0, radius=1, points=4, method="default", dtype=float)
    assert corner.ravel().tolist() == [0.0]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_lie_across_the_axis(axis):
    volume = np.random.default_rng(1).integers(0, 20, (6, 7, 8))
    box = ((1, 5), (2, 6), (1, 7))
    whole = plane_patterns(volume, box, axis=axis, radius=1, points=8, method="default", dtype=float)
    one = tuple(slice(3, 4) if at == axis else slice(None) for at in range(3))
    own = tuple((0, 1) if at == axis else span for at, span in enumerate(box))
    alone = plane_patterns(volume[one], own, axis=axis, radius=1, points=8, method="default", dtype=float)
    at = 3 - box[axis][0]
    np.testing.assert_array_equal(whole.take([at], axis=axis), alone)


def test_codes_that_the_pixel_type_cannot_hold_are_refused():
    with pytest.raises(UndefinedPatternError, match="do not fit the image's pixel type, uint8"):
        code("default", image=np.full((1, 3, 3), 5, np.uint8), points=12, dtype=np.uint8)
    flat = np.full((1, 5, 5), 5, np.uint8)
    with pytest.raises(UndefinedPatternError, match="variance is 0"):
        plane_patterns(flat, ((0, 1), (2, 3), (2, 3)), axis=0, radius=1, points=4, method="var", dtype=np.uint8)


# --- in space ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("subdivision", "corners"), [(0, 12), (1, 42), (2, 162)])
def test_corners_of_the_sphere_lie_on_it_apart(subdivision, corners):
    points = icosphere(subdivision, 2.5)
    assert points.shape == (corners, 3)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 2.5)
    assert len(np.unique(points.round(9), axis=0)) == corners
    np.testing.assert_allclose(points.sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("radius", [1.0, 2.3, 7.0])
def test_samples_are_scipys_to_the_last_bit(radius):
    image = np.random.default_rng(2).normal(size=(9, 11, 10))
    voxels = np.argwhere(np.ones(image.shape, bool))
    points = icosphere(1, radius)
    expected = ndimage.map_coordinates(image, (voxels[None] + points[:, None]).T, order=3)
    spline = ndimage.spline_filter(image, order=3, mode="mirror")
    start, shape = np.zeros(3, int), np.array(image.shape)
    np.testing.assert_array_equal(kernels.sphere_samples(spline, start, shape, voxels, points), expected)


def test_a_bright_voxel_has_no_pattern_and_a_dark_one_the_whole_sphere():
    image = np.random.default_rng(3).normal(size=(7, 7, 7))
    image[3, 3, 3] = 50.0
    box, inside = ((3, 4), (3, 4), (3, 4)), np.ones((1, 1, 1), bool)
    options = {"levels": 2, "radius": 1.0, "subdivision": 1}
    first, second, _ = space_patterns(image, box, inside, **options)
    assert (first.item(), second.item()) == (0.0, 0.0)
    image[3, 3, 3] = -50.0
    first, second, kurtosis = space_patterns(image, box, inside, **options)
    assert first.item() == pytest.approx(np.sqrt(42) * 42 / (4 * np.pi))  # 42 points, Y(0, 0) squared
    assert np.isfinite([second.item(), kurtosis.item()]).all()


def test_far_voxels_do_not_matter():
    image = np.random.default_rng(4).normal(size=(5, 6, 300))
    box, inside = ((1, 4), (1, 5), (140, 146)), np.ones((3, 4, 6), bool)
    options = {"levels": 3, "radius": 1.5, "subdivision": 1}
    whole = space_patterns(image, box, inside, **options)
    cropped = space_patterns(image[:, :, 60:230], (*box[:2], (80, 86)), inside, **options)
    np.testing.assert_allclose(whole, cropped, rtol=1e-9, atol=1e-9)  # places round otherwise


def test_equal_samples_have_no_kurtosis():
    flat = np.full((9, 9, 9), 7, np.int16)
    *_, kurtosis = space_patterns(flat, ((4, 5),) * 3, np.ones((1, 1, 1), bool), levels=1, radius=1.0, subdivision=0)
    assert np.isnan(kurtosis.item())

"""Carrying a mask to another image: a known motion is found again, and nothing doubtful is used in silence."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from radstudy.errors import CaseError
from radstudy.imaging.masks.transfer import transfer_mask
from radstudy.imaging.registration import Rigid, fit_rigid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

FINE = np.array([[-1.0, 0, 0, 50], [0, -1.0, 0, 40], [0, 0, 1.5, -36], [0, 0, 0, 1]])


def tissue(points):
    """A smooth random texture of space, (n, 3) RAS mm to (n,): the same tissue, whatever grid it is seen on."""
    rng = np.random.default_rng(3)
    waves = rng.normal(scale=0.12, size=(24, 3))
    return np.sin(points @ waves.T + rng.uniform(0, 6, 24)).sum(axis=-1)


def seen(shape, affine, contrast, motion=None):
    """The tissue on a grid; `motion` (a Rigid) has moved it."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    if motion is not None:
        points = (points - motion.centre_mm - motion.shift_mm) @ motion.rotation + motion.centre_mm
    noise = np.random.default_rng(5).normal(scale=0.05, size=len(points))
    return Volume((contrast(tissue(points)) + noise).reshape(shape).astype(np.float32), affine)


@pytest.fixture(scope="module")
def source():
    return seen((100, 80, 48), FINE, lambda t: t)


@pytest.fixture(scope="module")
def lesion():
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (100, 80, 48)], indexing="ij"), axis=-1)
    inside = ((((index - [52, 38, 24]) * [1, 1, 1.5]) / [11, 9, 10]) ** 2).sum(axis=-1) < 1
    return Roi(inside, FINE, reader="a", source="dce.nii.gz")


def moved_by(shift, degrees, axis=(0.6, 0.0, 0.8)):
    rotation = Rotation.from_rotvec(np.radians(degrees) * np.array(axis)).as_matrix()
    return Rigid(rotation, np.array([-2.0, 2.0, 0.0]), np.array(shift, float))


@pytest.mark.parametrize(
    ("shift", "degrees"), [((0, 0, 0), 0), ((3, -2, 4), 0), ((0, 0, 0), 4), ((-4, 3, 2), 3)]
)  # fmt: skip
def test_a_known_motion_is_found_to_a_tenth_of_a_millimetre(source, lesion, shift, degrees):
    motion = moved_by(shift, degrees)
    coarse = FINE @ np.diag([1.3, 1.3, 2.0, 1.0])
    target = seen((76, 61, 24), coarse, lambda t: 200 - 20 * t + 4 * t**2, motion)
    fit = fit_rigid(target, source, lesion)
    points = np.argwhere(lesion.mask) @ FINE[:3, :3].T + FINE[:3, 3]
    apart = np.linalg.norm(fit.rigid.apply(points) - motion.apply(points), axis=1)
    assert apart.max() < 0.1
    assert fit.rigid.degrees == pytest.approx(degrees, abs=1.0)
    assert fit.information_after >= fit.information_before - 0.01


def test_the_fit_is_the_same_to_the_last_bit(source, lesion):
    target = seen((100, 80, 48), FINE, lambda t: -t, moved_by((2, 1, 0), 1))
    one, other = (fit_rigid(target, source, lesion) for _ in range(2))
    np.testing.assert_array_equal(one.rigid.rotation, other.rigid.rotation)
    np.testing.assert_array_equal(one.rigid.shift_mm, other.rigid.shift_mm)
    assert one.information_after == other.information_after


def test_the_mask_moves_as_the_tissue_does(source, lesion):
    motion = moved_by((-4, 3, 2), 3)
    target = seen((100, 80, 48), FINE, lambda t: -t, motion)
    carried = transfer_mask(lesion, source, target)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in (100, 80, 48)], indexing="ij"), axis=-1).reshape(-1, 3)
    back = (index @ FINE[:3, :3].T + FINE[:3, 3] - motion.centre_mm - motion.shift_mm) @ motion.rotation
    voxel = (back + motion.centre_mm - FINE[:3, 3]) @ np.linalg.inv(FINE[:3, :3]).T
    truth = (((voxel - [52, 38, 24]) * [1, 1, 1.5] / [11, 9, 10]) ** 2).sum(axis=-1).reshape(100, 80, 48) < 1
    assert dice(carried.roi.mask, truth) > 0.96
    assert dice(lesion.mask, truth) < 0.8
    assert carried.overlap == pytest.approx(dice(carried.roi.mask, lesion.mask), abs=1e-12)
    np.testing.assert_allclose(np.linalg.norm(carried.shift_mm), np.sqrt(29), atol=0.6)
    assert carried.rotation_degrees == pytest.approx(3, abs=0.5)
    assert carried.warnings == ()
    assert (carried.roi.reader, carried.roi.source) == ("a", "dce.nii.gz")


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("partial_volume", [None, 0.5])
def test_without_a_fit_the_scanners_coordinates_place_the_mask(lesion, partial_volume):
    tilt = np.eye(4)
    tilt[:3, :3] = Rotation.from_euler("x", 2.1, degrees=True).as_matrix()
    target = Volume(np.zeros((60, 50, 20), np.float32), tilt @ FINE @ np.diag([1.6, 1.6, 2.4, 1.0]))
    carried = transfer_mask(lesion, None, target, partial_volume=partial_volume)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in target.voxels.shape], indexing="ij"), axis=-1)
    points = index @ target.affine[:3, :3].T + target.affine[:3, 3]
    voxel = (points - FINE[:3, 3]) @ np.linalg.inv(FINE[:3, :3]).T
    truth = (((voxel - [52, 38, 24]) * [1, 1, 1.5] / [11, 9, 10]) ** 2).sum(axis=-1) < 1
    assert dice(carried.roi.mask, truth) > 0.95
    assert abs(carried.volume_change_percent) < 6
    assert (carried.shift_mm, carried.rotation_degrees, carried.overlap) == ((0, 0, 0), 0, 1)


def test_a_rigid_and_its_inverse_for_itk():
    motion = moved_by((5, -7, 2), 20)
    points = np.random.default_rng(0).normal(scale=30, size=(5, 3))
    there = motion.apply(points)
    back = [np.array(motion.to_source().TransformPoint((p * [-1, -1, 1]).tolist())) * [-1, -1, 1] for p in there]
    np.testing.assert_allclose(back, points, atol=1e-9)
    assert motion.degrees == pytest.approx(20)
    assert motion.distance_mm == pytest.approx(np.sqrt(78))


def test_a_fit_that_is_not_believed_is_left_out_with_a_warning(source, lesion, monkeypatch):
    target = seen((100, 80, 48), FINE, lambda t: t, moved_by((4, 0, 0), 0))
    monkeypatch.setattr("radstudy.imaging.masks.transfer.MAX_SHIFT_MM", 3.0)
    carried = transfer_mask(lesion, source, target)
    assert carried.warnings == ("the rigid fit moved by 4.0 mm and 0.0 degrees and was not used",)
    np.testing.assert_array_equal(carried.roi.mask, lesion.mask)
    assert (carried.shift_mm, carried.overlap) == ((0, 0, 0), 1)


def test_unrelated_images_do_not_move_a_mask_out_of_reach(source, lesion):
    rng = np.random.default_rng(8)
    unrelated = Volume(gaussian_filter(rng.normal(size=(100, 80, 48)), 2).astype(np.float32), FINE)
    carried = transfer_mask(lesion, source, unrelated)
    assert np.linalg.norm(carried.shift_mm) <= 15
    assert carried.rotation_degrees <= 10


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda roi, target: (Roi(np.zeros_like(roi.mask), FINE), target), "the mask to transfer is empty"),
        (lambda roi, target: (roi, Volume(target.voxels[:55], FINE)), "extends outside the image"),
        (lambda roi, target: (Roi(roi.mask[:-1], FINE), target), "not on its image's grid"),
        (lambda roi, target: (roi, Volume(np.full_like(target.voxels, 3), FINE)), "constant around the lesion"),
        (lambda roi, target: (roi, Volume(np.where(roi.mask, np.nan, target.voxels), FINE)), "not finite"),
    ],
)
def test_what_cannot_be_transferred_is_refused(source, lesion, spoil, says):
    roi, target = spoil(lesion, source)
    with pytest.raises(CaseError, match=says) as caught:
        transfer_mask(roi, source, target)
    assert caught.value.remedy

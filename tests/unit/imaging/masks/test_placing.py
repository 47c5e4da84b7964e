"""Masks find their voxels by physical position, or are refused."""

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import Plane
from radstudy.imaging.masks.placing import mask_on_grid, place_mask, place_planes, stack_planes
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

AFFINE = np.array([[0, 0, 4.0, -20], [-1.1, 0, 0, 30], [0, 1.1, 0, 5], [0, 0, 0, 1]])


@pytest.fixture
def image():
    return Volume(np.zeros((20, 18, 9), np.float32), AFFINE)


@pytest.fixture
def roi():
    mask = np.random.default_rng(1).random((20, 18, 9)) > 0.7
    mask[:3], mask[18:], mask[:, 15:], mask[:, :, :2] = False, False, False, False
    return Roi(mask, AFFINE, "1", "a", "m.nii")


def moved(affine, by):
    shift = np.eye(4)
    shift[:3, 3] = by
    return affine @ shift


def test_a_cropped_mask_finds_its_place(image, roi):
    cropped = Roi(roi.mask[3:, :15, 2:], moved(AFFINE, (3, 0, 2)))
    np.testing.assert_array_equal(place_mask(cropped, image.grid).mask, roi.mask)


def test_a_larger_mask_is_placed_and_what_lies_outside_is_counted(image, roi):
    large = np.pad(roi.mask, 2)
    np.testing.assert_array_equal(place_mask(Roi(large, moved(AFFINE, (-2, -2, -2))), image.grid).mask, roi.mask)
    large[0, 0, :5] = True
    with pytest.raises(CaseError, match=rf"outside the image: 5 of its {roi.mask.sum() + 5} voxels"):
        place_mask(Roi(large, moved(AFFINE, (-2, -2, -2))), image.grid)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_exchanged_and_flipped_axes_are_the_same_mask(image, roi, axes, flips):
    stored, affine = roi.mask.transpose(axes), AFFINE[:, [*axes, 3]]
    for axis in flips:
        turn = np.eye(4)
        turn[axis, axis], turn[axis, 3] = -1, stored.shape[axis] - 1
        stored, affine = np.flip(stored, axis), affine @ turn
    np.testing.assert_array_equal(place_mask(Roi(stored, affine), image.grid).mask, roi.mask)


def test_between_the_voxels_is_refused_or_taken_to_the_nearest_where_asked(image, roi):
    beside = Roi(roi.mask[3:, :15, 2:], moved(AFFINE, (3.3, 0, 2)))
    with pytest.raises(CaseError, match="not on its image's grid"):
        place_mask(beside, image.grid)
    np.testing.assert_array_equal(place_mask(beside, image.grid, resample=True).mask, roi.mask)


def test_the_remedy_for_another_grid_names_the_option(image, roi):
    for other in (Roi(roi.mask[3:, :15, 2:], moved(AFFINE, (3.3, 0, 2))), Roi(roi.mask, moved(AFFINE, (1, 0, 0)))):
        with pytest.raises(CaseError, match=r"radstudy mask convert MASK NEW --image IMAGE --resample"):
            place_mask(other, image.grid)


def test_a_mask_as_large_as_the_image_that_lies_elsewhere_is_refused(image, roi):
    with pytest.raises(CaseError, match="origin is"):
        place_mask(Roi(roi.mask, moved(AFFINE, (1, 0, 0))), image.grid)


def planes_of(roi, order):
    found = []
    for number, k in enumerate(order, 1):
        affine = moved(roi.affine, (0, 0, k))
        affine[:3, 2] /= np.linalg.norm(affine[:3, 2])
        found.append(Plane(roi.mask[:, :, k], affine, number))
    return found


def test_single_slices_in_any_order_find_their_place(image, roi):
    order = [5, 2, 8, 3, 4, 7, 6]
    np.testing.assert_array_equal(place_planes(planes_of(roi, order), image.grid), roi.mask)
    with pytest.raises(CaseError, match="frames 2 and 8 of one segment have the same position"):
        place_planes(planes_of(roi, [*order, 2]), image.grid)


def test_slices_of_another_image_are_refused_by_frame(image, roi):
    other = Roi(roi.mask, AFFINE @ np.diag([1, 1, 0.7, 1]))
    with pytest.raises(CaseError, match=r"frame 1 is not on the image's grid: .*0\.4 voxels from"):
        place_planes(planes_of(other, [2, 3]), image.grid)
    with pytest.raises(CaseError, match=r"frame 1 .*its pixels measure 2.2 x 1.1 mm, the image's 1.1 x 1.1"):
        place_planes(planes_of(Roi(roi.mask, AFFINE @ np.diag([2, 1, 1, 1])), [2]), image.grid)
    turn = np.array([[1, 0, 0, 0], [0, np.cos(0.1), -np.sin(0.1), 0], [0, np.sin(0.1), np.cos(0.1), 0], [0, 0, 0, 1]])
    with pytest.raises(CaseError, match=r"frame 1 .*tilted by 5.73 degrees"):
        place_planes(planes_of(Roi(roi.mask, turn @ AFFINE), [2]), image.grid)


def test_slices_without_an_image_make_a_grid_of_their_own(roi):
    planes = planes_of(roi, [7, 2, 4, 3])
    mask, affine = stack_planes(planes, planes)
    np.testing.assert_allclose(affine, moved(AFFINE, (0, 0, 2)), atol=1e-12)
    np.testing.assert_array_equal(mask, np.where(np.isin(np.arange(2, 8), [2, 3, 4, 7]), roi.mask[:, :, 2:8], False))
    with pytest.raises(CaseError, match="only one slice"):
        stack_planes(planes[:1], planes[:1])
    uneven = [*planes, *planes_of(Roi(roi.mask, moved(AFFINE, (0, 0, 0.4))), [4])]
    with pytest.raises(CaseError, match="do not form a grid"):
        stack_planes(uneven, uneven)


def test_mask_on_another_grid_is_placed():
    volume = Volume(np.zeros((40, 40, 20), dtype=np.float32), np.diag([1.0, 1.0, 2.0, 1.0]))
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[5:10, 5:10, 5:10] = True
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    coarse[:3, 3] = 0.5, 0.5, 0.0
    placed = mask_on_grid(Roi(mask, coarse), volume.grid)
    assert placed.voxel_count == 500
    assert placed.mask[10:20, 10:20, 5:10].all()
    far = coarse.copy()
    far[0, 3] = 500.0
    with pytest.raises(CaseError, match="outside the image"):
        mask_on_grid(Roi(mask, far), volume.grid)
    same = Roi(np.ones((40, 40, 20), dtype=bool), volume.affine)
    assert mask_on_grid(same, volume.grid).voxel_count == same.voxel_count


def test_a_mask_is_placed_by_its_share_of_the_voxel():
    fine = np.zeros((40, 40, 40), bool)
    fine[10:20, 10:20, 11:20] = True
    volume = Volume(np.zeros((10, 10, 10), np.float32), np.diag([4.0, 4, 4, 1]))
    roi = Roi(fine, np.diag([1.0, 1, 1, 1]), source="m.nii")
    image = sitk.GetImageFromArray(fine.transpose(2, 1, 0).astype(np.float64))
    onto = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0))
    onto.SetSpacing([4.0] * 3)
    share = sitk.GetArrayFromImage(sitk.Resample(image, onto, sitk.Transform(), sitk.sitkLinear)).transpose(2, 1, 0)
    for threshold in (0.3, 0.5, 1.0):
        placed = mask_on_grid(roi, volume.grid, partial_volume=threshold)
        np.testing.assert_array_equal(placed.mask, share >= threshold - 1e-6)
    speck = Roi(np.pad(np.ones((1, 1, 1), bool), ((9, 30),) * 3), np.eye(4), source="m.nii")
    with pytest.raises(CaseError, match=r"the mask's 1 voxels of 1 x 1 x 1 mm contain no voxel's centre.*4 x 4 x 4 mm"):
        mask_on_grid(speck, volume.grid)

"""Planes through a lesion: which way up they are, whatever the order and direction of the file's axes."""

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.imaging.planes import lesion_planes, lesion_window
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

SHAPE = (12, 14, 10)  # along R, A, S of the plain volume
SPACING = (1.0, 1.5, 2.0)


def oblique(degrees):
    """A rotation about the axis from foot to head, then a smaller one about the axis from left to right."""
    a, b = np.radians([degrees, degrees / 2])
    about_s = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_r = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_r @ about_s


@pytest.fixture
def plain():
    """A volume whose axes run to R, A and S, with a lesion, and for an overlay where each voxel lies (R, A and S)."""
    rng = np.random.default_rng(0)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3:9, 4:11, 2:8] = rng.random((6, 7, 6)) < 0.9
    places = np.where(mask, np.indices(SHAPE), np.nan)  # NaN outside, as a map
    return rng.normal(100, 20, SHAPE), mask, places


def planes_of(plain, order=(0, 1, 2), flips=(False, False, False), rotation=None, margin_mm=15.0):
    """The planes of the same thing in space, stored with its axes in another order and direction."""
    voxels, mask, places = plain
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if rotation is None else rotation) @ np.diag(SPACING)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for new, old in enumerate(order):
        turn[old, new] = -1 if flips[new] else 1
        turn[old, 3] += SHAPE[old] - 1 if flips[new] else 0

    def stored(array):
        moved = array.transpose(order)
        return moved[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)].copy()

    affine = affine @ turn
    overlays = {name: Volume(stored(place), affine) for name, place in zip("RAS", places, strict=True)}
    return lesion_planes(
        Volume(stored(voxels), affine), {"a": Roi(stored(mask), affine)}, overlays=overlays, margin_mm=margin_mm
    )


@pytest.mark.parametrize("rotation", [None, oblique(20)])
@pytest.mark.parametrize(
    ("order", "flips"),
    [((0, 1, 2), (True, True, False)), ((2, 0, 1), (False, True, True)), ((1, 2, 0), (True, False, True))],
)
def test_image_mask_and_overlay_are_turned_alike_whatever_the_order_of_the_axes(plain, order, flips, rotation):
    expected = planes_of(plain)
    found = planes_of(plain, order, flips, rotation)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, str):
            assert found[name] == value
        else:
            np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)


def test_right_is_left_and_anterior_and_head_are_up(plain):
    planes = planes_of(plain)
    # Index 0 is the axial, 1 the coronal, 2 the sagittal plane. What falls or rises along columns and rows:
    for index, columns, rows in ((0, ("R", -1), ("A", -1)), (1, ("R", -1), ("S", -1)), (2, ("A", -1), ("S", -1))):
        along = np.diff(planes[f"overlay_{columns[0]}_{index}"], axis=1)
        down = np.diff(planes[f"overlay_{rows[0]}_{index}"], axis=0)
        assert np.unique(along[np.isfinite(along)]).tolist() == [columns[1]]
        assert np.unique(down[np.isfinite(down)]).tolist() == [rows[1]]


def test_an_overlay_has_its_own_values_inside_the_lesion_and_nan_outside(plain):
    planes = planes_of(plain, margin_mm=3.0)
    for index, cut in enumerate("SAR"):
        inside = planes[f"mask_a_{index}"]
        overlay = planes[f"overlay_{cut}_{index}"]
        assert overlay.dtype == np.float32
        assert overlay.shape == planes[f"image_{index}"].shape == inside.shape
        np.testing.assert_array_equal(np.isfinite(overlay), inside)
        sections = plain[1].sum(axis=tuple(axis for axis in range(3) if "RAS"[axis] != cut))
        assert set(overlay[inside]) == {float(np.argmax(sections))}  # the plane of the largest section


def test_an_overlay_on_another_grid_is_refused(plain):
    voxels, mask, _ = plain
    volume, roi = Volume(voxels, np.eye(4)), Roi(mask, np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 1
    for other in (Volume(voxels, shifted), Volume(voxels[1:], np.eye(4))):
        with pytest.raises(CaseError, match=r"the overlay 'entropy' .* is not on the grid"):
            lesion_planes(volume, {"a": roi}, overlays={"entropy": other})


def test_a_small_bright_lesion_is_no_white_patch():
    """Windowed by the shown part alone, a lesion of less than a hundredth of it was white throughout."""
    shown = np.random.default_rng(1).normal(100, 10, (30, 30, 30))
    lesion = np.zeros(shown.shape, dtype=bool)
    lesion[14:18, 14:18, 14:18] = True
    shown[lesion] = np.linspace(300, 600, lesion.sum())
    low, high = lesion_window(shown, lesion)
    assert np.percentile(shown, 99) < 300  # the former upper end
    assert (shown[lesion] >= high).mean() < 0.02
    assert low < 100


def test_a_dark_lesion_leaves_the_window_to_its_surround():
    shown = np.random.default_rng(1).normal(100, 10, (20, 20, 20))
    lesion = np.zeros(shown.shape, dtype=bool)
    lesion[8:12, 8:12, 8:12] = True
    shown[lesion] = 20
    assert lesion_window(shown, lesion) == pytest.approx(tuple(np.percentile(shown, [1, 99])))
    assert lesion_window(shown, ~np.ones_like(lesion)) == pytest.approx(tuple(np.percentile(shown, [1, 99])))

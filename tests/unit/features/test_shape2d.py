from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radstudy.errors import CaseError, UsageError
from radstudy.features.shape2d import shape2d

SPACING = (0.7, 0.3)


def test_a_rectangle_by_hand():
    values = shape2d(np.ones((2, 3)), SPACING)
    corner = math.hypot(*SPACING) / 2
    assert values["PixelSurface"] == pytest.approx(6 * 0.21)
    assert values["MeshSurface"] == pytest.approx(5.5 * 0.21)  # each corner of the mesh lacks an eighth of a pixel
    assert values["Perimeter"] == pytest.approx(4 * corner + 2 * 2 * 0.3 + 2 * 1 * 0.7)
    assert values["MaximumDiameter"] == pytest.approx(math.hypot(2 * 0.3, 2 * 0.7))
    # the rows' variance is 0.7^2 / 4, the columns' 0.3^2 x 2 / 3
    assert values["MajorAxisLength"] == pytest.approx(4 * math.sqrt(0.49 / 4))
    assert values["MinorAxisLength"] == pytest.approx(4 * math.sqrt(0.09 * 2 / 3))
    assert "SphericalDisproportion" not in values


def test_pixels_that_touch_at_a_corner_stay_apart():
    values = shape2d(np.eye(2), (1.0, 1.0), ["MeshSurface", "Perimeter", "SphericalDisproportion", "Sphericity"])
    assert values["MeshSurface"] == 1.0
    assert values["Perimeter"] == pytest.approx(4 * math.sqrt(2))
    assert values["SphericalDisproportion"] == pytest.approx(1 / values["Sphericity"])


def test_a_line_has_no_width():
    values = shape2d(np.ones((1, 9)), SPACING)
    assert (values["MinorAxisLength"], values["Elongation"]) == (0.0, 0.0)


def test_one_pixel_has_no_axes():
    values = shape2d(np.ones((1, 1)), SPACING)
    assert [name for name, value in values.items() if math.isnan(value)] == ["Elongation"]


def test_refuses_no_pixels_and_unknown_names():
    with pytest.raises(CaseError, match="no voxels"):
        shape2d(np.zeros((3, 3)), SPACING)
    with pytest.raises(UsageError, match=r"'Flatness'.*Perimeter"):
        shape2d(np.ones((2, 2)), SPACING, ["Flatness"])


@given(arrays(bool, (7, 6)).filter(np.any))
def test_the_diameter_is_the_longest_of_all_pairs_of_outline_points(mask):
    padded = np.pad(mask, 1)
    points = [(row + 0.5, column) for row, column in np.argwhere(padded[1:] != padded[:-1])]
    points += [(row, column + 0.5) for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1])]
    place = np.array(points) * SPACING
    longest = max(np.linalg.norm(place - one, axis=1).max() for one in place)
    assert shape2d(mask, SPACING)["MaximumDiameter"] == pytest.approx(longest, rel=1e-12)


@given(arrays(bool, (6, 7)).filter(np.any), st.integers(0, 3))
def test_turns_do_not_matter(mask, turns):
    spacing = SPACING if turns % 2 == 0 else SPACING[::-1]
    turned = shape2d(np.rot90(mask, turns), spacing)
    for name, value in shape2d(mask, SPACING).items():
        assert turned[name] == pytest.approx(value, rel=1e-9, abs=1e-6, nan_ok=True), name

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError, UsageError
from radstudy.features.kernels.surface import cube_triangles
from radstudy.features.shape import shape

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=3, max_dims=3, max_side=6)).filter(np.any)
spacings = st.tuples(*[st.sampled_from([0.6, 1.0, 1.7, 4.0])] * 3)
NAMES = feature_names("shape")
OPEN_MESH = ("MeshVolume", "SurfaceVolumeRatio", "Sphericity", "SurfaceArea")  # on ambiguous cubes


def ball(radius, spacing=(1.0, 1.0, 1.0)):
    half = [int(radius / mm) + 1 for mm in spacing]
    grid = np.meshgrid(*[np.arange(-n, n + 1) * mm for n, mm in zip(half, spacing, strict=True)], indexing="ij")
    return sum(axis**2 for axis in grid) <= radius**2


@settings(max_examples=40, deadline=None)
@given(masks, spacings)
def test_padding_and_cropping_do_not_matter(mask, spacing):
    padded = np.pad(mask, ((2, 0), (1, 3), (0, 1)))
    assert shape(padded, spacing) == pytest.approx(shape(mask, spacing), rel=0, abs=0, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(masks, spacings, st.permutations([0, 1, 2]))
def test_turning_image_and_spacing_together_turns_the_planes_only(mask, spacing, axes):
    turned = shape(mask.transpose(axes), tuple(spacing[axis] for axis in axes))
    plain = shape(mask, spacing)
    planes = ["Maximum2DDiameterSlice", "Maximum2DDiameterColumn", "Maximum2DDiameterRow"]
    for name in set(NAMES) - set(planes) - set(OPEN_MESH):
        assert turned[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-6, nan_ok=True), name
    assert [turned[name] for name in planes] == pytest.approx([plain[planes[axis]] for axis in axes])


@settings(max_examples=60, deadline=None)
@given(masks, spacings)
def test_diameters_are_the_longest_of_all_pairs(mask, spacing):
    padded = np.pad(mask, 1).astype(int)
    vertices = []
    for axis in range(3):
        places = np.argwhere(np.diff(padded, axis=axis) != 0) * 2
        vertices.append(places + np.eye(3, dtype=int)[axis])
    points = np.concatenate(vertices)
    longest = {"3D": 0.0, 0: 0.0, 1: 0.0, 2: 0.0}
    for one, other in combinations(points[:: max(1, len(points) // 250)], 2):
        apart = float(np.linalg.norm((one - other) * np.array(spacing) / 2))
        for where in ["3D", *np.flatnonzero(one == other).tolist()]:
            longest[where] = max(longest[where], apart)
    found = shape(mask, spacing)
    names = {"3D": "Maximum3DDiameter", 0: "Maximum2DDiameterSlice", 1: "Maximum2DDiameterColumn",
             2: "Maximum2DDiameterRow"}  # fmt: skip
    for where, name in names.items():
        if len(points) < 500:  # no vertex was left out above
            assert found[name] == pytest.approx(longest[where]), name
        else:
            assert found[name] >= longest[where] - 1e-9, name


def test_of_a_mesh_without_volume_the_ratios_to_it_are_undefined():
    """Two single voxels, and two that touch at an edge, whose part of the open mesh has a negative volume."""
    mask = np.zeros((5, 4, 3), bool)
    mask[0, 0, 0] = mask[0, 0, 2] = mask[4, 2, 1] = mask[4, 3, 0] = True
    found = shape(mask, (0.6, 0.6, 0.6), [*NAMES, "SphericalDisproportion", "Compactness1", "Compactness2"])
    assert found["MeshVolume"] == found["Sphericity"] == found["Compactness1"] == found["Compactness2"] == 0
    assert np.isnan(found["SurfaceVolumeRatio"]) and np.isnan(found["SphericalDisproportion"])
    assert found["SurfaceArea"] > 0 and found["Maximum3DDiameter"] > 0


def test_a_ball_is_nearly_a_ball():
    for spacing in ((1.0, 1.0, 1.0), (2.0, 0.8, 0.8)):
        found = shape(ball(15.0, spacing), spacing)
        assert found["MeshVolume"] == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.03)
        assert found["Maximum3DDiameter"] == pytest.approx(30, abs=2)
        assert found["MajorAxisLength"] == pytest.approx(4 * 15 / 5**0.5, rel=0.02)
        assert found["Elongation"] == pytest.approx(1, abs=0.02)
        assert 0.85 < found["Sphericity"] < 1


def test_one_voxel_is_an_octahedron():
    found = shape(np.ones((1, 1, 1)), (1.0, 1.0, 1.0))
    assert found["MeshVolume"] == pytest.approx(1 / 6)
    assert found["SurfaceArea"] == pytest.approx(3**0.5)
    assert found["Maximum3DDiameter"] == 1
    assert found["MajorAxisLength"] == 0
    assert np.isnan(found["Elongation"])
    assert np.isnan(found["Flatness"])


def test_a_line_has_no_thickness():
    found = shape(np.ones((1, 1, 9)), (3.0, 2.0, 1.0))
    assert found["LeastAxisLength"] == found["MinorAxisLength"] == found["Flatness"] == found["Elongation"] == 0
    assert found["MajorAxisLength"] == pytest.approx(4 * np.std(np.arange(9)))


def test_every_triangle_separates_inside_from_outside():
    cube, points = cube_triangles()
    assert points.shape[1:] == (3, 3)
    assert set(cube.tolist()) == set(range(1, 128))
    # the volume that one cube cuts off never exceeds the cube
    for number in range(1, 128):
        assert 1 <= np.count_nonzero(cube == number) <= 5


def test_ratios_follow_from_volume_and_area():
    mask = ball(4.0)
    found = shape(mask, (1.0, 1.0, 1.0), [*NAMES, "SphericalDisproportion", "Compactness1", "Compactness2"])
    volume, area = found["MeshVolume"], found["SurfaceArea"]
    assert found["SphericalDisproportion"] == pytest.approx(1 / found["Sphericity"])
    assert found["Compactness2"] == pytest.approx(found["Sphericity"] ** 3)
    assert found["Compactness1"] == pytest.approx(volume / (area**1.5 * np.pi**0.5))
    assert found["SurfaceVolumeRatio"] == area / volume


def test_refusals():
    with pytest.raises(CaseError, match="no voxels"):
        shape(np.zeros((3, 3, 3)), (1.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="no feature 'Volume'"):
        shape(np.ones((3, 3, 3)), (1.0, 1.0, 1.0), ["Volume"])

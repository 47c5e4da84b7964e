"""What must hold for IBSI's features and filters whatever the image: position, orientation, and PyRadiomics beside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstudy import Roi, Volume, extract, extract_ibsi
from radstudy.catalogue import CATALOGUE, FEATURES
from radstudy.features.ibsi.convolution import rotations
from radstudy.features.ibsi.filters import LaplacianOfGaussian, Laws, SeparableWavelet, SimoncelliWavelet
from radstudy.features.ibsi.morphology import spatial_correlation
from radstudy.features.ibsi.response_maps import response_map

SEEDS = st.integers(0, 2**32 - 1)
SPACE = {"bin_count": 8, "dimensions": ("3D",)}
ALL = {"bin_count": 8, "dimensions": ("2D", "2.5D", "3D")}


def lesion(seed, shape=(11, 10, 9)):
    """Rounded intensities and a mask of blobs, (I, J, K)."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, dtype=bool)
    for _ in range(3):
        low = rng.integers(1, np.array(shape) - 6)
        high = low + rng.integers(2, 5, 3)
        mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return np.round(rng.normal(400, 120, shape)).astype(np.float32), mask


def turned(array, order, back):
    return np.flip(array.transpose(order), [axis for axis, flipped in enumerate(back) if flipped])


def assert_same(left, right, tolerance=1e-7):
    assert left.keys() == right.keys()
    for key, value in left.items():
        assert right[key] == pytest.approx(value, rel=tolerance, abs=1e-8, nan_ok=True), key


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.sampled_from(rotations(3)))
def test_a_rotation_by_90_degrees_changes_nothing_in_space(seed, rotation):
    """But what names an axis, and what rests on the mesh, which is cut where the lesion lies."""
    image, mask = lesion(seed)
    found = extract_ibsi(Volume(image, np.eye(4)), Roi(mask, np.eye(4)), SPACE)
    other = extract_ibsi(Volume(turned(image, *rotation), np.eye(4)), Roi(turned(mask, *rotation), np.eye(4)), SPACE)
    on_mesh = ("morph_volume", "morph_a", "morph_comp", "morph_sph", "morph_vol_dens", "morph_integ")
    kept = [key for key in found if "_dim_" not in key[0] and not key[0].startswith(on_mesh)]
    assert len(kept) > 200
    assert_same({key: found[key] for key in kept}, {key: other[key] for key in kept})


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.tuples(*[st.integers(0, 3)] * 6))
def test_background_around_the_image_does_not_matter_to_the_lesion(seed, pads):
    """But for the diagnostics of the image, and the peaks, which look 6 mm around."""
    image, mask = lesion(seed)
    width = [(pads[0], pads[1]), (pads[2], pads[3]), (pads[4], pads[5])]
    affine = np.diag([9.0, 9.0, 9.0, 1.0])  # so that the sphere of a peak is one voxel
    small = extract_ibsi(Volume(image, affine), Roi(mask, affine), ALL)
    large = extract_ibsi(Volume(np.pad(image, width), affine), Roi(np.pad(mask, width), affine), ALL)
    kept = [key for key in small if not key[0].endswith(("_img", "_roi"))]
    assert_same({key: small[key] for key in kept}, {key: large[key] for key in kept})


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_spatial_correlation_is_that_of_all_pairs(seed):
    image, mask = lesion(seed, (9, 8, 8))
    spacing = (1.0, 1.5, 0.7)
    values = image[mask].astype(float)
    apart = values - values.mean()
    places = np.argwhere(mask) * spacing
    with np.errstate(divide="ignore"):
        weights = 1 / np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(weights, 0)
    n, total, squares = values.size, weights.sum(), (apart**2).sum()
    moran = n / total * (weights * np.outer(apart, apart)).sum() / squares
    geary = (n - 1) / (2 * total) * (weights * (values[:, None] - values) ** 2).sum() / squares
    found = spatial_correlation(image.astype(float), mask, spacing)
    assert found["morph_moran_i"] == pytest.approx(moran, abs=1e-10)
    assert found["morph_geary_c"] == pytest.approx(geary, abs=1e-10)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_pyradiomics_departs_only_where_the_catalogue_says_so(seed):
    """With bins that start at the same multiple of the width, all that is left are the departures in words."""
    image, mask = lesion(seed)
    affine = np.diag([1.0, 1.3, 2.0, 1.0])
    volume, roi = Volume(image, affine), Roi(mask, affine)
    low = float(image[mask].min())
    classes = dict.fromkeys(FEATURES)  # all families of a volume
    theirs = extract(volume, roi, {"setting": {"binWidth": 25}, "featureClass": classes})
    ours = extract_ibsi(volume, roi, {"bin_width": 25, "lowest": low - low % 25})
    by_tag = {tag: value for (tag, aggregation), value in ours.items() if aggregation in ("", "3D", "3D averaged")}
    departing = ("covariance", "not the excess")
    for one in CATALOGUE:
        value = theirs.get(f"original_{one.family}_{one.name}")
        if not one.ibsi_tag or value is None:
            continue
        standard = next(
            by_tag[tag] for tag in (one.ibsi_tag, one.ibsi_tag + "_3D", one.ibsi_tag + "_3D_avg") if tag in by_tag
        )
        if any(word in one.departs for word in departing):
            assert value != pytest.approx(standard, rel=1e-6), one
        else:
            assert value == pytest.approx(standard, rel=1e-6, abs=1e-9), one


@settings(max_examples=12, deadline=None)
@given(
    SEEDS,
    st.sampled_from(rotations(3)),
    st.sampled_from(
        [
            LaplacianOfGaussian(1.0),
            Laws(("L5", "E5", "S5"), rotation_invariant=True, energy_distance=1),
            Laws(("L3", "E3", "E3"), rotation_invariant=True, pooling="mean"),
            SeparableWavelet("db2", "LHL", 2, rotation_invariant=True),
            SeparableWavelet("haar", "HHL", rotation_invariant=True, pooling="max"),
            SimoncelliWavelet(),
        ]
    ),
)
def test_a_rotation_invariant_filter_turns_with_the_image(seed, rotation, applied):
    image = lesion(seed)[0]
    straight = response_map(Volume(image, np.eye(4)), applied).voxels
    other = response_map(Volume(turned(image, *rotation), np.eye(4)), applied).voxels
    np.testing.assert_allclose(other, turned(straight, *rotation), atol=1e-8 * np.abs(straight).max() + 1e-9)

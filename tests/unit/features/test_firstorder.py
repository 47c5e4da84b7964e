from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError, UsageError
from radstudy.features.discretise import discretise
from radstudy.features.firstorder import first_order
from radstudy.features.kernels.moments import order_statistics

values = arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1000, 1000, width=32))


def of(intensities, **settings):
    image = np.asarray(intensities, dtype=float).reshape(1, 1, -1)
    return first_order(image, np.ones(image.shape, bool), voxel_volume_mm3=2.0, **{"bin_width": 25, **settings})


@settings(deadline=None)  # the first example compiles
@given(values)
def test_against_numpy(intensities):
    found = of(intensities, features=[*feature_names("firstorder"), "StandardDeviation"])
    for name, percent in (("10Percentile", 10), ("90Percentile", 90), ("Median", 50)):
        assert found[name] == pytest.approx(np.percentile(intensities, percent), rel=1e-12, abs=1e-12)
    assert found["Mean"] == pytest.approx(intensities.mean(), rel=1e-9, abs=1e-9)
    assert found["StandardDeviation"] == pytest.approx(intensities.std(), rel=1e-6, abs=1e-9)
    assert found["Range"] == np.ptp(intensities)
    assert found["TotalEnergy"] == 2 * found["Energy"]
    assert [name for name, value in found.items() if np.isnan(value)] in ([], ["RobustMeanAbsoluteDeviation"])


def test_nothing_lies_between_the_percentiles_of_two_values():
    assert np.isnan(of([1.0, 2.0])["RobustMeanAbsoluteDeviation"])


@settings(deadline=None)  # the first example compiles
@given(values, st.integers(0, 2**32 - 1))
def test_order_of_voxels_does_not_matter(intensities, seed):
    shuffled = np.random.default_rng(seed).permutation(intensities)
    one, other = of(intensities), of(shuffled)
    for name, value in one.items():
        assert other[name] == pytest.approx(value, rel=1e-7, abs=1e-7, nan_ok=True)


def test_names_in_order_and_only_those_asked():
    assert tuple(of([1, 2, 3])) == feature_names("firstorder")
    assert of([1, 2, 3], features=["Range", "Mean"]) == {"Range": 2.0, "Mean": 2.0}


def test_a_flat_lesion_has_no_shape_of_distribution():
    flat = of([0.1] * 7)
    assert (flat["Variance"], flat["Skewness"], flat["Kurtosis"]) == (0, 0, 0)
    assert flat["Uniformity"] == 1
    assert flat["Mean"] == 0.1


def test_one_voxel_has_every_feature():
    assert not np.isnan(list(of([5.0]).values())).any()


def test_the_shift_moves_energy_only():
    plain, shifted = of([1.0, 2.0, 2.0]), of([1.0, 2.0, 2.0], voxel_array_shift=10)
    assert shifted["Energy"] == 11**2 + 2 * 12**2
    assert shifted["RootMeanSquared"] == pytest.approx(((11**2 + 2 * 12**2) / 3) ** 0.5)
    moved = {name for name in plain if plain[name] != shifted[name]}
    assert moved == {"Energy", "TotalEnergy", "RootMeanSquared"}


@settings(deadline=None)
@given(st.integers(1, 3000), st.sampled_from(["normal", "outlier", "ties", "flat"]), st.integers(0, 100))
def test_order_statistics_are_those_of_a_sort(size, kind, seed):
    rng = np.random.default_rng(seed)
    intensities = rng.normal(size=size)
    if kind == "outlier":
        intensities[0] = 1e300
    if kind == "ties":
        intensities = np.round(intensities)
    if kind == "flat":
        intensities[:] = 0.1
    ranks = np.sort(rng.integers(0, size, 6))
    found = order_statistics(intensities, ranks, 8)
    if found.size or kind == "normal":  # else the buckets are too full, and the caller sorts
        np.testing.assert_array_equal(found, np.sort(intensities)[ranks])
    everything = of(intensities, features=["10Percentile", "Median"], bin_width=1e294)
    assert everything["Median"] == pytest.approx(np.median(intensities), rel=1e-12)
    assert everything["10Percentile"] == pytest.approx(np.percentile(intensities, 10), rel=1e-12)


def test_what_discretise_gave_saves_binning():
    image = np.random.default_rng(0).normal(100, 50, (4, 4, 4))
    inside = image > 60
    binned = discretise(image, inside, bin_width=10)
    direct = first_order(image, inside, bin_width=10, voxel_volume_mm3=1.0)
    assert first_order(image, inside, voxel_volume_mm3=1.0, binned=binned) == direct


def test_refusals():
    with pytest.raises(CaseError, match="no voxels"):
        first_order(np.ones((2, 2, 2)), np.zeros((2, 2, 2), bool), voxel_volume_mm3=1.0)
    with pytest.raises(UsageError, match="no feature 'Mode'"):
        of([1.0], features=["Mode"])

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radstudy.errors import CaseError, UsageError
from radstudy.features.discretise import bin_edges, discretise

values = arrays.arrays(
    np.float64, st.integers(1, 40), elements=st.floats(-1000, 1000, allow_nan=False, allow_subnormal=False)
)


@settings(deadline=None)  # the first example compiles
@given(values, st.sampled_from([0.1, 0.7, 3.0, 25.0]))
def test_bins_are_those_of_digitize(intensities, width):
    edges = bin_edges(intensities, bin_width=width)
    image = intensities.reshape(1, 1, -1)
    binned = discretise(image, np.ones(image.shape, bool), bin_width=width)
    # a first edge that rounding puts above the minimum gives digitize's 0, which PyRadiomics cannot count
    np.testing.assert_array_equal(binned.levels.ravel(), np.maximum(np.digitize(intensities, edges), 1))
    assert binned.n_levels == binned.levels.max()


@settings(deadline=None)  # the first example compiles
@given(values, st.integers(1, 64))
def test_a_bin_count_is_kept(intensities, count):
    image = intensities.reshape(1, 1, -1)
    binned = discretise(image, np.ones(image.shape, bool), bin_count=count)
    assert binned.edges.size == count + 1
    assert 1 <= binned.levels.min() <= binned.n_levels <= count


@settings(deadline=None)  # the first example compiles
@given(values, st.integers(-8, 8))
def test_whole_bins_added_leave_the_levels(intensities, bins):
    image = np.round(intensities).reshape(1, 1, -1)
    inside = np.ones(image.shape, bool)
    moved = discretise(image + 25 * bins, inside, bin_width=25)
    np.testing.assert_array_equal(discretise(image, inside, bin_width=25).levels, moved.levels)


def test_edges_are_multiples_of_the_width():
    np.testing.assert_array_equal(bin_edges(np.array([-3.0, 54.0]), bin_width=25), [-25, 0, 25, 50, 75, 100])


def test_a_maximum_on_an_edge_has_its_own_bin():
    image = np.array([[[0.0, 25.0, 50.0]]])
    assert discretise(image, image >= 0, bin_width=25).levels.ravel().tolist() == [1, 2, 3]


def test_a_flat_lesion_has_one_level():
    for value in (100.0, 103.0):
        image = np.full((2, 2, 2), value)
        for bins in ({"bin_width": 25}, {"bin_count": 16, "bin_width": None}):
            binned = discretise(image, image > 0, **bins)
            levels = np.unique(binned.levels)
            assert levels.size == 1
            assert binned.n_levels == levels[0]


def test_outside_is_zero_and_does_not_count():
    image = np.array([[[1e9, 30.0, 60.0]]])
    binned = discretise(image, np.array([[[False, True, True]]]), bin_width=25)
    assert binned.levels.dtype == np.int32
    assert binned.levels.ravel().tolist() == [0, 1, 2]


def test_refusals():
    image = np.arange(8.0).reshape(2, 2, 2)
    with pytest.raises(CaseError, match="no voxels"):
        discretise(image, np.zeros(image.shape, bool))
    with pytest.raises(UsageError, match="bin_width is 0"):
        bin_edges(image.ravel(), bin_width=0)
    with pytest.raises(UsageError, match="bin_width is None"):
        bin_edges(image.ravel())
    with pytest.raises(UsageError, match="bin_count is 0"):
        bin_edges(image.ravel(), bin_count=0)
    with pytest.raises(CaseError, match="not finite"):
        bin_edges(np.array([1.0, np.nan]), bin_width=25)
    with pytest.raises(CaseError, match="more than 10,000,000 bins"):
        bin_edges(np.array([0.0, 1e9]), bin_width=1)

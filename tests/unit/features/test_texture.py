from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError, UsageError
from radstudy.features.kernels import counting
from radstudy.features.packed import PackedLesion
from radstudy.features.texture import TEXTURES, glcm, glrlm, glszm, ngtdm, textures

lesions = arrays.arrays(
    np.int32, arrays.array_shapes(min_dims=3, max_dims=3, max_side=5), elements=st.integers(0, 4)
).filter(np.any)
some = settings(max_examples=40, deadline=None)


def assert_same(one, other):
    for family in one:
        assert other[family] == pytest.approx(one[family], rel=1e-9, abs=1e-9, nan_ok=True), family


def everything(levels, **options):
    return textures(levels, int(levels.max()), **options)


@some
@given(lesions, st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_turns_and_flips_do_not_matter(levels, axes, flips):
    turned = levels[:: flips[0], :: flips[1], :: flips[2]].transpose(axes)
    assert_same(everything(levels), everything(np.ascontiguousarray(turned)))


@some
@given(lesions)
def test_padding_does_not_matter(levels):
    assert_same(everything(levels), everything(np.pad(levels, ((1, 2), (0, 3), (2, 0)))))


@some
@given(lesions, st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, "euclidean", "no_weighting"]))
def test_a_gap_in_the_grey_levels_moves_only_what_reads_their_numbers(levels, force2d, norm):
    spread = np.where(levels > 0, levels * 7, 0).astype(np.int32)
    unmoved = {
        "glcm": ["JointEnergy", "JointEntropy", "MaximumProbability", "Imc1", "Imc2", "Correlation", "MCC"],
        "glrlm": ["RunEntropy", "RunPercentage", "ShortRunEmphasis", "GrayLevelNonUniformity", "RunVariance"],
        "glszm": ["ZoneEntropy", "ZonePercentage", "ZoneVariance", "SizeZoneNonUniformity"],
        "gldm": ["DependenceEntropy", "DependenceVariance", "SmallDependenceEmphasis"],
    }
    options = {"force2d": force2d, "weighting_norm": norm}
    one = textures(levels, int(levels.max()), unmoved, **options)
    other = textures(spread, int(spread.max()), unmoved, **options)
    for family in ("glrlm", "glszm", "gldm", "glcm"):
        assert other[family] == pytest.approx(one[family], rel=1e-9, abs=1e-7, nan_ok=True)


@some
@given(lesions, st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=2, unique=True))
def test_matrices_count_every_voxel_and_pair(levels, distances):
    lesion = PackedLesion.of(levels, distances)
    inside = np.argwhere(levels > 0)
    n_grey = lesion.grey.size
    pairs = counting.count_pairs(lesion.dense, lesion.inside, lesion.offsets(None), n_grey)[:, 1:, 1:]
    apart = np.abs(inside[:, None] - inside[None]).max(axis=2)
    assert 2 * pairs.sum() == np.isin(apart, distances).sum()
    runs = counting.count_runs(lesion.dense, lesion.inside, lesion.near(None), n_grey, max(levels.shape))
    lengths = np.arange(1, runs.shape[2] + 1)
    np.testing.assert_array_equal((runs * lengths).sum(axis=(1, 2)), len(inside))
    assert not runs[:, 0].any()
    near = lesion.near(None)
    level, size = counting.zones(lesion.packed, lesion.inside, np.concatenate([near, -near]))
    assert size.sum() == len(inside)
    assert set(level) == set(levels[levels > 0])


@some
@given(lesions)
def test_pairs_and_runs_together_are_the_same(levels):
    lesion = PackedLesion.of(levels)
    near, longest = lesion.near(None), max(levels.shape)
    pairs, runs = counting.count_pairs_and_runs(lesion.dense, lesion.inside, near, lesion.grey.size, longest)
    np.testing.assert_array_equal(pairs, counting.count_pairs(lesion.dense, lesion.inside, near, lesion.grey.size))
    by_hand = counting.count_runs(lesion.dense, lesion.inside, near, lesion.grey.size, longest)
    np.testing.assert_array_equal(runs, by_hand)


def test_glcm_by_hand():
    levels = np.array([[[1, 1, 2]]], dtype=np.int32)  # along x, both ways: 11 twice, 12 and 21 once
    found = glcm(levels, 2, features=["JointEnergy", "Contrast", "JointAverage"])
    assert found == pytest.approx({"JointEnergy": 1 / 4 + 1 / 16 + 1 / 16, "Contrast": 1 / 2, "JointAverage": 5 / 4})


def test_glrlm_by_hand():
    levels = np.array([[[1, 1, 2, 2, 2, 0, 1]]], dtype=np.int32)
    found = glrlm(levels, 2, features=["ShortRunEmphasis", "RunPercentage"])
    assert found == pytest.approx({"ShortRunEmphasis": (1 / 4 + 1 / 9 + 1) / 3, "RunPercentage": 3 / 6})


def test_zones_touch_by_corners():
    levels = np.zeros((2, 2, 2), np.int32)
    levels[0, 0, 0] = levels[1, 1, 1] = 3
    assert glszm(levels, 3, features=["LargeAreaEmphasis"]) == {"LargeAreaEmphasis": 4.0}
    assert glszm(levels, 3, force2d=0, features=["LargeAreaEmphasis"]) == {"LargeAreaEmphasis": 1.0}


def test_one_voxel_has_no_direction():
    found = everything(np.ones((1, 1, 1), np.int32))
    for family in ("glcm", "glrlm"):
        assert np.isnan(list(found[family].values())).all()
    for family in ("glszm", "gldm", "ngtdm"):
        assert not np.isnan(list(found[family].values())).any()


def test_flat_lesion():
    found = everything(np.ones((3, 3, 3), np.int32))
    assert found["glcm"]["Correlation"] == found["glcm"]["MCC"] == found["glcm"]["JointEnergy"] == 1
    assert found["glcm"]["Contrast"] == found["glcm"]["Imc1"] == found["glcm"]["Imc2"] == 0
    assert found["ngtdm"] == {"Busyness": 0, "Coarseness": 1e6, "Complexity": 0, "Contrast": 0, "Strength": 0}
    assert found["glszm"]["ZonePercentage"] == pytest.approx(1 / 27)


def test_names_in_the_order_asked_for():
    levels = np.array([[[1, 2, 1]]], dtype=np.int32)
    chosen = ("Idn", "Contrast", "Id")
    found = textures(levels, 2, {"ngtdm": None, "glcm": chosen})
    assert list(found) == ["ngtdm", "glcm"]
    assert tuple(found["glcm"]) == chosen
    assert tuple(textures(levels, 2)["glcm"]) == feature_names("glcm")


def test_input_is_not_changed_and_may_be_a_view():
    levels = np.asfortranarray(np.random.default_rng(0).integers(0, 5, (6, 7, 8)).astype(np.int32))
    before = levels.copy()
    found = everything(levels[::2])
    np.testing.assert_array_equal(levels, before)
    assert_same(found, everything(np.ascontiguousarray(levels[::2])))


def test_refusals():
    levels = np.ones((2, 2, 2), np.int32)
    with pytest.raises(CaseError, match="no voxels"):
        ngtdm(levels * 0, 1)
    many = np.arange(1, 5002, dtype=np.int32).reshape(3, 1, -1)
    with pytest.raises(CaseError, match=r"5001 grey levels, but textures allow at most 5000.*wider bin"):
        glcm(many, 5001)
    with pytest.raises(UsageError, match="unknown texture family 'glcmx'"):
        textures(levels, 1, ["glcmx"])
    with pytest.raises(UsageError, match="force2d is 3"):
        textures(levels, 1, TEXTURES, force2d=3)
    with pytest.raises(UsageError, match="weighting_norm is 'l2'"):
        glcm(levels, 1, weighting_norm="l2")
    with pytest.raises(UsageError, match=r"distances are \[0\]"):
        glcm(levels, 1, distances=[0])
    with pytest.raises(UsageError, match="no feature 'Homogeneity1'"):
        glcm(levels, 1, features=["Homogeneity1"])

"""Evenness of the foreground and the pictures of a field: numbers by hand, and places that do not get mixed up."""

import json
from dataclasses import replace

import numpy as np
import pytest

from radstudy.imaging.bias_field import BiasField
from radstudy.imaging.field_view import field_view, log_field_at, slices_before
from radstudy.imaging.foreground import foreground
from radstudy.imaging.n4 import _noise, fit_bias_field
from radstudy.imaging.planes import few_slices
from radstudy.imaging.preparation import NOISE, Preparation, prepare_volume
from radstudy.imaging.quality import BINS, TOP, Evenness, evenness
from radstudy.imaging.volume import Volume
from radstudy.protocol.prepare import N4, Rescale

# Voxel axes I, J, K run to P, S, L: a sagittal acquisition.
SAGITTAL = np.array([[0, 0, -3.0, 60], [-1.0, 0, 0, 50], [0, 1.0, 0, -40], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def biased():
    rng = np.random.default_rng(2)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (60, 50, 30)], indexing="ij"))
    tissue = np.where((grid**2).sum(axis=0) < 0.8, 400.0, 4.0)
    log_field = 0.4 * grid[0] - 0.2 * grid[2]
    voxels = tissue * np.exp(log_field) + np.abs(rng.normal(scale=3, size=tissue.shape))
    return Volume(voxels.astype(np.float32), SAGITTAL), log_field


def test_evenness_counts_the_same_voxels_before_and_after(biased):
    volume, log_field = biased
    flat = volume.with_voxels((volume.voxels / np.exp(log_field)).astype(np.float32), "divide")
    found = evenness(volume, flat)
    inside = foreground(volume)
    for voxels, variation, counts in (
        (volume.voxels[inside], found.variation_before, found.histogram_before),
        (flat.voxels[inside], found.variation_after, found.histogram_after),
    ):
        assert variation == pytest.approx(voxels.std(dtype=np.float64) / voxels.mean(dtype=np.float64))
        expected, _ = np.histogram(np.minimum(voxels / voxels.mean(dtype=np.float64), TOP * 0.9999), BINS, (0, TOP))
        assert np.abs(np.array(counts) - expected).sum() <= 4  # values on a bin's edge
        assert sum(counts) == inside.sum()
    assert found.variation_after < 0.2 * found.variation_before
    low, high = np.percentile(np.exp(log_field[inside]), [5, 95])
    assert found.field_ratio == pytest.approx(high / low, rel=1e-3)


def test_nothing_to_measure_gives_nan_and_empty_counts():
    empty = Volume(np.zeros((4, 4, 4), np.float32), np.eye(4))
    found = evenness(empty, empty)
    assert np.isnan([found.variation_before, found.variation_after, found.field_ratio]).all()
    assert sum(found.histogram_before) == 0
    again = Evenness.from_dict({**found.as_dict(), "variation_before": None})
    assert np.isnan(again.variation_before)


def test_a_preparation_keeps_its_evenness(biased):
    volume, _ = biased
    steps = [Rescale(to=[0, 500]), N4(shrink=3, iterations=[8])]
    _, preparation = prepare_volume(volume, steps)
    again = Preparation.from_dict(json.loads(json.dumps(preparation.as_dict())))
    assert again.quality == preparation.quality
    facts = preparation.facts()
    assert facts["cv_after"] < facts["cv_before"]
    assert facts["field_ratio"] > 1.05
    entered, field = preparation.before_field(volume)
    assert isinstance(field, BiasField)
    assert entered.history[-1].startswith("rescale")
    assert Preparation(()).before_field(volume) is None
    assert len(json.dumps(preparation.as_dict()["quality"])) < 1200


def test_the_shift_is_the_largest_between_two_fits_inside_the_boxes(biased):
    volume, _ = biased
    options = {"shrink": 3, "iterations": [8, 6]}
    prepared, preparation = prepare_volume(volume, [N4(**options)], disturb=True)
    again = fit_bias_field(volume, **options, disturbance=NOISE)
    first, second = preparation.steps[0].lattice, again.lattice
    assert 0 < np.abs(second - first).max() < 0.01
    moved = replace(again, lattice=second - first).log_field()
    boxes = [((0, 9), (20, 30), (4, 5)), ((30, 60), (1, 4), (0, 30))]
    expected = max(np.abs(moved[tuple(slice(*ends) for ends in box)]).max() for box in boxes)
    assert preparation.field_shift(boxes) == pytest.approx(expected, rel=1e-4)
    assert preparation.field_shift([]) is None
    plain, undisturbed = prepare_volume(volume, [N4(**options)])
    assert undisturbed.field_shift(boxes) is None
    np.testing.assert_array_equal(plain.voxels, prepared.voxels)


def test_the_noise_is_even_between_its_limits_and_the_same_everywhere():
    noise = _noise((40, 30, 20))
    assert np.abs(noise).max() <= 1
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(3**-0.5, rel=0.02)
    # splitmix64 from state 0, the first two numbers: 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4
    expected = [(0xE220A8397B1DCDAF >> 11) * 2.0**-52 - 1, (0x6E789E6AA1B965F4 >> 11) * 2.0**-52 - 1]
    assert noise[:2, 0, 0].tolist() == expected


def test_the_field_at_chosen_voxels_is_the_field(biased):
    field = fit_bias_field(biased[0], shrink=3, iterations=(5, 4))
    index = (np.array([0, 7, 59]), np.array([3]), np.arange(0, 30, 4))
    np.testing.assert_allclose(log_field_at(field, index), field.log_field()[np.ix_(*index)], atol=1e-6)


def test_slices_are_cut_as_acquired_and_turned_to_the_reader(biased):
    volume, _ = biased
    shown = few_slices(volume)
    assert [index.size for index in shown.index] == [60, 50, 3]
    places = np.stack(np.meshgrid(*shown.index, indexing="ij"), axis=-1) @ SAGITTAL[:3, :3].T + SAGITTAL[:3, 3]
    right, anterior, head = (shown.pictures(places[..., axis]) for axis in range(3))
    assert right.shape == (3, 50, 60)
    assert (np.diff(head, axis=1) < 0).all()  # head up
    assert (np.diff(anterior, axis=2) < 0).all()  # anterior to the left
    assert all(np.ptp(slice_) == 0 for slice_ in right)
    assert shown.spacing_mm() == (1.0, 1.0)
    thin = few_slices(Volume(np.zeros((200, 300, 9), np.float32), np.diag([0.5, 0.5, 4, 1])), longest=96)
    assert [index.size for index in thin.index] == [67, 75, 3]
    assert thin.spacing_mm() == (2.0, 1.5)
    assert few_slices(Volume(np.zeros((9, 9, 9), np.float32), SAGITTAL @ np.diag([3, 3, 1, 1.0]))).index[1].size == 3


def test_a_view_shows_before_field_and_after(biased):
    volume, _ = biased
    field = fit_bias_field(volume, shrink=3, iterations=(10, 8))
    kept = slices_before(volume)
    assert kept["image"].dtype == np.uint8
    assert sum(np.asarray(value).nbytes for value in kept.values()) < 40_000
    view = field_view(kept, field)
    np.testing.assert_allclose(view["before"] / view["after"], np.exp(view["log_field"]), rtol=1e-9)
    bright = view["before"] > 0.5 * view["before"].max()
    assert view["after"][bright].std() < view["before"][bright].std()


def test_a_weighted_view_of_one_slice():
    field = BiasField(np.zeros((4, 4, 1)), (8, 8, 1), (1,), (0.0,), 9)
    volume = Volume(np.arange(64, dtype=np.float32).reshape(8, 8, 1), np.diag([1.0, 1, 5, 1]))
    view = field_view(slices_before(volume), field)
    assert view["before"].shape == (1, 8, 8)
    np.testing.assert_array_equal(view["before"], view["after"])

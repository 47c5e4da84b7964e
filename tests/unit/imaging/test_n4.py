"""N4: its parts against ITK's, its errors, and that a stored field is the field."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError, UsageError
from radstudy.formats.raster import to_sitk
from radstudy.imaging.bias_field import BiasField, correct
from radstudy.imaging.foreground import above_otsu, foreground
from radstudy.imaging.n4 import fit_bias_field, n4, shrunk_grid, tied_axes
from radstudy.imaging.quality import evenness
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid


@pytest.fixture(scope="module")
def biased():
    """A ball of two tissues under a known smooth field, with noise."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (40, 44, 24)], indexing="ij"))
    inside = (grid**2).sum(axis=0) < 0.9
    tissue = np.where(np.sin(9 * grid[0]) * np.sin(7 * grid[1]) > 0, 600.0, 300.0)
    log_field = 0.3 * grid[0] - 0.2 * grid[1] ** 2 + 0.1 * grid[2]
    voxels = np.where(inside, tissue * np.exp(log_field), 5.0) + rng.normal(scale=4, size=tissue.shape)
    return Volume(np.abs(voxels).astype(np.float32), np.diag([1.5, 1.5, 3, 1])), inside, log_field


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1.1, 1.1, 4), (0.78125, 1.0625, 1.5)])
@pytest.mark.parametrize("factors", [(4, 4, 4), (2, 3, 1), (3, 2, 4)])
@pytest.mark.parametrize("size", [(60, 52, 28), (25, 26, 27), (7, 1, 3), (320, 16, 9)])
def test_the_shrunk_grid_takes_itks_voxels(size, factors, spacing):
    """Also where the centres of the grids put a sample half-way between two voxels."""
    voxels = np.arange(np.prod(size), dtype=np.float32).reshape(size)
    volume = Volume(voxels, np.array([[0.0, spacing[1], 0, -31.7], [spacing[0], 0, 0, 8.3], [0, 0, spacing[2], 2.1],
                                      [0, 0, 0, 1]]))  # fmt: skip
    taken = sitk.GetArrayFromImage(sitk.Shrink(to_sitk(voxels, volume.affine), factors)).transpose(2, 1, 0)
    np.testing.assert_array_equal(voxels[np.ix_(*shrunk_grid(volume.grid, factors))], taken)


def test_otsus_foreground_is_itks(biased):
    volume, _, _ = biased
    image = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0))
    expected = sitk.GetArrayFromImage(sitk.OtsuThreshold(image, 0, 1, 200)).transpose(2, 1, 0) == 1
    np.testing.assert_array_equal(foreground(volume), expected)


def test_the_known_field_is_found_and_the_image_flattened(biased):
    volume, inside, truth = biased
    corrected, log_field = n4(volume, inside, shrink=2)
    assert np.corrcoef(log_field[inside], truth[inside])[0, 1] > 0.97
    found = evenness(volume, corrected, inside)
    assert found.variation_after < found.variation_before
    np.testing.assert_allclose(corrected.voxels, volume.voxels / np.exp(log_field), rtol=1e-5)
    assert corrected.history[-1].startswith("N4")


def test_a_stored_field_is_applied_to_the_same_voxels(biased):
    volume, _, _ = biased
    field = fit_bias_field(volume, iterations=(5, 5))
    again = BiasField.from_dict(json.loads(json.dumps(field.as_dict())))
    np.testing.assert_array_equal(correct(volume, again).voxels, correct(volume, field).voxels)


def test_runs_are_the_same_to_the_last_bit(biased):
    volume, _, _ = biased
    np.testing.assert_array_equal(fit_bias_field(volume).lattice, fit_bias_field(volume).lattice)


def test_confidence_of_one_changes_nothing_and_zero_leaves_voxels_out(biased):
    volume, inside, _ = biased
    plain = fit_bias_field(volume, inside, iterations=(5,))
    ones = fit_bias_field(volume, inside, iterations=(5,), confidence=np.ones(inside.shape))
    np.testing.assert_allclose(ones.lattice, plain.lattice, atol=1e-12)
    half = inside & (np.arange(40) < 20)[:, None, None]
    left = fit_bias_field(volume, inside, iterations=(5,), confidence=half.astype(float))
    np.testing.assert_allclose(left.lattice, fit_bias_field(volume, half, iterations=(5,)).lattice, atol=1e-12)


def test_a_single_slice_has_a_field_within_its_plane(biased):
    volume, inside, truth = biased
    flat = Volume(volume.voxels[:, :, 12:13], volume.affine)
    _, log_field = n4(flat, inside[:, :, 12:13], shrink=(2, 2, 1))
    assert np.corrcoef(log_field[inside[:, :, 12:13]], truth[:, :, 12:13][inside[:, :, 12:13]])[0, 1] > 0.9


def test_few_slices_are_warned_of(biased):
    volume, _, _ = biased
    thin = Volume(volume.voxels[:, :, :10], volume.affine)
    assert "along K" in fit_bias_field(thin, iterations=(2,)).warnings[0]


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        (lambda v: np.where(v > 600, np.nan, v), {}, "not finite"),
        (lambda v: v * 0 + 3, {"mask": np.ones((40, 44, 24), bool)}, "no varying"),
        (lambda v: v, {"mask": np.zeros((40, 44, 24), bool)}, "foreground of the bias field is empty"),
        (lambda v: -v, {"mask": np.ones((40, 44, 24), bool)}, "no varying, positive"),
        (lambda v: v, {"mask": np.ones((4, 4, 4), bool)}, "foreground mask has"),
        (lambda v: v, {"shrink": 0}, "shrink factor 0"),
        (lambda v: v, {"control_points": 3}, "too few"),
    ],
)
def test_bad_input_is_named(biased, change, options, says):
    volume, _, _ = biased
    with pytest.raises(CaseError, match=says):
        n4(Volume(change(volume.voxels), volume.affine), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["skewed", "whole numbers", "two tissues", "few values", "negative"])
def test_otsus_foreground_is_itks_voxel_for_voxel(kind, dtype):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        size = rng.integers(5, 40, 3)
        voxels = {
            "skewed": rng.gamma(2, 100, size) * (rng.random(size) < rng.uniform(0.2, 1)),
            "whole numbers": np.round(rng.gamma(2, 100, size)),
            "two tissues": np.where(rng.random(size) < 0.5, rng.normal(0, 3, size), rng.normal(500, 80, size)),
            "few values": rng.integers(0, 6, size),
            "negative": rng.normal(-50, 10, size),
        }[kind].astype(dtype)
        theirs = sitk.GetArrayFromImage(sitk.OtsuThreshold(sitk.GetImageFromArray(voxels), 0, 1, 200)) == 1
        np.testing.assert_array_equal(above_otsu(voxels), theirs)


def test_a_constant_image_has_no_foreground():
    assert not above_otsu(np.full((3, 4, 5), 7.0)).any()


@pytest.mark.parametrize("iterations", [(), (50, 0), (-1,), (50, 1.5)])
def test_iterations_that_cannot_be_are_refused(biased, iterations):
    with pytest.raises(CaseError, match="iterations is"):
        n4(biased[0], iterations=iterations)


def test_one_number_of_iterations_is_one_level_and_numpy_numbers_are_numbers(biased):
    one, other = n4(biased[0], iterations=3, shrink=np.int64(4)), n4(biased[0], iterations=(np.int32(3),), shrink=4)
    np.testing.assert_array_equal(one[1], other[1])


def test_an_array_is_no_volume(biased):
    with pytest.raises(UsageError, match=r"radstudy\.Volume"):
        n4(biased[0].voxels)


@pytest.mark.parametrize("factors", [(2, 2, 2), (3, 3, 3), (4, 4, 4), (1, 2, 5)])
@pytest.mark.parametrize("shape", [(60, 61, 62), (63, 64, 65)])
def test_last_digits_of_the_geometry_move_the_samples_along_tied_axes_and_no_other(shape, factors):
    rng, firsts = np.random.default_rng(0), []
    for _ in range(40):
        affine = np.diag([-1.5, -1.5, 2.0, 1.0])
        affine[:3, :3] *= 1 + rng.normal(0, 1e-9)
        affine[:3, 3] = np.array([40.1, 30.2, 10.3]) + rng.normal(0, 1e-7, 3)
        firsts.append([int(along[0]) for along in shrunk_grid(Grid(shape, affine), factors)])
    moved = np.ptp(firsts, axis=0)
    assert moved.max() <= 1 and tuple(np.flatnonzero(moved)) == tied_axes(shape, factors)

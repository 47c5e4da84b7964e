"""B-spline lattices: their weights, refinement, evaluation and its transpose."""

import numpy as np
import pytest
from scipy.interpolate import BSpline

from radstudy.imaging.bias_field import BiasField
from radstudy.imaging.lattice import contract, evaluate, refined, taps


def dense(size, count):
    """The (voxels, control points) matrix of an axis."""
    axis = taps(size, count)
    matrix = np.zeros((size, count))
    for tap in range(axis.weights.shape[1]):
        matrix[np.arange(size), axis.first + tap] = axis.weights[:, tap]
    return matrix


@pytest.mark.parametrize("count", [4, 5, 7, 11])
def test_weights_are_cubic_b_splines(count):
    weights = dense(50, count)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    place = np.linspace(0, count - 3, 50)
    for point in range(count):
        spline = BSpline.basis_element(np.arange(point - 3, point + 2), extrapolate=False)
        expected = np.nan_to_num(spline(place))
        np.testing.assert_allclose(weights[:-1, point], expected[:-1], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "count"), [((9, 8, 7), (4, 5, 7)), ((13, 6, 1), (5, 4, 1)), ((1, 4, 5), (1, 4, 4))])
def test_evaluation_and_its_transpose_are_matrix_products(size, count, dtype):
    rng = np.random.default_rng(1)
    lattice, values = rng.normal(size=count).astype(dtype), rng.normal(size=size)
    axes = [taps(*pair) for pair in zip(size, count, strict=True)]
    matrices = [dense(*pair) for pair in zip(size, count, strict=True)]
    field = evaluate(lattice, axes)
    assert field.dtype == dtype
    assert field.shape == size
    expected = np.einsum("abc,ia,jb,kc->ijk", lattice, *matrices)
    np.testing.assert_allclose(field, expected, atol=1e-12 if dtype is np.float64 else 1e-5)
    np.testing.assert_allclose(contract(values, axes), np.einsum("ijk,ia,jb,kc->abc", values, *matrices), atol=1e-12)


def test_a_finer_lattice_is_the_same_function():
    lattice = np.random.default_rng(0).normal(size=(4, 5, 1))
    fine = refined(lattice)
    assert fine.shape == (5, 7, 1)
    coarse_field = BiasField(lattice, (9, 8, 3), (1,), (0.0,), 1).log_field()
    fine_field = BiasField(fine, (9, 8, 3), (1,), (0.0,), 1).log_field()
    np.testing.assert_allclose(coarse_field[:-1, :-1], fine_field[:-1, :-1], atol=1e-6)

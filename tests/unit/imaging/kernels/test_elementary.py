"""The exp and log of N4's kernels against multiple precision: the bounds that they state."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

from radstudy.compiled import jit
from radstudy.imaging.kernels.elementary import exp32, exp64, logarithms

getcontext().prec = 60
EXTREMES = [0.0, -0.0, 1.0, -1.0, 2.0**-30, -(2.0**-60), math.log(2) / 2, -math.log(2) / 2, 709.78, -708.39]


def distances_in_ulp(found, exact, spacing):
    """How far each float lies from its Decimal, in units of `spacing` at the correctly rounded value."""
    return np.array([
        float(abs(Decimal(float(value)) - true) / Decimal(float(spacing(float(true)))))
        for value, true in zip(found, exact, strict=True)
    ])  # fmt: skip


@jit()
def exponentials(values, out):
    for i in range(values.size):
        out[i] = exp64(values[i])


@jit()
def single(values, out):
    for i in range(values.size):
        out[i] = exp32(values[i])


def test_exp_is_within_one_unit_in_the_last_place():
    rng = np.random.default_rng(0)
    x = np.concatenate([EXTREMES, rng.uniform(-708, 709, 3000), rng.uniform(-3, 3, 3000), rng.uniform(-1e-3, 1e-3, 500),
                        rng.integers(-1000, 1000, 2000) * (math.log(2) / 2)])  # fmt: skip
    x = x[(x > -708.39) & (x < 709.78)]
    found = np.empty_like(x)
    exponentials(x, found)
    far = distances_in_ulp(found, [Decimal(float(value)).exp() for value in x], np.spacing)
    assert far.max() < 1, (far.max(), x[far.argmax()])


def test_exp_beyond_the_range_of_its_result():
    x = np.array([710.0, 1e300, np.inf, -746.0, -1e300, -np.inf, np.nan, -740.0])
    found = np.empty_like(x)
    exponentials(x, found)
    np.testing.assert_array_equal(found[:7], [np.inf, np.inf, np.inf, 0, 0, 0, np.nan])
    assert found[7] == pytest.approx(math.exp(-740.0), abs=2 * 2.0**-1074)


def test_log_is_within_one_unit_in_the_last_place():
    rng = np.random.default_rng(1)
    x = np.concatenate([
        2.0 ** rng.uniform(-1074, 1023.99, 3000), rng.uniform(0.5, 2, 3000), 1 + rng.uniform(-1e-6, 1e-6, 1000),
        np.arange(1, 2000.0), np.sqrt(0.5) * (1 + np.arange(-9, 9) * 2.0**-52),
        [5e-324, 2.0**-1022, np.nextafter(1, 0), np.nextafter(1, 2), np.finfo(float).max],
    ])  # fmt: skip
    found = np.empty_like(x)
    logarithms(x, found)
    assert found[x == 1] == 0
    known = x != 1
    far = distances_in_ulp(found[known], [Decimal(float(value)).ln() for value in x[known]], np.spacing)
    assert far.max() < 1, (far.max(), x[known][far.argmax()])


def test_values_that_have_no_log_stay_as_they_are():
    x = np.array([0.0, -3.5, 1.0])
    found = np.empty_like(x)
    logarithms(x, found)
    np.testing.assert_array_equal(found, [0, -3.5, 0])


def test_the_single_exp_is_nearly_correctly_rounded():
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-87, 88.7, 3000), rng.uniform(-2, 2, 3000), rng.uniform(-1e-3, 1e-3, 300)])
    x = x.astype(np.float32)
    found = np.empty_like(x)
    single(x, found)
    exact = [Decimal(float(value)).exp() for value in x]
    far = distances_in_ulp(found, exact, lambda value: np.spacing(np.float32(value)))
    assert far.max() < 0.51, (far.max(), x[far.argmax()])
    edges = np.array([0, 89, 3e38, np.inf, -104, -3e38, -np.inf, np.nan, -100], np.float32)
    found = np.empty_like(edges)
    single(edges, found)
    np.testing.assert_array_equal(found[:8], [1, np.inf, np.inf, np.inf, 0, 0, 0, np.nan])
    assert found[8] == pytest.approx(math.exp(-100), abs=2.0**-149)

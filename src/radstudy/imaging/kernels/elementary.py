"""Own implementations of exp and log, from + - x / and integer operations only: the same bits on every processor.

A library's exp or log differs in its last bit between processors, because wider registers run another version of it,
and N4's iterations make that last bit visible. Error bounds are in units in the last place of the correctly rounded
result and are tested against multiple precision (`tests/unit/imaging/kernels/test_elementary.py`).

References
----------
Cody WJ, Waite W, Software Manual for the Elementary Functions, 1980 (the reductions). Muller J-M, Elementary
Functions, 3rd ed. 2016, doi 10.1007/978-1-4899-7983-4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

_LN2_HIGH = float.fromhex("0x1.62e42fefp-1")  # the first 33 bits: an integer below 2^20 times it is exact
_LN2_LOW = float.fromhex("0x1.473de6af278edp-34")
_PER_LN2 = float.fromhex("0x1.71547652b82fep+0")
_ROUND = 1.5 * 2.0**52  # a number below 2^51 added to it and subtracted again is rounded to an integer
_BIAS, _MANTISSA_BITS = 1023, 52
_SMALLEST_NORMAL = 2.0**-1022
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
_u = np.uint64  # an index that may be negative needs a test for counting from the end


@jit()
def _power_of_two(exponent: np.int64) -> float:
    """Return 2^exponent for -1022 <= exponent <= 1023."""
    return np.int64((exponent + _BIAS) << _MANTISSA_BITS).view(np.float64)


@jit()
def exp64(x: float) -> float:
    """Return e^x, float64: within 1 ulp if the result is a normal number; 0 and infinity beyond, NaN for NaN."""
    inside = min(max(x, -746.0), 710.0)
    whole = (inside * _PER_LN2 + _ROUND) - _ROUND
    exponent = np.int64(np.int32(whole))  # 32 bits: all processors convert several of these at once
    r = (inside - whole * _LN2_HIGH) - whole * _LN2_LOW
    p = 1 / 39916800 + r * (1 / 479001600 + r * (1 / 6227020800))
    p = 1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * p))
    p = 1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * p))
    p = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * p)))
    half = exponent >> 1  # in two steps: 2^1024 overflows, and a subnormal result is rounded once
    result = (1.0 + p) * _power_of_two(half) * _power_of_two(exponent - half)
    return result if x == x else x  # noqa: PLR0124


@jit()
def exp32(x: float) -> float:
    """Return e^x of a float32 x; rounded to float32 within 0.51 ulp; 0 and infinity beyond, NaN for NaN."""
    inside = min(max(np.float64(x), -104.0), 89.0)
    whole = (inside * _PER_LN2 + _ROUND) - _ROUND
    r = (inside - whole * _LN2_HIGH) - whole * _LN2_LOW
    p = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * (1 / 40320))))
    p = 1.0 + (r + r * r * (1 / 2 + r * (1 / 6 + r * p)))
    result = p * _power_of_two(np.int64(np.int32(whole)))
    return result if x == x else np.float64(x)  # noqa: PLR0124


@jit()
def log64(x: float) -> float:
    """Return the natural logarithm of a finite x > 0, float64: within 1 ulp."""
    scaled = x if x >= _SMALLEST_NORMAL else x * 2.0**54
    bits = np.float64(scaled).view(np.int64)
    exponent = (bits - _ROOT_HALF_BITS) >> _MANTISSA_BITS  # the rest lies between the roots of 1/2 and of 2
    f = np.int64(bits - (exponent << _MANTISSA_BITS)).view(np.float64) - 1.0
    s = f / (2.0 + f)  # log(1 + f) = 2 artanh(s)
    z = s * s
    tail = 2 / 15 + z * (2 / 17 + z * (2 / 19 + z * (2 / 21 + z * (2 / 23))))
    tail = z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9 + z * (2 / 11 + z * (2 / 13 + z * tail))))))
    square = 0.5 * f * f
    k = np.float64(exponent) if x >= _SMALLEST_NORMAL else np.float64(exponent) - 54.0
    # Large parts last: k ln 2 + f - (f^2 / 2 - s (f^2 / 2 + tail)).
    return k * _LN2_HIGH - ((square - (s * (square + tail) + k * _LN2_LOW)) - f)


@jit()
def logarithms(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fill out (n,) float64 with the natural logarithm of the values above 0; the others stay as they are."""
    for i in range(values.size):
        value = values[_u(i)]
        out[_u(i)] = log64(value) if value > 0.0 else value

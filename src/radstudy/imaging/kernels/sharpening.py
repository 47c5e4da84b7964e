"""N4's sharpening of a histogram, by Fourier transforms of a few hundred points.

A transform of this length takes a few microseconds; a library call takes several times that, a hundred times per
volume, and a library's rounding depends on the processor.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.imaging.kernels.elementary import exp64

Float64 = NDArray[np.float64]
_u = np.uint64  # an index that may be negative needs a test for counting from the end
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_PI = float.fromhex("0x1.921fb54442d18p+1")
_FIXED_BITS = 200  # fractional bits of the integers that roots of unity are computed with


@cache
def roots_of_unity(size: int) -> tuple[Float64, Float64]:
    """Compute the table of `sharpened`, correctly rounded, from halved angles and their multiples, with integers."""
    one = 1 << _FIXED_BITS
    cosines, sines = np.ones(size), np.zeros(size)
    cosine, sine = -one, 0  # of pi / half
    half = 1
    while half < size:
        turned, turned_sine = one, 0
        for k in range(half):
            cosines[half + k], sines[half + k] = turned / one, -turned_sine / one
            turned, turned_sine = (
                (turned * cosine - turned_sine * sine) >> _FIXED_BITS,
                (turned * sine + turned_sine * cosine) >> _FIXED_BITS,
            )
        cosine, sine = math.isqrt(one * (one + cosine) // 2), math.isqrt(one * (one - cosine) // 2)
        half *= 2
    return cosines, sines


@jit()
def transform(real: Float64, imaginary: Float64, cosines: Float64, sines: Float64) -> None:
    """Compute the discrete Fourier transform in place; real, imaginary (n,), n a power of two; table as `sharpened`."""
    size = real.size
    other = 0
    for place in range(1, size):  # the order of reversed bits
        bit = size >> 1
        while other & bit:
            other ^= bit
            bit >>= 1
        other ^= bit
        if place < other:
            real[place], real[other] = real[other], real[place]
            imaginary[place], imaginary[other] = imaginary[other], imaginary[place]
    half = 1
    while half < size:
        for start in range(0, size, 2 * half):
            for k in range(half):
                near, far = _u(start + k), _u(start + k + half)
                cosine, sine = cosines[_u(half + k)], sines[_u(half + k)]
                turned = real[far] * cosine - imaginary[far] * sine
                turned_imaginary = real[far] * sine + imaginary[far] * cosine
                real[far] = real[near] - turned
                imaginary[far] = imaginary[near] - turned_imaginary
                real[near] += turned
                imaginary[near] += turned_imaginary
        half *= 2


@jit(error_model="numpy")
def sharpened(
    counts: Float64, low: float, slope: float, fwhm: float, noise: float, cosines: Float64, sines: Float64
) -> Float64:
    """Compute E(u | v) at the bins; see `radstudy.imaging.n4.sharpened_mapping`.

    Parameters
    ----------
    cosines, sines : float64 (n,), n a power of two: real and imaginary part of exp(-pi i k / h) at h + k, for h = 1, 2,
        4, ... n / 2 and 0 <= k < h; see `roots_of_unity`.

    Notes
    -----
    Two real signals are transformed as the real and the imaginary part of one. The inverse is the forward transform of
    the conjugate.
    """
    size, bins = cosines.size, counts.size
    offset = (size - bins) // 2
    real, imaginary = _gaussian(size, fwhm / slope), np.zeros(size)
    for i in range(bins):
        imaginary[offset + i] = counts[i]
    transform(real, imaginary, cosines, sines)
    blur, blur_imaginary = np.empty(size), np.empty(size)
    sharp, sharp_imaginary = np.empty(size), np.empty(size)
    for i in range(size):
        mirror = (size - i) & (size - 1)
        blur[i] = 0.5 * (real[i] + real[mirror])
        blur_imaginary[i] = 0.5 * (imaginary[i] - imaginary[mirror])
        wiener = blur[i] / (blur[i] * blur[i] + blur_imaginary[i] * blur_imaginary[i] + noise)
        sharp[i] = 0.5 * (imaginary[i] + imaginary[mirror]) * wiener
        sharp_imaginary[i] = 0.5 * (real[i] - real[mirror]) * wiener  # minus the spectrum's
    transform(sharp, sharp_imaginary, cosines, sines)
    for i in range(size):
        imaginary[i] = max(sharp[i] / size, 0.0)
        real[i] = (low + (i - offset) * slope) * imaginary[i]
    transform(real, imaginary, cosines, sines)
    for i in range(size):
        filtered = real[i] * blur[i] - imaginary[i] * blur_imaginary[i]
        imaginary[i] = -(real[i] * blur_imaginary[i] + imaginary[i] * blur[i])
        real[i] = filtered
    transform(real, imaginary, cosines, sines)
    expected = np.zeros(bins)
    for i in range(bins):
        above, below = real[offset + i], -imaginary[offset + i]
        if below != 0.0:
            expected[i] = above / below
    return expected


@jit(error_model="numpy")
def _gaussian(size: int, width: float) -> Float64:
    """Return a Gaussian (n,) of area 1 around the first element, periodic, with full width `width` at half maximum."""
    height = 2.0 * math.sqrt(_LN2 / _PI) / width
    gaussian = np.empty(size)
    for i in range(size):
        distance = min(i, size - i) / width
        gaussian[i] = height * exp64(-4.0 * _LN2 * (distance * distance))
    return gaussian

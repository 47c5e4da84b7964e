"""N4's sharpening of a histogram, by Fourier transforms of a few hundred points.

A transform of this length takes a few microseconds; calling a library for each takes several times that, a hundred
times a volume.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Float64 = NDArray[np.float64]


@jit()
def _transform(values: Any, roots: Any) -> None:
    """The discrete Fourier transform in place; values (n,) complex128, n a power of two, roots exp(-2 pi i k / n)."""
    size = values.size
    other = 0
    for place in range(1, size):  # the order of reversed bits
        bit = size >> 1
        while other & bit:
            other ^= bit
            bit >>= 1
        other ^= bit
        if place < other:
            values[place], values[other] = values[other], values[place]
    half = 1
    while half < size:
        stride = size // (2 * half)
        for start in range(0, size, 2 * half):
            for k in range(half):
                turned = values[start + k + half] * roots[k * stride]
                values[start + k + half] = values[start + k] - turned
                values[start + k] += turned
        half *= 2


@jit()
def sharpened(
    counts: Float64, low: float, slope: float, fwhm: float, noise: float, distance: Float64, roots: Any
) -> Float64:
    """E(u | v) at the bins; see `radstudy.imaging.n4.sharpened_mapping`.

    distance (n,) of each place from the first, around the end; roots (n,) complex128, exp(-2 pi i k / n); n a power of
    two. Two real signals travel as the real and the imaginary part of one.
    """
    size, bins = distance.size, counts.size
    offset = (size - bins) // 2
    width = fwhm / slope
    height = 2 * np.sqrt(np.log(2.0) / np.pi) / width
    both = np.empty(size, dtype=np.complex128)
    for i in range(size):
        inside = offset <= i < offset + bins
        gaussian = height * np.exp(-4 * np.log(2.0) * (distance[i] / width) ** 2)
        both[i] = complex(gaussian, counts[i - offset] if inside else 0.0)
    _transform(both, roots)
    blur = np.empty(size, dtype=np.complex128)
    filtered = np.empty(size, dtype=np.complex128)
    for i in range(size):
        one, mirrored = both[i], np.conj(both[(size - i) % size])
        blur[i] = 0.5 * (one + mirrored)
        spectrum = -0.5j * (one - mirrored)
        power = blur[i].real ** 2 + blur[i].imag ** 2
        filtered[i] = np.conj(spectrum * (blur[i].real / (power + noise)))  # conjugated: the way back is forwards
    _transform(filtered, roots)
    for i in range(size):
        sharp = max(filtered[i].real / size, 0.0)
        both[i] = complex((low + (i - offset) * slope) * sharp, sharp)
    _transform(both, roots)
    for i in range(size):
        both[i] = np.conj(both[i] * blur[i])
    _transform(both, roots)
    expected = np.zeros(bins)
    for i in range(bins):
        above, below = both[offset + i].real, -both[offset + i].imag
        if below != 0.0:
            expected[i] = above / below
    return expected

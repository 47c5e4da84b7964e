"""One level of the stationary (undecimated) wavelet transform along one axis.

Sums run over the taps in order and in the source's own precision (float32 or float64), as in PyWavelets, so that
float32 images give the same bits.
"""

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Floats = NDArray[np.floating]


@jit()
def _set_scaled(out: Floats, source: Floats, factor: float) -> None:
    for i in range(out.size):
        out[i] = factor * source[i]


@jit()
def _add_scaled(out: Floats, source: Floats, factor: float) -> None:
    for i in range(out.size):
        out[i] += factor * source[i]


@jit()
def convolve_rows(source: Floats, low: Floats, high: Floats, low_out: Floats, high_out: Floats) -> None:
    """Convolve along the last axis with a low-pass and a high-pass filter, without padding.

    Parameters
    ----------
    source : (A, n + taps - 1) array, float32 or float64.
    low, high : (taps,) filters of the same type.
    low_out, high_out : (A, n), overwritten: ``out[i] = sum over j of filter[j] * source[i + taps - 1 - j]``.
    """
    rows, n = low_out.shape
    last = low.size - 1
    for a in range(rows):
        line = source[a]
        _set_scaled(low_out[a], line[last : last + n], low[0])
        _set_scaled(high_out[a], line[last : last + n], high[0])
        for j in range(1, last + 1):
            _add_scaled(low_out[a], line[last - j : last - j + n], low[j])
            _add_scaled(high_out[a], line[last - j : last - j + n], high[j])


@jit()
def convolve_planes(source: Floats, low: Floats, high: Floats, low_out: Floats, high_out: Floats) -> None:
    """Convolve along the middle axis; otherwise like `convolve_rows`.

    Parameters
    ----------
    source : (A, n + taps - 1, B) array, float32 or float64.
    low, high : (taps,) filters of the same type.
    low_out, high_out : (A, n, B), overwritten.
    """
    outer, n, _ = low_out.shape
    last = low.size - 1
    for a in range(outer):
        for i in range(n):
            _set_scaled(low_out[a, i], source[a, i + last], low[0])
            _set_scaled(high_out[a, i], source[a, i + last], high[0])
            for j in range(1, last + 1):
                _add_scaled(low_out[a, i], source[a, i + last - j], low[j])
                _add_scaled(high_out[a, i], source[a, i + last - j], high[j])

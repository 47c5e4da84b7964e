"""One level of the stationary (undecimated) wavelet transform along one axis."""

from typing import Any

from radstudy.compiled import jit


@jit()
def convolve_pair(source: Any, low: Any, high: Any, low_out: Any, high_out: Any) -> None:
    """Convolve along the middle axis with a low-pass and a high-pass filter, where the filters fit.

    Sums run over the taps in order and in the source's own precision (float32 or float64), as in PyWavelets, so that
    float32 images give the same bits.

    Parameters
    ----------
    source : (A, n + taps - 1, B) array, float32 or float64.
    low, high : (taps,) filters of the same type.
    low_out, high_out : (A, n, B), overwritten: ``out[i] = sum over j of filter[j] * source[i + taps - 1 - j]``.
    """
    outer, n, inner = low_out.shape
    taps = low.size
    for a in range(outer):
        for i in range(n):
            for b in range(inner):
                low_out[a, i, b] = low[0] * source[a, i + taps - 1, b]
                high_out[a, i, b] = high[0] * source[a, i + taps - 1, b]
            for j in range(1, taps):
                row = i + taps - 1 - j
                for b in range(inner):
                    low_out[a, i, b] += low[j] * source[a, row, b]
                for b in range(inner):
                    high_out[a, i, b] += high[j] * source[a, row, b]

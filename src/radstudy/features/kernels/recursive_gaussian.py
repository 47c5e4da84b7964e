"""Recursive Gaussian filters of ITK: Deriche's fourth-order recursions with Farneback and Westin's coefficients.

The arithmetic follows ITK operation by operation (double precision along a line, float32 between axes), so results
are equal to the last bit. What differs is the order of the work: lines are filtered in blocks that lie beside one
another in memory, which a processor does four or eight at a time, and only the wanted part of each line is kept.

References
----------
Deriche R. Recursively implementing the Gaussian and its derivatives. INRIA research report 1893, 1993.
Farneback G, Westin C-F. Improving Deriche-style recursive Gaussian filters. J Math Imaging Vis 2006, 26:293-299,
doi 10.1007/s10851-006-8464-z.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

_BLOCK = 32  # lines filtered together: three buffers of 100 samples stay in a processor's first or second cache

# The exponential series that approximates a Gaussian (order 0) and its second derivative (order 2).
_W1, _L1, _W2, _L2 = 0.6681, -1.3932, 2.0787, -1.3732
_SERIES = {0: (1.3530, 1.8151, -0.3531, 0.0902), 2: (-1.3563, 5.2318, 0.3446, -2.2355)}


def gaussian_coefficients(sigma_mm: float, spacing_mm: float, order: int) -> NDArray[np.float64]:
    """The recursion's coefficients along one axis, as ITK computes them with normalisation across scale.

    Parameters
    ----------
    sigma_mm : standard deviation of the Gaussian, mm.
    spacing_mm : distance between samples, mm.
    order : 0 smooths; 2 is the second derivative per sample squared, times ``sigma_mm`` squared.

    Returns
    -------
    float64 (5, 4) : causal N0-N3, anticausal M1-M4, feedback D1-D4, and the feedback of the values beyond the
        border, causal BN1-BN4 and anticausal BM1-BM4.
    """
    sigma = sigma_mm / spacing_mm
    feedback, sd, dd, ed = _feedback(sigma)
    n0, sn, dn, en = _numerator(sigma, *_SERIES[0])
    if order == 0:
        alpha = 2 * sn / sd - n0[0]
        scale = 1.0 / alpha
        numerator = n0
    else:
        n2, sn2, dn2, en2 = _numerator(sigma, *_SERIES[2])
        beta = -(2 * sn2 - sd * n2[0]) / (2 * sn - sd * n0[0])
        numerator = [second + beta * zeroth for second, zeroth in zip(n2, n0, strict=True)]
        sn, dn, en = sn2 + beta * sn, dn2 + beta * dn, en2 + beta * en
        alpha = en * sd * sd - ed * sn * sd - 2 * dn * dd * sd + 2 * dd * dd * sn
        alpha /= sd * sd * sd
        scale = sigma_mm * sigma_mm / alpha
    causal = [value * scale for value in numerator]
    d1, d2, d3, d4 = feedback
    anticausal = [causal[1] - d1 * causal[0], causal[2] - d2 * causal[0], causal[3] - d3 * causal[0], -d4 * causal[0]]
    sum_n = causal[0] + causal[1] + causal[2] + causal[3]
    sum_m = anticausal[0] + anticausal[1] + anticausal[2] + anticausal[3]
    beyond_causal = [d * sum_n / sd for d in feedback]
    beyond_anticausal = [d * sum_m / sd for d in feedback]
    return np.array([causal, anticausal, feedback, beyond_causal, beyond_anticausal])


def _feedback(sigma: float) -> tuple[list[float], float, float, float]:
    cos1, cos2 = math.cos(_W1 / sigma), math.cos(_W2 / sigma)
    exp1, exp2 = math.exp(_L1 / sigma), math.exp(_L2 / sigma)
    d4 = exp1 * exp1 * exp2 * exp2
    d3 = -2 * cos1 * exp1 * exp2 * exp2
    d3 += -2 * cos2 * exp2 * exp1 * exp1
    d2 = 4 * cos2 * cos1 * exp1 * exp2
    d2 += exp1 * exp1 + exp2 * exp2
    d1 = -2 * (exp2 * cos2 + exp1 * cos1)
    sd = 1.0 + d1 + d2 + d3 + d4
    dd = d1 + 2 * d2 + 3 * d3 + 4 * d4
    ed = d1 + 4 * d2 + 9 * d3 + 16 * d4
    return [d1, d2, d3, d4], sd, dd, ed


def _numerator(sigma: float, a1: float, b1: float, a2: float, b2: float) -> tuple[list[float], float, float, float]:
    sin1, sin2 = math.sin(_W1 / sigma), math.sin(_W2 / sigma)
    cos1, cos2 = math.cos(_W1 / sigma), math.cos(_W2 / sigma)
    exp1, exp2 = math.exp(_L1 / sigma), math.exp(_L2 / sigma)
    n0 = a1 + a2
    n1 = exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2)
    n1 += exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1)
    n2 = (a1 + a2) * cos2 * cos1
    n2 -= b1 * cos2 * sin1 + b2 * cos1 * sin2
    n2 *= 2 * exp1 * exp2
    n2 += a2 * exp1 * exp1 + a1 * exp2 * exp2
    n3 = exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2)
    n3 += exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1)
    sn = n0 + n1 + n2 + n3
    dn = n1 + 2 * n2 + 3 * n3
    en = n1 + 4 * n2 + 9 * n3
    return [n0, n1, n2, n3], sn, dn, en


@jit()
def _weigh(out: Any, c: Any, a: Any, b: Any, d: Any, e: Any) -> None:
    for lane in range(out.size):
        out[lane] = a[lane] * c[0] + b[lane] * c[1] + d[lane] * c[2] + e[lane] * c[3]


@jit()
def _feed_back(out: Any, c0: float, c1: float, c2: float, c3: float, a: Any, b: Any, d: Any, e: Any) -> None:
    for lane in range(out.size):
        out[lane] -= a[lane] * c0 + b[lane] * c1 + d[lane] * c2 + e[lane] * c3


@jit()
def filter_lines(source: Any, first: int, last: int, coefficients: Any, target: Any) -> None:
    """Filter every line along the middle axis and keep samples `first` to `last` - 1.

    Parameters
    ----------
    source : (A, n, B) array or view, n at least 4; read as float64.
    first, last : the part of each line to keep.
    coefficients : float64 (5, 4) of `gaussian_coefficients`.
    target : float32 (A, last - first, B) array or view, overwritten.
    """
    outer, n, lines = source.shape
    n_c, m_c, d_c, bn, bm = coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    blocks = max(1, (lines + _BLOCK - 1) // _BLOCK)
    width = (lines + blocks - 1) // blocks
    x_buffer = np.empty((n, width))
    forward_buffer = np.empty((n, width))
    backward_buffer = np.empty((n, width))
    for a in range(outer):
        for start in range(0, lines, width):
            lanes = min(width, lines - start)
            x = x_buffer[:, :lanes]
            y = forward_buffer[:, :lanes]
            w = backward_buffer[:, :lanes]
            for i in range(n):
                for lane in range(lanes):
                    x[i, lane] = source[a, i, start + lane]
            edge = x[0]
            for i in range(last):
                _weigh(y[i], n_c, x[i], x[max(i - 1, 0)], x[max(i - 2, 0)], x[max(i - 3, 0)])
                _feed_back(
                    y[i],
                    d_c[0] if i >= 1 else bn[0],
                    d_c[1] if i >= 2 else bn[1],
                    d_c[2] if i >= 3 else bn[2],
                    d_c[3] if i >= 4 else bn[3],
                    y[i - 1] if i >= 1 else edge,
                    y[i - 2] if i >= 2 else edge,
                    y[i - 3] if i >= 3 else edge,
                    y[i - 4] if i >= 4 else edge,
                )
            edge = x[n - 1]
            for k in range(n - first):
                i = n - 1 - k
                top = n - 1
                _weigh(w[i], m_c, x[min(i + 1, top)], x[min(i + 2, top)], x[min(i + 3, top)], x[min(i + 4, top)])
                _feed_back(
                    w[i],
                    d_c[0] if k >= 1 else bm[0],
                    d_c[1] if k >= 2 else bm[1],
                    d_c[2] if k >= 3 else bm[2],
                    d_c[3] if k >= 4 else bm[3],
                    w[i + 1] if k >= 1 else edge,
                    w[i + 2] if k >= 2 else edge,
                    w[i + 3] if k >= 3 else edge,
                    w[i + 4] if k >= 4 else edge,
                )
            for i in range(first, last):
                for lane in range(lanes):
                    target[a, i - first, start + lane] = np.float32(y[i, lane] + w[i, lane])

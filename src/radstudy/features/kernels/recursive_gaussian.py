"""ITK's recursive Gaussian filters: Deriche's fourth-order recursions with Farneback and Westin's coefficients.

The arithmetic follows ITK operation by operation (double precision along a line, float32 between axes), so results
are equal to the last bit. Only the order of the work differs: lines are filtered in blocks that are adjacent in
memory, so that a processor does four or eight at a time, and only the needed part of each line is kept.

References
----------
Deriche R. Recursively implementing the Gaussian and its derivatives. INRIA research report 1893, 1993.
Farneback G, Westin C-F. Improving Deriche-style recursive Gaussian filters. J Math Imaging Vis 2006, 26:293-299,
doi 10.1007/s10851-006-8464-z.
"""

import math

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Floats = NDArray[np.floating]
Numbers = NDArray[np.number]

_BLOCK = 128  # lines filtered together, a whole number of vector registers: measured, 64 takes a seventh longer

# The exponential series that approximates a Gaussian (order 0) and its second derivative (order 2).
_W1, _L1, _W2, _L2 = 0.6681, -1.3932, 2.0787, -1.3732
_SERIES = {0: (1.3530, 1.8151, -0.3531, 0.0902), 2: (-1.3563, 5.2318, 0.3446, -2.2355)}


def gaussian_coefficients(sigma_mm: float, spacing_mm: float, order: int) -> NDArray[np.float64]:
    """Compute the recursion's coefficients along one axis, as ITK does with normalisation across scale.

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


# A sample of a block has three rows in the buffer: what goes in, and what comes out of either recursion. Four samples
# precede the first and follow the last: the border's value, repeated. All rows lie in one array, at fixed distances, so
# that the compiler sees that they do not overlap.
_IN, _DOWN, _UP, _ROWS = 0, _BLOCK, 2 * _BLOCK, 3 * _BLOCK
_1, _2, _3, _4 = _ROWS, 2 * _ROWS, 3 * _ROWS, 4 * _ROWS


@jit()
def _causal_row(
    s: Floats, n0: float, n1: float, n2: float, n3: float, d1: float, d2: float, d3: float, d4: float
) -> None:
    """One sample from the four before it; `s` begins with the first of these."""
    for lane in range(_BLOCK):
        weighed = s[_4 + _IN + lane] * n0 + s[_3 + _IN + lane] * n1
        weighed = weighed + s[_2 + _IN + lane] * n2 + s[_1 + _IN + lane] * n3
        fed_back = s[_3 + _DOWN + lane] * d1 + s[_2 + _DOWN + lane] * d2
        s[_4 + _DOWN + lane] = weighed - (fed_back + s[_1 + _DOWN + lane] * d3 + s[_DOWN + lane] * d4)


@jit()
def _anticausal_row(
    s: Floats, m1: float, m2: float, m3: float, m4: float, d1: float, d2: float, d3: float, d4: float
) -> None:
    """One sample from the four after it; `s` begins with the sample."""
    for lane in range(_BLOCK):
        weighed = s[_1 + _IN + lane] * m1 + s[_2 + _IN + lane] * m2
        weighed = weighed + s[_3 + _IN + lane] * m3 + s[_4 + _IN + lane] * m4
        fed_back = s[_1 + _UP + lane] * d1 + s[_2 + _UP + lane] * d2
        s[_UP + lane] = weighed - (fed_back + s[_3 + _UP + lane] * d3 + s[_4 + _UP + lane] * d4)


@jit()
def _continue_border(buffer: Floats, n: int) -> None:
    for beyond in range(4):
        before, after = _ROWS * beyond, _ROWS * (n + 4 + beyond)
        for lane in range(_BLOCK):
            buffer[before + _IN + lane] = buffer[before + _DOWN + lane] = buffer[_4 + _IN + lane]
        for lane in range(_BLOCK):
            buffer[after + _IN + lane] = buffer[after + _UP + lane] = buffer[_ROWS * (n + 3) + _IN + lane]


@jit()
def _recur(buffer: Floats, n: int, first: int, last: int, coefficients: Floats) -> None:
    """Run both recursions over a block of lines, no further than the samples `first` to `last` - 1 need.

    Beyond the border, ITK feeds back the input times the coefficients `beyond` instead of a result times `feedback`.
    """
    causal, anticausal, feedback = coefficients[0], coefficients[1], coefficients[2]
    beyond = coefficients[3]
    for i in range(last):
        d1 = feedback[0] if i >= 1 else beyond[0]
        d2 = feedback[1] if i >= 2 else beyond[1]
        d3 = feedback[2] if i >= 3 else beyond[2]
        d4 = feedback[3] if i >= 4 else beyond[3]
        _causal_row(buffer[_ROWS * i : _ROWS * (i + 5)], causal[0], causal[1], causal[2], causal[3], d1, d2, d3, d4)
    beyond = coefficients[4]
    for i in range(n - first):
        d1 = feedback[0] if i >= 1 else beyond[0]
        d2 = feedback[1] if i >= 2 else beyond[1]
        d3 = feedback[2] if i >= 3 else beyond[2]
        d4 = feedback[3] if i >= 4 else beyond[3]
        window = buffer[_ROWS * (n + 3 - i) : _ROWS * (n + 8 - i)]
        _anticausal_row(window, anticausal[0], anticausal[1], anticausal[2], anticausal[3], d1, d2, d3, d4)


@jit()
def _copy_row(row: Floats, source: Numbers) -> None:
    for lane in range(source.size):
        row[lane] = source[lane]


@jit()
def _add_rows(out: Floats, rows: Floats) -> None:
    for lane in range(out.size):
        out[lane] = np.float32(rows[_DOWN + lane] + rows[_UP + lane])


@jit()
def filter_lines(source: Numbers, first: int, last: int, coefficients: Floats, target: Floats) -> None:
    """Filter every line along the middle axis and keep samples `first` to `last` - 1.

    Parameters
    ----------
    source : (A, n, B) array or view, n at least 4; read as float64.
    first, last : the part of each line to keep.
    coefficients : float64 (5, 4) from `gaussian_coefficients`.
    target : float32 (A, last - first, B) array or view, overwritten.
    """
    outer, n, lines = source.shape
    buffer = np.zeros(_ROWS * (n + 8))
    for start in range(0, outer * lines, _BLOCK):  # a block may go over the end of a plane
        stop = min(start + _BLOCK, outer * lines)
        line = start
        while line < stop:
            a, at = line // lines, line % lines
            piece = min(lines - at, stop - line)
            for i in range(n):
                _copy_row(buffer[_ROWS * (i + 4) + line - start :], source[a, i, at : at + piece])
            line += piece
        _continue_border(buffer, n)
        _recur(buffer, n, first, last, coefficients)
        line = start
        while line < stop:
            a, at = line // lines, line % lines
            piece = min(lines - at, stop - line)
            for i in range(first, last):
                _add_rows(target[a, i - first, at : at + piece], buffer[_ROWS * (i + 4) + line - start :])
            line += piece

"""Sorting, drawing and summing in exactly the same order as scikit-learn and NumPy.

Sums of floating-point numbers depend on their order, and a tree's choice between two equally good splits depends on the
last bit of such sums. To choose as scikit-learn does, rows must be in the same order as there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_MASK = 0xFFFFFFFF


@jit()
def draw(state: IntArray, low: int, high: int) -> int:
    """Draw an integer from `low` to below `high`; `state` (1,) is advanced.

    References
    ----------
    Marsaglia G, Xorshift RNGs, J Stat Softw 2003;8(14), doi 10.18637/jss.v008.i14: 32 bits, shifts 13, 17, 5; the
    upper bit dropped, as scikit-learn's trees do.
    """
    x = state[0]
    if x == 0:
        x = 1
    x ^= (x << 13) & _MASK
    x ^= x >> 17
    x ^= (x << 5) & _MASK
    state[0] = x
    return int(low + (x & 0x7FFFFFFF) % (high - low))


@jit()
def pairwise_sum(values: FloatArray, low: int, count: int) -> float:
    """Sum ``values[low:low + count]`` in the order of NumPy's pairwise summation."""
    if count <= 128:
        return _block_sum(values, low, count)
    # Halved down to blocks of 128 or less, summed from the innermost: with a stack, because numba cannot cache
    # recursive functions.
    first, size, stage = np.empty(64, np.int64), np.empty(64, np.int64), np.zeros(64, np.int64)
    part = np.empty(64)
    first[0], size[0] = low, count
    depth, result = 0, 0.0
    while depth >= 0:
        half = size[depth] // 2
        half -= half % 8
        if size[depth] <= 128:
            result = _block_sum(values, first[depth], size[depth])
        elif stage[depth] == 0:
            stage[depth] = 1
            first[depth + 1], size[depth + 1], stage[depth + 1] = first[depth], half, 0
            depth += 1
            continue
        elif stage[depth] == 1:
            part[depth] = result
            stage[depth] = 2
            first[depth + 1], size[depth + 1], stage[depth + 1] = first[depth] + half, size[depth] - half, 0
            depth += 1
            continue
        else:
            result = float(part[depth] + result)
        depth -= 1
    return float(result)


@jit()
def _block_sum(values: FloatArray, low: int, count: int) -> float:
    total = 0.0
    if count < 8:
        for i in range(low, low + count):
            total += values[i]
        return total
    r0, r1, r2, r3 = values[low], values[low + 1], values[low + 2], values[low + 3]
    r4, r5, r6, r7 = values[low + 4], values[low + 5], values[low + 6], values[low + 7]
    whole = count - count % 8
    for i in range(low + 8, low + whole, 8):
        r0 += values[i]
        r1 += values[i + 1]
        r2 += values[i + 2]
        r3 += values[i + 3]
        r4 += values[i + 4]
        r5 += values[i + 5]
        r6 += values[i + 6]
        r7 += values[i + 7]
    total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    for i in range(low + whole, low + count):
        total += values[i]
    return float(total)


@jit()
def sort_together(values: SingleArray, rows: IntArray, low: int, count: int) -> None:
    """Sort ``values[low:low + count]`` ascending, with `rows`; rows of equal values end in scikit-learn's order.

    Introsort: quicksort with the median of three and a three-way partition, insertion sort below 16, heapsort at too
    deep a recursion.

    References
    ----------
    Musser DR, Introspective sorting and selection algorithms, Softw Pract Exp 1997;27:983. Bentley JL, McIlroy MD,
    Engineering a sort function, Softw Pract Exp 1993;23:1249.
    """
    if count < 2:
        return
    longest = 2 * int(np.log2(count))
    waiting = np.empty((longest + 2, 3), np.int64)  # first, number, turns left: parts still to be sorted
    waiting[0] = (low, count, longest)
    parts = 1
    while parts > 0:
        parts -= 1
        first, number, turns = waiting[parts]
        while number > 15:
            if turns <= 0:
                _heapsort(values, rows, first, number)
                number = 0
                break
            turns -= 1
            pivot = _median_of_three(values[first], values[first + number // 2], values[first + number - 1])
            i = less = first
            more = first + number
            while i < more:
                if values[i] < pivot:
                    _swap(values, rows, i, less)
                    i += 1
                    less += 1
                elif values[i] > pivot:
                    more -= 1
                    _swap(values, rows, i, more)
                else:
                    i += 1
            waiting[parts] = (first, less - first, turns)
            parts += 1
            number = first + number - more
            first = more
        _insert(values, rows, first, number)


@jit()
def _insert(values: SingleArray, rows: IntArray, low: int, count: int) -> None:
    for i in range(low + 1, low + count):
        value, row = values[i], rows[i]
        j = i
        while j > low and values[j - 1] > value:
            values[j] = values[j - 1]
            rows[j] = rows[j - 1]
            j -= 1
        values[j] = value
        rows[j] = row


@jit()
def _median_of_three(a: float, b: float, c: float) -> float:
    if a < b:
        if b < c:
            return b
        return c if a < c else a
    if b < c:
        return a if a < c else c
    return b


@jit()
def _swap(values: SingleArray, rows: IntArray, i: int, j: int) -> None:
    values[i], values[j] = values[j], values[i]
    rows[i], rows[j] = rows[j], rows[i]


@jit()
def _heapsort(values: SingleArray, rows: IntArray, low: int, count: int) -> None:
    for start in range((count - 2) // 2, -1, -1):
        _sift_down(values, rows, low, start, count)
    for end in range(count - 1, 0, -1):
        _swap(values, rows, low, low + end)
        _sift_down(values, rows, low, 0, end)


@jit()
def _sift_down(values: SingleArray, rows: IntArray, low: int, start: int, end: int) -> None:
    root = start
    while True:
        child = 2 * root + 1
        largest = root
        if child < end and values[low + largest] < values[low + child]:
            largest = child
        if child + 1 < end and values[low + largest] < values[low + child + 1]:
            largest = child + 1
        if largest == root:
            return
        _swap(values, rows, low + root, low + largest)
        root = largest

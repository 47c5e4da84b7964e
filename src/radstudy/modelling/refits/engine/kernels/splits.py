"""Search for the best split of a tree's node over sorted columns, as in scikit-learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.modelling.refits.engine.kernels.ordering import draw, sort_together

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Room(NamedTuple):
    """Work arrays of one tree, allocated once for all trees.

    Parameters
    ----------
    samples : (rows,) in the order of their nodes.
    sorted_rows, sorted_values : (features, rows) of each column, node by node.
    queue, constants : (features,) the order in which features are tried, and those known to be constant.
    stack : (nodes + 1, 6) of the nodes to be grown: low, high, level, parent, is left, known constants.
    stack_impurity : (nodes + 1,) their impurities.
    split : (6,) result of the search: position, feature, threshold, impurities left and right, quality.
    tied_values : (rows,) values of a column with ties.
    goes_left, later_rows, later_values : (rows,) for dividing a column.
    """

    samples: IntArray
    sorted_rows: IntArray
    sorted_values: SingleArray
    queue: IntArray
    constants: IntArray
    stack: IntArray
    stack_impurity: FloatArray
    split: FloatArray
    tied_values: SingleArray
    goes_left: IntArray
    later_rows: IntArray
    later_values: SingleArray


_APART = np.float32(1e-7)  # values no further apart than this count as equal
_NEARLY = 1 - 1e-12  # a comparison without division may be off by rounding


@jit()
def divide(distinct: BoolArray, low: int, position: int, high: int, room: Room) -> None:
    """Divide every column's sorted rows like the node's samples, keeping each side sorted."""
    samples, sorted_rows, sorted_values = room.samples, room.sorted_rows, room.sorted_values
    goes_left, later_rows, later_values = room.goes_left, room.later_rows, room.later_values
    for p in range(low, high):
        goes_left[samples[p]] = 1 if p < position else 0
    for f in range(distinct.size):
        if not distinct[f]:
            continue
        a, b = low, 0
        for p in range(low, high):  # no branch: both sides are written, one of them advances
            row, value = sorted_rows[f, p], sorted_values[f, p]
            sorted_rows[f, a], sorted_values[f, a] = row, value
            later_rows[b], later_values[b] = row, value
            side = goes_left[row]
            a += side
            b += 1 - side
        for p in range(b):
            sorted_rows[f, a + p], sorted_values[f, a + p] = later_rows[p], later_values[p]


@jit()
def best_split(
    columns: SingleArray,
    distinct: BoolArray,
    target: FloatArray,
    low: int,
    high: int,
    total: float,
    squares: float,
    known: int,
    state: IntArray,
    room: Room,
) -> int:
    """Write a node's best split to `split` and reorder its samples; return the number of constant features.

    Features are drawn one after another; those known to be constant from a parent are skipped, newly detected constant
    ones are put aside. Among equally good splits the first one stays.
    """
    samples, sorted_rows, sorted_values = room.samples, room.sorted_rows, room.sorted_values
    queue, constants, split, tied_values = room.queue, room.constants, room.split, room.tied_values
    split[:] = 0.0
    split[0], split[5] = high, -np.inf  # position, feature, threshold, impurities left and right, quality
    lying = -1  # the column whose order the samples should have but were not yet written in; -1: none
    last = queue.size
    new, drawn, aside = 0, 0, known
    while last > aside:
        j = draw(state, drawn, last - new)
        if j < known:
            queue[drawn], queue[j] = queue[j], queue[drawn]
            drawn += 1
            continue
        j += new
        f = queue[j]
        if distinct[f]:
            lying = f
            rows, values = sorted_rows[f], sorted_values[f]
        else:
            if lying >= 0:
                samples[low:high] = sorted_rows[lying, low:high]
                lying = -1
            for p in range(low, high):
                tied_values[p] = columns[f, samples[p]]
            sort_together(tied_values, samples, low, high - low)
            rows, values = samples, tied_values
        if values[high - 1] <= values[low] + _APART:
            queue[j], queue[aside] = queue[aside], queue[j]
            new += 1
            aside += 1
            continue
        last -= 1
        queue[last], queue[j] = queue[j], queue[last]
        _search(rows, values, target, f, low, high, total, split)
    if lying >= 0:
        samples[low:high] = sorted_rows[lying, low:high]
    position = int(split[0])
    if position < high:
        size = float(high - low)
        _partition(columns, int(split[1]), split[2], samples, low, high)
        first_sum, first_size = _move(target, samples, low, position, high, 0.0, 0.0, total, size)
        second_sum, second_size = total - first_sum, size - first_size
        first_squares = 0.0
        for p in range(low, position):
            y = target[samples[p]]
            first_squares += y * y
        second_squares = squares - first_squares
        split[3] = first_squares / first_size - (first_sum / first_size) * (first_sum / first_size)
        split[4] = second_squares / second_size - (second_sum / second_size) * (second_sum / second_size)
    for i in range(known):
        queue[i] = constants[i]
    for i in range(known, known + new):
        constants[i] = queue[i]
    return aside


@jit()
def _search(
    rows: IntArray,
    values: SingleArray,
    target: FloatArray,
    f: int,
    low: int,
    high: int,
    total: float,
    split: FloatArray,
) -> None:
    """Try every split of a node by one sorted column; write it to `split` if it is better."""
    size = float(high - low)
    best = split[5]
    done, first_sum, first_size = low, 0.0, 0.0
    for p in range(low + 1, high):
        if values[p] <= values[p - 1] + _APART:
            continue
        if p - done == 1:
            first_sum += target[rows[done]]
            first_size += 1.0
        else:
            first_sum, first_size = _move(target, rows, done, p, high, first_sum, first_size, total, size)
        done = p
        second_sum, second_size = total - first_sum, size - first_size
        # a test without division rules out splits that cannot be the best
        both = first_size * second_size
        crossed = first_sum * first_sum * second_size + second_sum * second_sum * first_size
        if crossed < best * both * _NEARLY:
            continue
        quality = first_sum * first_sum / first_size + second_sum * second_sum / second_size
        if quality > best:
            best = quality
            split[0], split[1], split[5] = p, f, quality
            split[2] = np.float64(values[p - 1]) / 2.0 + np.float64(values[p]) / 2.0


@jit()
def _move(
    target: FloatArray,
    samples: IntArray,
    done: int,
    position: int,
    high: int,
    first_sum: float,
    first_size: float,
    total: float,
    size: float,
) -> tuple[float, float]:
    """Return sum and number left of `position`, from those left of `done`, by the shorter way."""
    if position - done <= high - position:
        for p in range(done, position):
            first_sum += target[samples[p]]
            first_size += 1.0
    else:
        first_sum, first_size = total, size
        for p in range(high - 1, position - 1, -1):
            first_sum -= target[samples[p]]
            first_size -= 1.0
    return first_sum, first_size


@jit()
def _partition(columns: SingleArray, f: int, threshold: float, samples: IntArray, low: int, high: int) -> None:
    """Partition the samples: those at or below the threshold first."""
    while low < high:
        if columns[f, samples[low]] <= threshold:
            low += 1
        else:
            high -= 1
            samples[low], samples[high] = samples[high], samples[low]

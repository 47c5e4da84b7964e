"""Gradient-boosted trees for few rows: exact greedy search over presorted columns, the choices of scikit-learn's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.modelling.engine.kernels.ordering import draw, pairwise_sum, sort_together

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_APART = np.float32(1e-7)  # values that lie no further apart than this count as one
_EPSILON = 2.220446049250313e-16


@jit()
def boosted_importances(
    columns: SingleArray,
    order: IntArray,
    distinct: BoolArray,
    outcome: FloatArray,
    start: float,
    seeds: IntArray,
    in_bag: BoolArray,
    depth: int,
    learning_rate: float,
    friedman: bool,
) -> tuple[FloatArray, int]:
    """Impurity importances of gradient boosting with the binomial loss, summed over trees, not yet normalised.

    Parameters
    ----------
    columns : float32 (features, rows).
    order : (features, rows) rows of each column in ascending order of its values.
    distinct : (features,) whether a column has no two equal values.
    outcome : (rows,) 0.0 or 1.0.
    start : log-odds that boosting starts from.
    seeds : (trees,) state of each tree's generator, which draws the order in which features are looked at.
    in_bag : bool (trees, rows) or (1, rows), the rows that each tree is grown on.
    depth : of the trees.
    learning_rate : factor on each tree's values.
    friedman : compare splits by Friedman's formula, as scikit-learn before 1.9 does; equal but for rounding.

    Returns
    -------
    float64 (features,), the sum over trees of each feature's decrease of the mean squared error; and the number of
    trees that have a split.

    References
    ----------
    Friedman JH, Ann Stat 2001;29:1189, doi 10.1214/aos/1013203451.
    """
    features, rows = columns.shape
    most = 2 * rows - 1 if depth >= 30 else min(2 * rows - 1, (1 << (depth + 1)) - 1)
    log_odds = np.full(rows, start)
    residual = np.empty(rows)
    total = np.zeros(features)
    grown = 0
    tree = np.empty(features)
    feature, threshold, value = np.empty(most, np.int64), np.empty(most), np.zeros(most)
    left, right = np.empty(most, np.int64), np.empty(most, np.int64)
    impurity, weight = np.empty(most), np.empty(most)
    first, second = np.empty(rows), np.empty(rows)
    leaf = np.empty(rows, np.int64)
    for number in range(seeds.size):
        bag = in_bag[number] if in_bag.shape[0] > 1 else in_bag[0]
        for i in range(rows):
            residual[i] = _residual(outcome[i], log_odds[i])
        nodes = _grow(columns, order, distinct, residual, bag, seeds[number], depth, friedman,
                      feature, threshold, left, right, impurity, weight)  # fmt: skip
        for i in range(rows):
            node = 0
            while left[node] >= 0:
                node = left[node] if columns[feature[node], i] <= threshold[node] else right[node]
            leaf[i] = node
        for node in range(nodes):
            if left[node] >= 0:
                continue
            count = 0
            for i in range(rows):
                if leaf[i] == node and bag[i]:
                    share = outcome[i] - residual[i]
                    first[count] = residual[i]
                    second[count] = share * (1 - share)
                    count += 1
            numerator = pairwise_sum(first, 0, count) / count
            denominator = pairwise_sum(second, 0, count) / count
            value[node] = 0.0 if abs(denominator) < 1e-150 else numerator / denominator
        for i in range(rows):
            log_odds[i] += learning_rate * value[leaf[i]]
        grown += 1 if nodes > 1 else 0
        tree[:] = 0.0
        for node in range(nodes):
            if left[node] >= 0:
                a, b = left[node], right[node]
                tree[feature[node]] += weight[node] * impurity[node] - weight[a] * impurity[a] - weight[b] * impurity[b]
        for f in range(features):
            total[f] += tree[f] / weight[0]
    return total, grown


@jit()
def _residual(outcome: float, log_odds: float) -> float:
    """Outcome minus probability, without cancellation."""
    if log_odds > -37:
        small = np.exp(-log_odds)
        return float(-(((1 - outcome) - outcome * small) / (1 + small)))
    return float(-(np.exp(log_odds) - outcome))


@jit()
def _grow(
    columns: SingleArray,
    order: IntArray,
    distinct: BoolArray,
    target: FloatArray,
    bag: BoolArray,
    seed: int,
    depth: int,
    friedman: bool,
    feature: IntArray,
    threshold: FloatArray,
    left: IntArray,
    right: IntArray,
    impurity: FloatArray,
    weight: FloatArray,
) -> int:
    """Grow one regression tree depth first into the node arrays (left = -1: a leaf); the number of its nodes."""
    features, rows = columns.shape
    state = np.array([seed], dtype=np.int64)
    samples = np.empty(rows, np.int64)
    count = 0
    for i in range(rows):
        if bag[i]:
            samples[count] = i
            count += 1
    whole = count
    queue = np.arange(features)
    constants = np.zeros(features, np.int64)
    values = np.empty(rows, np.float32)
    inside = np.full(rows, -1, np.int64)
    found = np.empty(5)  # position, feature, threshold, impurity left, impurity right
    capacity = feature.size + 1
    stack = np.empty((capacity, 6), np.int64)  # low, high, depth, parent, is left, known constants
    stack_impurity = np.empty(capacity)
    stack[0] = (0, count, 0, -1, 0, 0)
    height, nodes = 1, 0
    while height > 0:
        height -= 1
        low, high, level, parent, is_left, known = stack[height]
        here = stack_impurity[height]
        total = squares = 0.0
        for p in range(low, high):
            y = target[samples[p]]
            total += y
            squares += y * y
        size = float(high - low)
        if nodes == 0:
            here = squares / size - (total / size) * (total / size)
        splits = level < depth and high - low >= 2 and not here <= _EPSILON
        node = nodes
        nodes += 1
        if splits:
            known = _best_split(columns, order, distinct, target, samples, low, high, total, squares, known, state,
                                queue, constants, values, inside, node, friedman, found)  # fmt: skip
            splits = found[0] < high and _gain(here, found, low, high, whole) + _EPSILON >= 0.0
        impurity[node], weight[node], left[node], right[node] = here, size, -1, -1
        if parent >= 0:
            if is_left:
                left[parent] = node
            else:
                right[parent] = node
        if splits:
            position = int(found[0])
            feature[node], threshold[node] = int(found[1]), found[2]
            stack[height] = (position, high, level + 1, node, 0, known)
            stack_impurity[height] = found[4]
            stack[height + 1] = (low, position, level + 1, node, 1, known)
            stack_impurity[height + 1] = found[3]
            height += 2
    return nodes


@jit()
def _gain(here: float, found: FloatArray, low: int, high: int, whole: int) -> float:
    size, first, second = float(high - low), found[0] - low, high - found[0]
    return float((size / whole) * (here - (second / size * found[4]) - (first / size * found[3])))


@jit()
def _sort_node(
    columns: SingleArray,
    order: IntArray,
    distinct: BoolArray,
    f: int,
    samples: IntArray,
    low: int,
    high: int,
    values: SingleArray,
    inside: IntArray,
    node: int,
) -> None:
    """Samples of a node in ascending order of a feature, and the feature's values."""
    if distinct[f]:
        p = low
        for row in order[f]:
            if inside[row] == node:
                samples[p] = row
                values[p] = columns[f, row]
                p += 1
        return
    for p in range(low, high):
        values[p] = columns[f, samples[p]]
    sort_together(values, samples, low, high - low)


@jit()
def _best_split(
    columns: SingleArray,
    order: IntArray,
    distinct: BoolArray,
    target: FloatArray,
    samples: IntArray,
    low: int,
    high: int,
    total: float,
    squares: float,
    known: int,
    state: IntArray,
    queue: IntArray,
    constants: IntArray,
    values: SingleArray,
    inside: IntArray,
    node: int,
    friedman: bool,
    found: FloatArray,
) -> int:
    """The best split of a node into `found`; samples are reordered by it. Returns the number of constant features.

    Features are drawn one after another; those known to be constant further up are skipped, those newly found constant
    are put aside. Of splits that are equally good the one found first stays.
    """
    for p in range(low, high):
        inside[samples[p]] = node
    size = float(high - low)
    best = -np.inf
    best_position, best_feature, best_threshold = high, 0, 0.0
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
        _sort_node(columns, order, distinct, f, samples, low, high, values, inside, node)
        if values[high - 1] <= values[low] + _APART:
            queue[j], queue[aside] = queue[aside], queue[j]
            new += 1
            aside += 1
            continue
        last -= 1
        queue[last], queue[j] = queue[j], queue[last]
        done, first_sum, first_size = low, 0.0, 0.0
        p = low
        while p < high:
            p += 1
            while p < high and values[p] <= values[p - 1] + _APART:
                p += 1
            if p == high:
                break
            first_sum, first_size = _move(target, samples, done, p, high, first_sum, first_size, total, size)
            done = p
            second_sum, second_size = total - first_sum, size - first_size
            if friedman:
                apart = second_size * first_sum - first_size * second_sum
                quality = apart * apart / (first_size * second_size)
            else:
                quality = first_sum * first_sum / first_size + second_sum * second_sum / second_size
            if quality > best:
                best, best_position, best_feature = quality, p, f
                best_threshold = np.float64(values[p - 1]) / 2.0 + np.float64(values[p]) / 2.0
    found[0], found[1], found[2] = best_position, best_feature, best_threshold
    if best_position < high:
        _partition(columns, best_feature, best_threshold, samples, low, high)
        first_sum, first_size = _move(target, samples, low, best_position, high, 0.0, 0.0, total, size)
        second_sum, second_size = total - first_sum, size - first_size
        first_squares = 0.0
        for p in range(low, best_position):
            y = target[samples[p]]
            first_squares += y * y
        second_squares = squares - first_squares
        found[3] = first_squares / first_size - (first_sum / first_size) * (first_sum / first_size)
        found[4] = second_squares / second_size - (second_sum / second_size) * (second_sum / second_size)
    for i in range(known):
        queue[i] = constants[i]
    for i in range(known, known + new):
        constants[i] = queue[i]
    return aside


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
    """Sum and number left of `position`, from those left of `done`, by whichever way is shorter."""
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
    """Samples at or below the threshold first."""
    while low < high:
        if columns[f, samples[low]] <= threshold:
            low += 1
        else:
            high -= 1
            samples[low], samples[high] = samples[high], samples[low]

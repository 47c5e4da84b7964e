"""Gradient-boosted trees for few rows: exact greedy search over presorted columns, with scikit-learn's choices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit
from radstudy.modelling.refits.engine.kernels.ordering import pairwise_sum
from radstudy.modelling.refits.engine.kernels.splits import Room, best_split, divide

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_EPSILON = 2.220446049250313e-16


class Nodes(NamedTuple):
    """The nodes of one tree, (nodes,) each: feature and threshold of the split, children (-1: a leaf), and weights."""

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    impurity: FloatArray
    weight: FloatArray


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
) -> tuple[FloatArray, int]:
    """Compute impurity importances of gradient boosting with the binomial loss, summed over trees, not normalised.

    Parameters
    ----------
    columns : float32 (features, rows).
    order : (features, rows) rows of each column in ascending order of its values.
    distinct : (features,) whether a column has no two equal values, except for copies of one row.
    outcome : (rows,) 0.0 or 1.0.
    start : log-odds that boosting starts from.
    seeds : (trees,) state of each tree's generator, which draws the order in which features are tried.
    in_bag : bool (trees, rows) or (1, rows), the rows that each tree is grown on.
    depth : of the trees.
    learning_rate : factor on each tree's values.

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
    nodes = Nodes(feature, threshold, left, right, impurity, weight)
    room = Room(
        np.empty(rows, np.int64), np.empty((features, rows), np.int64), np.empty((features, rows), np.float32),
        np.empty(features, np.int64), np.zeros(features, np.int64), np.empty((most + 1, 6), np.int64),
        np.empty(most + 1), np.empty(6), np.empty(rows, np.float32), np.empty(rows, np.int64),
        np.empty(rows, np.int64), np.empty(rows, np.float32),
    )  # fmt: skip
    for number in range(seeds.size):
        bag = in_bag[number] if in_bag.shape[0] > 1 else in_bag[0]
        for i in range(rows):
            residual[i] = _residual(outcome[i], log_odds[i])
        grown_nodes = _grow(columns, order, distinct, residual, bag, seeds[number], depth, nodes, room)
        for i in range(rows):
            node = 0
            while left[node] >= 0:
                node = left[node] if columns[feature[node], i] <= threshold[node] else right[node]
            leaf[i] = node
        for node in range(grown_nodes):
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
        grown += 1 if grown_nodes > 1 else 0
        tree[:] = 0.0
        for node in range(grown_nodes):
            if left[node] >= 0:
                a, b = left[node], right[node]
                tree[feature[node]] += weight[node] * impurity[node] - weight[a] * impurity[a] - weight[b] * impurity[b]
        for f in range(features):
            total[f] += tree[f] / weight[0]
    return total, grown


@jit()
def _residual(outcome: float, log_odds: float) -> float:
    """Compute outcome minus probability, without cancellation."""
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
    nodes: Nodes,
    room: Room,
) -> int:
    """Grow one regression tree depth first into the node arrays (left = -1: a leaf); return the number of nodes."""
    feature, threshold, left, right, impurity, weight = nodes
    samples, sorted_rows, sorted_values = room.samples, room.sorted_rows, room.sorted_values
    queue, stack, stack_impurity, split = room.queue, room.stack, room.stack_impurity, room.split
    features, rows = columns.shape
    state = np.array([seed], dtype=np.int64)
    count = 0
    for i in range(rows):
        if bag[i]:
            samples[count] = i
            count += 1
    for f in range(features):
        queue[f] = f
        p = 0
        for row in order[f]:
            if bag[row]:
                sorted_rows[f, p] = row
                sorted_values[f, p] = columns[f, row]
                p += 1
    whole = count
    stack[0] = (0, count, 0, -1, 0, 0)  # low, high, level, parent, is left, known constants
    height, grown = 1, 0
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
        if grown == 0:
            here = squares / size - (total / size) * (total / size)
        splits = level < depth and high - low >= 2 and not here <= _EPSILON
        node = grown
        grown += 1
        if splits:
            known = best_split(columns, distinct, target, low, high, total, squares, known, state, room)
            splits = split[0] < high and _gain(here, split, low, high, whole) + _EPSILON >= 0.0
        impurity[node], weight[node], left[node], right[node] = here, size, -1, -1
        if parent >= 0:
            if is_left:
                left[parent] = node
            else:
                right[parent] = node
        if splits:
            position = int(split[0])
            feature[node], threshold[node] = int(split[1]), split[2]
            if level + 1 < depth:
                divide(distinct, low, position, high, room)
            stack[height] = (position, high, level + 1, node, 0, known)
            stack_impurity[height] = split[4]
            stack[height + 1] = (low, position, level + 1, node, 1, known)
            stack_impurity[height + 1] = split[3]
            height += 2
    return grown


@jit()
def _gain(here: float, split: FloatArray, low: int, high: int, whole: int) -> float:
    size, first, second = float(high - low), split[0] - low, high - split[0]
    return float((size / whole) * (here - (second / size * split[4]) - (first / size * split[3])))

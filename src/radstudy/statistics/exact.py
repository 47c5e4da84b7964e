"""Fisher's exact test for tables of any size (Freeman-Halton extension), by a network of remaining margins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.statistics.outcome import FloatArray

# R's tolerance: tables whose probability exceeds the observed one by less than this count as equally likely
_RELATIVE = 1e-7
_MOST_STEPS = 2_000_000

Margin = tuple[int, ...]


def exact_steps(counts: NDArray[np.int64]) -> float:
    """Return an upper bound on the steps that `freeman_halton` would take on this table."""
    table = _oriented(counts)
    rows = table.sum(axis=1)
    steps = 0.0
    states = 1.0
    for column in table.sum(axis=0):
        step = float(special.comb(int(column) + len(rows) - 1, len(rows) - 1))
        steps += states * step
        states = min(states * step, float(np.prod(rows[1:] + 1.0)))
    return steps


def is_feasible(counts: NDArray[np.int64]) -> bool:
    """True if the exact test of this table takes no more than seconds."""
    return exact_steps(counts) <= _MOST_STEPS


def freeman_halton(counts: NDArray[np.int64]) -> float:
    """Compute the exact p-value: the probability, with fixed margins, of all tables at most as likely as the observed.

    Columns are filled one after the other. A node is the remaining row margins; each node has the most and the least
    likely completion, so a path that can only end inside (or only outside) the tail is closed at once, with the total
    probability of its completions (Mehta and Patel's network). Equal paths are merged.

    Parameters
    ----------
    counts : whole numbers (groups, levels), no empty row or column.

    References
    ----------
    Freeman GH, Halton JH, Biometrika 1951;38:141, doi 10.1093/biomet/38.1-2.141.
    Mehta CR, Patel NR, J Am Stat Assoc 1983;78:427, doi 10.1080/01621459.1983.10477989.
    """
    table = _oriented(counts)
    rows: Margin = tuple(int(v) for v in table.sum(axis=1))
    columns = tuple(int(v) for v in table.sum(axis=0))
    log_factorial = special.gammaln(np.arange(sum(rows) + 1) + 1.0)
    bounds = _bounds_of(columns, log_factorial)

    def log_total(rest: Margin) -> float:
        """Sum prod 1 / x! over all completions, times the remaining column factorials."""
        return float(log_factorial[sum(rest)] - sum(log_factorial[v] for v in rest))

    of_columns = float(sum(log_factorial[v] for v in columns))
    scale = log_total(rows)
    observed = of_columns - float(log_factorial[table].sum()) + np.log1p(_RELATIVE)
    inside = 0.0
    level: dict[Margin, tuple[FloatArray, FloatArray]] = {rows: (np.zeros(1), np.ones(1))}
    for index, column in enumerate(columns):
        following: dict[Margin, list[tuple[FloatArray, FloatArray]]] = {}
        for rest, (past, weight) in level.items():
            for part in _allocations(column, rest):
                left = tuple(r - p for r, p in zip(rest, part, strict=True))
                log_path = past + log_factorial[column] - sum(log_factorial[v] for v in part)
                least, most = bounds(index + 1, left)
                within = log_path + most <= observed
                inside += float((np.exp(log_path[within] + log_total(left) - scale) * weight[within]).sum())
                open_ = ~within & (log_path + least <= observed)
                if open_.any():
                    following.setdefault(left, []).append((log_path[open_], weight[open_]))
        level = {rest: _merged(paths) for rest, paths in following.items()}
    return min(1.0, inside)


def _oriented(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Orient the table: fewer rows than columns (rows are the nodes), the largest column last (it needs no choice)."""
    table = counts if counts.shape[0] <= counts.shape[1] else counts.T
    return table[:, np.argsort(table.sum(axis=0), kind="stable")]


def _allocations(total: int, rest: Margin) -> Iterator[Margin]:
    """Yield every way to distribute `total` over the rows, within their remaining margins."""
    if len(rest) == 1:
        if total <= rest[0]:
            yield (total,)
        return
    others = sum(rest[1:])
    for first in range(max(0, total - others), min(total, rest[0]) + 1):
        for tail in _allocations(total - first, rest[1:]):
            yield (first, *tail)


def _bounds_of(columns: Margin, log_factorial: FloatArray) -> Callable[[int, Margin], tuple[float, float]]:
    """Return a function for the (least, most) log weight of completing columns[index:] from the remaining rows."""

    @cache
    def bounds(index: int, rest: Margin) -> tuple[float, float]:
        if index == len(columns):
            return 0.0, 0.0
        least, most = np.inf, -np.inf
        for part in _allocations(columns[index], rest):
            own = float(log_factorial[columns[index]] - sum(log_factorial[v] for v in part))
            low, high = bounds(index + 1, tuple(r - p for r, p in zip(rest, part, strict=True)))
            least, most = min(least, own + low), max(most, own + high)
        return least, most

    return bounds


def _merged(paths: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    past = np.concatenate([path for path, _ in paths])
    weight = np.concatenate([share for _, share in paths])
    _, first, group = np.unique(np.round(past, 9), return_index=True, return_inverse=True)
    return past[first], np.bincount(group, weights=weight).astype(np.float64)

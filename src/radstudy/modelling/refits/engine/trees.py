"""Feature importances of gradient-boosted trees, equal to those of scikit-learn's GradientBoostingClassifier."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.modelling.refits.engine.kernels.trees import boosted_importances

Array = NDArray[np.float64]


def tree_importances(
    values: Array,
    outcome: NDArray[np.int64],
    *,
    trees: int = 100,
    depth: int = 3,
    learning_rate: float = 0.1,
    subsample: float = 1.0,
    random_state: int = 0,
) -> Array:
    """Compute the impurity importance of every column: GradientBoostingClassifier's ``feature_importances_``.

    The trees are the same, split by split: features are tried in scikit-learn's seeded order, rows are summed in its
    order, and among splits that tie the same one is taken. scikit-learn before 1.9 sorts rows of equal values in
    another order, and its trees differ where splits tie: hence the lowest version in pyproject.toml.

    Parameters
    ----------
    values : float (rows, features), finite.
    outcome : (rows,) 0 or 1, both present.
    trees, depth, learning_rate, subsample, random_state : scikit-learn's n_estimators, max_depth, and so on.

    Returns
    -------
    float64 (features,), sum 1; all 0 if no tree finds a split.

    References
    ----------
    Friedman JH, Ann Stat 2001;29:1189, doi 10.1214/aos/1013203451. Pedregosa F et al., J Mach Learn Res 2011;12:2825.
    """
    columns = np.ascontiguousarray(values.T, dtype=np.float32)
    order = np.argsort(columns, axis=1, kind="stable")
    ranked = np.take_along_axis(columns, order, axis=1)
    # Equal values of copies of one row (bootstrap) are not ties: the sums are the same in any order.
    copies = _copies(columns, outcome)[order]
    distinct = ((ranked[:, 1:] != ranked[:, :-1]) | (copies[:, 1:] == copies[:, :-1])).all(axis=1)
    seeds, in_bag = _draws(random_state, trees, len(values), max(1, int(subsample * len(values))), subsample < 1)
    share = np.clip(outcome.mean(), np.finfo(float).eps, 1 - np.finfo(float).eps)
    total, grown = boosted_importances(
        columns, order, distinct, outcome.astype(np.float64), float(special.logit(share)), seeds, in_bag, depth,
        learning_rate,
    )  # fmt: skip
    mean = total / max(grown, 1)
    importances: Array = mean / mean.sum() if grown else mean
    return importances


def _copies(columns: NDArray[np.float32], outcome: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same number for rows that are equal in every column and in the outcome, (rows,)."""
    rows = np.ascontiguousarray(columns.T)
    seen: dict[tuple[bytes, int], int] = {}
    return np.array([seen.setdefault((row.tobytes(), int(y)), len(seen)) for row, y in zip(rows, outcome, strict=True)])


@lru_cache(maxsize=64)
def _draws(
    random_state: int, trees: int, rows: int, in_bag: int, sampled: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw from the seed each tree's generator and the rows that the tree is grown on."""
    rng = np.random.RandomState(random_state)  # the generator that scikit-learn draws from
    seeds = np.empty(trees, dtype=np.int64)
    bags = np.ones((trees if sampled else 1, rows), dtype=np.bool_)
    for tree in range(trees):
        if sampled:
            bags[tree] = _bag(rng.uniform(size=rows), in_bag)
        seeds[tree] = rng.randint(0, 2**31 - 1)
    return seeds, bags


def _bag(drawn: Array, wanted: int) -> NDArray[np.bool_]:
    """Sample without replacement in one pass: a row is taken with probability (wanted left) / (rows left)."""
    chosen = np.zeros(len(drawn), dtype=np.bool_)
    taken = 0
    for index, number in enumerate(drawn):
        if number * (len(drawn) - index) < wanted - taken:
            chosen[index] = True
            taken += 1
    return chosen

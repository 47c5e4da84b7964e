"""Selection of one feature from each correlated pair."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.modelling.validation import Table
from radstudy.statistics import auc_columns


class CollinearityFilter(FeatureFilter):
    """Filter that keeps the feature with the higher univariate power of each pair with |r| (Pearson) above a bound.

    Features are taken in the order of their training |AUC - 0.5|, ties by name; each taken feature drops all remaining
    ones that correlate with it.

    Parameters
    ----------
    above : the bound on the absolute correlation.
    """

    _needs_outcome = True

    def __init__(self, above: float = 0.80) -> None:
        self.above = above

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        names = self._names()
        kept = np.zeros(values.shape[1], dtype=bool)
        dropped: dict[str, str] = {}
        if values.shape[1]:
            power = np.abs(auc_columns(values, outcome) - 0.5)
            order = np.lexsort((names.astype(str), -np.round(power, 12)))
            related = absolute_correlation(values)
            alive = np.ones(values.shape[1], dtype=bool)
            for index in order:
                if not alive[index]:
                    continue
                kept[index] = True
                losers = alive & (related[index] > self.above)
                losers[index] = False
                for loser in np.flatnonzero(losers):
                    dropped[str(names[loser])] = f"|r| = {related[index, loser]:.3f} with {names[index]}"
                alive &= ~losers
                alive[index] = False
        return self._keep(kept, dropped)


def absolute_correlation(values: Array) -> Array:
    """Compute absolute Pearson correlations (features, features) of (rows, features); 0 for constant features."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    usable = length > 1e-12 * np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
    unit = np.where(usable, centred / np.where(usable, length, 1.0), 0.0)
    related: Array = np.abs(unit.T @ unit)
    return related

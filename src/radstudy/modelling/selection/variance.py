"""Selection of the features that vary."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.modelling.validation import Table


class VarianceFilter(FeatureFilter):
    """Filter that drops features that hardly vary: constants, and those with few values, one of them nearly everywhere.

    Parameters
    ----------
    ratio : drop if the most common value is more than this many times as frequent as the second ...
    unique : ... and the number of different values is no more than this share of the rows.

    References
    ----------
    Kuhn M, J Stat Softw 2008;28(5), ``caret::nearZeroVar``: its freqCut is `ratio`, its uniqueCut `unique`.
    """

    _nan_is_fine = True

    def __init__(self, ratio: float = 19.0, unique: float = 0.10) -> None:
        self.ratio = ratio
        self.unique = unique

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Learn which columns of X (rows, features) vary; missing values are left out of the count."""
        values = self._checked(X, reset=True)
        reasons = {}
        for name, column in zip(self._names(), values.T, strict=True):
            if why := self._why(column):
                reasons[str(name)] = why
        kept = np.array([str(name) not in reasons for name in self._names()], dtype=bool)
        return self._keep(kept, reasons)

    def _why(self, column: Array) -> str:
        """Return the reason why a column is dropped, or ""."""
        _, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(counts) < 2:
            return "constant" if len(counts) else "no training row has a value"
        first, second = np.sort(counts)[-2:][::-1]
        share = len(counts) / len(column)
        if first / second > self.ratio and share <= self.unique:
            return f"{first} of {len(column)} rows have the same value, {len(counts)} different ones in all"
        return ""

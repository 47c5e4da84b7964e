"""Selection by what the columns themselves show: they hardly vary, correlate, or do not differ between the groups.

Every step says what it dropped and why: ``dropped_`` maps the name of a feature to the reason. A step may leave no
feature at all; the steps after it then pass the empty table on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.statistics import auc_columns, benjamini_hochberg, holm, mann_whitney_columns, student_columns


class VarianceFilter(FeatureFilter):
    """Drop features that hardly vary: constants, and those with few values of which one is nearly everywhere.

    Parameters
    ----------
    ratio : drop where the most common value is more than so many times as frequent as the second ...
    unique : ... and no more than this share of the rows has a value of its own.

    References
    ----------
    Kuhn M, J Stat Softw 2008;28(5), ``caret::nearZeroVar``: its freqCut is `ratio`, its uniqueCut `unique`.
    """

    _nan_is_fine = True

    def __init__(self, ratio: float = 19.0, unique: float = 0.10) -> None:
        self.ratio = ratio
        self.unique = unique

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn which columns of X (rows, features) vary; missing values are left out of the count."""
        values = self._checked(X, reset=True)
        reasons = {}
        for name, column in zip(self._names(), values.T, strict=True):
            if why := self._why(column):
                reasons[str(name)] = why
        kept = np.array([str(name) not in reasons for name in self._names()], dtype=bool)
        return self._keep(kept, reasons)

    def _why(self, column: Array) -> str:
        """Why a column is dropped, or nothing."""
        _, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(counts) < 2:
            return "constant" if len(counts) else "no training row has a value"
        first, second = np.sort(counts)[-2:][::-1]
        share = len(counts) / len(column)
        if first / second > self.ratio and share <= self.unique:
            return f"{first} of {len(column)} rows have the same value, {len(counts)} different ones in all"
        return ""


class CollinearityFilter(FeatureFilter):
    """Of any pair with an absolute Pearson correlation above a bound keep the one with the higher univariate power.

    Features are taken in the order of their training |AUC - 0.5|, ties by name; each one that is taken drops all that
    are left and correlate with it.

    Parameters
    ----------
    above : the bound on the absolute correlation.
    """

    _needs_outcome = True

    def __init__(self, above: float = 0.80) -> None:
        self.above = above

    def fit(self, X: Any, y: ArrayLike) -> Self:
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
    """(features, features) absolute Pearson correlations of (rows, features); 0 where a feature is constant."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    usable = length > 1e-12 * np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
    unit = np.where(usable, centred / np.where(usable, length, 1.0), 0.0)
    related: Array = np.abs(unit.T @ unit)
    return related


class UnivariateFilter(FeatureFilter):
    """Keep the features that differ between the two groups.

    Parameters
    ----------
    test : "mann-whitney" (asymptotic, ties corrected, no continuity correction), "student", or "auc".
    below : keep features with p below this (mann-whitney, student).
    adjust : "none", "holm" or "benjamini-hochberg": p-values adjusted for the number of features that enter.
    above : keep features whose AUC, or one minus it, is above this (auc).

    Attributes
    ----------
    p_values_ : (features,) raw p-values, NaN for a constant feature; all NaN with "auc".
    adjusted_ : (features,) the p-values that were compared with the bound.
    areas_ : (features,) with "auc" the larger of AUC and 1 - AUC; else NaN.
    """

    _needs_outcome = True

    def __init__(
        self, test: str = "mann-whitney", below: float = 0.05, adjust: str = "none", above: float = 0.65
    ) -> None:
        self.test = test
        self.below = below
        self.adjust = adjust
        self.above = above

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        count = values.shape[1]
        self.p_values_ = self.adjusted_ = self.areas_ = np.full(count, np.nan)
        if self.test == "auc":
            return self._by_area(values, outcome)
        tests: dict[str, Callable[..., Array]] = {"mann-whitney": mann_whitney_columns, "student": student_columns}
        if self.test not in tests:
            raise ValueError(f"test must be one of {[*sorted(tests), 'auc']}, not {self.test!r}")
        adjusters: dict[str, Callable[[Array], Array]] = {
            "none": np.asarray,
            "holm": holm,
            "benjamini-hochberg": benjamini_hochberg,
        }
        if self.adjust not in adjusters:
            raise ValueError(f"adjust must be one of {sorted(adjusters)}, not {self.adjust!r}")
        if count:
            self.p_values_ = tests[self.test](values, outcome)
            self.adjusted_ = adjusters[self.adjust](self.p_values_)
        kept = self.adjusted_ < self.below
        word = "p" if self.adjust == "none" else f"adjusted p ({self.adjust})"
        reasons = {
            str(self._names()[i]): f"{word} = {self.adjusted_[i]:.3f}" if np.isfinite(self.p_values_[i]) else "constant"
            for i in np.flatnonzero(~kept)
        }
        return self._keep(kept, reasons)

    def _by_area(self, values: Array, outcome: NDArray[np.int64]) -> Self:
        if values.shape[1]:
            areas = auc_columns(values, outcome)
            self.areas_ = np.maximum(areas, 1 - areas)
        kept = self.areas_ > self.above
        reasons = {str(self._names()[i]): f"AUC = {self.areas_[i]:.3f}" for i in np.flatnonzero(~kept)}
        return self._keep(kept, reasons)

"""Selection of the features that differ between the two groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.modelling.validation import Table
from radstudy.statistics import auc_columns, benjamini_hochberg, holm, mann_whitney_columns, student_columns


class UnivariateFilter(FeatureFilter):
    """Filter that keeps the features that differ between the two groups.

    Parameters
    ----------
    test : "mann-whitney" (asymptotic, ties corrected, no continuity correction), "student", or "auc".
    below : keep features with p below this (mann-whitney, student).
    adjust : "none", "holm" or "benjamini-hochberg": p-values adjusted for the number of input features.
    above : keep features whose AUC, or one minus it, is above this (auc).

    Attributes
    ----------
    p_values_ : (features,) raw p-values, NaN for a constant feature; all NaN with "auc".
    adjusted_ : (features,) the p-values compared with the bound.
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

    def fit(self, X: Table, y: ArrayLike) -> Self:
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

"""Screening of clinical variables by univariate logistic regression."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from radstudy.modelling.selection.step import FeatureFilter
from radstudy.modelling.validation import Table
from radstudy.statistics import likelihood_ratio_test
from radstudy.table import variable_of


class ClinicalScreen(FeatureFilter):
    """Filter that keeps the clinical variables whose univariate logistic regression has p below a bound.

    A variable of several levels is tested and kept as a whole (all its indicators), by the likelihood-ratio test.

    Parameters
    ----------
    below : keep variables with p below this.

    Attributes
    ----------
    p_values_ : variable to p.
    """

    _needs_outcome = True

    def __init__(self, below: float = 0.05) -> None:
        self.below = below

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, design columns) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        names = self._names()
        variables = np.array([variable_of(str(name)) for name in names], dtype=object)
        self.p_values_: dict[str, float] = {}
        for variable in dict.fromkeys(variables):
            columns = values[:, variables == variable]
            self.p_values_[variable] = float(likelihood_ratio_test(columns, outcome).p_value)
        kept = np.array([self.p_values_[variable] < self.below for variable in variables], dtype=bool)
        reasons = {
            str(name): f"p = {self.p_values_[variable]:.3f}" if np.isfinite(self.p_values_[variable]) else "constant"
            for name, variable, keep in zip(names, variables, kept, strict=True)
            if not keep
        }
        return self._keep(kept, reasons)

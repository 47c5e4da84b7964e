"""Data for a model's selection that do not depend on the outcome: computed once, used for every labelling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from radstudy.modelling.build import transformer_of
from radstudy.modelling.refits.engine.kernels.logistic import minimise
from radstudy.modelling.selection.collinear import absolute_correlation
from radstudy.modelling.selection.preprocessing import MedianImputer, ZScore
from radstudy.protocol.selection import SelectionStep, Variance
from radstudy.table import variable_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class DesignColumns:
    """Some columns of the design table, all rows; shared by every source that takes rows of them."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.table: Array = frame.to_numpy(dtype=np.float64)
        self.names: NDArray[np.object_] = np.array([str(name) for name in frame.columns], dtype=object)
        self.name_rank: IntArray = np.argsort(np.argsort(self.names.astype(str), kind="stable"), kind="stable")


class FeatureSource:
    """Features of some sequences on some training rows: varying, imputed, standardised, ranked, correlated.

    Parameters
    ----------
    design : the columns, all rows.
    rows : positions of the training rows; a row may appear more than once.
    head : the steps of the selection before the first that sees an outcome, in order.

    Attributes
    ----------
    columns : (features,) positions in the design of the features that these steps keep.
    names, name_rank : (features,) of these features.
    values : (rows, features) after these steps.
    """

    def __init__(self, design: DesignColumns, rows: IntArray, head: Sequence[SelectionStep]) -> None:
        self._table = design.table
        # arrays in the memory order of the table's rows: column sums then equal a pipeline's to the last bit
        training = design.frame.iloc[rows].to_numpy(dtype=np.float64)
        self.columns: IntArray = np.arange(len(design.names))
        self._medians: Array | None = None
        self._centre: Array | None = None
        self._scale: Array | None = None
        for section in head:
            step = _estimator(section).fit(training)
            training = step.transform(training)
            if isinstance(step, ZScore):
                self._centre, self._scale = step.mean_, step.scale_
                continue
            if isinstance(step, MedianImputer):
                self._medians = step.medians_
            self._keep(step.kept_)
        self.names: NDArray[np.object_] = design.names[self.columns]
        self.name_rank: IntArray = design.name_rank[self.columns]
        self.values: Array = training

    def _keep(self, kept: BoolArray) -> None:
        self.columns = self.columns[kept]
        self._medians = None if self._medians is None else self._medians[kept]
        self._centre = None if self._centre is None else self._centre[kept]
        self._scale = None if self._scale is None else self._scale[kept]

    def varying(self, section: Variance) -> BoolArray:
        """Return which features vary by the step `variance`, (features,); independent of earlier selection."""
        if section not in self._varying:
            self._varying[section] = _estimator(section).fit(self.values).kept_
        return self._varying[section]

    @cached_property
    def _varying(self) -> dict[Variance, BoolArray]:
        return {}

    def related(self, above: float) -> BoolArray:
        """Return whether two features correlate above the bound, (features, features)."""
        if above not in self._related:
            self._related[above] = absolute_correlation(self.values) > above
        return self._related[above]

    @cached_property
    def _related(self) -> dict[float, BoolArray]:
        return {}

    @cached_property
    def ranks(self) -> Array:
        """Mid-ranks, (rows, features)."""
        return np.ascontiguousarray(stats.rankdata(self.values.T, axis=1).T, dtype=np.float64)

    @cached_property
    def _squares(self) -> Array:
        return np.asarray((self.ranks * self.ranks).sum(axis=0), dtype=np.float64)

    def rank_sums(self, outcome: IntArray) -> Array:
        """Sum the positives' ranks, (features,): halves of integers, exact."""
        return outcome.astype(np.float64) @ self.ranks

    def power(self, outcome: IntArray) -> Array:
        """Compute |AUC - 0.5|, (features,)."""
        n1 = int(outcome.sum())
        areas = (self.rank_sums(outcome) - n1 * (n1 + 1) / 2) / (n1 * (len(outcome) - n1))
        return np.abs(areas - 0.5)

    def mann_whitney(self, outcome: IntArray, columns: IntArray) -> Array:
        """Compute two-sided p-values, (columns,), as in `mann_whitney_columns`; NaN for a constant feature."""
        n, n1 = len(outcome), int(outcome.sum())
        n0 = n - n1
        excess = outcome.astype(np.float64) @ self.ranks[:, columns] - n1 * (n1 + 1) / 2 - n1 * n0 / 2
        spread = self._squares[columns] - n * (n + 1) ** 2 / 4
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.sqrt(np.where(spread > 0, spread, np.nan) * n1 * n0 / (n * (n - 1)))
            p_values: Array = np.minimum(2 * special.ndtr(-np.abs(excess) / deviation), 1.0)
        return p_values

    def scored(self, rows: IntArray, chosen: IntArray) -> Array:
        """Return values of any rows of the design table, imputed and standardised like the training rows."""
        columns = self.columns[chosen]
        values = self._table[np.ix_(rows, columns)]
        if self._medians is not None:
            values = np.where(np.isnan(values), self._medians[chosen], values)
        if self._centre is not None and self._scale is not None:
            values = (values - self._centre[chosen]) / self._scale[chosen]
        return np.asarray(values, dtype=np.float64)


def _estimator(section: SelectionStep) -> Any:
    """Return the estimator of a step that sees no outcome, and so has no size and no random part."""
    return transformer_of(section, "", 0)


class ClinicalSource:
    """Clinical variables on some training rows, ready to be screened one by one.

    Parameters
    ----------
    design : the clinical columns, all rows.
    rows : positions of the training rows.
    """

    def __init__(self, design: DesignColumns, rows: IntArray) -> None:
        self._table = design.table
        self.names: NDArray[np.object_] = design.names
        self.variables: NDArray[np.object_] = np.array([variable_of(str(name)) for name in self.names], dtype=object)
        self.raw: Array = self._table[rows]
        scaling = ZScore().fit(self.raw) if self.raw.shape[1] else None
        self._centre = scaling.mean_ if scaling is not None else np.empty(0)
        self._scale = scaling.scale_ if scaling is not None else np.empty(0)
        self.values: Array = (self.raw - self._centre) / self._scale
        self._prepared = {
            name: _Variable(self.raw[:, self.variables == name]) for name in dict.fromkeys(self.variables)
        }

    def p_values(self, outcome: IntArray) -> dict[str, float]:
        """Return the p-value of each variable's likelihood-ratio test; NaN for a constant variable."""
        return {name: variable.p_value(outcome) for name, variable in self._prepared.items()}

    def scored(self, rows: IntArray, chosen: IntArray) -> Array:
        """Return standardised values of any rows of the design table, (rows, chosen)."""
        values: Array = (self._table[np.ix_(rows, chosen)] - self._centre[chosen]) / self._scale[chosen]
        return values


class _Variable:
    """One clinical variable: the likelihood-ratio test of its logistic regression.

    A variable with no more distinct values than parameters (a factor, a yes or no) is saturated: its maximum likelihood
    is that of the proportions within its groups. Any other variable is fitted by Newton's method, from an orthonormal
    basis.
    """

    def __init__(self, columns: Array) -> None:
        design = np.hstack([np.ones((len(columns), 1)), columns])
        size = np.abs(design).max(axis=0)
        values = np.linalg.svd(design / np.where(size > 0, size, 1.0), compute_uv=False)
        rank = int((values > values[0] * max(design.shape) * np.finfo(float).eps).sum())
        self.dof = rank - 1
        distinct, group = np.unique(columns, axis=0, return_inverse=True)
        self.group = np.asarray(group, dtype=np.int64).ravel() if len(distinct) == rank else None
        # the basis without its constant direction; Newton's fit has its own intercept
        centred = columns - columns.mean(axis=0)
        u, _, _ = np.linalg.svd(centred / np.where(size[1:] > 0, size[1:], 1.0), full_matrices=False)
        self.basis = np.ascontiguousarray(u[:, : self.dof] * np.sqrt(len(columns))) if self.dof else np.empty((0, 0))

    def p_value(self, outcome: IntArray) -> float:
        if self.dof == 0:
            return float("nan")
        null = _log_likelihood_of_shares(np.zeros(len(outcome), dtype=np.int64), outcome)
        if self.group is not None:
            best = _log_likelihood_of_shares(self.group, outcome)
        else:
            beta = np.zeros(self.dof + 1)
            best = -minimise(self.basis, outcome.astype(np.float64), 1.0, 0.0, beta, 1e-12)
        return float(special.chdtrc(self.dof, max(0.0, 2 * (best - null))))


def _log_likelihood_of_shares(group: IntArray, outcome: IntArray) -> float:
    count = np.bincount(group)
    positive = np.bincount(group, weights=outcome)
    share = positive / count
    return float((special.xlogy(positive, share) + special.xlogy(count - positive, 1 - share)).sum())

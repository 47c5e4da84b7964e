"""Preprocessing before the selection: the columns of a model, without missing values and on one scale.

Fitted on training rows alone, like every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.selection.step import Array, FeatureFilter, Step
from radstudy.modelling.validation import Table


class TakeColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer that takes columns of a design table by name.

    Parameters
    ----------
    prefixes : take names with these prefixes, such as ("DCE7:",).
    whole : take exactly these names.
    """

    def __init__(self, prefixes: Sequence[str] = (), whole: Sequence[str] = ()) -> None:
        self.prefixes = prefixes
        self.whole = whole

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:
        """Remember the names of the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        starts = tuple(self.prefixes)
        self.names_ = [name for name in X.columns if str(name).startswith(starts) or name in set(self.whole)]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the chosen columns."""
        check_is_fitted(self, "names_")
        return X[self.names_]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the chosen columns."""
        check_is_fitted(self, "names_")
        return np.asarray(self.names_, dtype=object)


class MedianImputer(FeatureFilter):
    """Filter that fills missing values with the training median and drops features that no training row has.

    Attributes
    ----------
    medians_ : (features,) training medians, NaN for a dropped feature.
    imputed_ : name to number of training values filled in, for features that needed it.
    """

    _nan_is_fine = True

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Learn the medians of X (rows, features)."""
        values = self._checked(X, reset=True)
        names = self._names()
        missing = np.isnan(values)
        known = np.logical_not(missing.all(axis=0))
        self.medians_ = np.full(values.shape[1], np.nan)
        self.medians_[known] = np.nanmedian(values[:, known], axis=0)
        counts = missing.sum(axis=0)
        self.imputed_ = {str(names[i]): int(counts[i]) for i in np.flatnonzero(known & (counts > 0))}
        return self._keep(known, {str(name): "no training row has a value" for name in names[~known]})

    def transform(self, X: Table) -> Array:
        """Return X with missing values filled, without the dropped columns."""
        kept = super().transform(X)
        return np.where(np.isnan(kept), self.medians_[self.kept_], kept)


class ZScore(OneToOneFeatureMixin, TransformerMixin, Step):  # type: ignore[misc]
    """Transformer that subtracts the training mean and divides by the training (population) standard deviation.

    A constant feature becomes 0; dropping it is left to the filters.
    """

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Learn mean and standard deviation of X (rows, features)."""
        values = self._checked(X, reset=True)
        self.mean_ = values.mean(axis=0)
        spread = values.std(axis=0)
        constant = spread <= 10 * np.finfo(float).eps * np.maximum(np.abs(self.mean_), np.finfo(float).tiny)
        self.scale_ = np.where(constant, 1.0, spread)
        return self

    def transform(self, X: Table) -> Array:
        """Return (X - mean) / scale."""
        check_is_fitted(self, "scale_")
        scaled: Array = (self._checked(X, reset=False) - self.mean_) / self.scale_
        return scaled

"""Base of all selection steps: a scikit-learn transformer that records what it dropped and why."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.validation import Table, binary_outcome, checked_pair, checked_table

Array = NDArray[np.float64]


class Step(BaseEstimator):  # type: ignore[misc]
    """Common part of the steps: validated input, which may have no columns, and the names of its columns."""

    _nan_is_fine = False
    _needs_outcome = False

    def _checked(self, X: Table, *, reset: bool) -> Array:
        return checked_table(self, X, reset=reset, allow_nan=self._nan_is_fine)

    def _checked_pair(self, X: Table, y: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
        values, outcome = checked_pair(self, X, y)
        return values, binary_outcome(outcome)

    def _names(self) -> NDArray[np.object_]:
        names = getattr(self, "feature_names_in_", None)
        return np.array([f"x{i}" for i in range(self.n_features_in_)], dtype=object) if names is None else names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._nan_is_fine
        if self._needs_outcome:
            tags.target_tags.required = True
            tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


class FeatureFilter(TransformerMixin, Step):  # type: ignore[misc]
    """Step that keeps some columns: `kept_` (bool, one per column) and `dropped_` (name to reason)."""

    def transform(self, X: Table) -> Array:
        """Return the kept columns of X, in order."""
        check_is_fitted(self, "kept_")
        values = self._checked(X, reset=False)
        return values[:, self.kept_]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the kept columns."""
        check_is_fitted(self, "kept_")
        names: NDArray[np.object_] = self._names()[self.kept_]
        return names

    def _keep(self, kept: NDArray[np.bool_], reasons: dict[str, str]) -> Self:
        self.kept_ = kept
        self.dropped_ = reasons
        return self

"""Base of a model's classifiers: a scikit-learn estimator of two classes whose input may have no columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from radstudy.modelling.validation import Table, binary_outcome, checked_pair


class BinaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Start of `fit` and scikit-learn's tags: two classes, with ``classes_`` in sorted order."""

    classes_: NDArray[Any]

    def _begun(self, X: Table, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return checked X, (rows, features), and y as 0 or 1, (rows,); learn the classes."""
        values, outcome = checked_pair(self, X, y)
        self.classes_ = np.unique(outcome)
        return values, binary_outcome(outcome)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

"""Input checks common to all steps of a model; unlike scikit-learn's, they accept a table without columns."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array, check_consistent_length, check_X_y, column_or_1d, validate_data

Array = NDArray[np.float64]
Table = pd.DataFrame | ArrayLike


class TooFewError(ValueError):
    """Raised if a class has too few patients for the request."""


def checked_table(estimator: Any, X: Table, *, reset: bool, allow_nan: bool = False) -> Array:
    """Return X as float64 (rows, columns); a table (not an array) may have lost all its columns in an earlier step."""
    if _has_no_column(X):
        _empty(estimator, X, reset=reset)
        return np.empty((len(X), 0))
    finite: bool | str = "allow-nan" if allow_nan else True
    if _is_float_table(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        checked: Array = check_array(X.to_numpy(), ensure_all_finite=finite, estimator=estimator, input_name="X")
    else:
        checked = validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_all_finite=finite)
    return checked


def checked_pair(estimator: Any, X: Table, y: ArrayLike) -> tuple[Array, NDArray[Any]]:
    """Return X as float64 (rows, columns) and y (rows,), for fitting."""
    if _has_no_column(X):
        _empty(estimator, X, reset=True)
        outcome = column_or_1d(y)
        check_consistent_length(X, outcome)
        return np.empty((len(X), 0)), outcome
    if _is_float_table(X):
        validate_data(estimator, X, y, reset=True, skip_check_array=True)
        values, outcome = check_X_y(X.to_numpy(), y, ensure_min_samples=2, estimator=estimator)
    else:
        values, outcome = validate_data(estimator, X, y, reset=True, dtype=np.float64, ensure_min_samples=2)
    return values, outcome


def binary_outcome(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return 0 and 1 for the two classes of y in sorted order; raise ValueError unless there are two classes."""
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(f"Classifier can't train when only one class is present: {classes}")
    positive: NDArray[np.int64] = (y == classes[1]).astype(np.int64)
    return positive


def _is_float_table(X: Table) -> TypeGuard[pd.DataFrame]:
    """True if X is a table of float64, which is checked as an array.

    scikit-learn checks every column of a table separately, which takes longer than processing a thousand of them.
    """
    return isinstance(X, pd.DataFrame) and bool((X.dtypes == np.float64).all())


def _has_no_column(X: Table) -> TypeGuard[pd.DataFrame]:
    return isinstance(X, pd.DataFrame) and X.shape[1] == 0


def _empty(estimator: Any, X: pd.DataFrame, *, reset: bool) -> None:
    if reset:
        estimator.n_features_in_ = 0
        estimator.feature_names_in_ = np.empty(0, dtype=object)
    elif estimator.n_features_in_ != 0:
        raise ValueError(f"X has 0 features, but {type(estimator).__name__} expects {estimator.n_features_in_}")

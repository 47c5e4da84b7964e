"""Input checks of all statistics of an outcome: 0 or 1, both classes, numbers only, equal lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.errors import DataError

LARGEST = 1e150  # the square of a larger value exceeds float64, so it has no variance
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def checked_outcome(y: ArrayLike) -> BoolArray:
    """Return the outcome as booleans (n,), True for positive.

    Raises
    ------
    DataError : the outcome is not one-dimensional, has values other than 0 and 1 (or NaN), or one class only.
    """
    values = np.asarray(y)
    if values.ndim != 1:
        raise DataError(f"The outcome must be one-dimensional; this one has shape {values.shape}.")
    values = as_float(values, "The outcome")
    other = values[(values != 0) & (values != 1)]
    if other.size:
        seen = ", ".join(f"{value:g}" for value in np.unique(other)[:5])
        raise DataError(
            f"The outcome must be 0 (negative) or 1 (positive); {other.size} of {values.size} are not: {seen}."
        )
    positive = np.asarray(values == 1, dtype=np.bool_)
    if positive.all() or not positive.any():
        raise DataError(
            f"The outcome needs both classes; there are {int(positive.sum())} positives among {positive.size} cases."
        )
    return positive


def checked_scores(y: ArrayLike, score: ArrayLike, name: str = "score") -> tuple[BoolArray, FloatArray]:
    """Check and return matching outcome (n,) and scores (n,); infinite scores have a rank and are allowed.

    Raises
    ------
    DataError : as for `checked_outcome`; a NaN score; lengths that differ.
    """
    positive = checked_outcome(y)
    values = as_float(score, f"The {name}")
    if values.shape != positive.shape:
        raise DataError(f"The {name} has shape {values.shape}, the outcome {positive.shape}: one score per case.")
    missing = int(np.isnan(values).sum())
    if missing:
        raise DataError(
            f"{missing} of {values.size} values of the {name} are NaN: leave these cases out, and report it."
        )
    return positive, values


def checked_columns(X: ArrayLike, y: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Check and return matching values (n, features) and outcome (n,); NaN is left to the caller.

    Raises
    ------
    DataError : as for `checked_outcome`; values not two-dimensional; numbers of rows that differ.
    """
    positive = checked_outcome(y)
    values = as_float(X, "The features")
    if values.ndim != 2 or values.shape[0] != positive.size:
        raise DataError(f"The features have shape {values.shape}; expected ({positive.size}, features).")
    return values, positive


def checked_level(level: float) -> float:
    """Check and return a confidence level strictly between 0 and 1."""
    if not 0 < level < 1:
        raise DataError(f"The confidence level must lie between 0 and 1, for instance 0.95; this one is {level}.")
    return float(level)


def known_floats(values: FloatArray, name: str) -> FloatArray:
    """Return the values unchanged; raise DataError if one is NaN, infinite, or too large to be squared."""
    return squarable(values, name, missing=False)


def squarable(values: FloatArray, name: str, *, missing: bool = True) -> FloatArray:
    """Return the values unchanged; raise DataError if one is infinite, too large to be squared, or an unwanted NaN."""
    if not missing and np.isnan(values).any():
        raise DataError(
            f"{name}: {int(np.isnan(values).sum())} of {values.size} are NaN; leave these out, and report it."
        )
    with np.errstate(invalid="ignore"):
        wrong = values[np.abs(values) > LARGEST]
    if wrong.size:
        raise DataError(
            f"{name}: {wrong.size} of {values.size} are infinite or beyond {LARGEST:g}, such as {wrong[0]:g}; correct "
            "them."
        )
    return values


def as_float(values: Any, name: str) -> FloatArray:
    """Return the values as float64; raise DataError if a value is not a number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers: {error}.") from error

"""Agreement between readers on categories: Cohen's kappa and per cent agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray
from radstudy.statistics.proportions import normal_quantile


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa ``value``, standard error ``se``, ``ci``, observed and expected agreement, ``n`` cases."""

    value: float
    se: float
    ci: tuple[float, float]
    observed: float
    expected: float
    n: int
    reason: str = ""


def cohen_kappa(
    first: Sequence[Any] | NDArray[Any],
    second: Sequence[Any] | NDArray[Any],
    *,
    weights: Literal["linear", "quadratic"] | None = None,
    levels: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Kappa:
    """Compute Cohen's kappa of two readers' categories, plain or weighted, with the large-sample interval.

    ``(po - pe) / (1 - pe)`` with agreement weights ``1 - d / (c - 1)`` (linear) or ``1 - d^2 / (c - 1)^2`` (quadratic)
    for a distance of d among c ordered levels.

    Parameters
    ----------
    first, second : (n,) categories of the same cases.
    weights : None for categories without order.
    levels : all categories in order, for weighted kappa; by default the sorted observed categories, so that an unused
        level does not count as a distance.
    level : of the confidence interval, limited to [-1, 1].

    Returns
    -------
    Kappa; NaN with a reason if both readers used one category only (chance agreement 1).

    Raises
    ------
    DataError : lengths differ, no cases, a case without a category (None or NaN), or a category that is not among the
        levels.

    References
    ----------
    Fleiss JL, Cohen J, Everitt BS, Psychol Bull 1969;72:323, doi 10.1037/h0028106.
    """
    if weights not in (None, "linear", "quadratic"):
        raise DataError(f'Weights must be None, "linear" or "quadratic", not {weights!r}.')
    shares, n = _confusion(_categories(first), _categories(second), levels)
    agree = _agreement_weights(len(shares), weights)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed = float((agree * shares).sum())
    expected = float((agree * np.outer(rows, columns)).sum())
    if 1 - expected < 1e-12:
        why = "both readers used one category only"
        return Kappa(np.nan, np.nan, (np.nan, np.nan), observed, expected, n, why)
    kappa = (observed - expected) / (1 - expected)
    row_mean, column_mean = agree @ columns, rows @ agree
    spread = (shares * (agree - (row_mean[:, None] + column_mean) * (1 - kappa)) ** 2).sum()
    variance = max(0.0, float(spread - (kappa - expected * (1 - kappa)) ** 2)) / (n * (1 - expected) ** 2)
    se = float(np.sqrt(variance))
    half = normal_quantile(level) * se
    return Kappa(kappa, se, (max(-1.0, kappa - half), min(1.0, kappa + half)), observed, expected, n)


def _categories(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return the categories unchanged: NumPy would convert a missing one among texts to the text 'nan'."""
    array = np.asarray(values)
    return np.asarray(values, dtype=object) if array.dtype.kind in "US" else array


def _absent(category: Any) -> bool:
    return category is None or (isinstance(category, float) and np.isnan(category))


def _confusion(first: NDArray[Any], second: NDArray[Any], levels: Sequence[Any] | None) -> tuple[FloatArray, int]:
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise DataError(f"Two readers' categories of the same cases are needed, not {first.shape} and {second.shape}.")
    missing = np.array([_absent(a) or _absent(b) for a, b in zip(first.tolist(), second.tolist(), strict=True)])
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} of {first.size} cases have no category of one reader (None or NaN): leave these "
            "cases out, and report it."
        )
    order = _sorted_categories(first, second) if levels is None else list(levels)
    place = {category: index for index, category in enumerate(order)}
    unknown = sorted({str(c) for c in [*first.tolist(), *second.tolist()] if c not in place})
    if unknown:
        raise DataError(f"Categories that are not among the levels {order}: {', '.join(unknown)}.")
    counts = np.zeros((len(order), len(order)))
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        counts[place[a], place[b]] += 1
    return counts / first.size, int(first.size)


def _sorted_categories(first: NDArray[Any], second: NDArray[Any]) -> list[Any]:
    try:
        return list(np.unique(np.concatenate([first, second])).tolist())
    except TypeError as error:
        raise DataError(
            f"The categories cannot be put in order ({error}): give `levels`, or one type of value."
        ) from error


def _agreement_weights(count: int, weights: str | None) -> FloatArray:
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(np.float64)
    if weights is None or count == 1:
        return np.eye(count)
    relative = distance / (count - 1)
    return np.asarray(1 - (relative if weights == "linear" else relative**2), dtype=np.float64)

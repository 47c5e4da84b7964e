"""McNemar's test of two models' classifications of the same patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import BoolArray, FloatArray, as_float

McnemarMethod = Literal["exact", "corrected", "uncorrected"]


@dataclass(frozen=True)
class McnemarTest:
    """Result with ``only_a``, ``only_b``: patients classified correctly by only the first, only the second model.

    ``statistic`` is chi-square with one degree of freedom, NaN for the exact test. ``difference`` is the first model's
    proportion minus the second's. ``n``: number of compared patients.
    """

    only_a: int
    only_b: int
    difference: float
    statistic: float
    p_value: float
    n: int
    method: str
    note: str = ""


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike, *, method: McnemarMethod = "exact") -> McnemarTest:
    """Test two proportions in the same patients by McNemar's test: accuracies, or sensitivities among the positives.

    Parameters
    ----------
    correct_a, correct_b : (n,) 1 where the model at its cut-off is right about the patient, else 0. For sensitivities
        pass the positives only, for specificities the negatives only.
    method : "exact" (binomial of the discordant patients, two-sided), "corrected" (chi-square
        ``(|b - c| - 1)^2 / (b + c)``) or "uncorrected" (``(b - c)^2 / (b + c)``).

    Returns
    -------
    McnemarTest; p is 1 with a note if no patient is discordant.

    Raises
    ------
    DataError : there are no patients, lengths differ, values are not 0 or 1, or the method is unknown.

    References
    ----------
    McNemar Q, Psychometrika 1947;12:153, doi 10.1007/BF02295996. Edwards AL, Psychometrika 1948;13:185 (correction).

    Examples
    --------
    >>> result = mcnemar([1, 1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1, 0, 1])
    >>> result.only_a, result.only_b, result.p_value
    (5, 0, 0.0625)
    """
    if method not in get_args(McnemarMethod):
        raise DataError(f"Unknown form of McNemar's test {method!r}; choose from {', '.join(get_args(McnemarMethod))}.")
    first, second = _classes(correct_a), _classes(correct_b)
    if first.shape != second.shape or not first.size:
        raise DataError(f"McNemar's test needs the same patients twice; {first.size} and {second.size} were given.")
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    difference = (b - c) / first.size
    if b + c == 0:
        note = "both models are right about the same patients"
        return McnemarTest(b, c, difference, np.nan if method == "exact" else 0.0, 1.0, first.size, method, note)
    if method == "exact":
        p_value = min(1.0, 2 * float(special.bdtr(min(b, c), b + c, 0.5)))
        return McnemarTest(b, c, difference, np.nan, p_value, first.size, method)
    gap = max(0, abs(b - c) - 1) if method == "corrected" else abs(b - c)
    statistic = gap * gap / (b + c)
    return McnemarTest(b, c, difference, statistic, float(special.chdtrc(1, statistic)), first.size, method)


def _classes(values: ArrayLike) -> BoolArray:
    array: FloatArray = as_float(values, "Whether the model is right")
    if array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise DataError("Whether the model is right about a patient must be 0 or 1, one value per patient.")
    return np.asarray(array == 1, dtype=np.bool_)

"""Agreement between readers on measurements: the six intraclass correlation coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import LARGEST, FloatArray, as_float, checked_level

FEWEST_SUBJECTS = 3

# Shrout and Fleiss's names, and the names of the same six by McGraw and Wong and in R's psych
_FORMS = {
    "ICC(1,1)": ("ICC(1,1)", "ICC(1)", "ICC1"),
    "ICC(2,1)": ("ICC(2,1)", "ICC(A,1)", "ICC2"),
    "ICC(3,1)": ("ICC(3,1)", "ICC(C,1)", "ICC3"),
    "ICC(1,k)": ("ICC(1,K)", "ICC(K)", "ICC1K"),
    "ICC(2,k)": ("ICC(2,K)", "ICC(A,K)", "ICC2K"),
    "ICC(3,k)": ("ICC(3,K)", "ICC(C,K)", "ICC3K"),
}
_CANONICAL = {alias: form for form, aliases in _FORMS.items() for alias in aliases}


@dataclass(frozen=True, eq=False)
class Icc:
    """Intraclass correlations: numbers for one feature, arrays (features,) for several.

    Attributes
    ----------
    value : the coefficient; NaN with a `reason`. NaN never counts as reliable (every comparison with it is False).
    ci : (low, high) at `level`.
    f, p_value : F test of no variance between subjects.
    n : number of subjects that all readers rated.
    reason : the reason why the value is NaN, else "".
    form : Shrout and Fleiss's name.
    """

    value: Any
    ci: tuple[Any, Any]
    f: Any
    p_value: Any
    n: Any
    reason: Any
    form: str
    readers: int
    level: float


def icc(ratings: ArrayLike, form: str = "ICC(2,1)", level: float = 0.95) -> Icc:
    """Compute the intraclass correlation coefficient with an F-based confidence interval, for one or many features.

    With the mean squares between subjects R, within subjects W, between readers C, of error E; n subjects, k readers:

    - ICC(1,1) one-way random: ``(R - W) / (R + (k - 1) W)``;
    - ICC(2,1) two-way, absolute agreement: ``(R - E) / (R + (k - 1) E + k (C - E) / n)``;
    - ICC(3,1) two-way, consistency: ``(R - E) / (R + (k - 1) E)``;
    - ICC(1,k), (2,k), (3,k), of the mean of k readers: ``(R - W) / R``, ``(R - E) / (R + (C - E) / n)`` and
      ``(R - E) / R``.

    Parameters
    ----------
    ratings : float (n subjects, k readers) or (n, k, features), any unit.
    form : one of the six, in the notation of Shrout and Fleiss or McGraw and Wong ("ICC(A,1)" is "ICC(2,1)").
    level : of the confidence interval.

    Returns
    -------
    Icc. A subject with a rating of NaN is left out for that feature; ``n`` is the number of remaining subjects. With
    fewer than three, no variance, or a rating that is infinite or too large to be squared, the value is NaN with a
    reason.

    Raises
    ------
    DataError : the array has another shape, fewer than two readers, or the form is unknown.

    References
    ----------
    Shrout PE, Fleiss JL, Psychol Bull 1979;86:420, doi 10.1037/0033-2909.86.2.420.
    McGraw KO, Wong SP, Psychol Methods 1996;1:30, doi 10.1037/1082-989X.1.1.30 (and its correction, 1:390).

    Examples
    --------
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> result = icc(ratings)
    >>> round(result.value, 2), result.n
    (0.29, 6)
    """
    canonical = _CANONICAL.get(form.upper().replace(" ", ""))
    if canonical is None:
        known = ", ".join(_FORMS)
        raise DataError(f"Unknown form of the ICC {form!r}; choose from {known} or McGraw and Wong's names.")
    values = as_float(ratings, "The ratings")
    if values.ndim not in (2, 3) or values.shape[1] < 2:
        raise DataError(
            f"The ratings have shape {values.shape}; expected (subjects, readers) or (subjects, readers, features) "
            "with at least two readers."
        )
    many = values if values.ndim == 3 else values[:, :, None]
    result = _icc_of_features(many, canonical, checked_level(level))
    if values.ndim == 3:
        return result
    return Icc(
        float(result.value[0]), (float(result.ci[0][0]), float(result.ci[1][0])), float(result.f[0]),
        float(result.p_value[0]), int(result.n[0]), str(result.reason[0]), canonical, result.readers, result.level,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _MeanSquares:
    """Two-way analysis of variance without replication: (features,) arrays, k readers."""

    n: FloatArray
    k: int
    subjects: FloatArray
    within: FloatArray
    readers: FloatArray
    error: FloatArray


def _icc_of_features(ratings: FloatArray, form: str, level: float) -> Icc:
    complete = np.asarray(np.isfinite(ratings).all(axis=1), dtype=np.bool_)
    n = complete.sum(axis=0)
    reason = _reasons(ratings, complete, n)
    with np.errstate(all="ignore"):  # features with a reason divide by zero; they become NaN below
        squares = _mean_squares(ratings, complete)
        value = _coefficient(squares, form)
        low, high, f, p_value = _interval(squares, value, form, level)
        if form.endswith("k)"):
            single = _coefficient(squares, form.replace("k", "1"))
            low, high, _, _ = _interval(squares, single, form.replace("k", "1"), level)
            low, high = _of_mean(low, squares.k), _of_mean(high, squares.k)
        # no error at all: F is infinite and both limits are 1
        perfect = value == 1.0
        low, high = np.where(perfect, 1.0, low), np.where(perfect, 1.0, high)
    undefined = reason != ""
    value, low, high, f, p_value = (np.where(undefined, np.nan, part) for part in (value, low, high, f, p_value))
    return Icc(value, (low, high), f, p_value, n, reason, form, ratings.shape[1], level)


def _reasons(ratings: FloatArray, complete: NDArray[np.bool_], n: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return the reason why a feature has no ICC, exactly (no tolerance), from each reader's extreme values."""
    largest = np.where(complete[:, None, :], ratings, -np.inf).max(axis=0, initial=-np.inf)
    smallest = np.where(complete[:, None, :], ratings, np.inf).min(axis=0, initial=np.inf)
    flat = (largest <= smallest).all(axis=0)
    reason = np.full(n.shape, "", dtype=object)
    reason[flat] = "the ratings do not vary between subjects"
    for index in np.flatnonzero(n < FEWEST_SUBJECTS):
        reason[index] = f"{n[index]} complete subjects are fewer than {FEWEST_SUBJECTS}"
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(ratings) > LARGEST).sum(axis=(0, 1))
    for index in np.flatnonzero(beyond):
        reason[index] = f"{beyond[index]} rating(s) are infinite or beyond {LARGEST:g}"
    return reason


def _mean_squares(ratings: FloatArray, complete: NDArray[np.bool_]) -> _MeanSquares:
    n, k = complete.sum(axis=0).astype(np.float64), ratings.shape[1]
    kept = complete[:, None, :]
    # centre before squaring: features of order 1e9 with a variance of order 1 keep their digits
    mean = np.where(kept, ratings, 0.0).sum(axis=(0, 1)) / (n * k)
    centred = np.where(kept, ratings - mean, 0.0)
    mean = centred.sum(axis=(0, 1)) / (n * k)
    of_subject = centred.mean(axis=1)
    of_reader = centred.sum(axis=0) / n
    between_subjects = k * (np.where(complete, of_subject - mean, 0.0) ** 2).sum(axis=0)
    between_readers = n * ((of_reader - mean) ** 2).sum(axis=0)
    within = (np.where(kept, centred - of_subject[:, None, :], 0.0) ** 2).sum(axis=(0, 1))
    residual = np.where(kept, centred - of_subject[:, None, :] - of_reader + mean, 0.0)
    return _MeanSquares(
        n=n,
        k=k,
        subjects=between_subjects / (n - 1),
        within=within / (n * (k - 1)),
        readers=between_readers / (k - 1),
        error=(residual**2).sum(axis=(0, 1)) / ((n - 1) * (k - 1)),
    )


def _coefficient(ms: _MeanSquares, form: str) -> FloatArray:
    n, k = ms.n, ms.k
    value = {
        "ICC(1,1)": lambda: (ms.subjects - ms.within) / (ms.subjects + (k - 1) * ms.within),
        "ICC(2,1)": lambda: (
            (ms.subjects - ms.error) / (ms.subjects + (k - 1) * ms.error + k * (ms.readers - ms.error) / n)
        ),
        "ICC(3,1)": lambda: (ms.subjects - ms.error) / (ms.subjects + (k - 1) * ms.error),
        "ICC(1,k)": lambda: (ms.subjects - ms.within) / ms.subjects,
        "ICC(2,k)": lambda: (ms.subjects - ms.error) / (ms.subjects + (ms.readers - ms.error) / n),
        "ICC(3,k)": lambda: (ms.subjects - ms.error) / ms.subjects,
    }[form]()
    return np.asarray(value, dtype=np.float64)


def _interval(
    ms: _MeanSquares, value: FloatArray, form: str, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Compute (low, high, F, p) of a single-measure form; F and p are valid for the mean of k too."""
    n, k = ms.n, ms.k
    upper = 0.5 + level / 2
    noise, noise_dof = (ms.within, n * (k - 1)) if form.startswith("ICC(1") else (ms.error, (n - 1) * (k - 1))
    f = ms.subjects / noise
    p_value = cast(FloatArray, special.fdtrc(n - 1, noise_dof, f))
    if not form.startswith("ICC(2"):
        low_f = f / special.fdtri(n - 1, noise_dof, upper)
        high_f = f * special.fdtri(noise_dof, n - 1, upper)
        return (low_f - 1) / (low_f + k - 1), (high_f - 1) / (high_f + k - 1), f, p_value
    # McGraw and Wong's Satterthwaite degrees of freedom, multiplied by the error so that error 0 is defined
    a = k * value * ms.readers
    b = (n * (1 + (k - 1) * value) - k * value) * ms.error
    dof = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2)
    low_f = cast(FloatArray, special.fdtri(n - 1, dof, upper))
    high_f = cast(FloatArray, special.fdtri(dof, n - 1, upper))
    rest = k * ms.readers + (k * n - k - n) * ms.error
    low = n * (ms.subjects - low_f * ms.error) / (low_f * rest + n * ms.subjects)
    high = n * (high_f * ms.subjects - ms.error) / (rest + n * high_f * ms.subjects)
    return low, high, f, p_value


def _of_mean(single: FloatArray, k: int) -> FloatArray:
    """Compute the limit for the mean of k readers by Spearman-Brown; minus infinity if it has no value."""
    return np.where(1 + (k - 1) * single > 0, k * single / (1 + (k - 1) * single), -np.inf)

"""Stability of a selection of features over resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.proportions import normal_quantile

FEWEST_FOR_INTERVAL = 30  # resamples; the interval is the normal approximation for a large number


@dataclass(frozen=True)
class SelectionStability:
    """Nogueira's index ``value``, its ``se`` and ``ci``; ``size`` is the mean number selected, ``n`` that of resamples.

    ``reason`` states why the index is NaN.
    """

    value: float
    se: float
    ci: tuple[float, float]
    size: float
    n: int
    reason: str = ""


def selection_stability(selected: ArrayLike, *, level: float = 0.95) -> SelectionStability:
    """Compute Nogueira's stability: 1 for the same features every time, 0 for the overlap expected by chance.

    ``1 - mean_f(s_f^2) / (q (1 - q))``, with ``s_f^2`` the unbiased variance of the selection (0 or 1) of feature f and
    q the mean share of selected features. The interval is normal, with the index's asymptotic variance,

    ``(4 / M^2) sum_i (phi_i - mean phi)^2``,
    ``phi_i = (sum_f z_if p_f / d - k_i k / d^2 + (value / 2) (2 k k_i / d^2 - k_i / d - k / d + 1)) / (q (1 - q))``.

    Parameters
    ----------
    selected : (M resamples, d features), 0 or 1; all features that could have been selected, not only the selected.
    level : of the confidence interval, limited to 1.

    Returns
    -------
    SelectionStability; NaN with a reason if no feature, or every feature, is selected every time.

    Raises
    ------
    DataError : there are fewer than two resamples, no feature, or entries other than 0 and 1.

    References
    ----------
    Nogueira S, Sechidis K, Brown G, J Mach Learn Res 2018;18(174):1. The authors' R program has the last term of
    ``phi_i`` with the opposite sign; their Python program and the delta method agree with this function. The two are
    equal if every resample selects the same number of features.

    Examples
    --------
    >>> round(selection_stability([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0]]).value, 3)
    0.333
    """
    given = np.asarray(selected)
    if given.ndim != 2 or given.shape[0] < 2 or given.shape[1] < 1:
        raise DataError(f"Stability needs (resamples, features) with at least two resamples, not {given.shape}.")
    if not np.isin(given, (0, 1)).all():
        raise DataError("Stability needs 0 (not selected) or 1 (selected) in every entry.")
    table = given.astype(np.float64)
    resamples, features = table.shape
    share, sizes = table.mean(axis=0), table.sum(axis=1)
    mean_size = float(share.sum())
    q = mean_size / features
    if q * (1 - q) < 1e-15:
        why = "no feature was ever selected" if q < 0.5 else "every feature was selected every time"
        return SelectionStability(np.nan, np.nan, (np.nan, np.nan), mean_size, resamples, why)
    chance = q * (1 - q)
    value = float(1 - resamples / (resamples - 1) * (share * (1 - share)).mean() / chance)
    k_i = sizes / features
    phi = (table @ share / features - k_i * q + value / 2 * (2 * q * k_i - k_i - q + 1)) / chance
    se = float(2 / resamples * np.sqrt(((phi - phi.mean()) ** 2).sum()))
    half = normal_quantile(level) * se
    return SelectionStability(value, se, (value - half, min(1.0, value + half)), mean_size, resamples)

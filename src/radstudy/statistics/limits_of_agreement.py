"""Bland and Altman's limits of agreement between two readers' measurements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, as_float, checked_level, squarable
from radstudy.statistics.proportions import normal_quantile


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of two measurements, in their unit: first minus second.

    ``bias`` (mean difference), ``sd`` of the differences, ``lower`` and ``upper`` limit of agreement, each with its
    interval at `level`. ``slope_p_value``: of the differences' regression on the means; small if the difference
    depends on the size, so that one pair of limits does not describe it. ``n`` pairs, ``missing`` pairs left out.
    """

    bias: float
    bias_ci: tuple[float, float]
    sd: float
    lower: float
    lower_ci: tuple[float, float]
    upper: float
    upper_ci: tuple[float, float]
    slope_p_value: float
    n: int
    missing: int
    level: float
    note: str = ""


def bland_altman(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> BlandAltman:
    """Compute bias and limits of agreement ``bias +- z sd`` of two readers' measurements of the same cases.

    The bias has the t interval with standard error ``sd / sqrt(n)``, each limit the t interval with standard error
    ``sd sqrt(1 / n + z^2 / (2 (n - 1)))``.

    Parameters
    ----------
    first, second : (n,) of the same cases, one unit. Pairs with a NaN are left out and counted.
    level : of the limits (0.95: +- 1.96 sd) and of all intervals.

    Returns
    -------
    BlandAltman; NaN with a note for fewer than three complete pairs.

    Raises
    ------
    DataError : lengths that differ, infinite values.

    References
    ----------
    Bland JM, Altman DG, Lancet 1986;327:307, doi 10.1016/S0140-6736(86)90837-8.
    Bland JM, Altman DG, Stat Methods Med Res 1999;8:135, doi 10.1177/096228029900800204 (standard error of the limits).

    Examples
    --------
    >>> result = bland_altman([10.0, 12.0, 15.0, 11.0], [9.0, 13.0, 14.0, 9.0])
    >>> result.bias, round(result.lower, 2), round(result.upper, 2)
    (0.75, -1.72, 3.22)
    """
    a, b = as_float(first, "The first measurements"), as_float(second, "The second measurements")
    if a.ndim != 1 or a.shape != b.shape:
        raise DataError(f"Two measurements of the same cases are needed, not {a.shape} and {b.shape}.")
    squarable(a, "The first measurements"), squarable(b, "The second measurements")
    z = normal_quantile(checked_level(level))
    known = ~(np.isnan(a) | np.isnan(b))
    missing = int((~known).sum())
    a, b = a[known], b[known]
    n = a.size
    nothing = (np.nan, np.nan)
    if n < 3:
        note = f"{n} complete pairs are fewer than 3"
        return BlandAltman(
            np.nan, nothing, np.nan, np.nan, nothing, np.nan, nothing, np.nan, n, missing, level, note
        )  # fmt: skip
    difference, mean = a - b, (a + b) / 2
    same = difference.max() == difference.min()
    bias, sd = float(difference.mean()), 0.0 if same else float(difference.std(ddof=1))
    t = float(special.stdtrit(n - 1, 0.5 + level / 2))
    of_bias, of_limit = t * sd / np.sqrt(n), t * sd * np.sqrt(1 / n + z * z / (2 * (n - 1)))

    def around(value: float, half: float) -> tuple[float, float]:
        return float(value - half), float(value + half)

    lower, upper = around(bias, z * sd)
    return BlandAltman(
        bias=bias, bias_ci=around(bias, of_bias), sd=sd,
        lower=lower, lower_ci=around(lower, of_limit), upper=upper, upper_ci=around(upper, of_limit),
        slope_p_value=np.nan if same or mean.max() == mean.min() else _slope_p_value(mean, difference),
        n=n, missing=missing, level=level, note="the differences do not vary" if same else "",
    )  # fmt: skip


def _slope_p_value(mean: FloatArray, difference: FloatArray) -> float:
    """Compute the p-value of the correlation, by t with n - 2 degrees of freedom."""
    r = float(np.clip(np.corrcoef(mean, difference)[0, 1], -1, 1))
    dof = mean.size - 2
    if abs(r) == 1:
        return 0.0
    return 2 * float(special.stdtr(dof, -abs(r) * np.sqrt(dof / (1 - r * r))))

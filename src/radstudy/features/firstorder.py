"""First-order features: the distribution of intensities inside a lesion, wherever they lie."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import feature_names
from radstudy.features.discretise import bin_edges
from radstudy.features.kernels.binning import digitise
from radstudy.features.kernels.moments import deviation_between, moments

_EPS = 2.0**-52  # PyRadiomics adds it inside every logarithm


def first_order(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    bin_width: float | None = 25.0,
    bin_count: int | None = None,
    voxel_array_shift: float = 0.0,
    voxel_volume_mm3: float,
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """First-order features, as PyRadiomics 3.0.1.

    Parameters
    ----------
    image : (z, y, x) intensities.
    mask : bool (z, y, x), True inside the lesion.
    bin_width, bin_count : bins of Entropy and Uniformity, see `radstudy.features.discretise.bin_edges`.
    voxel_array_shift : added to every intensity for Energy, TotalEnergy and RootMeanSquared.
    voxel_volume_mm3 : volume of one voxel, for TotalEnergy.
    features : names; None for PyRadiomics' 18 (StandardDeviation is computed when named).

    Returns
    -------
    values : never NaN. A flat lesion has Skewness and Kurtosis 0.

    Raises
    ------
    CaseError : the lesion is empty or holds values that are not finite.
    UsageError : a feature is unknown or the bins are not positive.

    Examples
    --------
    >>> image = np.arange(8.0).reshape(2, 2, 2)
    >>> first_order(image, image > 0, voxel_volume_mm3=1.0, features=["Mean", "Range"])
    {'Mean': 4.0, 'Range': 6.0}
    """
    names = feature_names("firstorder", features)
    raw = np.asarray(image)[np.asarray(mask, dtype=bool)]
    edges = bin_edges(raw, bin_width=bin_width, bin_count=bin_count)
    values = raw.astype(np.float64)
    counts = np.bincount(digitise(values, edges.astype(np.float64)))
    values.sort()
    computed = _of_values(values, voxel_array_shift, voxel_volume_mm3)
    share = counts[counts > 0] / values.size
    computed["Entropy"] = float(-(share * np.log2(share + _EPS)).sum())
    computed["Uniformity"] = float((share**2).sum())
    return {name: computed[name] for name in names}


def _of_values(ascending: NDArray[np.float64], shift: float, voxel_volume_mm3: float) -> dict[str, float]:
    p10, p25, p50, p75, p90 = (_percentile(ascending, percent) for percent in (10, 25, 50, 75, 90))
    mean, m2, m3, m4, absolute, energy = moments(ascending, shift)
    flat = m2 == 0
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "InterquartileRange": p75 - p25,
        "Kurtosis": 0.0 if flat else m4 / m2**2,
        "Maximum": float(ascending[-1]),
        "MeanAbsoluteDeviation": absolute,
        "Mean": mean,
        "Median": p50,
        "Minimum": float(ascending[0]),
        "Range": float(ascending[-1] - ascending[0]),
        "RobustMeanAbsoluteDeviation": deviation_between(ascending, p10, p90),
        "RootMeanSquared": float(np.sqrt(energy / ascending.size)),
        "Skewness": 0.0 if flat else m3 / m2**1.5,
        "StandardDeviation": float(np.sqrt(m2)),
        "TotalEnergy": energy * voxel_volume_mm3,
        "Variance": m2,
    }


def _percentile(ascending: NDArray[np.float64], percent: int) -> float:
    """NumPy's default percentile (linear between ranks) of values already sorted."""
    place = percent / 100 * (ascending.size - 1)
    below = int(place)
    above = min(below + 1, ascending.size - 1)
    step, part = float(ascending[above] - ascending[below]), place - below
    if part >= 0.5:
        return float(ascending[above]) - step * (1 - part)
    return float(ascending[below]) + step * part

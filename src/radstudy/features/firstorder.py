"""First-order features: the distribution of intensities inside a lesion, regardless of position."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import feature_names
from radstudy.features.discretise import Discretised, discretise
from radstudy.features.kernels.moments import deviation_between, moments, order_statistics

_EPS = 2.0**-52  # PyRadiomics adds it inside every logarithm


def first_order(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    bin_width: float | None = None,
    bin_count: int | None = None,
    voxel_array_shift: float = 0.0,
    voxel_volume_mm3: float,
    features: Iterable[str] | None = None,
    binned: Discretised | None = None,
) -> dict[str, float]:
    """Compute first-order features as PyRadiomics 3.0.1 does.

    Parameters
    ----------
    image : (z, y, x) intensities.
    mask : bool (z, y, x), True inside the lesion.
    bin_width, bin_count : bins of Entropy and Uniformity, see `radstudy.features.discretise.bin_edges`.
    voxel_array_shift : added to every intensity for Energy, TotalEnergy and RootMeanSquared.
    voxel_volume_mm3 : volume of one voxel, for TotalEnergy.
    features : names; None for PyRadiomics' 18 (StandardDeviation is computed when named).
    binned : the result of `discretise` for this image, mask and bins, if available; saves binning again.

    Returns
    -------
    values : RobustMeanAbsoluteDeviation is NaN where no voxel lies between the 10th and 90th percentile (two voxels);
        nothing else is NaN. A flat lesion has Skewness and Kurtosis 0.

    Raises
    ------
    CaseError : the lesion is empty or contains values that are not finite.
    UsageError : a feature is unknown or the bins are not positive.

    Examples
    --------
    >>> image = np.arange(8.0).reshape(2, 2, 2)
    >>> first_order(image, image > 0, bin_width=25, voxel_volume_mm3=1.0, features=["Mean", "Range"])
    {'Mean': 4.0, 'Range': 6.0}
    """
    names = feature_names("firstorder", features)
    inside = np.asarray(mask, dtype=bool)
    if binned is None:
        binned = discretise(image, inside, bin_width=bin_width, bin_count=bin_count)
    values = np.asarray(image)[inside].astype(np.float64)
    computed = _of_values(values, voxel_array_shift, voxel_volume_mm3)
    share = binned.counts[binned.counts > 0] / values.size
    computed["Entropy"] = float(-(share * np.log2(share + _EPS)).sum())
    computed["Uniformity"] = float((share**2).sum())
    return {name: computed[name] for name in names}


def _of_values(values: NDArray[np.float64], shift: float, voxel_volume_mm3: float) -> dict[str, float]:
    low, p10, p25, p50, p75, p90, high = _percentiles(values, (0, 10, 25, 50, 75, 90, 100))
    mean, m2, m3, m4, absolute, energy = moments(values, shift)
    flat = m2 == 0
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "InterquartileRange": p75 - p25,
        "Kurtosis": 0.0 if flat else m4 / m2 / m2,
        "Maximum": high,
        "MeanAbsoluteDeviation": absolute,
        "Mean": mean,
        "Median": p50,
        "Minimum": low,
        "Range": high - low,
        "RobustMeanAbsoluteDeviation": deviation_between(values, p10, p90),
        "RootMeanSquared": float(np.sqrt(energy / values.size)),
        "Skewness": 0.0 if flat else m3 / m2 / float(np.sqrt(m2)),
        "StandardDeviation": float(np.sqrt(m2)),
        "TotalEnergy": energy * voxel_volume_mm3,
        "Variance": m2,
    }


def _percentiles(values: NDArray[np.float64], percents: tuple[int, ...]) -> list[float]:
    """Compute NumPy's default percentiles (linear between ranks) in one pass."""
    places = [percent / 100 * (values.size - 1) for percent in percents]
    ranks = np.array([rank for place in places for rank in (int(place), min(int(place) + 1, values.size - 1))])
    ordered = order_statistics(values, ranks, 8)
    if ordered.size == 0:
        ordered = np.sort(values)[ranks]
    results = []
    for place, below, above in zip(places, ordered[::2].tolist(), ordered[1::2].tolist(), strict=True):
        part = place - int(place)
        results.append(above - (above - below) * (1 - part) if part >= 0.5 else below + (above - below) * part)
    return results

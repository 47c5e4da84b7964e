"""Intensity-volume histogram: the fraction of the lesion at or above an intensity.

References
----------
IBSI reference manual, section 3.5 (P88C).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radstudy.features.ibsi.grey_levels import fixed_count, fixed_width
from radstudy.features.ibsi.preparation import Float64
from radstudy.features.ibsi.settings import IbsiSettings

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class VolumeHistogram:
    """Intensities and the axis of their intensity-volume histogram.

    Parameters
    ----------
    values : (n,), of the voxels.
    axis : (m,) ascending intensities at which the volume is read.
    low, high : the ends of the axis, 0 % and 100 % intensity.
    """

    values: Float64
    axis: Float64
    low: float
    high: float

    def volume_at(self, intensity_fraction: float) -> float:
        """Return the fraction of voxels with an intensity fraction (x - low) / (high - low) of at least this value."""
        threshold = self.low + intensity_fraction * (self.high - self.low)
        return float((self.values >= threshold - _ROUNDING * max(1.0, abs(threshold))).mean())

    def intensity_at(self, volume_fraction: float) -> float:
        """Return the lowest intensity of the axis that at most this fraction of the volume reaches; NaN if none."""
        above = self.values.size - np.searchsorted(np.sort(self.values), self.axis, side="left")
        reached = np.flatnonzero(above <= volume_fraction * self.values.size)
        return float(self.axis[reached[0]]) if reached.size else float("nan")


def volume_histogram(values: Float64, settings: IbsiSettings) -> dict[str, float]:
    """Compute the intensity-volume histogram features, by IBSI tag.

    The axis spans the resegmentation range if there is one, else minimum to maximum. With a bin width,
    intensities become the centres of their bins; with a bin count they become bin numbers, which are the unit of the
    result. (The area under the curve is not standardised and therefore not computed.)

    Parameters
    ----------
    values : (n,) intensities inside the intensity mask, not empty.
    settings : the range and the bins.

    Returns
    -------
    values : volumes as fractions of 1, intensities in the image's unit or in bin numbers. NaN if no intensity is
        reached by at most 10 % (90 %), as in a flat lesion.
    """
    histogram = _histogram(values, settings)
    v10, v90 = histogram.volume_at(0.1), histogram.volume_at(0.9)
    i10, i90 = histogram.intensity_at(0.1), histogram.intensity_at(0.9)
    return {
        "ivh_v10": v10,
        "ivh_v90": v90,
        "ivh_i10": i10,
        "ivh_i90": i90,
        "ivh_diff_v10_v90": v10 - v90,
        "ivh_diff_i10_i90": i10 - i90,
    }


def _histogram(values: Float64, settings: IbsiSettings) -> VolumeHistogram:
    low, high = settings.resegment_range or (float(values.min()), float(values.max()))
    if settings.ivh_bin_count is not None:
        numbers = fixed_count(values, settings.ivh_bin_count).astype(np.float64)
        return VolumeHistogram(numbers, np.arange(1.0, settings.ivh_bin_count + 1), 1.0, float(settings.ivh_bin_count))
    if settings.ivh_bin_width is not None:
        width = settings.ivh_bin_width
        number: NDArray[np.int32] = fixed_width(values, width, low)
        bins = max(int(np.ceil((high - low) / width)), int(number.max()))
        axis: Float64 = low + width * (np.arange(1.0, bins + 1.0, dtype=np.float64) - 0.5)
        return VolumeHistogram(axis[number - 1], axis, float(axis[0]), float(axis[-1]))
    whole = bool((values == np.rint(values)).all()) and low == np.rint(low)
    return VolumeHistogram(values, np.arange(low, high + 1) if whole else np.unique(values), low, high)

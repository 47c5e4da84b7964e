"""Evenness of a volume's foreground: measures before and after the bias field is removed.

They describe and do not judge: a breast of fat and gland varies without any field, and a strong field is not wrong.
Measures of motion or wrapping are left out: the published ones need a background of air and thresholds for the scanner
and body part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.foreground import foreground
from radstudy.imaging.kernels.quality import spread
from radstudy.imaging.volume import FloatArray, Volume

BINS, TOP = 60, 3.0  # of the histograms: intensity over the foreground's mean, from 0; the last bin has the rest
_SAMPLES = 500_000  # approximate number of voxels used: more would not change the third digit


@dataclass(frozen=True)
class Evenness:
    """A foreground before and after its bias field was removed.

    Parameters
    ----------
    variation_before, variation_after : coefficient of variation, standard deviation over mean; NaN if the mean is 0.
    field_ratio : 95th over 5th percentile of the field in the foreground: 1 is no field, 2 a factor of two.
    histogram_before, histogram_after : voxels by intensity over the foreground's mean, `BINS` bins from 0 to `TOP`.
    """

    variation_before: float
    variation_after: float
    field_ratio: float
    histogram_before: tuple[int, ...]
    histogram_after: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the measures as plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Evenness:
        """Read the result of `as_dict`; JSON's null is NaN."""
        numbers = {
            name: float("nan") if record[name] is None else float(record[name])
            for name in ("variation_before", "variation_after", "field_ratio")
        }
        return cls(
            **numbers,
            histogram_before=tuple(record["histogram_before"]),
            histogram_after=tuple(record["histogram_after"]),
        )


def evenness(before: Volume, after: Volume, inside: NDArray[np.bool_] | None = None) -> Evenness:
    """Compare a volume with itself without its bias field, in the same voxels (every n-th of a large volume).

    Parameters
    ----------
    before : the volume, (I, J, K).
    after : the volume divided by its field, on the same grid.
    inside : bool (I, J, K), the foreground to compare; None takes Otsu's foreground of `before`.
    """
    inside = foreground(before, inside)
    step = max(round((inside.size / _SAMPLES) ** (1 / 3)), 1)
    thin = (slice(None, None, step),) * 3
    old, new, counted = before.voxels[thin], after.voxels[thin], inside[thin]
    variation_before, histogram_before = _spread(old, counted)
    variation_after, histogram_after = _spread(new, counted)
    ratio = _ratio(old[counted], new[counted])
    return Evenness(variation_before, variation_after, ratio, histogram_before, histogram_after)


def _spread(voxels: FloatArray, inside: NDArray[np.bool_]) -> tuple[float, tuple[int, ...]]:
    """Compute the coefficient of variation and the histogram of values over their mean; all 0 for a mean up to 0."""
    mean, deviation, counts = spread(voxels.ravel(order="F"), inside.ravel(order="F"), BINS, TOP)
    return (deviation / mean if mean else float("nan")), tuple(counts.tolist())


def _ratio(old: FloatArray, new: FloatArray) -> float:
    known = new != 0
    if not known.any():
        return float("nan")
    low, high = np.percentile(old[known].astype(np.float64) / new[known], [5, 95])
    return float(high / low)

"""How even a volume's foreground is: numbers to look at before and after the bias field is removed.

They describe, and judge nothing: a breast of fat and gland varies without any field, and a field that is strong is not
wrong. Measures of motion or wrapping are left out: those that are published need a background of air and thresholds
of their scanner and body part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.foreground import foreground
from radstudy.imaging.volume import FloatArray, Volume

BINS, TOP = 60, 3.0  # of the histograms: intensity over the foreground's mean, from 0; the last bin holds the rest
_SAMPLES = 100_000  # of the field


@dataclass(frozen=True)
class Evenness:
    """A foreground before and after its bias field was removed.

    Parameters
    ----------
    variation_before, variation_after : coefficient of variation, standard deviation over mean; NaN where the mean is 0.
    field_ratio : 95th over 5th percentile of the field in the foreground: 1 is no field, 2 a factor of two.
    histogram_before, histogram_after : voxels by intensity over the foreground's mean, `BINS` bins from 0 to `TOP`.
    """

    variation_before: float
    variation_after: float
    field_ratio: float
    histogram_before: tuple[int, ...]
    histogram_after: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Evenness:
        """The inverse of `as_dict`; JSON's null is NaN."""
        numbers = {
            name: float("nan") if record[name] is None else float(record[name])
            for name in ("variation_before", "variation_after", "field_ratio")
        }
        return cls(
            **numbers,
            histogram_before=tuple(record["histogram_before"]),
            histogram_after=tuple(record["histogram_after"]),
        )


def evenness(before: Volume, after: Volume) -> Evenness:
    """Compare a volume with itself without its bias field, in the same voxels.

    Parameters
    ----------
    before : the volume, (I, J, K); its foreground (Otsu's threshold) is what counts.
    after : the volume divided by its field, on the same grid.
    """
    inside = foreground(before)
    old, new = before.voxels[inside], after.voxels[inside]
    return Evenness(_variation(old), _variation(new), _ratio(old, new), histogram(old), histogram(new))


def coefficient_of_variation(volume: Volume, mask: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation over mean inside the mask (None: Otsu's foreground); NaN where the mean is 0."""
    return _variation(volume.voxels[foreground(volume, mask)])


def histogram(values: FloatArray) -> tuple[int, ...]:
    """Number of values by their size over their mean, `BINS` bins from 0 to `TOP`; all 0 where the mean is not above 0.

    Examples
    --------
    >>> counts = histogram(np.array([1.0, 1.0, 1.0, 5.0]))  # mean 2: three at 0.5, one at 2.5
    >>> counts[10], counts[50], sum(counts)
    (3, 1, 4)
    """
    mean = float(values.mean(dtype=np.float64)) if values.size else 0.0
    if not mean > 0:
        return (0,) * BINS
    place = np.clip(values * (BINS / (TOP * mean)), 0, BINS - 1).astype(np.int64)
    return tuple(np.bincount(place, minlength=BINS).tolist())


def _variation(values: FloatArray) -> float:
    exact = values.astype(np.float64)
    mean = exact.mean() if exact.size else 0.0
    return float(exact.std() / mean) if mean else float("nan")


def _ratio(old: FloatArray, new: FloatArray) -> float:
    step = max(old.size // _SAMPLES, 1)
    old, new = old[::step], new[::step]
    known = new != 0
    if not known.any():
        return float("nan")
    low, high = np.percentile(old[known].astype(np.float64) / new[known], [5, 95])
    return float(high / low)

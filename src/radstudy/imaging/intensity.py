"""Intensity normalisation of a whole volume: a linear scale, whose limits are computed first and then applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.foreground import foreground
from radstudy.imaging.kernels.intensity import scale_linearly
from radstudy.imaging.roi import Roi
from radstudy.imaging.slabs import in_slabs
from radstudy.imaging.volume import FloatArray, Volume

Over = Literal["volume", "foreground"]


@dataclass(frozen=True)
class LinearScale:
    """A linear scale: ``low`` becomes ``to_low``, ``high`` becomes ``to_high``, other values lie on the same line.

    Parameters
    ----------
    low, high : input intensities.
    to_low, to_high : output intensities.
    clip : whether values outside [low, high] are clipped first.
    method : the way in which the limits were computed.
    """

    low: float
    high: float
    to_low: float
    to_high: float
    clip: bool
    method: str

    def apply(self, volume: Volume, *, in_place: bool = False) -> Volume:
        """Return the rescaled volume, float32 (float64 if the volume is).

        `in_place` writes into the memory of the given voxels; their volume must not be used afterwards.
        """
        slope = (self.to_high - self.to_low) / (self.high - self.low)
        limits = (self.low, self.high) if self.clip else (-np.inf, np.inf)
        scaled = volume.voxels if in_place else np.empty_like(volume.voxels, order="F")

        def scale(slab: slice) -> None:
            old, new = volume.voxels[:, :, slab].ravel(order="F"), scaled[:, :, slab].ravel(order="F")
            scale_linearly(old, self.low, slope, self.to_low, *limits, new)

        in_slabs(scale, scaled.shape[2])
        step = f"{self.method}: {self.low:g}..{self.high:g} to {self.to_low:g}..{self.to_high:g}"
        return volume.with_voxels(scaled, step)

    def as_dict(self) -> dict[str, Any]:
        """Return the scale as plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> LinearScale:
        """Read the result of `as_dict`."""
        return cls(**record)


def rescale_parameters(
    volume: Volume,
    *,
    to: tuple[float, float] = (0.0, 2000.0),
    from_: Literal["minmax"] | tuple[float, float] = "minmax",
    over: Over = "volume",
) -> LinearScale:
    """Compute the scale that maps the volume's range, or its range between two percentiles, to `to`.

    Minimum and maximum are fragile: one hot voxel at twice the maximum halves the contrast of everything else. Two
    percentiles such as (1, 99) are not; values outside them are clipped. Percentiles of the whole volume depend on the
    amount of air in the field of view, those of the foreground do not.

    Parameters
    ----------
    volume : the image, (I, J, K).
    to : the new range.
    from_ : minmax, or a lower and a higher percentile.
    over : which voxels count: the whole volume, or its foreground (Otsu's threshold).

    Raises
    ------
    CaseError : voxels are not finite, or there is no range to scale.
    """
    values = _counted(volume, over)
    if isinstance(from_, str):
        low, high = volume.limits if over == "volume" else (float(values.min()), float(values.max()))
    else:
        low, high = (float(value) for value in np.percentile(values, from_))
    if not high > low:
        raise CaseError(
            f"the intensities cannot be rescaled: they range from {low:g} to {high:g}",
            "check whether the image is empty, or use other percentiles",
        )
    method = f"rescale from {from_}{_of(over)}"
    return LinearScale(low, high, float(to[0]), float(to[1]), from_ != "minmax", method)


def zscore_parameters(volume: Volume, *, scale: float = 100.0, over: Over = "volume") -> LinearScale:
    """Compute the scale after which the volume, or its foreground, has mean 0 and standard deviation `scale`.

    Parameters
    ----------
    volume : the image, (I, J, K).
    scale : standard deviation of the result.
    over : which voxels count: the whole volume, or its foreground (Otsu's threshold).

    Raises
    ------
    CaseError : voxels are not finite, or all are equal.
    """
    values = _counted(volume, over)
    mean = float(values.mean(dtype=np.float64))
    spread = float(values.std(dtype=np.float64))
    if not spread > 0:
        raise CaseError(f"the intensities cannot be z-scored: all are {mean:g}", "check whether the image is empty")
    return LinearScale(mean, mean + spread, 0.0, scale, False, f"z-score{_of(over)}")


def reference_parameters(
    volume: Volume, reference: Roi, *, to: float = 1000.0, tissue: str = "reference tissue"
) -> LinearScale:
    """Compute the factor that brings the median of a reference tissue (fat, muscle) to `to`; 0 stays 0.

    Parameters
    ----------
    volume : the image, (I, J, K).
    reference : mask of the tissue on the image's grid.
    to : the tissue's median in the result.
    tissue : name of the tissue, for the record.

    Raises
    ------
    CaseError : the mask is empty or not on the image's grid, a voxel is not finite, or the median is not above 0.
    """
    _require_finite(volume)
    try:
        placed = reference.on_grid_of(volume)
    except CaseError as error:
        raise CaseError(f"mask of the {tissue}: {error.problem}", error.remedy, file=reference.source) from error
    inside = volume.voxels[placed.mask]
    if not inside.size:
        raise CaseError(f"the mask of the {tissue} is empty", f"draw some {tissue}", file=reference.source)
    median = float(np.median(inside))
    if not median > 0:
        raise CaseError(
            f"the median of the {tissue} is {median:g}; intensities can only be divided by a value above 0",
            "check whether the mask lies in the tissue, and put this step before any z-score",
            file=reference.source,
        )
    return LinearScale(0.0, median, 0.0, float(to), False, f"median of {inside.size} voxels of {tissue}")


def _counted(volume: Volume, over: Over) -> FloatArray:
    _require_finite(volume)
    if over == "volume":
        return volume.voxels
    inside = volume.voxels[foreground(volume)]
    if not inside.size:
        raise CaseError("no voxel lies above Otsu's threshold: there is no foreground", "look at the image")
    return inside


def _of(over: Over) -> str:
    return " of the foreground" if over == "foreground" else ""


def _require_finite(volume: Volume) -> None:
    if not volume.is_finite:
        raise CaseError("the image has voxels that are not finite numbers", "export it again from the source")

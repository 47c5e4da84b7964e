"""Intensity normalisation of a whole volume: always a straight line, whose limits are found first and then applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.volume import Volume


@dataclass(frozen=True)
class LinearScale:
    """``low`` becomes ``to_low`` and ``high`` becomes ``to_high``, everything else lies on the line between them.

    Parameters
    ----------
    low, high : input intensities.
    to_low, to_high : output intensities.
    clip : whether values outside [low, high] are cut to it first.
    method : how the limits were found.
    """

    low: float
    high: float
    to_low: float
    to_high: float
    clip: bool
    method: str

    def apply(self, volume: Volume) -> Volume:
        """The rescaled volume, float32 (float64 where the volume is)."""
        voxels = np.clip(volume.voxels, self.low, self.high) if self.clip else volume.voxels
        slope = (self.to_high - self.to_low) / (self.high - self.low)
        scaled = ((voxels.astype(np.float64) - self.low) * slope + self.to_low).astype(volume.voxels.dtype)
        step = f"{self.method}: {self.low:g}..{self.high:g} to {self.to_low:g}..{self.to_high:g}"
        return volume.with_voxels(scaled, step)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> LinearScale:
        """The inverse of `as_dict`."""
        return cls(**record)


def rescale_parameters(
    volume: Volume,
    *,
    to: tuple[float, float] = (0.0, 2000.0),
    from_: Literal["minmax"] | tuple[float, float] = "minmax",
) -> LinearScale:
    """The scale that brings the volume's range, or its range between two percentiles, to `to`.

    Minimum and maximum are fragile: one hot voxel at twice the maximum halves the contrast of everything else. Two
    percentiles such as (1, 99) are not; values outside them are clipped.

    Raises
    ------
    CaseError : voxels that are not finite, or no range to scale.
    """
    _require_finite(volume)
    if from_ == "minmax":
        low, high = float(volume.voxels.min()), float(volume.voxels.max())
    else:
        low, high = (float(value) for value in np.percentile(volume.voxels, from_))
    if not high > low:
        raise CaseError(
            f"the intensities cannot be rescaled: they run from {low:g} to {high:g}",
            "look whether the image is empty, or use other percentiles",
        )
    return LinearScale(low, high, float(to[0]), float(to[1]), from_ != "minmax", f"rescale from {from_}")


def zscore_parameters(volume: Volume, *, scale: float = 100.0) -> LinearScale:
    """The scale that gives the whole volume mean 0 and standard deviation `scale`.

    Raises
    ------
    CaseError : voxels that are not finite, or all the same.
    """
    _require_finite(volume)
    mean = float(volume.voxels.mean(dtype=np.float64))
    spread = float(volume.voxels.std(dtype=np.float64))
    if not spread > 0:
        raise CaseError(f"the intensities cannot be z-scored: all are {mean:g}", "look whether the image is empty")
    return LinearScale(mean, mean + spread, 0.0, scale, False, "z-score")


def rescale(
    volume: Volume,
    to: tuple[float, float] = (0.0, 2000.0),
    from_: Literal["minmax"] | tuple[float, float] = "minmax",
) -> Volume:
    """The volume rescaled as `rescale_parameters` finds."""
    return rescale_parameters(volume, to=to, from_=from_).apply(volume)


def zscore(volume: Volume, scale: float = 100.0) -> Volume:
    """The volume with mean 0 and standard deviation `scale`."""
    return zscore_parameters(volume, scale=scale).apply(volume)


def _require_finite(volume: Volume) -> None:
    if not np.isfinite(volume.voxels).all():
        raise CaseError("the image has voxels that are not finite numbers", "export it again from the source")

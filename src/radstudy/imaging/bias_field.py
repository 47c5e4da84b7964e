"""A fitted bias field, kept as the control points of its logarithm, and the division of an image by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.kernels.division import divide_planes
from radstudy.imaging.lattice import Float64, evaluate, rows_along_x, taps
from radstudy.imaging.slabs import in_slabs
from radstudy.imaging.volume import Volume


@dataclass(frozen=True, eq=False)
class BiasField:
    """A fitted bias field: the control points of its logarithm.

    Parameters
    ----------
    lattice : float64 (a, b, c), natural logarithm, control points of cubic B-splines along I, J, K.
    shape : (I, J, K) of the volume that the field belongs to.
    iterations, convergence : per level: iterations run, and the last coefficient of variation.
    foreground_voxels : number of voxels of the shrunk grid used by the fit.
    warnings : facts that a reader of the results should know.
    """

    lattice: Float64
    shape: tuple[int, int, int]
    iterations: tuple[int, ...]
    convergence: tuple[float, ...]
    foreground_voxels: int
    warnings: tuple[str, ...] = ()

    def log_field(self) -> NDArray[np.float32]:
        """Compute the natural logarithm of the field at every voxel, float32 (I, J, K)."""
        axes = [taps(size, count) for size, count in zip(self.shape, self.lattice.shape, strict=True)]
        return evaluate(self.lattice.astype(np.float32), axes)

    def as_dict(self) -> dict[str, Any]:
        """Return the field as plain JSON."""
        return {
            "lattice": self.lattice.tolist(),
            "shape": list(self.shape),
            "iterations": list(self.iterations),
            "convergence": list(self.convergence),
            "foreground_voxels": self.foreground_voxels,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> BiasField:
        """Read the result of `as_dict`."""
        i, j, k = record["shape"]
        return cls(
            np.asarray(record["lattice"], dtype=np.float64),
            (i, j, k),
            tuple(record["iterations"]),
            tuple(record["convergence"]),
            record["foreground_voxels"],
            tuple(record["warnings"]),
        )


def correct(volume: Volume, field: BiasField) -> Volume:
    """Return the volume divided by a fitted field, float32 (float64 if the volume is)."""
    if volume.voxels.shape != field.shape:
        raise CaseError(
            f"the field was fitted to {field.shape} voxels, but the volume has {volume.voxels.shape}", "fit it again"
        )
    return divided(volume, field)


def divided(volume: Volume, field: BiasField, log_field: NDArray[np.float32] | None = None) -> Volume:
    """Return the volume divided by the field; the field's logarithm is written to `log_field` (I, J, K) if given."""
    x, y, z = (taps(size, count) for size, count in zip(field.shape, field.lattice.shape, strict=True))
    rows = rows_along_x(field.lattice.astype(np.float32), x)
    wy, wz = y.of_dtype(np.float32), z.of_dtype(np.float32)
    corrected = np.empty_like(volume.voxels, order="F")

    def divide(slab: slice) -> tuple[float, float]:
        into = corrected[:, :, slab].T if log_field is None else log_field[:, :, slab].T
        planes = np.ascontiguousarray(volume.voxels[:, :, slab].T)
        low, high = divide_planes(
            planes, rows, z.first[slab], wz[slab], y.first, wy, corrected[:, :, slab].T, into, log_field is not None
        )  # fmt: skip
        return float(low), float(high)

    ranges = in_slabs(divide, field.shape[2])
    limits = float(np.min([low for low, _ in ranges])), float(np.max([high for _, high in ranges]))
    points = " x ".join(map(str, field.lattice.shape))
    step = f"N4 ({', '.join(map(str, field.iterations))} iterations, {points} control points)"
    return volume.with_voxels(corrected, step, limits)

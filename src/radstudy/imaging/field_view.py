"""Small slices of a bias field and of the volume before and after its removal, as arrays that the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.bias_field import BiasField
from radstudy.imaging.lattice import Taps, evaluate, taps
from radstudy.imaging.planes import Slices, few_slices
from radstudy.imaging.volume import Volume

_WINDOW = (0.5, 99.5)


def slices_before(volume: Volume) -> dict[str, Any]:
    """Return a few slices of a volume before its field is removed, small enough to keep.

    Returns
    -------
    ``image`` uint8 (I, J, K) of the voxels ``index_0``, ``index_1``, ``index_2``, from ``low`` to ``high``; ``affine``.
    """
    shown = few_slices(volume)
    thinned = volume.voxels[np.ix_(*shown.index)].astype(np.float64)
    low, high = np.percentile(thinned, _WINDOW)
    scaled = np.clip((thinned - low) / max(high - low, 1e-12), 0, 1)
    return {
        "image": np.round(scaled * 255).astype(np.uint8),
        **{f"index_{axis}": index for axis, index in enumerate(shown.index)},
        "low": low,
        "high": high,
        "affine": shown.affine,
    }


def field_view(kept: Mapping[str, NDArray[Any]], field: BiasField) -> dict[str, Any]:
    """Compute the kept slices before and after removal of the field, and the field.

    Parameters
    ----------
    kept : as returned by `slices_before`.
    field : the volume's field; evaluated at the kept voxels from its control points.

    Returns
    -------
    ``before`` and ``after`` float64 (n, rows, columns), intensities; ``log_field`` the natural logarithm of the field,
    the same shape; ``spacing_mm`` (2,) per row and per column.
    """
    shown = Slices((kept["index_0"], kept["index_1"], kept["index_2"]), kept["affine"])
    low, high = float(kept["low"]), float(kept["high"])
    before = kept["image"] / 255.0 * (high - low) + low
    log_field = log_field_at(field, shown.index)
    return {
        "before": shown.pictures(before),
        "log_field": shown.pictures(log_field),
        "after": shown.pictures(before / np.exp(log_field)),
        "spacing_mm": np.array(shown.spacing_mm()),
    }


def log_field_at(
    field: BiasField, index: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Compute the natural logarithm of the field at chosen voxels along I, J, K, float64 (i, j, k)."""
    axes = [taps(size, count) for size, count in zip(field.shape, field.lattice.shape, strict=True)]
    picked = [Taps(one.first[at], one.weights[at], one.count) for one, at in zip(axes, index, strict=True)]
    return evaluate(field.lattice, picked)

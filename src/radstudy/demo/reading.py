"""The readers: reader 1 draws the lesion with a steady hand, reader 2 disagrees at the boundary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.demo.appearance import Grid
from radstudy.demo.lesion import Field, Lesion, smooth_noise

DICE = (0.865, 0.925)  # reader 2 against reader 1, drawn for each patient and sequence


def first_reading(lesion: Lesion, grid: Grid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """The true lesion on the sequence's grid, its boundary moved by a fifth of a millimetre or so."""
    return _largest(_wavered(lesion, grid, rng) < 0)


def second_reading(first: NDArray[np.bool_], lesion: Lesion, grid: Grid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A second drawing of the same lesion whose Dice with the first is as near as can be to one drawn from DICE.

    The boundary is shifted as a whole (one reader draws larger) and bulges in and out; how much is searched for.
    """
    wanted = rng.uniform(*DICE)
    distance = grid.sample(lesion.distance_mm)
    mean_shift = rng.normal(0.25, 0.5)
    wander = mean_shift + grid.sample(smooth_noise(lesion.distance_mm.shape, 4.0, rng))
    best, nearest = first, np.inf
    for amount in np.geomspace(0.1, 6.0, 24):
        drawn = _largest(distance - amount * wander < 0)
        off = abs(dice(first, drawn) - wanted)
        if drawn.any() and off < nearest:
            best, nearest = drawn, off
    return best


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice the shared voxels over the sum of both counts; NaN if both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else float("nan")


def _wavered(lesion: Lesion, grid: Grid, rng: np.random.Generator) -> Field:
    waver = smooth_noise(lesion.distance_mm.shape, 2.0, rng)
    return grid.sample(lesion.distance_mm + np.float32(0.2) * waver)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected piece, holes filled slice by slice as on a drawn contour."""
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    filled = np.stack([ndimage.binary_fill_holes(mask[:, :, k]) for k in range(mask.shape[2])], axis=2)
    return np.asarray(filled, dtype=bool)

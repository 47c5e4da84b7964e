"""The readers: reader 1 draws the lesion with a steady hand, reader 2 disagrees at the boundary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.demo.appearance import PhantomGrid
from radstudy.demo.lesion import PhantomLesion, smooth_noise

DICE = (0.85, 0.91)  # reader 2 against reader 1, drawn for each patient and sequence


def first_reading(lesion: PhantomLesion, grid: PhantomGrid, rng: np.random.Generator) -> NDArray[np.bool_]:
    """The true lesion on the sequence's grid, its boundary moved by about a fifth of a millimetre."""
    waver = smooth_noise(grid.shape, tuple(2.0 / grid.spacing_mm), rng)
    return _as_drawn(grid.sample(lesion.distance_mm) + np.float32(0.2) * waver < 0)


def second_reading(
    first: NDArray[np.bool_], lesion: PhantomLesion, grid: PhantomGrid, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A second drawing of the same lesion; its Dice with the first is as close as possible to a draw from DICE.

    The boundary is shifted as a whole (one reader draws larger) and bulges in and out; the amount is searched for.
    """
    wanted = rng.uniform(*DICE)
    distance = grid.sample(lesion.distance_mm)
    wander = rng.normal(0.25, 0.5) + smooth_noise(grid.shape, tuple(5.0 / grid.spacing_mm), rng)
    furthest = 0.12 * lesion.diameter_mm  # no reader draws tissue further from the lesion than this

    def drawn(amount_mm: float) -> NDArray[np.bool_]:
        return np.asarray(distance < np.minimum(amount_mm * wander, furthest))

    low, high = 0.0, 8.0  # the Dice falls as the boundary wanders further
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if dice(first, drawn(middle)) > wanted else (low, middle)
    return _as_drawn(drawn(low))


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice the shared voxels over the sum of both counts; NaN if both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else float("nan")


def _as_drawn(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected piece, without holes in any slice, as contours drawn slice by slice enclose it."""
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    in_plane = ndimage.generate_binary_structure(3, 1)
    in_plane[:, :, [0, 2]] = False
    return np.asarray(ndimage.binary_fill_holes(mask, in_plane), dtype=bool)

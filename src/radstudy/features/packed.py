"""One lesion's grey levels, packed for counting, and the directions in which its voxels have neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.features.kernels import counting

Float64 = NDArray[np.float64]
Spacing = tuple[float, float, float]

MOST_GREY_LEVELS = 5000  # the 13 co-occurrence matrices then take 1.3 GB
WEIGHTINGS = ("infinity", "euclidean", "manhattan", "no_weighting")


@dataclass(frozen=True, eq=False)
class PackedLesion:
    """A lesion's bounding box, flat and padded with zeros.

    Parameters
    ----------
    packed : int32 (padded z * y * x,), grey levels, 0 outside the lesion.
    inside : int32 (n,), indices of the lesion's voxels in `packed`, ascending.
    grey : float64 (m,), the grey levels that are present, ascending.
    voxels : float64 (m,), number of voxels of each.
    rank : int32 (highest level + 1,), position of each level in `grey`, from 1; 0 for absent levels.
    shape : (z, y, x) of the box without padding.
    strides : (z, y, x) steps in `packed`.
    distances : Chebyshev distances of neighbours; the padding is the largest.
    """

    packed: NDArray[np.int32]
    inside: NDArray[np.int32]
    grey: Float64
    voxels: Float64
    rank: NDArray[np.int32]
    shape: tuple[int, int, int]
    strides: tuple[int, int, int]
    distances: tuple[int, ...]

    @classmethod
    def of(cls, levels: NDArray[np.int32], distances: Iterable[int] = (1,)) -> PackedLesion:
        """Pack grey levels int32 (z, y, x), 0 outside, padded for neighbours at the given Chebyshev distances.

        Raises
        ------
        CaseError : the lesion has no voxels, or more than `MOST_GREY_LEVELS` levels.
        UsageError : a distance is less than 1.
        """
        grid = np.ascontiguousarray(levels, dtype=np.int32)
        reach = tuple(distances)
        if not reach or any(distance < 1 for distance in reach):
            raise UsageError(f"distances are {list(reach)}; give whole numbers of voxels from 1")
        box = counting.bounding_box(grid)
        if box[6] == 0:
            raise CaseError("the lesion has no voxels", "draw the lesion")
        packed, inside, histogram = counting.pack(grid, box, max(reach))
        present = np.flatnonzero(histogram)
        if present.size > MOST_GREY_LEVELS:
            raise CaseError(
                f"the lesion has {present.size} grey levels, but textures allow at most {MOST_GREY_LEVELS}",
                "use a wider bin or a bin count",
            )
        rank = np.zeros(histogram.size, np.int32)
        rank[present] = np.arange(1, present.size + 1)
        deep, high, wide = (int(box[2 * axis + 1] - box[2 * axis]) + 1 for axis in range(3))
        row = wide + 2 * max(reach)
        strides = ((high + 2 * max(reach)) * row, row, 1)
        return cls(
            packed, inside, present.astype(np.float64), histogram[present].astype(np.float64), rank,
            (deep, high, wide), strides, reach,
        )  # fmt: skip

    @cached_property
    def dense(self) -> NDArray[np.int32]:
        """`packed` with levels replaced by their rank among those present; the same array if no level is missing."""
        if self.grey.size == self.rank.size - 1:
            return self.packed
        return counting.relabel(self.packed, self.inside, self.rank)

    @property
    def margin(self) -> int:
        """Number of padding elements at either end of `packed`: no offset is longer."""
        return max(self.distances) * sum(self.strides)

    def half(self, force2d: int | None) -> NDArray[np.int64]:
        """Return the directions (n, 3) at the lesion's distances, one of each pair of opposites."""
        return half_directions(self.distances, force2d)

    def offsets(self, force2d: int | None) -> NDArray[np.int64]:
        """Return the directions of `half` as steps in the packed array."""
        steps: NDArray[np.int64] = self.half(force2d) @ np.array(self.strides)
        return steps

    def near(self, force2d: int | None) -> NDArray[np.int64]:
        """Return the steps to direct neighbours, one of each pair of opposites, ignoring the lesion's distances."""
        steps: NDArray[np.int64] = half_directions((1,), force2d) @ np.array(self.strides)
        return steps


def both_ways(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the steps and their opposites."""
    return np.concatenate([offsets, -offsets])


@cache
def half_directions(distances: tuple[int, ...], force2d: int | None) -> NDArray[np.int64]:
    """Return the offsets (n, 3) at the given Chebyshev distances, the first of each pair of opposites."""
    if force2d not in (None, 0, 1, 2):
        raise UsageError(f"force2d is {force2d}; give the axis 0, 1 or 2, or None")
    reach = range(-max(distances), max(distances) + 1)
    directions = [
        offset
        for offset in product(reach, repeat=3)
        if offset > (0, 0, 0) and max(map(abs, offset)) in distances and (force2d is None or offset[force2d] == 0)
    ]
    return np.array(directions, dtype=np.int64).reshape(-1, 3)


def direction_weights(
    directions: NDArray[np.int64], norm: str | None, spacing_zyx: Spacing, *, squared_exponential: bool
) -> Float64:
    """Compute the weight (n,) of each direction from its length d in mm: exp(-d^2) or d itself, 1 without a norm.

    Raises
    ------
    UsageError : the norm is not one of `WEIGHTINGS`.
    """
    if norm is None or norm == "no_weighting":
        return np.ones(len(directions))
    apart = np.abs(directions) * np.asarray(spacing_zyx, dtype=np.float64)
    if norm not in WEIGHTINGS:
        raise UsageError(f"weighting_norm is {norm!r}; give one of {', '.join(WEIGHTINGS)} or None")
    order = {"infinity": np.inf, "euclidean": 2, "manhattan": 1}[norm]
    length: Float64 = np.linalg.norm(apart, ord=order, axis=1)
    return np.exp(-(length**2)) if squared_exponential else length

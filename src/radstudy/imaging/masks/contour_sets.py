"""Combination of the contours of one slice: duplicates count once, holes stay, overlapping pieces are joined.

A contour wholly inside another is a hole, and one within that an island (the even-odd rule). Two contours that overlap
only in part are two pieces of one region: the overlap is inside. If a piece cannot be distinguished from a hole, the
contours are refused. Inside or outside is decided for the voxels' centres, so that rounded coordinates change nothing.

References
----------
DICOM PS3.3, C.8.8.6.3 (closed planar contours, CLOSEDPLANAR_XOR). Shimrat M, Algorithm 112, Commun ACM 1962;5:434.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError

TWICE_VOXELS, TWICE_MM = 0.25, 0.1  # contours nowhere further apart than this, by either measure, count as one
MOSTLY_INSIDE = 0.9  # a contour with at least this share of its voxels inside another may be a hole that sticks out
_REDRAW = "merge or separate them where they were drawn, and export again"

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Combined:
    """The contours of one slice as pixels.

    Parameters
    ----------
    mask : bool (I, J).
    twice : number of contours left out because they repeat another one, exactly or nearly.
    overlapping : number of contours that overlap another one in part.
    overlap_voxels : number of pixels inside more than one of those.
    """

    mask: NDArray[np.bool_]
    twice: int = 0
    overlapping: int = 0
    overlap_voxels: int = 0


@dataclass(frozen=True, eq=False)
class _Piece:
    """One filled contour: bool pixels of the box that begins at `start`."""

    points: Points
    start: tuple[int, int]
    inside: NDArray[np.bool_]

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.inside))


def combine_contours(
    polygons: Sequence[Points], shape: tuple[int, int], spacing_mm: Sequence[float], *, exclusive: bool = False
) -> Combined:
    """Combine the closed contours of one slice.

    Parameters
    ----------
    polygons : each float64 (n, 2), in pixel indices (an index is the coordinate of the pixel's centre).
    shape : (I, J) of the slice.
    spacing_mm : between pixels along I and J.
    exclusive : whether the file specifies exclusive or (CLOSEDPLANAR_XOR): where contours overlap in part, the overlap
        is then outside.

    Raises
    ------
    CaseError : contours overlap in part, and may be either holes or pieces.

    Examples
    --------
    >>> left = np.array([[0.5, 0.5], [3.5, 0.5], [3.5, 3.5], [0.5, 3.5]])
    >>> joined = combine_contours([left, left + 1], (6, 6), (1.0, 1.0))
    >>> joined.mask.sum().item(), joined.overlap_voxels
    (14, 4)
    """
    pieces: list[_Piece] = []
    for polygon in polygons:
        piece = _fill(polygon, shape)
        if not any(_drawn_twice(piece, other, spacing_mm) for other in pieces):
            pieces.append(piece)
    clusters = [[piece] for piece in pieces] if exclusive else _clusters(pieces)
    mask = np.zeros(shape, bool)
    overlapping, shared = 0, 0
    for cluster in clusters:
        times = np.zeros(shape, np.int16) if len(cluster) > 1 else None
        for piece in cluster:
            window = _window(piece)
            if times is None:
                mask[window] ^= piece.inside
            else:
                times[window] += piece.inside
        if times is not None:
            mask ^= times > 0
            overlapping += len(cluster)
            shared += int(np.count_nonzero(times > 1))
    return Combined(mask, len(polygons) - len(pieces), overlapping, shared)


def _window(piece: _Piece) -> tuple[slice, slice]:
    (i, j), (width, height) = piece.start, piece.inside.shape
    return slice(i, i + width), slice(j, j + height)


def _fill(polygon: Points, shape: tuple[int, int]) -> _Piece:
    """Fill one contour, in the box around it."""
    low = np.clip(np.floor(polygon.min(axis=0)).astype(int), 0, np.array(shape) - 1)
    high = np.clip(np.ceil(polygon.max(axis=0)).astype(int), 0, np.array(shape) - 1)
    size = (int(high[0] - low[0] + 1), int(high[1] - low[1] + 1))
    start = (int(low[0]), int(low[1]))
    return _Piece(polygon, start, even_odd(polygon, size, start))


def even_odd(polygon: Points, shape: tuple[int, int], start: tuple[int, int] = (0, 0)) -> NDArray[np.bool_]:
    """Return the pixels, counted from `start`, inside the polygon by the even-odd rule: bool (I, J).

    A ray from the centre of such a pixel crosses an odd number of edges. A keyhole (one contour that goes in and out
    along one line) becomes a hole; a centre exactly on an edge belongs to one side of it only, so that contours that
    share an edge neither overlap nor leave a gap.

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    >>> even_odd(square, (4, 4)).sum().item()
    4
    """
    toggles = np.zeros((shape[0] + 1, shape[1]), np.int64)
    x, y = polygon.T
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    low, high = np.minimum(y, y_next), np.maximum(y, y_next)
    first, last = np.ceil(low).astype(int), np.ceil(high).astype(int)  # rows with low <= row < high
    counts = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(x)), counts)
    row = first[edge] + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    crossing = x[edge] + (row - y[edge]) * (x_next[edge] - x[edge]) / (y_next[edge] - y[edge])
    inside = (row >= start[1]) & (row < start[1] + shape[1])
    column = np.clip(np.ceil(crossing[inside]).astype(int) - start[0], 0, shape[0])
    np.add.at(toggles, (column, row[inside] - start[1]), 1)
    odd: NDArray[np.bool_] = np.cumsum(toggles, axis=0)[:-1] % 2 == 1
    return odd


def _drawn_twice(one: _Piece, other: _Piece, spacing_mm: Sequence[float]) -> bool:
    """True if two contours are the same: equal pixels, or nowhere apart by more than rounding."""
    if one.inside.any() and one.start == other.start and np.array_equal(one.inside, other.inside):
        return True
    scale = np.asarray(spacing_mm, dtype=np.float64)
    reach = max(TWICE_MM, TWICE_VOXELS * float(scale.min()))
    a, b = one.points * scale, other.points * scale
    if max(np.abs(a.min(axis=0) - b.min(axis=0)).max(), np.abs(a.max(axis=0) - b.max(axis=0)).max()) > reach:
        return False
    step = float(scale.min()) / 2
    return _furthest(a, b, step) <= reach and _furthest(b, a, step) <= reach


def _furthest(one: Points, other: Points, step: float) -> float:
    """Return the largest distance from points of one closed outline, taken every `step`, to the other outline."""
    after = np.roll(one, -1, axis=0)
    pieces = np.maximum(1, np.ceil(np.linalg.norm(after - one, axis=1) / step).astype(int))
    part = np.concatenate([np.arange(count) / count for count in pieces])
    along = np.repeat(one, pieces, axis=0) + part[:, None] * np.repeat(after - one, pieces, axis=0)
    start, edge = other, np.roll(other, -1, axis=0) - other
    length = np.maximum((edge**2).sum(axis=1), 1e-24)
    furthest = 0.0
    for some in np.array_split(along, max(1, len(along) * len(other) // 200_000)):
        from_start = some[:, None, :] - start
        share = np.clip((from_start * edge).sum(axis=2) / length, 0, 1)
        apart = np.linalg.norm(from_start - share[:, :, None] * edge, axis=2).min(axis=1)
        furthest = max(furthest, float(apart.max()))
    return furthest


def _clusters(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Group the contours that overlap in part.

    Raises
    ------
    CaseError : such a contour lies within another one, or sticks out of it slightly: it may be meant as a hole.
    """
    cluster = list(range(len(pieces)))
    within: set[int] = set()
    partly: list[tuple[int, int]] = []
    for a, b in combinations(range(len(pieces)), 2):
        shared, sizes = _shared(pieces[a], pieces[b]), (pieces[a].voxels, pieces[b].voxels)
        if shared == min(sizes):
            within |= {b if sizes[1] < sizes[0] else a} if shared else set()
        elif shared:
            if shared >= MOSTLY_INSIDE * min(sizes):
                raise CaseError(
                    f"a contour of {min(sizes)} voxels lies inside another one except for {min(sizes) - shared} of "
                    "them: it may be a hole or a piece",
                    _REDRAW,
                )
            partly.append((a, b))
            old, new = cluster[b], cluster[a]
            cluster = [new if number == old else number for number in cluster]
    if any(member in within for pair in partly for member in pair):
        raise CaseError("contours that lie within another one overlap in part: they may be holes or pieces", _REDRAW)
    return [[pieces[k] for k, number in enumerate(cluster) if number == own] for own in dict.fromkeys(cluster)]


def _shared(one: _Piece, other: _Piece) -> int:
    """Count the pixels inside both."""
    low = np.maximum(one.start, other.start)
    high = np.minimum(np.add(one.start, one.inside.shape), np.add(other.start, other.inside.shape))
    if (high <= low).any():
        return 0
    parts = [
        piece.inside[tuple(slice(b - s, e - s) for b, e, s in zip(low, high, piece.start, strict=True))]
        for piece in (one, other)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))

"""Interpolation of a mask between drawn slices: the shape moves from one slice to the next and changes on the way.

Connected pieces of neighbouring drawn slices are matched (by overlap, after the pieces' own movement). Each pair is
brought onto a common centre, the signed distances to the two outlines are blended, and the blend is put back where the
centre lies on the slice between. A piece without a partner shrinks to nothing half-way.

References
----------
Raya SP, Udupa JK. Shape-based interpolation of multidimensional objects. IEEE Trans Med Imaging 1990;9:32-42,
doi 10.1109/42.52980. Matching and movement of pieces: Albu AB, Beugeling T, Laurendeau D. A morphology-based approach
for interslice interpolation of anatomical slices from volumetric images. IEEE Trans Biomed Eng 2008;55:2022-2038,
doi 10.1109/TBME.2008.921158.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask2D = NDArray[np.bool_]
Float = NDArray[np.float64]


def interpolated(
    mask: NDArray[np.bool_], axis: int, spacing_mm: Sequence[float], drawn: Sequence[int] | None = None
) -> NDArray[np.bool_]:
    """A mask with the slices between the drawn ones filled in.

    Parameters
    ----------
    mask : bool (I, J, K).
    axis : along which the slices lie.
    spacing_mm : of the three axes.
    drawn : numbers of the drawn slices; None: those that hold a voxel. A drawn slice without a voxel ends the lesion.

    Returns
    -------
    bool (I, J, K); drawn slices as they are, slices outside the first and last drawn one empty as before.
    """
    slices = np.moveaxis(mask, axis, 0)
    numbers = sorted(drawn) if drawn is not None else np.flatnonzero(slices.any(axis=(1, 2))).tolist()
    result = slices.copy()
    sampling = [length for number, length in enumerate(spacing_mm) if number != axis]
    for first, last in pairwise(numbers):
        gap = last - first
        for step, between in enumerate(_between(slices[first], slices[last], gap, sampling), start=1):
            result[first + step] |= between
    return np.ascontiguousarray(np.moveaxis(result, 0, axis))


def _between(first: Mask2D, last: Mask2D, gap: int, sampling: Sequence[float]) -> Iterator[Mask2D]:
    """The slices between two, evenly spaced."""
    if gap < 2:
        return
    if not first.any() and not last.any():
        yield from (np.zeros_like(first) for _ in range(gap - 1))
        return
    pairs = _matched(first, last, sampling)
    for step in range(1, gap):
        share = step / gap
        whole = np.zeros_like(first)
        for one, other in pairs:
            whole |= _blend(one, other, share, sampling)
        yield whole


def _matched(first: Mask2D, last: Mask2D, sampling: Sequence[float]) -> list[tuple[Mask2D | None, Mask2D | None]]:
    """Groups of pieces that belong together: those that overlap, and the nearest ones of those that do not."""
    pieces_a, pieces_b = _pieces(first), _pieces(last)
    links = {(a, b) for a in range(len(pieces_a)) for b in range(len(pieces_b)) if (pieces_a[a] & pieces_b[b]).any()}
    lonely_a = [a for a in range(len(pieces_a)) if all(pair[0] != a for pair in links)]
    lonely_b = [b for b in range(len(pieces_b)) if all(pair[1] != b for pair in links)]
    for a in lonely_a:  # without overlap: the nearest lonely piece, unless it is further than both are wide
        near = sorted((_apart(pieces_a[a], pieces_b[b], sampling), b) for b in lonely_b)
        if near and near[0][0] <= 2 * (_radius(pieces_a[a], sampling) + _radius(pieces_b[near[0][1]], sampling)):
            links.add((a, near[0][1]))
            lonely_b.remove(near[0][1])
    groups: list[tuple[set[int], set[int]]] = []
    for a, b in sorted(links):
        joined = [group for group in groups if a in group[0] or b in group[1]]
        merged = ({a}.union(*(group[0] for group in joined)), {b}.union(*(group[1] for group in joined)))
        groups = [group for group in groups if group not in joined] + [merged]
    pairs: list[tuple[Mask2D | None, Mask2D | None]] = [
        (_union(pieces_a[a] for a in sorted(group[0])), _union(pieces_b[b] for b in sorted(group[1])))
        for group in groups
    ]
    linked_a = {a for a, _ in links}
    linked_b = {b for _, b in links}
    pairs += [(pieces_a[a], None) for a in range(len(pieces_a)) if a not in linked_a]
    pairs += [(None, pieces_b[b]) for b in range(len(pieces_b)) if b not in linked_b]
    return pairs


def _blend(one: Mask2D | None, other: Mask2D | None, share: float, sampling: Sequence[float]) -> Mask2D:
    """The shape a share of the way from one to the other."""
    if one is None or other is None:
        alone, left = (other, share) if one is None else (one, 1 - share)
        assert alone is not None
        inside = ndimage.distance_transform_edt(_padded(alone), sampling=sampling)[1:-1, 1:-1]
        return np.asarray(inside > 2 * (1 - left) * inside.max()) if left > 0.5 else np.zeros_like(alone)
    move = _centre(other) - _centre(one)
    a = ndimage.shift(_signed(one, sampling), share * move, order=1, mode="nearest")
    b = ndimage.shift(_signed(other, sampling), (share - 1) * move, order=1, mode="nearest")
    return np.asarray((1 - share) * a + share * b > 0)


def _signed(piece: Mask2D, sampling: Sequence[float]) -> Float:
    """Distance in mm to the outline, positive inside; half a voxel's step at the outline on both sides."""
    whole = _padded(piece)
    inside = ndimage.distance_transform_edt(whole, sampling=sampling)
    outside = ndimage.distance_transform_edt(~whole, sampling=sampling)
    half = min(sampling) / 2
    return np.asarray(np.where(whole, inside - half, half - outside)[1:-1, 1:-1], dtype=np.float64)


def _padded(piece: Mask2D) -> Mask2D:
    return np.pad(piece, 1)


def _pieces(mask: Mask2D) -> list[Mask2D]:
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    return [labels == number for number in range(1, count + 1)]


def _union(pieces: Iterator[Mask2D]) -> Mask2D:
    return np.asarray(np.logical_or.reduce(list(pieces)), bool)


def _centre(piece: Mask2D) -> Float:
    return np.asarray(np.argwhere(piece).mean(axis=0), np.float64)


def _apart(one: Mask2D, other: Mask2D, sampling: Sequence[float]) -> float:
    return float(np.linalg.norm((_centre(one) - _centre(other)) * sampling))


def _radius(piece: Mask2D, sampling: Sequence[float]) -> float:
    return float(np.sqrt(piece.sum() * np.prod(sampling) / np.pi))

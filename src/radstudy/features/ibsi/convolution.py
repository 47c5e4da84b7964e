"""Separable filters along the axes of an image, and their rotations.

Arrays are (z, y, x). A separable filter has one part for each axis that is filtered, x first; a part is a cascade of
one-dimensional kernels, applied in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import StudyFileError

Float64 = NDArray[np.float64]
Cascade = Sequence[Float64]
Part = tuple[str, bool]  # name of a cascade, and whether it is reversed

Boundary = Literal["constant", "nearest", "wrap", "reflect"]

PADDING: dict[Boundary, Literal["constant", "edge", "wrap", "symmetric"]] = {
    "constant": "constant", "nearest": "edge", "wrap": "wrap", "reflect": "symmetric",
}  # fmt: skip
"""Ways to continue an image beyond its border: SciPy's name to NumPy's name for the same mode."""

POOLING = ("mean", "max")


def along(image: Float64, kernel: Float64, axis: int, boundary: Boundary, *, turned: bool = False) -> Float64:
    """Convolve along one axis; a kernel of even length has its centre right of the middle, left if it is reversed."""
    convolve = ndimage.correlate1d if turned else ndimage.convolve1d
    filtered: Float64 = convolve(image, kernel, axis=axis, mode=boundary)
    return filtered


def rotations(n_axes: int) -> list[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Return the 4 (two axes) or 24 (three axes) right-angled rotations: each axis's part, and if it is reversed.

    Examples
    --------
    >>> len(rotations(2)), len(rotations(3))
    (4, 24)
    """
    return [
        (order, turned)
        for order in permutations(range(n_axes))
        for turned in product((False, True), repeat=n_axes)
        if round(float(np.linalg.det(np.eye(n_axes)[list(order)]))) == (-1) ** sum(turned)
    ]


def separable(
    image: Float64,
    letters: str | Sequence[str],
    cascades: Mapping[str, Cascade],
    axes: Sequence[int],
    boundary: Boundary,
    *,
    rotate: bool = False,
    pooling: str = "mean",
) -> Float64:
    """Compute the response to a separable filter, or the pooled response to all its right-angled rotations.

    Parameters
    ----------
    image : float64 (z, y, x).
    letters : the name of one cascade for each axis.
    cascades : name to kernels.
    axes : array axes, in the order of `letters`.
    boundary : of `PADDING`.
    rotate : pool the responses to all rotations.
    pooling : "mean" or "max", voxel by voxel.

    Raises
    ------
    StudyFileError : the letters do not fit the axes or the cascades, or the pooling is unknown.
    """
    unknown = [letter for letter in letters if letter not in cascades]
    if unknown or len(letters) != len(axes):
        raise StudyFileError(
            f"the filter {'-'.join(letters)} does not fit: give {len(axes)} of {', '.join(cascades)}, one per axis"
        )
    if pooling not in POOLING:
        raise StudyFileError(f"pooling is {pooling!r}; give one of {', '.join(POOLING)}")
    turns = rotations(len(axes)) if rotate else [(tuple(range(len(axes))), (False,) * len(axes))]
    wanted = Counter(tuple((letters[part], back) for part, back in zip(*turn, strict=True)) for turn in turns)
    total: Float64 | None = None
    for filtered, count in _responses(image, wanted, cascades, axes, boundary):
        if pooling == "max":
            total = filtered if total is None else np.maximum(total, filtered)
        else:
            total = filtered * count if total is None else total + filtered * count
    assert total is not None, "there is at least one rotation"
    return total if pooling == "max" else total / len(turns)


def _responses(
    image: Float64,
    wanted: Mapping[tuple[Part, ...], int],
    cascades: Mapping[str, Cascade],
    axes: Sequence[int],
    boundary: Boundary,
) -> Iterator[tuple[Float64, int]]:
    """Yield each response with its number of rotations; steps that rotations share on the first axes are done once."""
    if not axes:
        yield image, sum(wanted.values())
        return
    for first in dict.fromkeys(parts[0] for parts in wanted):  # a set's order, and so the bits, vary
        filtered = image
        for kernel in cascades[first[0]]:
            filtered = along(filtered, kernel, axes[0], boundary, turned=first[1])
        rest = {parts[1:]: count for parts, count in wanted.items() if parts[0] == first}
        yield from _responses(filtered, rest, cascades, axes[1:], boundary)

"""A drawing as runs of codes: which tool put each voxel into the mask, changed by one stroke after another.

A mask on a sequence is one code for each voxel of the image's own grid, index ``i + I * (j + J * k)`` (Fortran order):
0 outside, else the tool that put it there. A run is (start, length, code); a stroke is a list of runs in ascending
order without overlap. The mask is what its strokes give, applied in order.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.artefacts.reading import TOOL_COLUMNS
from radstudy.errors import RefusedError

Codes = NDArray[np.uint8]
Runs = NDArray[np.int64]

CODES: Mapping[str, int] = MappingProxyType({name: code for code, name in enumerate(TOOL_COLUMNS, 1)})
ERASER, UNDO, REDO = "eraser", "undo", "redo"
_ALSO = {"grow": "growing", "interpolate": "interpolation", "smooth": "smoothing", "islands": "islands_holes",
         "holes": "islands_holes"}  # fmt: skip
TOOL_CODES: Mapping[str, int | None] = MappingProxyType({
    **CODES, **{word: CODES[name] for word, name in _ALSO.items()}, ERASER: 0, UNDO: None, REDO: None,
})  # fmt: skip
"""Tools that a stroke may name, each with the one code that it may write in addition to 0; None: any."""

MOST_RUNS = 2_000_000  # of one stroke
SNAPSHOT_EVERY = 64  # strokes
_FEW = 1000  # runs that are quicker one by one
_STORED = np.dtype("<i8")


class StrokeError(RefusedError):
    """A stroke that cannot be applied; nothing of it was stored."""


@dataclass(frozen=True)
class DrawingGrid:
    """The grid that a mask is drawn on.

    Parameters
    ----------
    shape : voxels (I, J, K), in the file's own order.
    identity : text that changes with the image's geometry or content, so that a drawing never moves to another image.
    """

    shape: tuple[int, int, int]
    identity: str

    @property
    def size(self) -> int:
        """The number of voxels."""
        return self.shape[0] * self.shape[1] * self.shape[2]


def checked_runs(given: Sequence[Sequence[Any]] | NDArray[Any], size: int) -> Runs:
    """Runs as an array, where they lie in the grid, in ascending order and without overlap.

    Parameters
    ----------
    given : (n, 3) whole numbers: start, length, code.
    size : voxels of the grid.

    Raises
    ------
    StrokeError : says which run is wrong, counted from 0, and how.

    Examples
    --------
    >>> checked_runs([[0, 2, 3], [5, 1, 0]], 6).tolist()
    [[0, 2, 3], [5, 1, 0]]
    """
    if len(given) > MOST_RUNS:
        raise StrokeError(f"the stroke has {len(given):,} runs; {MOST_RUNS:,} are allowed. To do: draw it in parts")
    runs = _as_runs(given)
    start, length, code = runs.T
    end = start + length
    _refuse((start < 0) | (length < 1) | (start >= size) | (length > size - start), runs, f"lies outside 0 to {size}")
    _refuse((code < 0) | (code > len(TOOL_COLUMNS)), runs, f"has a code that is not 0 to {len(TOOL_COLUMNS)}")
    _refuse(np.r_[False, start[1:] < end[:-1]], runs, "begins before the one before it ends")
    return runs


def checked_tool(tool: str, runs: Runs, off: Iterable[str] = ()) -> None:
    """Refuse codes that the tool does not make, and tools that the study switches off.

    Parameters
    ----------
    tool : a name of `TOOL_CODES`.
    runs : of the stroke, as `checked_runs` gives them.
    off : names of `CODES` that the study does not allow.

    Raises
    ------
    StrokeError : the tool is unknown or off, or a code is another tool's.
    """
    if tool not in TOOL_CODES:
        raise StrokeError(f"there is no tool '{tool}'; choose from {', '.join(TOOL_CODES)}")
    used = set(np.unique(runs[:, 2]).tolist()) if len(runs) else set[int]()
    for name in off:
        if CODES[name] in used or TOOL_CODES[tool] == CODES[name]:
            raise StrokeError(f"the tool '{name}' is switched off in this study (reading.tools)")
    own = TOOL_CODES[tool]
    if own is not None and (others := used - {0, own}):
        names = ", ".join(TOOL_COLUMNS[code - 1] for code in sorted(others))
        raise StrokeError(f"a stroke of the tool '{tool}' writes voxels of {names}")


def empty(size: int) -> Codes:
    """A mask without any voxel."""
    return np.zeros(size, np.uint8)


def apply_runs(codes: Codes, runs: Runs) -> Codes:
    """The codes after a stroke, in the same array.

    Parameters
    ----------
    codes : (size,) is changed.
    runs : of the stroke, as `checked_runs` gives them.
    """
    if len(runs) <= _FEW:
        for start, length, code in runs.tolist():
            codes[start : start + length] = code
        return codes
    codes[_voxels(runs)] = np.repeat(runs[:, 2].astype(np.uint8), runs[:, 1])
    return codes


def runs_of(codes: Codes) -> Runs:
    """The runs of a whole mask, voxels outside it left out: applied to an empty mask they give it.

    Examples
    --------
    >>> runs_of(np.array([0, 3, 3, 1, 0, 1], np.uint8)).tolist()
    [[1, 2, 3], [3, 1, 1], [5, 1, 1]]
    """
    return _runs_where(codes, codes != 0)


def difference(before: Codes, after: Codes) -> Runs:
    """The stroke that makes one mask of another.

    Examples
    --------
    >>> difference(np.array([0, 3, 3, 0], np.uint8), np.array([1, 1, 3, 0], np.uint8)).tolist()
    [[0, 2, 1]]
    """
    return _runs_where(after, before != after)


def undoing(before: Codes, runs: Runs) -> Runs:
    """The stroke that takes a stroke back: it restores the codes that were there before.

    Parameters
    ----------
    before : (size,) codes before the stroke.
    runs : of the stroke.
    """
    after = apply_runs(before.copy(), runs)
    return difference(after, before)


def fold(size: int, strokes: Iterable[Runs], start: Runs | None = None) -> Codes:
    """The mask that strokes give, applied in order to an empty mask or to the one that a snapshot holds.

    Parameters
    ----------
    size : voxels of the grid.
    strokes : each one's runs.
    start : of the snapshot, as `runs_of` gives them.
    """
    codes = empty(size)
    if start is not None:
        apply_runs(codes, start)
    for runs in strokes:
        apply_runs(codes, runs)
    return codes


def mask_of(codes: Codes, grid: DrawingGrid) -> NDArray[np.bool_]:
    """The mask as bool (I, J, K), in the file's own order."""
    return np.asarray(codes.reshape(grid.shape, order="F") != 0)


def codes_of(mask: NDArray[Any], code: int) -> Codes:
    """The codes of a mask bool (I, J, K) whose voxels were all put there by one tool."""
    return np.where(mask.ravel(order="F") != 0, np.uint8(code), np.uint8(0))


def voxels_per_tool(codes: Codes) -> dict[str, int]:
    """Count the voxels of a mask by the tool that drew them; tools without voxels are left out.

    Examples
    --------
    >>> voxels_per_tool(np.array([0, 3, 3, 1], np.uint8))
    {'contour': 1, 'brush': 2}
    """
    counts = np.bincount(codes, minlength=len(TOOL_COLUMNS) + 1)
    return {name: int(counts[code]) for name, code in CODES.items() if counts[code]}


def packed(runs: Runs) -> bytes:
    """Runs as they are stored."""
    return zlib.compress(np.ascontiguousarray(runs, dtype=_STORED).tobytes(), 1)


def unpacked(stored: bytes) -> Runs:
    """The runs that `packed` has stored."""
    return np.frombuffer(zlib.decompress(stored), dtype=_STORED).reshape(-1, 3).astype(np.int64)


def _as_runs(given: Sequence[Sequence[Any]] | NDArray[Any]) -> Runs:
    if len(given) == 0:
        return np.empty((0, 3), np.int64)
    try:
        array = np.asarray(given)
    except (ValueError, OverflowError) as error:
        raise StrokeError(f"the runs are not lists of three whole numbers ({error})") from None
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu" or array.dtype == np.uint64:
        raise StrokeError("each run is three whole numbers: start, length, code")
    return array.astype(np.int64)


def _refuse(wrong: NDArray[np.bool_], runs: Runs, what: str) -> None:
    if wrong.any():
        number = int(np.argmax(wrong))
        raise StrokeError(f"run {number} of the stroke {what}: {runs[number].tolist()} (start, length, code)")


def _voxels(runs: Runs) -> NDArray[np.int64]:
    """The index of each voxel that the runs cover, in order."""
    start, length = runs[:, 0], runs[:, 1]
    before = np.cumsum(length) - length
    return np.asarray(np.repeat(start - before, length) + np.arange(int(length.sum())))


def _runs_where(codes: Codes, chosen: NDArray[np.bool_]) -> Runs:
    """Runs of equal code among the chosen voxels."""
    where = np.flatnonzero(chosen)
    if not len(where):
        return np.empty((0, 3), np.int64)
    values = codes[where]
    first = np.r_[0, 1 + np.flatnonzero((np.diff(where) != 1) | (np.diff(values.astype(np.int16)) != 0))]
    lengths = np.diff(np.r_[first, len(where)])
    return np.column_stack([where[first], lengths, values[first].astype(np.int64)]).astype(np.int64)

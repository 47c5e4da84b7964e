"""Operations on a mask that the server computes: interpolation, smoothing, islands, holes, region growing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.editing import grown, largest_piece, smoothed, without_holes, without_islands
from radstudy.app.reading.interpolation import interpolated
from radstudy.app.reading.strokes import CODES, Codes, DrawingGrid, mask_of
from radstudy.app.web.needs import CaseImages, ComputeRequest, IncompleteError, Json
from radstudy.app.web.volumes import ServedImages
from radstudy.formats.raster import read_grid


@dataclass(frozen=True)
class MaskOperations:
    """The operations on the masks of a study.

    Parameters
    ----------
    viewed : reads images, for region growing.
    may_grow : region growing is switched on in the study.
    """

    viewed: ServedImages
    may_grow: bool

    def result(self, before: Codes, grid: DrawingGrid, images: CaseImages, request: ComputeRequest) -> Codes:
        """The codes of a mask after an operation.

        Parameters
        ----------
        before : (size,) the codes before it.
        grid : that they are drawn on.
        images : of the case.
        request : which operation, with its options.

        Raises
        ------
        IncompleteError : an option is missing or wrong, or the operation is switched off.
        """
        mask, options = mask_of(before, grid), request.options
        spacing = read_grid(images.named(request.sequence).file).spacing_mm.tolist()
        if request.what == "interpolate":
            return _added(before, interpolated(mask, _axis(options), spacing), "interpolation")
        if request.what == "smooth":
            axis = _axis(options)
            width = _number(options, "width_mm", max(length for at, length in enumerate(spacing) if at != axis))
            smooth = smoothed(mask, spacing, width, axis=axis)
            return _without(_added(before, smooth, "smoothing"), smooth)
        if request.what == "islands":
            fewest = options.get("fewest")
            return _without(before, largest_piece(mask) if fewest is None else without_islands(
                mask, int(_number(options, "fewest", 1))))  # fmt: skip
        if request.what == "holes":
            return _added(before, without_holes(mask, _axis(options)), "islands_holes")
        return _added(before, self._grown(images, request), "growing")

    def _grown(self, images: CaseImages, request: ComputeRequest) -> NDArray[np.bool_]:
        if not self.may_grow:
            raise IncompleteError("region growing is switched off in this study")
        options = request.options
        phase = str(options.get("phase") or request.sequence)
        stored = self.viewed.image(images, phase, str(options.get("image") or self.viewed.first))
        low, high = _places(options, "box") if "box" in options else ((0, 0, 0), stored.grid.shape)
        seed = _place(options.get("seed"), "seed")
        limits = (_number(options, "low", -np.inf), _number(options, "high", np.inf))
        return grown(stored.voxels, seed, *limits, list(zip(low, high, strict=True)))


def _added(before: Codes, mask: NDArray[np.bool_], tool: str) -> Codes:
    """The codes with the mask's voxels that are new put there by a tool."""
    after = before.copy()
    after[(before == 0) & mask.ravel(order="F")] = CODES[tool]
    return after


def _without(before: Codes, mask: NDArray[np.bool_]) -> Codes:
    """The codes without the voxels outside the mask."""
    return np.where(mask.ravel(order="F"), before, np.uint8(0))


def _axis(options: Json) -> int:
    axis = options.get("axis")
    if axis not in (0, 1, 2) or isinstance(axis, bool):
        raise IncompleteError("options.axis: 0, 1 or 2")
    return int(axis)


def _number(options: Json, name: str, default: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or np.isnan(value):
        raise IncompleteError(f"options.{name}: a number")
    return float(value)


def _place(given: object, name: str) -> tuple[int, int, int]:
    if not isinstance(given, list) or len(given) != 3 or not all(type(one) is int for one in given):
        raise IncompleteError(f"options.{name}: three whole numbers")
    return given[0], given[1], given[2]


def _places(options: Json, name: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    given = options[name]
    if not isinstance(given, list) or len(given) != 2:
        raise IncompleteError(f"options.{name}: first and last place")
    return _place(given[0], name), _place(given[1], name)

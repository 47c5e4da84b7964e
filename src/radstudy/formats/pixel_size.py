"""Pixel size of an image of two axes: as its file states it, as the user gives it, and where neither does."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, UsageError

PixelSize = tuple[float, float]  # mm between pixel centres: across (along a row), then down
_SAME = 1e-3
_LARGEST_MM = 1000.0


@dataclass(frozen=True, eq=False)
class FlatImage:
    """An image of two axes as its file holds it.

    Parameters
    ----------
    pixels : (rows, columns), in the file's own pixel type.
    size_mm : between pixel centres, across and down; None if the file does not state it.
    says : where the file states it, or why what it states is not a pixel size.
    notes : what a reader should know of the values: how colour became grey, for instance.
    doubt : what a user of the stated pixel size should know of it.
    """

    pixels: NDArray[Any]
    size_mm: PixelSize | None
    says: str = ""
    notes: tuple[str, ...] = field(default=())
    doubt: str = ""

    def placed(self, given: PixelSize | None, file: Path) -> tuple[NDArray[Any], NDArray[np.float64], tuple[str, ...]]:
        """Return voxels (I, J, 1), affine and history, with the pixel size that is given, else the file's own.

        Warns of what a user should know.

        Parameters
        ----------
        given : by the user; it goes before the file's, and a note names both if they differ.
        file : for messages.

        Raises
        ------
        CaseError : there is no pixel size.
        """
        across, down = self._stated(file) if given is None else given
        origin, notes = f"by {self.says}" if given is None else "as given", list(self.notes)
        if given is None and self.doubt:
            notes.append(self.doubt)
        if given is not None and self.size_mm is not None and not np.allclose(given, self.size_mm, rtol=_SAME, atol=0):
            notes.append(f"the pixel size is {_shown(given)} as given; the file states {_shown(self.size_mm)}")
        for note in notes:
            warnings.warn(f"{file}: {note}", stacklevel=3)
        affine = np.diag([-across, -down, 1.0, 1.0])  # columns to the left, rows to the back, as ITK places it
        history = (f"pixel size {_shown((across, down))} {origin}", *notes)
        return self.pixels.T[:, :, None], affine + 0.0, history

    def _stated(self, file: Path) -> PixelSize:
        if self.size_mm is None:
            raise CaseError(
                f"the image does not state its pixel size{': ' * bool(self.says)}{self.says}",
                "give it: --pixel-size MM, or MMxMM (across, then down); pixel_size_mm in Python", file=file,
            )  # fmt: skip
        if not all(0 < size < _LARGEST_MM for size in self.size_mm):
            raise CaseError(
                f"the file states a pixel size of {_shown(self.size_mm)} ({self.says})",
                "give the right one: --pixel-size MM, or MMxMM; pixel_size_mm in Python", file=file,
            )  # fmt: skip
        return self.size_mm


def pixel_size(given: float | PixelSize | str) -> PixelSize:
    """Read a pixel size as a user gives it: one number, two (across, down), or a text such as "0.1" or "0.1x0.12".

    Raises
    ------
    UsageError : it is neither, or not above 0.

    Examples
    --------
    >>> pixel_size("0.1x0.12"), pixel_size(0.1)
    ((0.1, 0.12), (0.1, 0.1))
    """
    try:
        parts = given.lower().replace("mm", "").split("x") if isinstance(given, str) else np.ravel(given).tolist()
        sizes = [float(part) for part in parts]
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) not in (1, 2) or not all(math.isfinite(size) and 0 < size < _LARGEST_MM for size in sizes):
        raise UsageError(
            f"the pixel size is {given!r}; give millimetres above 0: one number such as 0.1, or two as 0.1x0.12 "
            "(across, then down)"
        )
    return sizes[0], sizes[-1]


def _shown(size: PixelSize) -> str:
    return " x ".join(f"{mm:.6g}" for mm in size) + " mm"

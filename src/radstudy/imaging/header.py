"""Position of an image in ITK's own numbers, from a file or from an affine. Sizes and spacings are (x, y, z)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.nifti_place import read_information
from radstudy.formats.whole import FAULTS
from radstudy.space.axes import lps_of_ras
from radstudy.space.grid import spacing_of


@dataclass(frozen=True)
class Header:
    """Position of an image in ITK's own numbers, exact to the last bit.

    Parameters
    ----------
    spacing_mm : (x, y, z).
    origin_mm : LPS position of the first voxel's centre.
    direction : nine cosines, row by row (LPS).
    """

    spacing_mm: tuple[float, ...]
    origin_mm: tuple[float, ...]
    direction: tuple[float, ...]

    @classmethod
    def of_itk(cls, place: Any) -> Header:
        """Take the numbers of an ITK image, or of a reader that has read a file's header; a fourth axis is left out."""
        dimension = place.GetDimension()
        direction = np.eye(3)
        direction[:dimension, :dimension] = np.reshape(place.GetDirection(), (dimension, dimension))[:3, :3]
        spacing, origin = [*place.GetSpacing(), 1.0][:3], [*place.GetOrigin(), 0.0][:3]
        return cls(tuple(spacing), tuple(origin), tuple(direction.ravel().tolist()))

    def itk_image(self) -> Any:
        """Return a one-voxel ITK image at this position, for ITK's own arithmetic between indices and positions."""
        image = sitk.Image(1, 1, 1, sitk.sitkUInt8)
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_mm)
        image.SetDirection(self.direction)
        return image


def header_spacing(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the (x, y, z) spacing as it was in the file's header.

    For an axis parallel to one of the patient's the spacing is exact. For an oblique axis it is subject to rounding,
    and a grid that starts at floor(box / spacing) can then start one voxel off. Headers store a float32 or a short
    decimal: the nearest of those is taken if it lies within the rounding.

    Examples
    --------
    >>> affine = np.array([[0.9, -1.2, 0, 0], [1.2, 0.9, 0, 0], [0, 0, 2.9999999999999996, 0], [0, 0, 0, 1]])
    >>> header_spacing(affine)
    (1.5, 1.5, 2.9999999999999996)
    """
    spacing = []
    for column, length in zip(affine[:3, :3].T, spacing_of(affine), strict=True):
        near = [float(np.float32(length)), round(float(length), 10)]
        if np.count_nonzero(column) == 1:
            near = [float(np.abs(column).max())]
        spacing.append(next((guess for guess in near if abs(guess - length) <= 8e-16 * length), float(length)))
    return spacing[0], spacing[1], spacing[2]


def header_of(affine: NDArray[np.float64]) -> Header:
    """Return the header that an affine was computed from, up to the rounding of an oblique one."""
    lps = lps_of_ras(affine[:3]) + 0.0
    spacing = header_spacing(affine)
    return Header(spacing, tuple(lps[:, 3].tolist()), tuple((lps[:, :3] / np.array(spacing)).ravel().tolist()))


def read_header(path: str | Path) -> Header:
    """Read the header of a NIfTI, NRRD or MetaImage volume, without its voxels.

    Raises
    ------
    CaseError : the file cannot be read as a 3D image.
    """
    try:
        reader = read_information(Path(path))
    except (RuntimeError, ValueError, HeaderDataError, *FAULTS) as error:
        raise CaseError("the file cannot be read as an image", "export it again", file=path) from error
    return Header.of_itk(reader)

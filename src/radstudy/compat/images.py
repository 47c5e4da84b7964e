"""The image and the mask of one call, as SimpleITK images: read, checked, and the label found in the mask."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.header import Header

_ITK_TOLERANCE = 1e-6  # of a voxel, and of direction cosines: the default of ITK's filters


class UnusableLesionError(CaseError, ValueError):
    """Image or mask cannot be used; a ValueError too, since that is what scripts catch."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """An image, a mask of whole numbers, and the label to extract; the grids may differ.

    Parameters
    ----------
    image : scalar, three-dimensional.
    mask : uint32, three-dimensional.
    label : a value that the mask contains.
    planar : whether both were given with two axes; here they have a third of one voxel.
    """

    image: sitk.Image
    mask: sitk.Image
    label: int
    planar: bool = False

    @property
    def as_given(self) -> tuple[sitk.Image, sitk.Image]:
        """Image and mask with the axes that they were given with."""
        return (self.image[:, :, 0], self.mask[:, :, 0]) if self.planar else (self.image, self.mask)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Voxels (z, y, x) of the mask's grid with the label."""
        inside: NDArray[np.bool_] = sitk.GetArrayViewFromImage(self.mask) == self.label
        return inside

    def same_grid(self, tolerance: float | None) -> bool:
        """True if image and mask lie on one grid by ITK's rule; None takes its usual tolerance.

        Positions and spacings may differ by the tolerance times the image's spacing along x, cosines by the tolerance.
        """
        allowed = _ITK_TOLERANCE if tolerance is None else tolerance
        ours, theirs = header_of_image(self.image), header_of_image(self.mask)
        step = allowed * abs(ours.spacing_mm[0])
        return (
            self.image.GetSize() == self.mask.GetSize()
            and np.allclose(ours.origin_mm, theirs.origin_mm, rtol=0, atol=step)
            and np.allclose(ours.spacing_mm, theirs.spacing_mm, rtol=0, atol=step)
            and np.allclose(ours.direction, theirs.direction, rtol=0, atol=allowed)
        )


def labelled_images(image: Any, mask: Any, label: Any, channel: Any = None) -> LabelledImages:
    """Read what a script passes to `execute`.

    Parameters
    ----------
    image, mask : SimpleITK images, or paths of files that SimpleITK reads.
    label : of the mask.
    channel : of a mask with several components for each voxel; None takes the first.

    Raises
    ------
    UnusableLesionError : a file cannot be read, the image is not scalar, the axes differ, or the mask lacks the label.
    """
    read, labels = _read(image, "image"), _read(mask, "mask")
    if read.GetNumberOfComponentsPerPixel() > 1:
        raise UnusableLesionError(
            f"each voxel of the image has {read.GetNumberOfComponentsPerPixel()} components (colour or vectors)",
            "give a scalar image",
            file=_shown(image),
        )
    labels = _one_channel(labels, channel, _shown(mask))
    axes = read.GetDimension()
    if axes not in (2, 3) or labels.GetDimension() != axes:
        raise UnusableLesionError(
            f"the image has {axes} axes, size {read.GetSize()}, and the mask {labels.GetDimension()}, size "
            f"{labels.GetSize()}",
            "give both with three axes, or both with two",
            file=_shown(image),
        )
    if axes == 2:
        read, labels = sitk.JoinSeries(read), sitk.JoinSeries(labels)
    labels = sitk.Cast(labels, sitk.sitkUInt32)
    return LabelledImages(read, labels, _present(labels, label, _shown(mask)), planar=axes == 2)


def header_of_image(image: sitk.Image) -> Header:
    """Return the position of a SimpleITK image in its own numbers."""
    return Header(image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def _read(given: Any, what: str) -> sitk.Image:
    if isinstance(given, sitk.Image):
        return given
    if not isinstance(given, str | PathLike):
        raise UnusableLesionError(
            f"the {what} is a {type(given).__name__}", "give a SimpleITK.Image, or the path of a file"
        )
    if not Path(given).is_file():
        raise UnusableLesionError(f"the {what} is not there", "correct the path or add the file", file=str(given))
    try:
        read: sitk.Image = sitk.ReadImage(str(given))
    except RuntimeError as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise UnusableLesionError(
            f"SimpleITK cannot read the {what} ({last})", "export it again, as NIfTI or NRRD", file=str(given)
        ) from error
    return read


def _shown(given: Any) -> str:
    return str(given) if isinstance(given, str | PathLike) else ""


def _one_channel(mask: sitk.Image, channel: Any, file: str) -> sitk.Image:
    components = mask.GetNumberOfComponentsPerPixel()
    if components == 1:
        return mask
    index = 0 if channel is None else operator.index(channel)
    if not 0 <= index < components:
        raise UnusableLesionError(
            f"label_channel is {index}, but the mask has {components} channels",
            f"give a number from 0 to {components - 1}",
            file=file,
        )
    chosen: sitk.Image = sitk.VectorIndexSelectionCast(mask, index)
    return chosen


def _present(mask: sitk.Image, label: Any, file: str) -> int:
    """Return the label as a whole number, after a look for it in the mask."""
    try:
        wanted = int(label)
    except (TypeError, ValueError):
        wanted = -1
    if isinstance(label, bool | str) or wanted != label or wanted < 1:
        raise UnusableLesionError(f"the label is {label!r}", "give a whole number from 1")
    voxels = sitk.GetArrayViewFromImage(mask)
    if (voxels == wanted).any():
        return wanted
    labels = [int(one) for one in np.unique(voxels) if one]
    if not labels:
        raise UnusableLesionError("the mask is empty: no voxel has a label", "draw the lesion", file=file)
    raise UnusableLesionError(
        f"the mask has no voxel with label {wanted}", f"choose from {', '.join(map(str, labels[:20]))}", file=file
    )


def unusable(error: CaseError, mask: Any) -> UnusableLesionError:
    """Return an error of an extraction as one that scripts catch, with the mask's file."""
    if isinstance(error, UnusableLesionError):
        return error
    return UnusableLesionError(error.problem, error.remedy, file=error.file or _shown(mask))

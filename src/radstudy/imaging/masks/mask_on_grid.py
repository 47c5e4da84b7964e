"""A binary mask in space: its voxels, their grid, and the comparison with an image's grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError
from radstudy.formats.nifti_place import two_places
from radstudy.imaging.box import bounding_box, cut
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid, checked_affine, spacing_of

BY_RESAMPLING = "resample it onto the image's grid: 'radstudy mask convert MASK NEW --image IMAGE --resample'"


@dataclass(frozen=True, eq=False)
class MaskOnGrid:
    """A binary mask in space: `radstudy.imaging.roi.Roi` without reading and writing of files.

    Parameters
    ----------
    mask : bool (I, J, K), True inside the lesion; or numbers, 0 outside and one whole number inside.
    affine : float64 (4, 4), voxel index to RAS mm.
    label : name or number of the label that the mask was made from.
    reader : the reader who drew it.
    source : the file it came from.
    notes : findings when it was read that a reader should know.
    """

    mask: NDArray[np.bool_]
    affine: NDArray[np.float64]
    label: str = ""
    reader: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        mask = np.asarray(self.mask)
        if mask.ndim != 3:
            raise CaseError(f"a mask needs three axes, but this array has shape {mask.shape}", "pass an (I, J, K) mask")
        if mask.dtype != np.bool_:
            _require_two_values(mask)
        object.__setattr__(self, "mask", mask.astype(bool, copy=False))
        object.__setattr__(self, "affine", checked_affine(self.affine))

    @property
    def grid(self) -> Grid:
        """Grid of the mask: shape, affine and file."""
        return Grid(self.mask.shape, self.affine, self.source)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between voxel centres along I, J, K in mm, (3,)."""
        return spacing_of(self.affine)

    @property
    def voxel_count(self) -> int:
        """Number of voxels inside."""
        return int(np.count_nonzero(self.mask))

    @property
    def volume_mm3(self) -> float:
        """Number of voxels times the volume of one, in cubic mm."""
        return self.voxel_count * float(np.prod(self.spacing_mm))

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """Mean position of the voxels inside, RAS mm, (3,); NaN if there are none."""
        if not self.voxel_count:
            return np.full(3, np.nan)
        centre: NDArray[np.float64] = points_of(self).mean(axis=0)
        return centre

    def on_grid_of(self, image: Volume | Grid) -> Self:
        """Return this mask on exactly the image's grid.

        Grids that agree to a thousandth of a voxel at every corner count as equal (rounded headers). All others are
        refused; the message states what differs and by how much.

        Raises
        ------
        CaseError : size, spacing, direction or origin differ.
        """
        grid = as_grid(image)
        problem = self.grid.difference(grid)
        if problem:
            doubts = [doubt for file in (self.source, grid.source) if file and (doubt := two_places(file))]
            remedy = f"draw it on this image, or {BY_RESAMPLING}"
            if doubts:
                remedy = (
                    "save both with one position. In Python, where both have the same voxels: import nibabel as nib; "
                    "i, m = nib.load('IMAGE.nii.gz'), nib.load('MASK.nii.gz'); nib.save(nib.Nifti1Image(i.dataobj, "
                    "i.affine), 'IMAGE2.nii.gz'); nib.save(nib.Nifti1Image(m.dataobj, i.affine), 'MASK2.nii.gz')"
                )
            shown = [f"the image is {grid.source}"] if grid.source else []
            raise CaseError(
                "; ".join([f"the mask is not on its image's grid: {problem}", *doubts, *shown]),
                remedy,
                reader=self.reader,
                file=self.source,
            )
        return replace(self, affine=grid.affine)


def as_grid(image: Volume | Grid) -> Grid:
    """Return the grid of an image, or the grid itself."""
    return image if isinstance(image, Grid) else image.grid


def points_of(roi: MaskOnGrid) -> NDArray[np.float64]:
    """Return the centres of the mask's voxels, (n, 3) RAS mm."""
    box = bounding_box(roi.mask)
    if box is None:
        return np.empty((0, 3))
    voxels = np.argwhere(cut(roi.mask, box)) + [first for first, _ in box]
    points: NDArray[np.float64] = voxels @ roi.affine[:3, :3].T + roi.affine[:3, 3]
    return points


def _require_two_values(mask: NDArray[Any]) -> None:
    """Refuse values that would count as inside unintentionally: NaN, probabilities, several labels."""
    if mask.dtype.kind not in "uif":
        raise CaseError(f"the mask's values are of type {mask.dtype}", "pass True and False, or 1 and 0")
    inside = mask[mask != 0]
    if not inside.size:
        return
    low, high = inside.min(), inside.max()
    if not np.isfinite([low, high]).all() or low != np.round(low):
        seen = inside[~np.isfinite(inside) | (inside != np.round(inside))]
        raise CaseError(
            f"the mask contains values such as {seen[0]:g}", "pass True and False: mask >= 0.5, for instance"
        )
    if low != high:
        raise CaseError(
            f"the mask contains several values, from {low:g} to {high:g}", "pass one lesion: labels == 1, for instance"
        )


def pieces_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the voxels of each connected piece of a mask, the largest first; voxels that share a corner connect."""
    numbered, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes: NDArray[np.int64] = np.sort(np.bincount(numbered.ravel(), minlength=count + 1)[1:])[::-1]
    return sizes

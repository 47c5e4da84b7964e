"""A region of interest: one reader's mask of one lesion on one image grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.errors import CaseError
from radstudy.formats.nifti_place import two_places
from radstudy.imaging.box import bounding_box, cut
from radstudy.imaging.volume import Volume, checked_affine, spacing_of

Label = int | str  # a number or name; "largest" and "union" are rules
BY_RESAMPLING = "put it onto its grid: 'radstudy mask convert MASK NEW --image IMAGE --resample'"
SNAP_VOXELS = 1e-3  # grids nearer than this, in voxels, at every corner are one grid


@dataclass(frozen=True, eq=False)
class Roi:
    """A binary mask in space.

    Parameters
    ----------
    mask : bool (I, J, K), True inside the lesion; or numbers, 0 outside and one whole number inside.
    affine : float64 (4, 4), voxel index to RAS mm.
    label : name or number of the label that the mask was made from.
    reader : who drew it.
    source : the file it came from.
    notes : what was found when it was read, and a reader should know.
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
            raise CaseError(f"a mask needs three axes, this array has shape {mask.shape}", "pass an (I, J, K) mask")
        if mask.dtype != np.bool_:
            _require_two_values(mask)
        object.__setattr__(self, "mask", mask.astype(bool, copy=False))
        object.__setattr__(self, "affine", checked_affine(self.affine))

    @classmethod
    def read(
        cls,
        path: str | Path,
        label: Label | None = None,
        grid: Volume | None = None,
        *,
        reader: str = "",
        resample: bool = False,
    ) -> Roi:
        """Read a mask file and take one of its regions.

        Parameters
        ----------
        path : NIfTI, NRRD or MetaImage label map; DICOM SEG; RTSTRUCT; 3D Slicer's .seg.nrrd (docs/masks.md).
        label : number (label value, SegmentNumber, ROINumber) or name of the region; "largest" takes the largest
            connected piece of any, "union" all together; None takes the only one present.
        grid : the image. The mask is put onto its grid by physical position: cropped masks, flipped axes and the single
            slices of a SEG find their place. Contours have no grid of their own and need it. None: the file's own grid.
        reader : who drew it.
        resample : whether a mask that does not lie on the image's grid is sampled by nearest neighbour; else it is
            refused.

        Raises
        ------
        CaseError : the file cannot be read, is empty, has several regions and none was named, or lacks the one named;
            or the mask does not lie on the image's grid, or reaches outside it.
        """
        from radstudy.imaging.masks.read import read_roi

        return read_roi(path, label, grid, reader=reader, resample=resample)

    def write(self, path: str | Path, *, dicom: str | Path | None = None, phase: int | None = None) -> None:
        """Write the mask: .seg.nrrd (3D Slicer), .dcm (DICOM SEG, with the folder of its series), or a label map.

        Parameters
        ----------
        path : its suffix says the format.
        dicom, phase : the series that a DICOM SEG belongs to; see `radstudy.imaging.masks.write.write_rois`, which
            writes several masks into one file.

        Raises
        ------
        CaseError, UsageError : as there.
        """
        from radstudy.imaging.masks.write import write_rois

        write_rois(path, [self], dicom=dicom, phase=phase)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """(3,) distance between voxel centres along I, J, K in mm."""
        return spacing_of(self.affine)

    @property
    def voxel_count(self) -> int:
        """How many voxels lie inside."""
        return int(np.count_nonzero(self.mask))

    @property
    def volume_mm3(self) -> float:
        """Number of voxels times the volume of one, in cubic mm."""
        return self.voxel_count * float(np.prod(self.spacing_mm))

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """(3,) mean position of the voxels inside, RAS mm; NaN where there is none."""
        if not self.voxel_count:
            return np.full(3, np.nan)
        centre: NDArray[np.float64] = points_of(self).mean(axis=0)
        return centre

    def on_grid_of(self, volume: Volume) -> Roi:
        """This mask on exactly the volume's grid.

        Grids that agree to a thousandth of a voxel at every corner are taken as one (rounded headers). Anything
        else is refused with what differs and by how much.

        Raises
        ------
        CaseError : size, spacing, direction or origin differ.
        """
        problem = grid_difference(self.mask.shape, self.affine, volume.voxels.shape, volume.affine)
        if problem:
            doubts = [doubt for file in (self.source, volume.source) if file and (doubt := two_places(file))]
            remedy = f"draw it on this image, or {BY_RESAMPLING}"
            if doubts:
                remedy = (
                    "save both with one position. In Python, where both have the same voxels: import nibabel as nib; "
                    "i, m = nib.load('IMAGE.nii.gz'), nib.load('MASK.nii.gz'); nib.save(nib.Nifti1Image(i.dataobj, "
                    "i.affine), 'IMAGE2.nii.gz'); nib.save(nib.Nifti1Image(m.dataobj, i.affine), 'MASK2.nii.gz')"
                )
            shown = [f"the image is {volume.source}"] if volume.source else []
            raise CaseError(
                "; ".join([f"the mask is not on its image's grid: {problem}", *doubts, *shown]),
                remedy,
                reader=self.reader,
                file=self.source,
            )
        return replace(self, affine=volume.affine)


def points_of(roi: Roi) -> NDArray[np.float64]:
    """The centres of the mask's voxels, (n, 3) RAS mm."""
    box = bounding_box(roi.mask)
    if box is None:
        return np.empty((0, 3))
    voxels = np.argwhere(cut(roi.mask, box)) + [first for first, _ in box]
    points: NDArray[np.float64] = voxels @ roi.affine[:3, :3].T + roi.affine[:3, 3]
    return points


def _require_two_values(mask: NDArray[Any]) -> None:
    """Refuse what would count as inside without being meant so: NaN, probabilities, several labels."""
    if mask.dtype.kind not in "uif":
        raise CaseError(f"the mask's values are of type {mask.dtype}", "pass True and False, or 1 and 0")
    inside = mask[mask != 0]
    if not inside.size:
        return
    low, high = inside.min(), inside.max()
    if not np.isfinite([low, high]).all() or low != np.round(low):
        seen = inside[~np.isfinite(inside) | (inside != np.round(inside))]
        raise CaseError(f"the mask holds values such as {seen[0]:g}", "pass True and False: mask >= 0.5, for instance")
    if low != high:
        raise CaseError(
            f"the mask holds several values, from {low:g} to {high:g}", "pass one lesion: labels == 1, for instance"
        )


def pieces_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Voxels of each connected piece of a mask, the largest first; voxels that share a corner are connected."""
    numbered, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes: NDArray[np.int64] = np.sort(np.bincount(numbered.ravel(), minlength=count + 1)[1:])[::-1]
    return sizes


def grid_difference(
    shape: tuple[int, ...], affine: NDArray[np.float64], of_shape: tuple[int, ...], of_affine: NDArray[np.float64]
) -> str:
    """What differs between two grids, in words; "" if they agree to a thousandth of a voxel at every corner."""
    if shape != of_shape:
        return f"its size is {shape} voxels, the image's {of_shape}"
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij")).reshape(3, -1)
    homogeneous = np.vstack([corners, np.ones(corners.shape[1])])
    apart = np.linalg.inv(of_affine) @ affine @ homogeneous - homogeneous
    if np.abs(apart[:3]).max() <= SNAP_VOXELS:
        return ""
    spacing, of_spacing = spacing_of(affine), spacing_of(of_affine)
    cosines, of_cosines = affine[:3, :3] / spacing, of_affine[:3, :3] / of_spacing
    parts = []
    if np.abs(spacing - of_spacing).max() > 1e-5:
        parts.append(f"its spacing is {_mm(spacing)} mm, the image's {_mm(of_spacing)} mm")
    angle = np.degrees(np.arccos(np.clip((cosines * of_cosines).sum(axis=0), -1, 1))).max()
    if angle > 1e-3:
        parts.append(f"its axes are turned by up to {angle:.3g} degrees")
    offset = np.linalg.norm(affine[:3, 3] - of_affine[:3, 3])
    if offset > 1e-5:
        parts.append(
            f"its origin is {_mm(affine[:3, 3])}, the image's {_mm(of_affine[:3, 3])} (RAS), {offset:.3g} mm apart"
        )
    return "; ".join(parts) or f"corners lie up to {np.abs(apart[:3]).max():.3g} voxels apart"


def _mm(values: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in np.round(values, 4)) + ")"

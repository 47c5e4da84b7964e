"""Region of interest: one reader's mask of one lesion on one image grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import UsageError
from radstudy.imaging import objects
from radstudy.imaging.header import header_of
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid, as_grid
from radstudy.imaging.masks.read import Label, label_of, read_mask, region_of_labels
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid

if TYPE_CHECKING:
    import nibabel as nib
    import SimpleITK as sitk
    from nibabel.spatialimages import SpatialImage

__all__ = ["Label", "Roi", "label_of"]


@dataclass(frozen=True, eq=False)
class Roi(MaskOnGrid):
    """A binary mask in space, which can be read from and written to mask files.

    Parameters
    ----------
    mask : bool (I, J, K), True inside the lesion; or numbers, 0 outside and one whole number inside.
    affine : float64 (4, 4), voxel index to RAS mm.
    label : name or number of the label that the mask was made from.
    reader : the reader who drew it.
    source : the file it came from.
    notes : findings when it was read that a reader should know.
    """

    @classmethod
    def read(
        cls,
        path: str | Path,
        label: Label | None = None,
        grid: Volume | Grid | None = None,
        *,
        reader: str = "",
        resample: bool = False,
    ) -> Self:
        """Read a mask file and take one of its regions.

        Parameters
        ----------
        path : of any format in `radstudy.imaging.masks.formats.MASK_FORMATS` (docs/masks.md).
        label : number (label value, SegmentNumber, ROINumber) or name of the region; "largest" takes the largest
            connected piece of any region, "union" all regions together; None takes the only one present.
        grid : the image, or its grid. The mask is placed on it by physical position, even if it was cropped, has
            flipped axes or consists of the single slices of a SEG. Contours have no grid of their own and need it.
            None: the file's own grid.
        reader : the reader who drew it.
        resample : whether a mask that does not lie on the image's grid is sampled by nearest neighbour or refused.

        Raises
        ------
        CaseError : the file cannot be read, is empty, has several regions and none was named, or lacks the named one;
            or the mask does not lie on the image's grid, or extends outside it.
        """
        read = read_mask(path, label, None if grid is None else as_grid(grid), reader=reader, resample=resample)
        return cls(read.mask, read.affine, read.label, read.reader, read.source, read.notes)

    @classmethod
    def from_sitk(cls, image: sitk.Image, label: Label | None = None, *, reader: str = "") -> Self:
        """Take one region of a SimpleITK label map.

        Parameters
        ----------
        image : whole numbers, 0 outside.
        label : number of the region, or "largest" or "union"; None takes the only one present.
        reader : the reader who drew it.

        Raises
        ------
        CaseError : as in `Roi.read`; the image has vector pixels, or not three axes.
        """
        return cls._of_placed(objects.from_sitk(image), label, None, reader=reader)

    @classmethod
    def from_nibabel(cls, image: SpatialImage, label: Label | None = None, *, reader: str = "") -> Self:
        """Take one region of a nibabel label map; see `from_sitk`."""
        return cls._of_placed(objects.from_nibabel(image), label, None, reader=reader)

    @classmethod
    def from_object(
        cls,
        image: objects.ForeignImage,
        label: Label | None = None,
        grid: Volume | Grid | None = None,
        *,
        reader: str = "",
        resample: bool = False,
    ) -> Self:
        """Take one region of a label map of SimpleITK, nibabel, TorchIO (LabelMap) or MONAI (MetaTensor).

        Parameters
        ----------
        image : whole numbers, 0 outside; a channel axis of length 1 is left out.
        label, grid, reader, resample : as in `Roi.read`.

        Raises
        ------
        CaseError : as in `Roi.read`; the image has several channels, or not three axes.
        """
        return cls._of_placed(objects.placed_array(image), label, grid, reader=reader, resample=resample)

    @classmethod
    def _of_placed(
        cls,
        placed: objects.PlacedArray,
        label: Label | None,
        grid: Volume | Grid | None,
        *,
        reader: str,
        resample: bool = False,
    ) -> Self:
        where = None if grid is None else as_grid(grid)
        read = region_of_labels(placed.voxels, placed.affine, label, where, reader=reader, resample=resample)
        return cls(read.mask, read.affine, read.label, read.reader, read.source, read.notes)

    def to_sitk(self, label: int = 1) -> sitk.Image:
        """Make a SimpleITK label map (uint8 or uint16): `label` inside, 0 outside."""
        return objects.to_sitk(self._numbered(label), self.affine, header_of(self.affine))

    def to_nibabel(self, label: int = 1) -> nib.Nifti1Image:
        """Make a NIfTI-1 label map of nibabel (uint8 or uint16): `label` inside, 0 outside."""
        return objects.to_nibabel(self._numbered(label), self.affine)

    def _numbered(self, label: int) -> NDArray[Any]:
        if not 1 <= label <= np.iinfo(np.uint16).max:
            raise UsageError(f"the label is {label}: give a number from 1 to {np.iinfo(np.uint16).max}")
        return np.where(self.mask, np.min_scalar_type(label).type(label), 0)

    def write(self, path: str | Path, *, dicom: str | Path | None = None, phase: int | None = None) -> None:
        """Write the mask: .seg.nrrd (3D Slicer), .dcm (DICOM SEG, with the folder of its series), or a label map.

        Parameters
        ----------
        path : its suffix determines the format.
        dicom, phase : the series that a DICOM SEG belongs to; see `radstudy.imaging.masks.write.write_rois`, which
            writes several masks into one file.

        Raises
        ------
        CaseError, UsageError : as in `write_rois`.
        """
        write_rois(path, [self], dicom=dicom, phase=phase)

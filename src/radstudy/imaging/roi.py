"""Region of interest: one reader's mask of one lesion on one image grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from radstudy.imaging.masks.mask_on_grid import MaskOnGrid, as_grid
from radstudy.imaging.masks.read import Label, label_of, read_mask
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid

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

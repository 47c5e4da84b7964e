"""Label maps: images of whole numbers, one per region. Files that no other format knows are read as label maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy.errors import CaseError
from radstudy.formats.raster_names import SUFFIXES
from radstudy.imaging.masks.mask_format import DicomSeries, MaskFile, MaskFormat, Segment, raster_files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid


def _knows(file: MaskFile) -> bool:
    return file.dicom_class is None


def _read(file: Path, grid: Grid | None, _resample: bool) -> list[Segment]:
    from radstudy.formats.raster import read_raster, read_raster_or_plane

    if grid is not None and grid.shape[2] == 1:
        voxels, affine, _ = read_raster_or_plane(file)
    else:
        voxels, affine = read_raster(file)
    return segments_of(voxels, affine, file)


def segments_of(voxels: NDArray[Any], affine: NDArray[np.float64], file: str | Path) -> list[Segment]:
    """Return a segment for each whole number in an array, which may hold no others.

    Raises
    ------
    CaseError : there are fractions, or values that are not finite.
    """
    import numpy as np

    stored = voxels.ravel(order="K")  # as it lies in memory: indexing by a mask in another order is slow
    drawn = stored[stored != 0]
    if not np.isfinite(drawn).all():
        raise CaseError("the mask contains values that are not finite", "export the mask again", file=file)
    present = [float(value) for value in np.unique(drawn)]
    fractional = [value for value in present if value != int(value)]
    if fractional:
        raise CaseError(
            f"the mask contains fractions such as {fractional[0]:g}",
            "export it as a label map of whole numbers",
            file=file,
        )
    return [Segment(int(value), "", True, partial(_labelled, voxels, affine, int(value))) for value in present]


def _labelled(voxels: NDArray[Any], affine: NDArray[np.float64], number: int) -> MaskOnGrid:
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid

    return MaskOnGrid(voxels == number, affine)


def _write(file: Path, masks: Sequence[MaskOnGrid], _series: DicomSeries) -> None:
    from radstudy.formats.raster import write_raster

    write_raster(file, _labels(file, masks), masks[0].affine)


def _labels(file: Path, masks: Sequence[MaskOnGrid]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the masks as one array of numbers from 1, in the given order."""
    import numpy as np

    labels = np.zeros(masks[0].mask.shape, np.uint16)
    for value, mask in enumerate(masks, 1):
        if (labels[mask.mask] != 0).any():
            raise CaseError(
                f"region {value} overlaps another one, but a label map has one value per voxel", "write a .seg.nrrd",
                file=file,
            )  # fmt: skip
        labels[mask.mask] = value
    return labels.astype(np.uint8) if len(masks) < 256 else labels


LABEL_MAP = MaskFormat(
    name="label_map",
    words="label map (NIfTI, NRRD, MetaImage)",
    called_by="number",
    holds="one number per voxel",
    knows=_knows,
    read=_read,
    needs_image=False,
    parts=raster_files,
    suffixes=SUFFIXES,
    write=_write,
)

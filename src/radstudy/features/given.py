"""An image and a mask as a caller may give them: in memory or as files."""

from __future__ import annotations

from pathlib import Path

from radstudy.errors import UsageError
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume


def read_given(
    image: Volume | str | Path,
    mask: Roi | str | Path,
    label: Label | None,
    *,
    otherwise: Label | None = None,
    resample: bool = False,
) -> tuple[Volume, Roi]:
    """The image and the lesion.

    Parameters
    ----------
    image : a volume, or the path of a NIfTI, NRRD or MetaImage file.
    mask : a region of interest, or the path of a mask file (docs/masks.md), which is put onto the image's grid.
    label : of the lesion in the mask file, or "largest" or "union" as in `Roi.read`.
    otherwise : the label of a mask file where none is given; None takes the only one present.
    resample : as in `Roi.read`.

    Raises
    ------
    CaseError : a file cannot be read, or the mask file is not on the image's grid.
    UsageError : a label is given beside a mask that is not a file.
    """
    if isinstance(mask, Roi) and label is not None:
        raise UsageError("a label was given, but the mask is a Roi, which is one label already")
    volume = image if isinstance(image, Volume) else Volume.read(image)
    if isinstance(mask, Roi):
        return volume, mask
    return volume, Roi.read(mask, otherwise if label is None else label, volume, resample=resample)

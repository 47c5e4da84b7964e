"""Reading of the image, mask and settings that a caller passes, in memory or as files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from radstudy.errors import CaseError, StudyFileError, UsageError
from radstudy.features.of_study import her2_ihc2plus
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.objects import ForeignImage, is_foreign
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume

PixelSizeGiven = float | tuple[float, float] | str | None
Settings = ExtractionSettings | Mapping[str, Any] | str | Path


def read_given(
    image: Volume | ForeignImage | str | Path,
    mask: Roi | ForeignImage | str | Path,
    label: Label | None,
    *,
    otherwise: Label | None = None,
    by: object = None,
    resample: bool = False,
    pixel_size_mm: PixelSizeGiven = None,
) -> tuple[Volume, Roi]:
    """Return the image and the lesion.

    Parameters
    ----------
    image : a volume, the path of an image file (`Volume.read`), or an image of another library
        (`radstudy.imaging.objects`).
    mask : a region of interest; or the path of a mask file (docs/masks.md), or a label map of another library, which
        is put onto the image's grid.
    label : the lesion's label in the mask file, or "largest" or "union" as in `Roi.read`.
    otherwise : the label used for a mask file if no `label` is given; None takes the only one present.
    by : the source of `otherwise`; if it is the path of a file, errors name it.
    resample : as in `Roi.read`.
    pixel_size_mm : of an image file that does not state it, as in `Volume.read`.

    Raises
    ------
    CaseError : a file cannot be read, or the mask file is not on the image's grid.
    UsageError : a label is given with a mask that is not a file; an array is given instead of a volume or a region of
        interest (an array has no position in space).
    """
    _require_located(image, mask)
    if isinstance(mask, Roi) and label is not None:
        raise UsageError("a label was given, but the mask is a Roi, which is one label already")
    volume = _volume(image, pixel_size_mm)
    if isinstance(mask, Roi):
        return volume, mask
    with naming_files(None, by if label is None and otherwise is not None else None):
        wanted = otherwise if label is None else label
        if isinstance(mask, str | PathLike):
            roi = Roi.read(mask, wanted, volume, resample=resample)
        else:
            roi = Roi.from_object(mask, wanted, volume, resample=resample)
    for note in roi.notes:
        warnings.warn(f"{mask}: {note}", stacklevel=2)
    return volume, roi


def _volume(image: Volume | ForeignImage | str | Path, pixel_size_mm: PixelSizeGiven) -> Volume:
    if isinstance(image, str | PathLike):
        return Volume.read(image, pixel_size_mm=pixel_size_mm)
    if pixel_size_mm is not None:
        raise UsageError(f"a pixel size was given, but the image is a {type(image).__name__}, which has its own")
    return image if isinstance(image, Volume) else Volume.from_object(image)


@contextmanager
def naming_files(image: object, settings: object) -> Iterator[None]:
    """Add the image and the settings file to an error that names only the mask: any of them may be at fault."""
    try:
        yield
    except CaseError as error:
        shown = str(image) if isinstance(image, str | Path) else ""
        named = [f"the image is {shown}"] if shown and error.file not in ("", shown) else []
        if isinstance(settings, str | Path):
            named.append(f"the settings are {settings}")
        raise type(error)(
            "; ".join([error.problem, *named]), error.remedy, patient=error.patient, lesion=error.lesion,
            sequence=error.sequence, reader=error.reader, file=error.file or shown,
        ) from error  # fmt: skip


def _require_located(image: object, mask: object) -> None:
    """Refuse an image or mask that is neither a path nor an object with a position in space."""
    if not (isinstance(image, Volume | str | PathLike) or is_foreign(image)):
        raise UsageError(
            f"the image must be a path, a radstudy.Volume, or an image of SimpleITK, nibabel, TorchIO or MONAI, not "
            f"{type(image).__name__}; for an (I, J, K) array, give radstudy.Volume(array, affine)"
        )
    if not (isinstance(mask, Roi | str | PathLike) or is_foreign(mask)):
        raise UsageError(
            f"the mask must be a path, a radstudy.Roi, or a label map of SimpleITK, nibabel, TorchIO or MONAI, not "
            f"{type(mask).__name__}; for an (I, J, K) array on the image's grid, give "
            "radstudy.Roi(array, volume.affine)"
        )


def settings_from(settings: Settings | None) -> ExtractionSettings:
    """Return the settings for None (the reference study's), a dictionary, or a parameter file's path.

    Raises
    ------
    StudyFileError : the settings cannot be used.
    """
    if settings is None:
        return her2_ihc2plus()
    if isinstance(settings, ExtractionSettings):
        return settings
    if not isinstance(settings, Mapping | str | PathLike):
        raise StudyFileError(
            "the extraction settings must be ExtractionSettings, a dictionary or a path, not "
            f"{type(settings).__name__}."
        )
    return ExtractionSettings.from_pyradiomics(settings)

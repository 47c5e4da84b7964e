"""Preparation of one lesion for filters and features: image and mask resampled, cropped, checked, resegmented."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from radstudy.errors import CaseError
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.box import Box, bounding_box, cut, padded
from radstudy.imaging.header import Header
from radstudy.imaging.masks.placing import mask_on_grid
from radstudy.imaging.resample import LesionRegion, resample
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.space.axes import zyx_of_ijk


@dataclass(frozen=True, eq=False)
class Prepared:
    """The part that all masks of a volume share: its voxels (z, y, x), normalised if the settings require it."""

    volume: Volume
    header: Header
    voxels: NDArray[Any]
    dtype: DTypeLike

    @classmethod
    def of(cls, volume: Volume, header: Header, settings: ExtractionSettings) -> Prepared:
        """Prepare a volume according to the settings, for all its masks."""
        voxels = zyx_of_ijk(volume.voxels)
        if settings.normalize:
            return cls(volume, header, _normalised(voxels, settings), np.float64)
        return cls(volume, header, voxels, volume.stored_dtype or voxels.dtype)


def _normalised(voxels: NDArray[Any], settings: ExtractionSettings) -> NDArray[np.float64]:
    values = voxels.astype(np.float64)
    if not np.isfinite(values).all():
        raise CaseError(
            f"{np.count_nonzero(~np.isfinite(values))} voxels of the image are not finite, so the image has no mean",
            "replace them by the background's value, or do not normalise",
        )
    deviation = values.std(ddof=1)
    if deviation == 0:
        raise CaseError("the image is constant, so it cannot be normalised", "look at the image")
    values = (values - values.mean()) / deviation
    if settings.remove_outliers is not None:
        values = np.clip(values, -settings.remove_outliers, settings.remove_outliers)
    scaled: NDArray[np.float64] = values * settings.normalize_scale
    return scaled


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion in the region around it.

    Parameters
    ----------
    region : image and mask, resampled or cropped according to the settings.
    full : the lesion as drawn.
    lesion : the lesion after resegmentation; `full` if there is no resegmentation.
    facts : native_voxels and resampled_voxels, volume_change_percent, bounding_box and mask_checksum.
    planar : whether the image has two axes only.
    """

    region: LesionRegion
    full: LesionInRegion
    lesion: LesionInRegion
    facts: dict[str, Any]
    planar: bool = False


def place(prepared: Prepared, roi: Roi, settings: ExtractionSettings) -> Placed:
    """Place a lesion in its region and check it.

    Raises
    ------
    CaseError : the mask is empty, too small, not on the grid, disappears, or has intensities that are not finite.
    """
    try:
        placed = mask_on_grid(roi, prepared.volume.grid) if settings.correct_mask else roi.on_grid_of(prepared.volume)
        return _placed(prepared, zyx_of_ijk(placed.mask), settings)
    except CaseError as error:
        raise error.located(reader=roi.reader, file=roi.source) from error


def _placed(prepared: Prepared, mask: NDArray[np.bool_], settings: ExtractionSettings) -> Placed:
    """Place the lesion of a mask (z, y, x) on the prepared volume's grid; see `place`."""
    box = bounding_box(mask)
    if box is None:
        raise CaseError("the mask is empty: no voxel lies inside", "draw the lesion")
    inside = cut(mask, box)
    native = int(np.count_nonzero(inside))
    _check_finite(cut(prepared.voxels, box)[inside])
    region = _region(prepared, mask, box, settings)
    full = LesionInRegion.of(region)
    change = 100.0 * (full.volume_mm3 / (native * float(np.prod(prepared.header.spacing_mm))) - 1.0)
    _check_size(full, settings, native, change)
    _check_finite_after(full, region)
    (k0, k1), (j0, j1), (i0, i1) = box
    facts = {
        "native_voxels": native,
        "resampled_voxels": full.voxels,
        "volume_change_percent": change,
        "bounding_box": [i0, i1 - 1, j0, j1 - 1, k0, k1 - 1],
        "mask_checksum": hashlib.sha256(repr(box).encode() + np.packbits(inside).tobytes()).hexdigest()[:16],
    }
    lesion = full if settings.resegment_range is None else _resegmented(region, settings)
    return Placed(region, full, lesion, facts, prepared.volume.planar)


@dataclass(frozen=True, eq=False)
class LesionInRegion:
    """A mask (z, y, x) in its region, and the box that features are computed in."""

    mask: NDArray[np.bool_]
    box: Box
    region: LesionRegion

    @classmethod
    def of(cls, region: LesionRegion) -> LesionInRegion:
        """Return the lesion that is the whole mask of a region."""
        return cls(region.mask, bounding_box(region.mask) or ((0, 0), (0, 0), (0, 0)), region)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The mask in its box."""
        return cut(self.mask, self.box)

    @property
    def voxels(self) -> int:
        """Number of voxels in the lesion."""
        return int(np.count_nonzero(self.inside))

    @property
    def volume_mm3(self) -> float:
        """Number of voxels times the volume of one."""
        return self.voxels * float(np.prod(self.region.spacing_mm))


def _region(prepared: Prepared, mask: NDArray[np.bool_], box: Box, settings: ExtractionSettings) -> LesionRegion:
    """Return the image and mask for filters and features: resampled, cropped or whole, in PyRadiomics' pixel type."""
    dtype: DTypeLike = prepared.dtype if settings.round_to_stored_dtype else np.float64
    if settings.resampled_spacing_mm is not None and settings.interpolator is not None:
        return resample(
            prepared.voxels,
            mask,
            prepared.header,
            spacing_mm=settings.resampled_spacing_mm,
            pad=settings.pad_distance,
            interpolator=settings.interpolator,
            dtype=dtype,
        )
    whole = ((0, mask.shape[0]), (0, mask.shape[1]), (0, mask.shape[2]))
    kept = padded(box, settings.pad_distance, mask.shape) if settings.pre_crop else whole
    image = np.ascontiguousarray(cut(prepared.voxels, kept), dtype=dtype)
    return LesionRegion(
        image, cut(mask, kept), prepared.header.spacing_mm, tuple(float(first) for first, _ in kept[::-1])
    )


def _resegmented(region: LesionRegion, settings: ExtractionSettings) -> LesionInRegion:
    assert settings.resegment_range is not None
    values = region.image[region.mask]
    limits = sorted(settings.resegment_range)
    if settings.resegment_mode == "relative":
        limits = [float(values.max()) * limit for limit in limits]
    elif settings.resegment_mode == "sigma":
        limits = [float(values.mean()) + float(values.std()) * limit for limit in limits]
    kept = values >= limits[0]
    if len(limits) == 2:
        kept &= values <= limits[1]
    mask = np.zeros_like(region.mask)
    mask[region.mask] = kept
    lesion = LesionInRegion.of(LesionRegion(region.image, mask, region.spacing_mm, region.start))
    if lesion.voxels <= 1:
        shown = " to ".join(f"{limit:g}" for limit in limits)
        raise CaseError(
            f"resegmentation to {shown} leaves {lesion.voxels} of {values.size} voxels",
            "widen resegmentRange, or compare it with the image's intensities",
        )
    _check_size(lesion, settings, values.size, 0.0)
    return lesion


def _check_finite(values: NDArray[Any]) -> None:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise CaseError(
            f"{bad} of the lesion's {values.size} voxels are NaN or infinity", "look at the image inside the lesion"
        )


def _check_finite_after(lesion: LesionInRegion, region: LesionRegion) -> None:
    if region.image.dtype.kind == "f" and not np.isfinite(cut(region.image, lesion.box)[lesion.inside]).all():
        raise CaseError(
            "NaN or infinity outside the lesion spreads into it when the image is resampled",
            "replace it by the background's value",
        )


def _check_size(lesion: LesionInRegion, settings: ExtractionSettings, before: int, change: float) -> None:
    """Refuse a lesion with a single voxel, too few dimensions or too few voxels, as PyRadiomics does."""
    spacing = " x ".join(f"{step:g}" for step in lesion.region.spacing_mm)
    became = f"{before} voxels became {lesion.voxels} at {spacing} mm ({change:+.0f} % of the volume)"
    if lesion.voxels == 0:
        raise CaseError(
            f"the mask disappears when resampled: {became}", "resample to a finer spacing, or exclude the lesion"
        )
    dimensions = sum(last - first > 1 for first, last in lesion.box)
    if dimensions == 0:
        raise CaseError(f"the mask is a single voxel: {became}", "a single voxel has no texture: exclude it")
    if dimensions < settings.minimum_roi_dimensions:
        extent = " x ".join(str(last - first) for first, last in lesion.box[::-1])
        raise CaseError(
            f"the mask extends over {extent} voxels, that is {dimensions} of the required "
            f"{settings.minimum_roi_dimensions} dimensions: {became}",
            "draw it on more slices, or lower minimumROIDimensions",
        )
    if settings.minimum_roi_size is not None and lesion.voxels <= settings.minimum_roi_size:
        raise CaseError(
            f"the mask has {lesion.voxels} voxels, but more than {settings.minimum_roi_size} are required: {became}",
            "exclude it, or lower minimumROISize",
        )

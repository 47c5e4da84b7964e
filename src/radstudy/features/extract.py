"""One lesion's features, from an image and a mask to names and numbers. Read `extract_lesions` for the order of work.

Values and names are PyRadiomics 3.0.1's for the same settings. What it leaves out in silence is here a reason: a LoG
image too small for its sigma and a texture without any pair of neighbours give NaN, listed in `LesionFeatures.missing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.features.discretise import discretise
from radstudy.features.filters import FilteredImage, filtered_images
from radstudy.features.firstorder import first_order
from radstudy.features.settings import ExtractionSettings, feature_names, her2_ihc2plus
from radstudy.features.shape import shape
from radstudy.features.texture import textures
from radstudy.imaging.resample import (
    Box,
    Header,
    Region,
    bounding_box,
    header_of,
    mask_on_grid,
    padded,
    read_header,
    resample,
)
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

Settings = ExtractionSettings | Mapping[str, Any] | str | Path


@dataclass(frozen=True, eq=False)
class LesionFeatures:
    """The features of one lesion by one reader.

    Parameters
    ----------
    values : name to value, in the order of `feature_names`; NaN where a value does not exist.
    missing : name to reason, for every NaN.
    diagnostics : native_voxels and resampled_voxels, the number inside the mask; volume_change_percent that
        resampling made; bins_original, grey-level bins of the original image; bounding_box, first and last voxel
        (i, i, j, j, k, k) in the image; mask_checksum, equal for equal masks.
    """

    values: dict[str, float]
    missing: dict[str, str]
    diagnostics: dict[str, Any]


def extract(
    image: Volume | str | Path, mask: Roi | str | Path, settings: Settings | None = None, *, label: int | None = None
) -> dict[str, float]:
    """Radiomics features of one lesion.

    Parameters
    ----------
    image : a volume, or the path of a NIfTI, NRRD or MetaImage file.
    mask : a region of interest on the image's grid, or the path of a label map.
    settings : None for the reference study's extraction alone (1 mm, bin width 25, pad 5, 1,218 features; no N4, no
        normalisation); else settings, a dictionary in PyRadiomics' layout, or the path of its parameter file.
    label : of the lesion in the mask file; None takes the settings' label, or the only one present.

    Returns
    -------
    PyRadiomics' names to values, in its order. NaN where a value does not exist (`extract_lesions` says why).

    Raises
    ------
    CaseError : a file cannot be read; the mask is empty, too small, or not on the image's grid; it vanishes in
        resampling; intensities inside it are not finite.
    StudyFileError : the settings cannot be used.
    UsageError : a label is given beside a mask that is not a file.
    """
    chosen = _settings(settings)
    if isinstance(mask, Roi):
        if label is not None:
            raise UsageError("a label was given, but the mask is a Roi, which is one label already")
        roi = mask
    else:
        roi = Roi.read(mask, chosen.label if label is None else label)
    if isinstance(image, Volume):
        prepared = _Prepared.of(image, header_of(image.affine), chosen)
        return _one_lesion(prepared, roi, chosen).values
    prepared = _Prepared.of(Volume.read(image), read_header(image), chosen)
    try:
        return _one_lesion(prepared, roi, chosen).values
    except CaseError as error:
        raise error.located(file=image) from error


def extract_lesions(volume: Volume, rois: Sequence[Roi], settings: Settings | None = None) -> list[LesionFeatures]:
    """Features of several masks on one volume: several lesions, or several readers' drawings.

    What depends on the volume alone is done once. For each mask: resample both, check the mask, shrink it to the
    grey-level range asked for, then shape, and for each derived image first-order and texture features.

    Parameters
    ----------
    volume : the image.
    rois : masks on its grid.
    settings : as in `extract`.

    Raises
    ------
    CaseError, StudyFileError : as in `extract`.
    """
    chosen = _settings(settings)
    prepared = _Prepared.of(volume, header_of(volume.affine), chosen)
    return [_one_lesion(prepared, roi, chosen) for roi in rois]


def _settings(settings: Settings | None) -> ExtractionSettings:
    if settings is None:
        return her2_ihc2plus()
    if isinstance(settings, ExtractionSettings):
        return settings
    return ExtractionSettings.from_pyradiomics(settings)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What is the same for all masks of a volume: its voxels (z, y, x), normalised if asked for."""

    volume: Volume
    header: Header
    voxels: NDArray[Any]
    dtype: DTypeLike

    @classmethod
    def of(cls, volume: Volume, header: Header, settings: ExtractionSettings) -> _Prepared:
        voxels = volume.voxels.transpose(2, 1, 0)
        if settings.normalize:
            return cls(volume, header, _normalised(voxels, settings), np.float64)
        return cls(volume, header, voxels, volume.stored_dtype or voxels.dtype)


def _normalised(voxels: NDArray[Any], settings: ExtractionSettings) -> NDArray[np.float64]:
    values = voxels.astype(np.float64)
    if not np.isfinite(values).all():
        raise CaseError(
            f"{np.count_nonzero(~np.isfinite(values))} voxels of the image are not finite, so it has no mean",
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


# --- one lesion --------------------------------------------------------------------------------------------------


def _one_lesion(prepared: _Prepared, roi: Roi, settings: ExtractionSettings) -> LesionFeatures:
    try:
        placed = mask_on_grid(roi, prepared.volume) if settings.correct_mask else roi.on_grid_of(prepared.volume)
        return _features(prepared, placed.mask.transpose(2, 1, 0), settings)
    except CaseError as error:
        raise error.located(reader=roi.reader, file=roi.source) from error


def _features(prepared: _Prepared, mask: NDArray[np.bool_], settings: ExtractionSettings) -> LesionFeatures:
    box = bounding_box(mask)
    if box is None:
        raise CaseError("the mask is empty: no voxel lies inside", "draw the lesion")
    inside = _cut(mask, box)
    native = int(np.count_nonzero(inside))
    _check_finite(_cut(prepared.voxels, box)[inside])
    region = _region(prepared, mask, box, settings)
    full = _Lesion.of(region)
    change = 100.0 * (full.volume_mm3 / (native * float(np.prod(prepared.header.spacing_mm))) - 1.0)
    _check_size(full, settings, native, change)
    _check_finite_after(full, region)
    lesion = full if settings.resegment_range is None else _resegmented(region, settings)
    missing: dict[str, str] = {}
    values = dict(
        _shape_values(lesion if settings.resegment_shape else _Lesion(full.mask, lesion.box, region), settings)
    )
    for image_type in settings.image_types:
        own = settings.for_image_type(image_type)
        for derived in filtered_images(region.image, lesion.box, region.spacing_mm, image_type, own):
            values |= dict(_grey_values(derived, lesion.inside, region, own, missing))
    for name, value in values.items():
        if np.isnan(value) and name not in missing:
            missing[name] = "undefined for this lesion: no two of its voxels are neighbours"
    original = _cut(region.image, lesion.box)
    bins = discretise(original, lesion.inside, bin_width=settings.bin_width, bin_count=settings.bin_count).n_levels
    (k0, k1), (j0, j1), (i0, i1) = box
    diagnostics = {
        "native_voxels": native,
        "resampled_voxels": full.voxels,
        "volume_change_percent": change,
        "bins_original": bins,
        "bounding_box": [i0, i1 - 1, j0, j1 - 1, k0, k1 - 1],
        "mask_checksum": hashlib.sha256(repr(box).encode() + np.packbits(inside).tobytes()).hexdigest()[:16],
    }
    return LesionFeatures({name: values[name] for name in feature_names(settings)}, missing, diagnostics)


@dataclass(frozen=True, eq=False)
class _Lesion:
    """A mask (z, y, x) in its region, and the box that features are computed in."""

    mask: NDArray[np.bool_]
    box: Box
    region: Region

    @classmethod
    def of(cls, region: Region) -> _Lesion:
        return cls(region.mask, bounding_box(region.mask) or ((0, 0), (0, 0), (0, 0)), region)

    @property
    def inside(self) -> NDArray[np.bool_]:
        return _cut(self.mask, self.box)

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.inside))

    @property
    def volume_mm3(self) -> float:
        return self.voxels * float(np.prod(self.region.spacing_mm))


def _cut(array: NDArray[Any], box: Box) -> NDArray[Any]:
    return array[box[0][0] : box[0][1], box[1][0] : box[1][1], box[2][0] : box[2][1]]


def _region(prepared: _Prepared, mask: NDArray[np.bool_], box: Box, settings: ExtractionSettings) -> Region:
    """The image and mask that filters and features see: resampled, cropped or whole, in PyRadiomics' pixel type."""
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
    image = np.ascontiguousarray(_cut(prepared.voxels, kept), dtype=dtype)
    return Region(image, _cut(mask, kept), prepared.header.spacing_mm)


def _resegmented(region: Region, settings: ExtractionSettings) -> _Lesion:
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
    lesion = _Lesion.of(Region(region.image, mask, region.spacing_mm))
    if lesion.voxels <= 1:
        shown = " to ".join(f"{limit:g}" for limit in limits)
        raise CaseError(
            f"resegmentation to {shown} leaves {lesion.voxels} of {values.size} voxels",
            "widen resegmentRange, or compare it with the image's intensities",
        )
    _check_size(lesion, settings, values.size, 0.0)
    return lesion


def _shape_values(lesion: _Lesion, settings: ExtractionSettings) -> Iterator[tuple[str, float]]:
    # PyRadiomics crops the mask before resegmentation to the box after it; so does this.
    for family, names in settings.feature_classes:
        if family == "shape":
            z, y, x = lesion.region.spacing_mm[::-1]
            for name, value in shape(np.ascontiguousarray(lesion.inside), (z, y, x), names).items():
                yield f"original_shape_{name}", value


def _grey_values(
    derived: FilteredImage,
    inside: NDArray[np.bool_],
    region: Region,
    settings: ExtractionSettings,
    missing: dict[str, str],
) -> Iterator[tuple[str, float]]:
    """First-order and texture features of one derived image; NaN with a reason where there is no image."""
    problem = derived.problem
    if derived.voxels is not None and not np.isfinite(derived.voxels[inside]).all():
        problem = "the filter gives values that are not finite inside the lesion"
    for family, names in settings.feature_classes:
        if family != "shape" and (problem or derived.voxels is None):
            missing.update({f"{derived.name}_{family}_{name}": problem for name in names})
            yield from ((f"{derived.name}_{family}_{name}", float("nan")) for name in names)
    if problem or derived.voxels is None:
        return
    classes = {family: names for family, names in settings.feature_classes if family not in {"shape", "firstorder"}}
    for family, names in settings.feature_classes:
        if family == "firstorder":
            computed = first_order(
                derived.voxels,
                inside,
                bin_width=settings.bin_width,
                bin_count=settings.bin_count,
                voxel_array_shift=settings.voxel_array_shift,
                voxel_volume_mm3=float(np.prod(region.spacing_mm)),
                features=names,
            )
            yield from ((f"{derived.name}_firstorder_{name}", value) for name, value in computed.items())
    if not classes:
        return
    binned = discretise(derived.voxels, inside, bin_width=settings.bin_width, bin_count=settings.bin_count)
    z, y, x = region.spacing_mm[::-1]
    by_family = textures(
        binned.levels,
        binned.n_levels,
        classes,
        distances=settings.distances,
        force2d=settings.force_2d_dimension if settings.force_2d else None,
        symmetric=settings.symmetrical_glcm,
        weighting_norm=settings.weighting_norm,
        spacing_zyx=(z, y, x),
        gldm_a=settings.gldm_a,
    )
    for family, values in by_family.items():
        yield from ((f"{derived.name}_{family}_{name}", value) for name, value in values.items())


# --- checks ------------------------------------------------------------------------------------------------------


def _check_finite(values: NDArray[Any]) -> None:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise CaseError(
            f"{bad} of the lesion's {values.size} voxels hold NaN or infinity", "look at the image inside the lesion"
        )


def _check_finite_after(lesion: _Lesion, region: Region) -> None:
    if region.image.dtype.kind == "f" and not np.isfinite(_cut(region.image, lesion.box)[lesion.inside]).all():
        raise CaseError(
            "NaN or infinity outside the lesion spreads into it when the image is resampled",
            "replace it by the background's value",
        )


def _check_size(lesion: _Lesion, settings: ExtractionSettings, before: int, change: float) -> None:
    """As PyRadiomics: one voxel, too few dimensions or too few voxels are refused."""
    spacing = " x ".join(f"{step:g}" for step in lesion.region.spacing_mm)
    became = f"{before} voxels became {lesion.voxels} at {spacing} mm ({change:+.0f} % of the volume)"
    if lesion.voxels == 0:
        raise CaseError(f"the mask vanishes in resampling: {became}", "resample to a finer spacing, or exclude it")
    dimensions = sum(last - first > 1 for first, last in lesion.box)
    if dimensions == 0:
        raise CaseError(f"the mask is a single voxel: {became}", "a single voxel has no texture: exclude it")
    if dimensions < settings.minimum_roi_dimensions:
        extent = " x ".join(str(last - first) for first, last in lesion.box[::-1])
        raise CaseError(
            f"the mask extends over {extent} voxels, {dimensions} dimensions of the {settings.minimum_roi_dimensions} "
            f"that are asked for: {became}",
            "draw it on more slices, or lower minimumROIDimensions",
        )
    if settings.minimum_roi_size is not None and lesion.voxels <= settings.minimum_roi_size:
        raise CaseError(
            f"the mask holds {lesion.voxels} voxels, more than {settings.minimum_roi_size} are asked for: {became}",
            "exclude it, or lower minimumROISize",
        )

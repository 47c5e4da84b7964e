"""Extraction of one lesion's features from an image and a mask. Read `extract_lesions` for the order of work.

Values and names are those of PyRadiomics 3.0.1 for the same settings. Features that PyRadiomics omits silently are NaN
here, with a reason in `LesionFeatures.missing`: a LoG image too small for its sigma, a texture without neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import SHAPES
from radstudy.errors import CaseError
from radstudy.features.discretise import discretise
from radstudy.features.filters import FilteredImage, filtered_images
from radstudy.features.firstorder import first_order
from radstudy.features.given import PixelSizeGiven, Settings, naming_files, read_given, settings_from
from radstudy.features.lesion import LesionInRegion, Placed, Prepared, place
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.features.shape import shape
from radstudy.features.shape2d import shape2d
from radstudy.features.texture import textures
from radstudy.imaging.box import cut
from radstudy.imaging.header import header_of
from radstudy.imaging.objects import ForeignImage
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.timing import timed, timed_each


@dataclass(frozen=True, eq=False)
class LesionFeatures:
    """The features of one lesion by one reader.

    Parameters
    ----------
    values : name to value, in the order of `feature_names`; NaN where a value does not exist.
    missing : name to reason, for every NaN.
    diagnostics : native_voxels and resampled_voxels, the number inside the mask; volume_change_percent, the change
        due to resampling; bins_original, grey-level bins of the original image; bounding_box, first and last voxel
        (i, i, j, j, k, k) in the image; mask_checksum, equal for equal masks.
    """

    values: dict[str, float]
    missing: dict[str, str]
    diagnostics: dict[str, Any]


def extract(
    image: Volume | ForeignImage | str | Path,
    mask: Roi | ForeignImage | str | Path,
    settings: Settings | None = None,
    *,
    label: Label | None = None,
    pixel_size_mm: PixelSizeGiven = None,
) -> dict[str, float]:
    """Compute the radiomics features of one lesion.

    Parameters
    ----------
    image : a volume, or the path of a NIfTI, NRRD or MetaImage file, or of an image of two axes: PNG, JPEG, TIFF or a
        single DICOM image (docs/extraction.md, "2D images"); or an image of SimpleITK, nibabel, TorchIO (ScalarImage)
        or MONAI (MetaTensor), see docs/batch.md.
    mask : a region of interest on the image's grid, the path of a mask file (docs/masks.md), or a label map of one of
        those libraries.
    settings : None for the reference study's extraction alone (1 mm, bin width 25, pad 5, 1,218 features; no N4, no
        normalisation); otherwise settings, a dictionary in PyRadiomics' layout, or the path of a parameter file.
    label : the lesion's label in the mask file, or "largest" or "union" as in `Roi.read`; None takes the settings'
        label, or the only one present.
    pixel_size_mm : of an image of two axes whose file does not state it: one number, or two (across, down).

    Returns
    -------
    PyRadiomics' names to values, in its order. NaN where a value does not exist (`extract_lesions` gives the reason).

    Raises
    ------
    CaseError : a file cannot be read; the mask is empty, too small, or not on the image's grid; it disappears when
        resampled; intensities inside it are not finite.
    StudyFileError : the settings cannot be used.
    UsageError : a label is given with a mask that is not a file; an array is given instead of a Volume or a Roi.
    """
    return lesion_features(image, mask, settings, label=label, pixel_size_mm=pixel_size_mm).values


def lesion_features(
    image: Volume | ForeignImage | str | Path,
    mask: Roi | ForeignImage | str | Path,
    settings: Settings | None = None,
    *,
    label: Label | None = None,
    pixel_size_mm: PixelSizeGiven = None,
) -> LesionFeatures:
    """Compute the features of one lesion as `extract` does, with the reasons for those that do not exist.

    Parameters
    ----------
    image, mask, settings, label, pixel_size_mm : as in `extract`.

    Raises
    ------
    CaseError, StudyFileError, UsageError : as in `extract`.
    """
    chosen = settings_from(settings)
    volume, roi = read_given(
        image, mask, label, otherwise=chosen.label, by=settings, resample=chosen.correct_mask,
        pixel_size_mm=pixel_size_mm,
    )  # fmt: skip
    with naming_files(image, settings):
        return _features(Prepared.of(volume, volume.header, chosen), roi, chosen)


def extract_lesions(volume: Volume, rois: Sequence[Roi], settings: Settings | None = None) -> list[LesionFeatures]:
    """Compute the features of several masks on one volume: several lesions, or several readers' masks.

    Work that depends on the volume alone is done once. For each mask: resample image and mask, check the mask, shrink
    it to the requested grey-level range, then compute shape, and for each derived image first-order and texture
    features.

    Parameters
    ----------
    volume : the image.
    rois : masks on its grid.
    settings : as in `extract`.

    Raises
    ------
    CaseError, StudyFileError : as in `extract`.
    """
    chosen = settings_from(settings)
    prepared = Prepared.of(volume, header_of(volume.affine), chosen)
    return [_features(prepared, roi, chosen) for roi in rois]


# --- one lesion --------------------------------------------------------------------------------------------------


_NO_NEIGHBOURS = "no two of its voxels are neighbours"
_NO_MESH_VOLUME = "its mesh is open, and has no volume"
_NO_VOLUME = "the image has two axes, and its lesions no volume: shape2D describes them"


def _features(prepared: Prepared, roi: Roi, settings: ExtractionSettings) -> LesionFeatures:
    with timed("place"):
        placed = place(prepared, roi, settings)
    try:
        return placed_features(placed, settings)
    except CaseError as error:
        raise error.located(reader=roi.reader, file=roi.source) from error


def placed_features(placed: Placed, given: ExtractionSettings) -> LesionFeatures:
    """Compute the features of a lesion that has been placed (`radstudy.features.lesion.place`)."""
    region, full, lesion = placed.region, placed.full, placed.lesion
    settings = given.in_plane() if placed.planar else given
    missing: dict[str, str] = {}
    shaped = lesion if settings.resegment_shape else LesionInRegion(full.mask, lesion.box, region)
    with timed("shape"):
        values = dict(_shape_values(shaped, settings, planar=placed.planar))
    if placed.planar:
        missing.update({name: _NO_VOLUME for name in values if name.startswith("original_shape_")})
    for image_type in settings.image_types:
        own = settings.for_image_type(image_type)
        images = filtered_images(
            region.image, lesion.box, region.spacing_mm, image_type, own, inside=lesion.inside, planar=placed.planar
        )
        for derived in timed_each(f"filter {image_type.name}", images):
            values |= dict(_grey_values(derived, lesion.inside, placed, own, missing))
    for name, value in values.items():
        if np.isnan(value) and name not in missing:
            missing[name] = f"undefined for this lesion: {_NO_MESH_VOLUME if '_shape_' in name else _NO_NEIGHBOURS}"
    original = cut(region.image, lesion.box)
    bins = discretise(original, lesion.inside, bin_width=settings.bin_width, bin_count=settings.bin_count).n_levels
    diagnostics = {**placed.facts, "bins_original": bins}
    return LesionFeatures({name: values[name] for name in feature_names(settings)}, missing, diagnostics)


def _shape_values(lesion: LesionInRegion, settings: ExtractionSettings, *, planar: bool) -> Iterator[tuple[str, float]]:
    # As in PyRadiomics, the mask before resegmentation is cropped to the box after it.
    for family, names in settings.feature_classes:
        if family == "shape2D":
            computed = _shape2d_values(lesion, settings, names)
        elif family == "shape" and planar:
            computed = dict.fromkeys(names, float("nan"))
        elif family == "shape":
            z, y, x = lesion.region.spacing_mm[::-1]
            computed = shape(np.ascontiguousarray(lesion.inside), (z, y, x), names)
        else:
            continue
        yield from ((f"original_{family}_{name}", value) for name, value in computed.items())


def _shape2d_values(lesion: LesionInRegion, settings: ExtractionSettings, names: tuple[str, ...]) -> dict[str, float]:
    """Compute shape2D of a lesion in one slice; other lesions have no such shape, as in PyRadiomics."""
    across = settings.force_2d_dimension
    if not settings.force_2d:
        raise CaseError(
            "shape2D describes one slice of a volume, but the settings do not say across which axis",
            "set force2D: true (and force2Ddimension), or give an image of two axes, or use the class shape",
        )
    slices = lesion.inside.shape[across]
    if slices != 1:
        raise CaseError(
            f"shape2D describes one slice, but the lesion extends over {slices} slices (force2Ddimension {across})",
            "draw the lesion on one slice, or use the class shape",
        )
    row_mm, column_mm = (step for axis, step in enumerate(lesion.region.spacing_mm[::-1]) if axis != across)
    return shape2d(lesion.inside.squeeze(axis=across), (row_mm, column_mm), names)


def _grey_values(
    derived: FilteredImage,
    inside: NDArray[np.bool_],
    placed: Placed,
    settings: ExtractionSettings,
    missing: dict[str, str],
) -> Iterator[tuple[str, float]]:
    """Compute the first-order and texture features of one derived image; NaN with a reason if there is no image."""
    problem = derived.problem
    if derived.voxels is not None and not np.isfinite(derived.voxels[inside]).all():
        problem = "the filter returns values that are not finite inside the lesion"
    for family, names in settings.feature_classes:
        if family not in SHAPES and (problem or derived.voxels is None):
            missing.update({f"{derived.name}_{family}_{name}": problem for name in names})
            yield from ((f"{derived.name}_{family}_{name}", float("nan")) for name in names)
    if problem or derived.voxels is None:
        return
    binned = discretise(derived.voxels, inside, bin_width=settings.bin_width, bin_count=settings.bin_count)
    classes = {family: names for family, names in settings.feature_classes if family not in {*SHAPES, "firstorder"}}
    for family, names in settings.feature_classes:
        if family == "firstorder":
            with timed("firstorder"):
                computed = first_order(
                    derived.voxels,
                    inside,
                    bin_width=settings.bin_width,
                    bin_count=settings.bin_count,
                    voxel_array_shift=settings.voxel_array_shift,
                    voxel_volume_mm3=float(np.prod(placed.region.spacing_mm)),
                    features=names,
                    binned=binned,
                )
            yield from ((f"{derived.name}_firstorder_{name}", value) for name, value in computed.items())
    if not classes:
        return
    z, y, x = placed.region.spacing_mm[::-1]
    by_family = textures(
        binned.levels,
        binned.n_levels,
        classes,
        distances=settings.distances,
        force2d=placed.left_out(settings),
        symmetric=settings.symmetrical_glcm,
        weighting_norm=settings.weighting_norm,
        spacing_zyx=(z, y, x),
        gldm_a=settings.gldm_a,
    )
    for family, values in by_family.items():
        yield from ((f"{derived.name}_{family}_{name}", value) for name, value in values.items())

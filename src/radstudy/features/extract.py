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

from radstudy.errors import CaseError
from radstudy.features.discretise import discretise
from radstudy.features.filters import FilteredImage, filtered_images
from radstudy.features.firstorder import first_order
from radstudy.features.given import Settings, naming_files, read_given, settings_from
from radstudy.features.lesion import LesionInRegion, Placed, Prepared, place
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.features.shape import shape
from radstudy.features.texture import textures
from radstudy.imaging.box import cut
from radstudy.imaging.header import header_of
from radstudy.imaging.objects import ForeignImage
from radstudy.imaging.resample import LesionRegion
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume


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
) -> dict[str, float]:
    """Compute the radiomics features of one lesion.

    Parameters
    ----------
    image : a volume; the path of a NIfTI, NRRD or MetaImage file; or an image of SimpleITK, nibabel, TorchIO
        (ScalarImage) or MONAI (MetaTensor), see docs/batch.md.
    mask : a region of interest on the image's grid, the path of a mask file (docs/masks.md), or a label map of one of
        those libraries.
    settings : None for the reference study's extraction alone (1 mm, bin width 25, pad 5, 1,218 features; no N4, no
        normalisation); otherwise settings, a dictionary in PyRadiomics' layout, or the path of a parameter file.
    label : the lesion's label in the mask file, or "largest" or "union" as in `Roi.read`; None takes the settings'
        label, or the only one present.

    Returns
    -------
    PyRadiomics' names to values, in its order. NaN where a value does not exist (`extract_lesions` gives the reason).

    Raises
    ------
    CaseError : a file cannot be read; the mask is empty, too small, or not on the image's grid; it disappears when
        resampled; intensities inside it are not finite.
    StudyFileError : the settings cannot be used.
    UsageError : a label is given with a Roi; an array is given instead of a Volume or a Roi.
    """
    return lesion_features(image, mask, settings, label=label).values


def lesion_features(
    image: Volume | ForeignImage | str | Path,
    mask: Roi | ForeignImage | str | Path,
    settings: Settings | None = None,
    *,
    label: Label | None = None,
) -> LesionFeatures:
    """Compute the features of one lesion as `extract` does, with the reasons for those that do not exist.

    Parameters
    ----------
    image, mask, settings, label : as in `extract`.

    Raises
    ------
    CaseError, StudyFileError, UsageError : as in `extract`.
    """
    chosen = settings_from(settings)
    volume, roi = read_given(image, mask, label, otherwise=chosen.label, by=settings, resample=chosen.correct_mask)
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


def _features(prepared: Prepared, roi: Roi, settings: ExtractionSettings) -> LesionFeatures:
    placed = place(prepared, roi, settings)
    try:
        return _of_placed(placed, settings)
    except CaseError as error:
        raise error.located(reader=roi.reader, file=roi.source) from error


def _of_placed(placed: Placed, settings: ExtractionSettings) -> LesionFeatures:
    region, full, lesion = placed.region, placed.full, placed.lesion
    missing: dict[str, str] = {}
    values = dict(
        _shape_values(lesion if settings.resegment_shape else LesionInRegion(full.mask, lesion.box, region), settings)
    )
    for image_type in settings.image_types:
        own = settings.for_image_type(image_type)
        for derived in filtered_images(region.image, lesion.box, region.spacing_mm, image_type, own):
            values |= dict(_grey_values(derived, lesion.inside, region, own, missing))
    for name, value in values.items():
        if np.isnan(value) and name not in missing:
            missing[name] = f"undefined for this lesion: {_NO_MESH_VOLUME if '_shape_' in name else _NO_NEIGHBOURS}"
    original = cut(region.image, lesion.box)
    bins = discretise(original, lesion.inside, bin_width=settings.bin_width, bin_count=settings.bin_count).n_levels
    diagnostics = {**placed.facts, "bins_original": bins}
    return LesionFeatures({name: values[name] for name in feature_names(settings)}, missing, diagnostics)


def _shape_values(lesion: LesionInRegion, settings: ExtractionSettings) -> Iterator[tuple[str, float]]:
    # As in PyRadiomics, the mask before resegmentation is cropped to the box after it.
    for family, names in settings.feature_classes:
        if family == "shape":
            z, y, x = lesion.region.spacing_mm[::-1]
            for name, value in shape(np.ascontiguousarray(lesion.inside), (z, y, x), names).items():
                yield f"original_shape_{name}", value


def _grey_values(
    derived: FilteredImage,
    inside: NDArray[np.bool_],
    region: LesionRegion,
    settings: ExtractionSettings,
    missing: dict[str, str],
) -> Iterator[tuple[str, float]]:
    """Compute the first-order and texture features of one derived image; NaN with a reason if there is no image."""
    problem = derived.problem
    if derived.voxels is not None and not np.isfinite(derived.voxels[inside]).all():
        problem = "the filter returns values that are not finite inside the lesion"
    for family, names in settings.feature_classes:
        if family != "shape" and (problem or derived.voxels is None):
            missing.update({f"{derived.name}_{family}_{name}": problem for name in names})
            yield from ((f"{derived.name}_{family}_{name}", float("nan")) for name in names)
    if problem or derived.voxels is None:
        return
    binned = discretise(derived.voxels, inside, bin_width=settings.bin_width, bin_count=settings.bin_count)
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
                binned=binned,
            )
            yield from ((f"{derived.name}_firstorder_{name}", value) for name, value in computed.items())
    if not classes:
        return
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

"""Feature maps: one feature in the neighbourhood of every voxel of a lesion, like PyRadiomics' voxel-based mode.

In every voxel's cube of neighbours only those inside the lesion count (PyRadiomics' ``maskedKernel``). Grey levels
are the whole lesion's, so that a level means the same everywhere. Values are those of PyRadiomics 3.0.1, except for
JointAverage in a neighbourhood with a direction that has no pair: PyRadiomics returns NaN, this module the average over
the other directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import SHAPES, feature_names
from radstudy.errors import CaseError, UsageError
from radstudy.features.discretise import Discretised, discretise
from radstudy.features.filters import FilteredImage, filtered_images
from radstudy.features.firstorder import first_order
from radstudy.features.given import PixelSizeGiven, Settings, naming_files, read_given, settings_from
from radstudy.features.lesion import Placed, Prepared, place
from radstudy.features.names import names_of_image_type
from radstudy.features.settings import ExtractionSettings, ImageType
from radstudy.features.texture import TEXTURES, textures
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.space.axes import ijk_of_zyx

_Patch = tuple[slice, slice, slice]
_UNMASKED = "maskedKernel is false, but maps that include neighbours outside the lesion are not supported"


def feature_map(
    image: Volume | str | Path,
    mask: Roi | str | Path,
    feature: str,
    settings: Settings | None = None,
    *,
    radius: int | None = None,
    label: Label | None = None,
    pixel_size_mm: PixelSizeGiven = None,
) -> Volume:
    """Compute one feature in the neighbourhood of every voxel of a lesion.

    Parameters
    ----------
    image, mask, settings, label, pixel_size_mm : as in `radstudy.extract`.
    feature : its full name, such as ``original_glcm_Contrast`` or ``log-sigma-2-0-mm-3D_firstorder_Entropy``; its
        image must be among the settings' images. Shape has no map.
    radius : of the neighbourhood, a cube of 2 radius + 1 voxels of the resampled grid; None takes it from the settings.

    Returns
    -------
    float64 volume on the resampled grid around the lesion (spacing and margin from the settings): NaN, or the settings'
    initValue, outside the lesion; NaN where the feature does not exist in a neighbourhood.

    Raises
    ------
    CaseError, StudyFileError : as in `radstudy.extract`; or the feature's image cannot be computed for this lesion.
    UsageError : the feature, its image or the radius cannot be used; a label is given with a mask that is not a file.

    Examples
    --------
    >>> voxels = np.arange(125, dtype=np.float32).reshape(5, 5, 5)
    >>> inside = np.zeros((5, 5, 5), dtype=bool)
    >>> inside[1:4, 1:4, 1:4] = True
    >>> means = feature_map(Volume(voxels, np.eye(4)), Roi(inside, np.eye(4)), "original_firstorder_Mean",
    ...                     {"imageType": {"Original": {}}})
    >>> float(means.voxels[inside].mean())
    62.0
    """
    result = feature_maps(image, mask, [feature], settings, radius=radius, label=label, pixel_size_mm=pixel_size_mm)
    if feature in result.problems:
        raise result.problems[feature]
    return result.maps[feature]


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """Maps of one lesion with the image and the mask behind them, all on one grid.

    Parameters
    ----------
    image : the image as the features see it: resampled or cropped, with the settings' margin around the lesion.
    roi : the lesion as drawn, on that grid.
    maps : feature to its map; NaN outside the lesion.
    problems : feature to the reason why it has no map.
    radius : of the neighbourhood, voxels of the grid.
    """

    image: Volume
    roi: Roi
    maps: dict[str, Volume]
    problems: dict[str, CaseError]
    radius: int


def feature_maps(
    image: Volume | str | Path,
    mask: Roi | str | Path,
    features: Sequence[str],
    settings: Settings | None = None,
    *,
    radius: int | None = None,
    label: Label | None = None,
    pixel_size_mm: PixelSizeGiven = None,
) -> FeatureMaps:
    """Compute several features in the neighbourhood of every voxel of a lesion, which is placed and filtered once.

    Parameters
    ----------
    image, mask, settings, radius, label, pixel_size_mm : as in `feature_map`.
    features : their full names.

    Raises
    ------
    CaseError, StudyFileError : as in `radstudy.extract`. A feature whose image cannot be computed for this lesion
        raises no error; it is listed in `problems`.
    UsageError : a feature, its image or the radius cannot be used; a label is given with a mask that is not a file.
    """
    chosen = settings_from(settings)
    if not chosen.masked_kernel:
        raise UsageError(f"{_UNMASKED}. To do: write 'maskedKernel: true' in the settings' section voxelSetting")
    reach = chosen.kernel_radius if radius is None else radius
    if reach < 1:
        raise UsageError(f"the radius is {reach}; give at least 1 voxel")
    volume, roi = read_given(
        image, mask, label, otherwise=chosen.label, by=settings, resample=chosen.correct_mask,
        pixel_size_mm=pixel_size_mm,
    )  # fmt: skip
    chosen = chosen.in_plane() if volume.planar else chosen
    for feature in features:
        _parsed(feature, chosen)  # refused before the lesion is placed
    with naming_files(image, settings):
        placed = place(Prepared.of(volume, volume.header, chosen), roi, chosen)
    maps: dict[str, Volume] = {}
    problems: dict[str, CaseError] = {}
    for feature, values in mapped(placed, features, chosen, reach).items():
        if isinstance(values, CaseError):
            problems[feature] = values.located(reader=roi.reader, file=roi.source)
        else:
            maps[feature] = _as_volume(values, placed, volume, f"map of {feature}, radius {reach}")
    behind = _as_volume(placed.region.image, placed, volume, "as features see it")
    drawn = Roi(ijk_of_zyx(placed.region.mask), behind.affine, roi.label, roi.reader, roi.source)
    return FeatureMaps(behind, drawn, maps, problems, reach)


def mapped(
    placed: Placed, features: Sequence[str], settings: ExtractionSettings, radius: int
) -> dict[str, NDArray[np.float64] | CaseError]:
    """Compute features in the neighbourhood of every voxel of a placed lesion; a family's matrices are counted once.

    Parameters
    ----------
    placed : the lesion in its region.
    features : their full names.
    settings : of the extraction.
    radius : of the neighbourhood, voxels of the region.

    Returns
    -------
    feature to its map (z, y, x) of the region, the settings' initValue or NaN outside the lesion; or the reason why its
    image cannot be computed.

    Raises
    ------
    UsageError : a feature or its image cannot be used.
    """
    groups: dict[tuple[ImageType, str, str], list[str]] = {}
    for feature in features:
        image_type, image, family, name = _parsed(feature, settings)
        groups.setdefault((image_type, image, family), []).append(name)
    derived = _derived_once(placed, settings)
    results: dict[str, NDArray[np.float64] | CaseError] = {}
    for (image_type, image, family), names in groups.items():
        own = settings.for_image_type(image_type)
        try:
            voxels = derived(image_type.name, image)
        except CaseError as error:
            results |= {f"{image}_{family}_{name}": error for name in names}
            continue
        for name, values in _mapped(voxels, placed.lesion.inside, family, names, placed, own, radius).items():
            whole = _in_region(values, placed)
            if settings.init_value is not None:
                whole[~placed.region.mask] = settings.init_value
            results[f"{image}_{family}_{name}"] = whole
    return {feature: results[feature] for feature in features}


def without_map(features: Iterable[str], settings: ExtractionSettings) -> list[str]:
    """Return one message per feature that cannot be mapped with these settings; empty if all can.

    Examples
    --------
    >>> without_map(["original_firstorder_Mean", "original_shape_Sphericity"], ExtractionSettings())
    ['original_shape_Sphericity: shape describes the lesion as a whole and has no map']
    """
    if not settings.masked_kernel:
        return [f"{feature}: {_UNMASKED}" for feature in features]
    problems = []
    for feature in features:
        try:
            _parsed(feature, settings)
        except UsageError as error:
            problems.append(str(error))
    return problems


def _parsed(feature: str, settings: ExtractionSettings) -> tuple[ImageType, str, str, str]:
    """Split a full name into image type, image, family and feature."""
    image, _, rest = feature.partition("_")
    family, _, name = rest.partition("_")
    if family in SHAPES:
        raise UsageError(f"{feature}: shape describes the lesion as a whole and has no map")
    if family not in {"firstorder", *TEXTURES}:
        raise UsageError(f"{feature} is not a feature's full name; an example is original_glcm_Contrast")
    feature_names(family, [name])  # refuses unknown features
    for image_type in settings.image_types:
        if image in names_of_image_type(settings, image_type):
            return image_type, image, family, name
    known = [one for image_type in settings.image_types for one in names_of_image_type(settings, image_type)]
    raise UsageError(f"{feature}: the settings do not include the image '{image}'; choose from {', '.join(known)}")


def _derived_once(placed: Placed, settings: ExtractionSettings) -> Callable[[str, str], NDArray[Any]]:
    """Return a function for an image of an image type; a type's filters run when its first image is requested."""
    types = {image_type.name: image_type for image_type in settings.image_types}

    @cache
    def images_of(image_type: str) -> dict[str, FilteredImage]:
        own = settings.for_image_type(types[image_type])
        region, box = placed.region, placed.lesion.box
        derived = filtered_images(
            region.image, box, region.spacing_mm, types[image_type], own, inside=placed.lesion.inside,
            planar=placed.planar,
        )  # fmt: skip
        return {one.name: one for one in derived}

    return lambda image_type, name: _usable(images_of(image_type)[name], name, placed)


def _usable(derived: FilteredImage, name: str, placed: Placed) -> NDArray[Any]:
    if derived.voxels is None or derived.problem:
        raise CaseError(f"the image {name} cannot be computed: {derived.problem}", "choose a feature of another image")
    if not np.isfinite(derived.voxels[placed.lesion.inside]).all():
        raise CaseError(f"the image {name} is not finite inside the lesion", "look at the image inside the lesion")
    return derived.voxels


def _mapped(
    image: NDArray[Any],
    inside: NDArray[np.bool_],
    family: str,
    names: Sequence[str],
    placed: Placed,
    settings: ExtractionSettings,
    radius: int,
) -> dict[str, NDArray[np.float64]]:
    """Compute a family's features at every lesion voxel of the box (z, y, x), NaN elsewhere."""
    binned = discretise(image, inside, bin_width=settings.bin_width, bin_count=settings.bin_count)
    spacing: tuple[float, float, float] = (
        placed.region.spacing_mm[2], placed.region.spacing_mm[1], placed.region.spacing_mm[0]
    )  # fmt: skip
    of_patch = (
        _first_order(image, inside, binned, names, settings, float(np.prod(spacing)))
        if family == "firstorder"
        else _texture(binned, family, names, settings, spacing)
    )
    reach = [0 if settings.force_2d and axis == settings.force_2d_dimension else radius for axis in range(3)]
    values = {name: np.full(inside.shape, np.nan) for name in names}
    for z, y, x in np.argwhere(inside):
        patch = tuple(slice(max(at - far, 0), at + far + 1) for at, far in zip((z, y, x), reach, strict=True))
        for name, value in of_patch((patch[0], patch[1], patch[2])).items():
            values[name][z, y, x] = value
    return values


def _first_order(
    image: NDArray[Any],
    inside: NDArray[np.bool_],
    binned: Discretised,
    names: Sequence[str],
    settings: ExtractionSettings,
    voxel_volume_mm3: float,
) -> Callable[[_Patch], dict[str, float]]:
    def of_patch(patch: _Patch) -> dict[str, float]:
        levels, here = binned.levels[patch], inside[patch]
        counts = np.bincount(levels[here], minlength=binned.n_levels + 1)
        part = Discretised(levels, binned.n_levels, binned.edges, counts)
        return first_order(
            image[patch], here, voxel_array_shift=settings.voxel_array_shift, voxel_volume_mm3=voxel_volume_mm3,
            features=names, binned=part,
        )  # fmt: skip

    return of_patch


def _texture(
    binned: Discretised,
    family: str,
    names: Sequence[str],
    settings: ExtractionSettings,
    spacing: tuple[float, float, float],
) -> Callable[[_Patch], dict[str, float]]:
    def of_patch(patch: _Patch) -> dict[str, float]:
        return textures(
            binned.levels[patch], binned.n_levels, {family: names}, distances=settings.distances,
            force2d=settings.force_2d_dimension if settings.force_2d else None, symmetric=settings.symmetrical_glcm,
            weighting_norm=settings.weighting_norm, spacing_zyx=spacing, gldm_a=settings.gldm_a,
        )[family]  # fmt: skip

    return of_patch


def _in_region(values: NDArray[np.float64], placed: Placed) -> NDArray[np.float64]:
    """Put the values of the lesion's box (z, y, x) into its region; NaN elsewhere."""
    whole = np.full(placed.region.mask.shape, np.nan)
    (z0, z1), (y0, y1), (x0, x1) = placed.lesion.box
    whole[z0:z1, y0:y1, x0:x1] = values
    return whole


def _as_volume(values: NDArray[Any], placed: Placed, volume: Volume, step: str) -> Volume:
    """Return a region's values (z, y, x) as a volume."""
    affine = volume.affine.copy()
    affine[:3, :3] = volume.affine[:3, :3] / volume.spacing_mm * np.array(placed.region.spacing_mm)
    affine[:3, 3] = volume.affine[:3, :3] @ np.array(placed.region.start) + volume.affine[:3, 3]
    return Volume(ijk_of_zyx(values), affine, "", values.dtype, (*volume.history, step), planar=volume.planar)

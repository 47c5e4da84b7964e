"""A lesion on PyRadiomics' grid, also if image and mask do not share one: read `_placed` for the cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.compat.images import LabelledImages, UnusableLesionError, header_of_image
from radstudy.compat.settings import INTERPOLATORS
from radstudy.features.lesion import Placed, Prepared, place_in_region, place_voxels
from radstudy.features.settings import ExtractionSettings
from radstudy.formats.raster import affine_from_lps, array_ijk
from radstudy.imaging.box import Box, bounding_box
from radstudy.imaging.header import Header
from radstudy.imaging.resample import LesionRegion
from radstudy.imaging.resampling_grid import SampleGrid, resampling_grid
from radstudy.imaging.volume import Volume

_TOLERANCE_VOXELS = 1e-3  # by which a lesion's box may reach over the image's border


@dataclass(frozen=True, eq=False)
class PlacedImages:
    """A placed lesion, and the position of its region.

    Parameters
    ----------
    placed : the lesion in its region.
    header : the region's position.
    corrected : the mask (z, y, x) on the image's grid, if it had to be sampled there; None if not.
    """

    placed: Placed
    header: Header
    corrected: NDArray[np.bool_] | None = None


def place_given(given: LabelledImages, settings: ExtractionSettings, tolerance: float | None) -> PlacedImages:
    """Put the lesion into its region; see `_placed` for image and mask on different grids.

    Parameters
    ----------
    given : image and mask.
    settings : of the extraction.
    tolerance : `geometryTolerance`, see `LabelledImages.same_grid`.

    Raises
    ------
    UnusableLesionError : the grids differ and `correctMask` is off, or the lesion reaches outside the image.
    CaseError : as in `radstudy.extract`.
    """
    placed = _placed(given, settings, tolerance)
    if not (given.planar and settings.force_2d):
        return placed
    # In an image of two axes PyRadiomics takes force2Ddimension 0 as y, so that textures follow x only.
    across = settings.force_2d_dimension + 1
    return replace(placed, placed=replace(placed.placed, texture_axis=across))


def _placed(given: LabelledImages, settings: ExtractionSettings, tolerance: float | None) -> PlacedImages:
    """Put the lesion into its region.

    A mask on the image's grid is taken voxel by voxel. Another one is sampled on the image's grid by nearest neighbour
    if `correctMask` asks for it; with resampling, image and mask are both sampled on the new grid, which the mask's
    own grid determines.
    """
    image, mask = header_of_image(given.image), header_of_image(given.mask)
    resampling = settings.resampled_spacing_mm is not None and settings.interpolator is not None
    prepared = _prepared(given, image, settings)
    same = given.same_grid(tolerance)
    if same and (not resampling or image == mask):
        return _in_image(prepared, given.inside, settings)
    if resampling:
        box = _box_inside_image(given, image, mask)
        grid = resampling_grid(box, given.inside.shape, mask, settings.resampled_spacing_mm or (0, 0, 0),
                               settings.pad_distance)  # fmt: skip
        wanted = mask.spacing_mm if grid is None else grid.spacing_mm
        if np.allclose(image.spacing_mm, wanted):
            return _in_image(prepared, _on_image(given), settings)
        if grid is None:
            grid = _own_grid(box, given.inside.shape, mask, settings.pad_distance)
        return _in_grid_of_mask(prepared, given, mask, grid, settings)
    if not settings.correct_mask:
        raise UnusableLesionError(*_difference(given))
    _box_inside_image(given, image, mask)
    corrected = _on_image(given)
    found_there = _in_image(prepared, corrected, settings)
    return PlacedImages(found_there.placed, found_there.header, None if settings.pre_crop else corrected)


def _prepared(given: LabelledImages, header: Header, settings: ExtractionSettings) -> Prepared:
    voxels = array_ijk(given.image)
    affine = affine_from_lps(header.origin_mm, header.spacing_mm, header.direction)
    volume = Volume(voxels, affine, stored_dtype=voxels.dtype, planar=given.planar)
    return Prepared.of(volume, header, settings)


def _in_image(prepared: Prepared, inside: NDArray[np.bool_], settings: ExtractionSettings) -> PlacedImages:
    placed = place_voxels(prepared, inside, settings)
    return PlacedImages(placed, moved(prepared.header, placed.region.start, placed.region.spacing_mm))


def moved(header: Header, start: tuple[float, ...], spacing_mm: tuple[float, ...]) -> Header:
    """Return the header of a grid that starts at a continuous index (x, y, z) of another, with its own spacing."""
    origin = header.itk_image().TransformContinuousIndexToPhysicalPoint(list(start))
    return Header(tuple(spacing_mm), origin, header.direction)


# --- image and mask on different grids ---------------------------------------------------------------------------


def _difference(given: LabelledImages) -> tuple[str, str]:
    """Return the problem and the remedy for grids that differ."""
    for what, image, mask in (
        ("size", given.image.GetSize(), given.mask.GetSize()),
        ("spacing", given.image.GetSpacing(), given.mask.GetSpacing()),
        ("origin", given.image.GetOrigin(), given.mask.GetOrigin()),
        ("direction", given.image.GetDirection(), given.mask.GetDirection()),
    ):
        if what == "direction" or not np.allclose(image, mask, rtol=0, atol=1e-6 * given.image.GetSpacing()[0]):
            break
    remedy = "set correctMask to True to sample the mask on the image's grid"
    if what != "size":
        remedy += ", or raise geometryTolerance if it is only rounding"
    return f"image and mask lie on different grids: the {what} is {image} and {mask}", remedy


def _box_inside_image(given: LabelledImages, image: Header, mask: Header) -> Box:
    """Return the lesion's box on the mask's grid, or refuse one that reaches outside the image."""
    box = bounding_box(given.inside)
    assert box is not None  # the label is present
    ends = np.array([[first - 0.5 for first, _ in box[::-1]], [last - 0.5 for _, last in box[::-1]]])
    from_mask, to_image = mask.itk_image(), image.itk_image()
    there = np.array([
        to_image.TransformPhysicalPointToContinuousIndex(from_mask.TransformContinuousIndexToPhysicalPoint(end))
        for end in ends.tolist()
    ])  # fmt: skip
    limit = np.array(given.image.GetSize()) - 0.5 + _TOLERANCE_VOXELS
    if (there.min(axis=0) < -0.5 - _TOLERANCE_VOXELS).any() or (there.max(axis=0) > limit).any():
        low, high = (tuple(np.round(one, 2).tolist()) for one in (there.min(axis=0), there.max(axis=0)))
        raise UnusableLesionError(
            f"the lesion reaches outside the image: it extends from voxel {low} to {high} of {given.image.GetSize()}",
            "give the image that it was drawn on",
        )
    return box


def _on_image(given: LabelledImages) -> NDArray[np.bool_]:
    sampled = sitk.Resample(given.mask, given.image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    inside: NDArray[np.bool_] = sitk.GetArrayViewFromImage(sampled) == given.label
    return inside


def _own_grid(box: Box, shape: tuple[int, ...], mask: Header, pad: int) -> SampleGrid:
    """Return the part of the mask's own grid around the lesion: its spacing is the new one, and not the image's."""
    first = [max(low - pad - 1, 0) for low, _ in box[::-1]]
    last = [min(high + pad, size - 1) for (_, high), size in zip(box[::-1], shape[::-1], strict=True)]
    x, y, z = (end - begin + 1 for begin, end in zip(first, last, strict=True))
    none: Any = ()
    return SampleGrid((x, y, z), (mask.spacing_mm[0], mask.spacing_mm[1], mask.spacing_mm[2]), none, none,
                      tuple(map(float, first)))  # fmt: skip


def _in_grid_of_mask(
    prepared: Prepared, given: LabelledImages, mask: Header, grid: SampleGrid, settings: ExtractionSettings
) -> PlacedImages:
    voxels = np.ascontiguousarray(prepared.voxels, dtype=prepared.dtype)
    image = sitk.GetImageFromArray(voxels)
    image.CopyInformation(given.image)
    header = moved(mask, grid.start, grid.spacing_mm)
    kind = INTERPOLATORS[settings.interpolator or "sitkBSpline"]
    region = LesionRegion(
        sitk.GetArrayFromImage(_sampled(image, header, grid, kind)),
        sitk.GetArrayFromImage(_sampled(given.mask, header, grid, sitk.sitkNearestNeighbor)) == given.label,
        grid.spacing_mm,
        grid.start,
    )
    native = int(np.count_nonzero(given.inside))
    placed = place_in_region(region, settings, native, native * float(np.prod(mask.spacing_mm)), planar=given.planar)
    return PlacedImages(placed, header)


def _sampled(image: sitk.Image, header: Header, grid: SampleGrid, kind: int) -> sitk.Image:
    return sitk.Resample(
        image, grid.size, sitk.Transform(), kind, header.origin_mm, header.spacing_mm, header.direction, 0,
        image.GetPixelID(),
    )  # fmt: skip

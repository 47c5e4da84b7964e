"""IBSI's diagnostic features: the image and the masks before and after each step of the preparation."""

from __future__ import annotations

from collections.abc import Iterator

from radstudy.features.ibsi.preparation import Mask, PreparedLesion, Stage
from radstudy.imaging.box import bounding_box


def diagnostics(lesion: PreparedLesion) -> dict[str, float]:
    """Compute sizes, spacings, voxel counts and intensities of the image and masks, by IBSI tag.

    Parameters
    ----------
    lesion : the lesion before and after interpolation and resegmentation.

    Returns
    -------
    values : dimensions in voxels, spacings in mm, intensities in the image's unit.
    """
    values: dict[str, float] = {}
    for step, stage in (("init", lesion.initial), ("interp", lesion.interpolated)):
        values |= {f"{tag}_{step}_img": value for tag, value in _of_image(stage)}
    for step, stage in (("init", lesion.initial), ("interp", lesion.interpolated), ("reseg", lesion.resegmented)):
        values |= {f"{tag}_{step}_roi": value for tag, value in _of_masks(stage)}
    return values


def _of_image(stage: Stage) -> Iterator[tuple[str, float]]:
    for axis, size, mm in zip("zyx", stage.image.shape, stage.spacing_mm, strict=True):
        yield f"img_dim_{axis}", float(size)
        yield f"vox_dim_{axis}", mm
    yield "mean_int", float(stage.image.mean())
    yield "min_int", float(stage.image.min())
    yield "max_int", float(stage.image.max())


def _of_masks(stage: Stage) -> Iterator[tuple[str, float]]:
    for axis, size in zip("zyx", stage.image.shape, strict=True):
        yield f"int_mask_dim_{axis}", float(size)
    for name, mask in (("int_mask", stage.intensity_mask), ("morph_mask", stage.morphological_mask)):
        for axis, size in zip("zyx", _extent(mask), strict=True):
            yield f"{name}_bb_dim_{axis}", float(size)
        yield f"{name}_vox_count", float(mask.sum())
    yield "int_mask_mean_int", float(stage.values.mean())
    yield "int_mask_min_int", float(stage.values.min())
    yield "int_mask_max_int", float(stage.values.max())


def _extent(mask: Mask) -> list[int]:
    return [last - first for first, last in bounding_box(mask) or ()]

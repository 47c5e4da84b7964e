"""The diagnostics_ entries of an extraction: versions, settings, and facts about image and mask at each stage.

Names, types and values are PyRadiomics'; only the versions say that it was another program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from radstudy._version import __version__
from radstudy.compat.images import LabelledImages, header_of_image
from radstudy.compat.placing import PlacedImages
from radstudy.compat.toolbox import CONVENTIONS
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.box import bounding_box, cut
from radstudy.imaging.header import Header

_PREFIX = "diagnostics_"


def diagnostics(
    given: LabelledImages,
    placed: PlacedImages,
    settings: ExtractionSettings,
    said: dict[str, Any],
    image_types: dict[str, Any],
) -> Iterator[tuple[str, Any]]:
    """Describe one extraction, in PyRadiomics' order.

    Parameters
    ----------
    given : image and mask as they were read.
    placed : the lesion in its region.
    settings : of the extraction.
    said : the settings as the extractor has them.
    image_types : the enabled image types as the extractor has them.
    """
    yield from _versions()
    yield f"{_PREFIX}Configuration_Settings", said
    yield f"{_PREFIX}Configuration_EnabledImageTypes", image_types
    axes = 2 if given.planar else 3
    image, mask = given.as_given
    yield f"{_PREFIX}Image-original_Hash", sitk.Hash(image)
    yield f"{_PREFIX}Image-original_Dimensionality", f"{axes}D"
    header = header_of_image(given.image)
    yield from _image_facts("original", sitk.GetArrayViewFromImage(given.image), header, axes)
    yield f"{_PREFIX}Mask-original_Hash", sitk.Hash(mask)
    yield from _mask_facts("original", given.inside, header_of_image(given.mask), None, axes)
    region, there = placed.placed.region, placed.header
    if settings.resampled_spacing_mm is not None and settings.interpolator is not None:
        yield from _image_facts("interpolated", region.image, there, axes)
        yield from _mask_facts("interpolated", region.mask, there, region.image, axes)
    if placed.corrected is not None:
        yield from _mask_facts("corrected", placed.corrected, header, region.image, axes)
    if settings.resegment_range is not None:
        yield from _mask_facts("resegmented", placed.placed.lesion.mask, there, region.image, axes)


def _versions() -> Iterator[tuple[str, str]]:
    yield f"{_PREFIX}Versions_PyRadiomics", f"radstudy {__version__} (conventions of PyRadiomics {CONVENTIONS})"
    yield f"{_PREFIX}Versions_Numpy", np.__version__
    yield f"{_PREFIX}Versions_SimpleITK", sitk.Version().VersionString()
    yield f"{_PREFIX}Versions_PyWavelet", "not used"
    yield f"{_PREFIX}Versions_Python", ".".join(map(str, sys.version_info[:3]))


def _image_facts(stage: str, voxels: NDArray[Any], header: Header, axes: int) -> Iterator[tuple[str, Any]]:
    yield f"{_PREFIX}Image-{stage}_Spacing", tuple(map(float, header.spacing_mm[:axes]))
    yield f"{_PREFIX}Image-{stage}_Size", tuple(map(int, voxels.shape[::-1][:axes]))
    yield from _levels(f"{_PREFIX}Image-{stage}", voxels)


def _mask_facts(
    stage: str, inside: NDArray[np.bool_], header: Header, voxels: NDArray[Any] | None, axes: int
) -> Iterator[tuple[str, Any]]:
    """Describe a mask (z, y, x), and the image inside it if there is one on the same grid."""
    name = f"{_PREFIX}Mask-{stage}"
    box = bounding_box(inside)
    assert box is not None  # an empty mask was refused
    part = cut(inside, box)
    low = [first for first, _ in box]
    places = np.nonzero(part)
    centre = tuple(float(np.mean(at + begin)) for at, begin in zip(places[::-1], low[::-1], strict=True))
    yield f"{name}_Spacing", tuple(map(float, header.spacing_mm[:axes]))
    yield f"{name}_Size", tuple(map(int, inside.shape[::-1][:axes]))
    yield f"{name}_BoundingBox", (*low[::-1][:axes], *part.shape[::-1][:axes])
    yield f"{name}_VoxelNum", int(places[0].size)
    yield f"{name}_VolumeNum", int(ndimage.label(part, np.ones((3, 3, 3)))[1])
    point = header.itk_image().TransformContinuousIndexToPhysicalPoint(list(centre))
    yield f"{name}_CenterOfMassIndex", centre[:axes]
    yield f"{name}_CenterOfMass", point[:axes]
    if voxels is not None:
        yield from _levels(name, cut(voxels, box)[part])


def _levels(name: str, voxels: NDArray[Any]) -> Iterator[tuple[str, np.float64]]:
    yield f"{name}_Mean", np.mean(voxels, dtype=np.float64)
    yield f"{name}_Minimum", np.float64(voxels.min())
    yield f"{name}_Maximum", np.float64(voxels.max())

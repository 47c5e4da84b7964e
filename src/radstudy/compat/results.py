"""Values of an extraction under PyRadiomics' names, in its order and in its types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.catalogue import SHAPES
from radstudy.compat.placing import PlacedImages, moved
from radstudy.errors import CaseError
from radstudy.features.extract import placed_features
from radstudy.features.filters import log_problem
from radstudy.features.maps import mapped
from radstudy.features.names import feature_names, names_of_image_type
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.box import cut, padded
from radstudy.imaging.header import Header

# PyRadiomics returns these as NumPy scalars, all others as arrays without axes.
_SCALARS = {
    "shape": (
        "Compactness1", "Elongation", "Flatness", "LeastAxisLength", "MajorAxisLength", "MinorAxisLength",
        "VoxelVolume",
    ),
    "shape2D": ("Elongation", "MajorAxisLength", "MinorAxisLength", "PixelSurface", "Sphericity"),
}  # fmt: skip


def lesion_values(placed: PlacedImages, settings: ExtractionSettings) -> Iterator[tuple[str, Any]]:
    """Compute the features of a lesion; those of an image that PyRadiomics leaves out are left out.

    Parameters
    ----------
    placed : the lesion in its region.
    settings : of the extraction.
    """
    absent = _absent_images(placed, settings)
    for name, value in placed_features(placed.placed, settings).values.items():
        image, family, feature = name.split("_")
        if image not in absent:
            yield name, np.float64(value) if feature in _SCALARS.get(family, ()) else np.array(value)


def lesion_maps(placed: PlacedImages, settings: ExtractionSettings) -> Iterator[tuple[str, sitk.Image]]:
    """Compute a map of each feature but shape: SimpleITK images of the lesion's box with a margin of one kernel.

    Parameters
    ----------
    placed : the lesion in its region.
    settings : of the extraction.

    Raises
    ------
    CaseError : an image that a map needs cannot be computed for this lesion.
    """
    settings = settings.in_plane() if placed.placed.planar else settings
    absent = _absent_images(placed, settings)
    names = [name for name in feature_names(settings) if name.split("_")[1] not in SHAPES]
    names = [name for name in names if name.split("_")[0] not in absent]
    region = placed.placed.region
    around = padded(placed.placed.lesion.box, settings.kernel_radius, region.mask.shape)
    header = moved(placed.header, tuple(float(first) for first, _ in around[::-1]), region.spacing_mm)
    for name, values in mapped(placed.placed, names, settings, settings.kernel_radius).items():
        if isinstance(values, CaseError):
            raise values
        image = image_at(cut(values, around), header)
        yield name, image[:, :, 0] if placed.placed.planar else image


def _absent_images(placed: PlacedImages, settings: ExtractionSettings) -> set[str]:
    """Return the names of the images that PyRadiomics leaves out.

    These are LoG images if the region is too small for their sigma, and LBP3D of an image of two axes.
    """
    region, planar = placed.placed.region, placed.placed.planar
    axes = 2 if planar else 3
    size, spacing = region.image.shape[3 - axes :], region.spacing_mm[:axes]
    absent: set[str] = set()
    for image_type in settings.image_types:
        names = names_of_image_type(settings, image_type)
        if image_type.name == "LoG":
            sigmas = settings.for_image_type(image_type).sigma
            pairs = zip(sigmas, names, strict=True)
            absent.update(name for sigma, name in pairs if log_problem(size, spacing, sigma))
        elif image_type.name == "LBP3D" and planar:
            absent.update(names)
    return absent


def image_at(values: NDArray[Any], header: Header) -> sitk.Image:
    """Return a SimpleITK image of voxels (z, y, x)."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values))
    image.SetSpacing(header.spacing_mm)
    image.SetOrigin(header.origin_mm)
    image.SetDirection(header.direction)
    return image

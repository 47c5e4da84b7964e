"""Steps before the features, as functions on SimpleITK images: PyRadiomics' names for what `execute` does by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.compat.images import header_of_image, labelled_images, unusable
from radstudy.compat.placing import PlacedImages, place_given
from radstudy.compat.results import image_at
from radstudy.compat.settings import extraction_settings
from radstudy.compat.toolbox import logger
from radstudy.errors import CaseError
from radstudy.features.filters import filtered_images
from radstudy.imaging.box import bounding_box

Filtered = Iterator[tuple[sitk.Image, str, dict[str, Any]]]
_UNPREPARED = {"normalize": False, "resampledPixelSpacing": None, "preCrop": False, "resegmentRange": None}


def prepared(image: Any, mask: Any, **settings: Any) -> tuple[sitk.Image, sitk.Image]:
    """Return image and mask as features see them: normalised, resampled, cropped, resegmented as the settings say.

    The mask has the label inside the lesion and 0 elsewhere.
    """
    placed, label = _placed(image, mask, settings)
    region, inside = placed.placed.region, placed.placed.lesion.mask
    voxels = image_at(region.image, placed.header)
    labels = image_at(inside.astype(np.uint32) * np.uint32(label), placed.header)
    return (voxels[:, :, 0], labels[:, :, 0]) if placed.placed.planar else (voxels, labels)


def _placed(image: Any, mask: Any, settings: dict[str, Any]) -> tuple[PlacedImages, int]:
    given = labelled_images(image, mask, settings.get("label", 1), settings.get("label_channel"))
    chosen = extraction_settings(settings, {}, {}, lambda text: logger.debug("%s", text), planar=given.planar)
    try:
        return place_given(given, chosen, settings.get("geometryTolerance")), given.label
    except CaseError as error:
        raise unusable(error, mask) from error


def getMask(mask: Any, **settings: Any) -> sitk.Image:
    """Return a mask of whole numbers that has the label, of one channel; a ValueError if it has not."""
    one = mask if isinstance(mask, sitk.Image) else sitk.ReadImage(str(mask))
    any_image = sitk.Image(one.GetSize(), sitk.sitkUInt8)
    return labelled_images(any_image, one, settings.get("label", 1), settings.get("label_channel")).as_given[1]


def checkMask(imageNode: Any, maskNode: Any, **settings: Any) -> tuple[NDArray[np.int64], sitk.Image | None]:
    """Check a mask as `execute` does.

    Returns
    -------
    box : first and last voxel along x, y and z: (x, x, y, y, z, z); along x and y for two axes.
    corrected : the mask on the image's grid if it had to be sampled there (correctMask); None otherwise.

    Raises
    ------
    UnusableLesionError : the mask does not lie on the image's grid, or is too small (a ValueError).
    """
    placed, label = _placed(imageNode, maskNode, {**settings, **_UNPREPARED})
    box = bounding_box(placed.placed.region.mask)
    assert box is not None  # an empty mask was refused
    corrected = None
    if placed.corrected is not None:
        corrected = image_at(placed.corrected.astype(np.uint32) * np.uint32(label), placed.header)
        corrected = corrected[:, :, 0] if placed.placed.planar else corrected
    axes = box[:0:-1] if placed.placed.planar else box[::-1]
    return np.array([end for first, last in axes for end in (first, last - 1)]), corrected


def cropToTumorMask(
    imageNode: sitk.Image, maskNode: sitk.Image, boundingBox: Any, *, padDistance: int = 0, **_settings: Any
) -> tuple[sitk.Image, sitk.Image]:
    """Cut image and mask to a box that `checkMask` returned, with a margin of so many voxels."""
    ends = np.asarray(boundingBox).reshape(-1, 2)
    cut = tuple(slice(max(int(first) - padDistance, 0), int(last) + padDistance + 1) for first, last in ends)
    return imageNode[cut], maskNode[cut]


def resampleImage(imageNode: Any, maskNode: Any, **settings: Any) -> tuple[sitk.Image, sitk.Image]:
    """Resample image and mask around the lesion to resampledPixelSpacing."""
    if settings.get("resampledPixelSpacing") is None:
        raise ValueError("resampledPixelSpacing is not given: give the new spacing (x, y, z) in mm")
    return prepared(imageNode, maskNode, **{**settings, "normalize": False, "resegmentRange": None, **_ANY_SIZE})


def normalizeImage(image: sitk.Image, **settings: Any) -> sitk.Image:
    """Normalise an image by the mean and the standard deviation of all its voxels."""
    everywhere = sitk.Cast(image * 0, sitk.sitkUInt8) + 1
    chosen = {name: settings[name] for name in ("normalizeScale", "removeOutliers") if name in settings}
    return prepared(image, everywhere, normalize=True, **chosen, **_ANY_SIZE)[0]


def resegmentMask(imageNode: Any, maskNode: Any, **settings: Any) -> sitk.Image:
    """Return the part of a mask whose grey levels lie in resegmentRange."""
    if settings.get("resegmentRange") is None:
        raise ValueError("resegmentRange is not given: give one or two limits")
    wanted = {**settings, **_UNPREPARED, "resegmentRange": settings["resegmentRange"]}
    return prepared(imageNode, maskNode, **wanted)[1]


_ANY_SIZE = {"minimumROIDimensions": 1, "minimumROISize": None}


def _filter(image_type: str) -> Callable[..., Filtered]:
    def derived(inputImage: sitk.Image, inputMask: Any = None, **settings: Any) -> Filtered:
        known = {name: value for name, value in settings.items() if name not in _UNPREPARED}
        chosen = extraction_settings(known, {image_type: {}}, {}, lambda text: logger.debug("%s", text))
        planar = inputImage.GetDimension() == 2
        image = sitk.JoinSeries(inputImage) if planar else inputImage
        chosen = chosen.in_plane() if planar else chosen
        voxels = sitk.GetArrayFromImage(image)
        inside = np.ones(voxels.shape, dtype=bool)
        if inputMask is not None:
            inside = sitk.GetArrayFromImage(inputMask).reshape(voxels.shape) == settings.get("label", 1)
        z, y, x = ((0, size) for size in voxels.shape)
        for one in filtered_images(
            voxels, (z, y, x), image.GetSpacing(), chosen.image_types[0], chosen, inside=inside, planar=planar
        ):
            if one.voxels is None:
                logger.warning("%s is left out: %s", one.name, one.problem)
                continue
            filtered = image_at(one.voxels, header_of_image(image))
            yield filtered[:, :, 0] if planar else filtered, one.name, settings

    derived.__doc__ = f"Yield the {image_type} images of a whole image, each with its name and the settings."
    return derived


getOriginalImage = _filter("Original")
getLoGImage = _filter("LoG")
getWaveletImage = _filter("Wavelet")
getSquareImage = _filter("Square")
getSquareRootImage = _filter("SquareRoot")
getLogarithmImage = _filter("Logarithm")
getExponentialImage = _filter("Exponential")
getGradientImage = _filter("Gradient")
getLBP2DImage = _filter("LBP2D")
getLBP3DImage = _filter("LBP3D")

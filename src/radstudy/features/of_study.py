"""Extraction settings of a study, from its section ``extract`` or from the parameter file that it names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from radstudy.errors import StudyFileError
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.lesion_check import LesionRules
from radstudy.protocol.sections import Extract
from radstudy.protocol.shipped import Preset, feature_set

_FEATURE_SETS = ("pyradiomics-1218",)  # values of the study file that name a frozen list


def settings_of_study(section: Extract, folder: Path) -> ExtractionSettings:
    """Return the extraction settings of the section ``extract`` of study.yaml.

    Parameters
    ----------
    section : the section.
    folder : the folder that the path of a PyRadiomics parameter file is relative to.

    Raises
    ------
    StudyFileError : the parameter file, an image type, a class or a feature cannot be used.
    """
    if section.params is not None:
        return _of_volumes(ExtractionSettings.from_pyradiomics(folder / section.params), str(folder / section.params))
    settings = ExtractionSettings.from_pyradiomics(
        {"setting": _setting(section), "imageType": _images(section), "featureClass": _classes(section)}
    )
    if isinstance(section.features, str) and section.features in _FEATURE_SETS:
        return replace(settings, feature_classes=tuple(feature_set(section.features).items()))
    return _of_volumes(settings, "the study file's section extract")


def _of_volumes(settings: ExtractionSettings, where: str) -> ExtractionSettings:
    """Refuse the shape of one plane before anything is read: a study's images are volumes."""
    if any(family == "shape2D" for family, _ in settings.feature_classes):
        raise StudyFileError(
            f"{where}: the class shape2D describes one slice, but a study's images are volumes. Use the class shape; "
            "for images of two axes, `radstudy extract`."
        )
    return settings


@cache
def her2_ihc2plus() -> ExtractionSettings:
    """Return the reference study's extraction settings, version 1 of its preset: 1,218 features."""
    section = Extract.model_validate(Preset("her2-ihc2plus", 1).settings()["extract"])
    return settings_of_study(section, Path())


def lesion_rules(settings: ExtractionSettings, section: Extract) -> LesionRules:
    """Return the rules that a lesion is checked against before extraction: the extraction's grid, bins and filters.

    Parameters
    ----------
    settings : of the extraction, from the section or from a parameter file.
    section : of the study file, for the smallest lesion that the study accepts.
    """
    original = next((image for image in settings.image_types if image.name == "Original"), None)
    binned = settings if original is None else settings.for_image_type(original)
    # bins of the prepared image are meaningless if the extraction changes its grey levels or its mask first
    as_prepared = not settings.normalize and settings.resegment_range is None
    return LesionRules(
        spacing_mm=settings.resampled_spacing_mm if settings.interpolator is not None else None,
        pad=settings.pad_distance,
        bin_width=binned.bin_width if binned.bin_count is None and as_prepared else None,
        sigmas_mm=tuple(
            dict.fromkeys(
                float(sigma)
                for image in settings.image_types
                if image.name == "LoG"
                for sigma in settings.for_image_type(image).sigma
            )
        ),
        minimum_native=section.minimum_native_voxels,
        minimum_resampled=section.minimum_voxels,
    )


def _setting(section: Extract) -> dict[str, Any]:
    setting: dict[str, Any] = {"padDistance": section.margin_voxels}
    if section.spacing_mm is not None:
        setting |= {"resampledPixelSpacing": list(section.spacing_mm), "interpolator": "sitkBSpline"}
    if section.bin_count is not None:
        setting["binCount"] = section.bin_count
    else:
        setting["binWidth"] = section.bin_width
    return setting


def _images(section: Extract) -> dict[str, Any]:
    images: dict[str, Any] = {"Original": {}} if section.images.original else {}
    if section.images.log_sigma_mm:
        images["LoG"] = {"sigma": list(section.images.log_sigma_mm)}
    if section.images.wavelet is not None:
        images["Wavelet"] = {"wavelet": section.images.wavelet}
    return images


def _classes(section: Extract) -> dict[str, Any]:
    if isinstance(section.features, dict):
        return dict(section.features)
    return dict.fromkeys(("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))

"""The extraction settings that a study file's section asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from radstudy.features.settings import ExtractionSettings, her2_ihc2plus
from radstudy.protocol.sections import Extract


def settings_of_study(section: Extract, folder: Path) -> ExtractionSettings:
    """Extraction settings of the section ``extract`` of study.yaml.

    Parameters
    ----------
    section : the section.
    folder : what the path of a PyRadiomics parameter file is relative to.

    Raises
    ------
    StudyFileError : the parameter file, an image type, a class or a feature cannot be used.
    """
    if section.params is not None:
        return ExtractionSettings.from_pyradiomics(folder / section.params)
    settings = ExtractionSettings.from_pyradiomics(
        {"setting": _setting(section), "imageType": _images(section), "featureClass": _classes(section)}
    )
    if section.features == "pyradiomics-1218":
        return replace(settings, feature_classes=her2_ihc2plus().feature_classes)
    return settings


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

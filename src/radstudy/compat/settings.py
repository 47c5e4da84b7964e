"""An extractor's dictionaries as extraction settings; names without effect in PyRadiomics are reported, and ignored."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from radstudy.errors import StudyFileError
from radstudy.features.parameter_file import EQUAL_TO_ANOTHER, UNSUPPORTED
from radstudy.features.setting_values import SETTINGS, VOXEL_SETTINGS
from radstudy.features.settings import ExtractionSettings

DEFAULTS: dict[str, Any] = {
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "normalize": False,
    "normalizeScale": 1,
    "removeOutliers": None,
    "resampledPixelSpacing": None,
    "interpolator": "sitkBSpline",
    "preCrop": False,
    "padDistance": 5,
    "distances": [1],
    "force2D": False,
    "force2Ddimension": 0,
    "resegmentRange": None,
    "label": 1,
    "additionalInfo": True,
}
"""The settings of an extractor that was given none, in PyRadiomics' order."""

INTERPOLATORS = {
    "sitkBSpline": sitk.sitkBSpline,
    "sitkLinear": sitk.sitkLinear,
    "sitkNearestNeighbor": sitk.sitkNearestNeighbor,
}
"""Names of interpolators to SimpleITK's numbers, which differ between its versions."""

_OF_THE_CALL = ("label", "label_channel", "additionalInfo")  # read by execute() itself
_NAMED = {number: name for name, number in INTERPOLATORS.items()}
_KNOWN = {*SETTINGS, *VOXEL_SETTINGS, *UNSUPPORTED, *_OF_THE_CALL} - {"enableCExtensions"}


class UnusableSettingsError(StudyFileError, ValueError):
    """Settings of an extractor cannot be used; a ValueError too, since that is what scripts catch."""


def extraction_settings(
    settings: Mapping[str, Any],
    image_types: Mapping[str, Mapping[str, Any] | None],
    features: Mapping[str, Any],
    remark: Callable[[str], None],
    *,
    planar: bool = False,
) -> ExtractionSettings:
    """Check an extractor's state, and return it as extraction settings.

    Parameters
    ----------
    settings, image_types, features : the extractor's settings, enabledImagetypes and enabledFeatures.
    remark : called with a sentence for everything that has no effect.
    planar : whether the image has two axes: it has no volume, and its spacing two numbers.

    Raises
    ------
    UnusableSettingsError : a value cannot be used, or something is not supported.
    """
    known = _known_settings(settings, remark)
    if known.get("resampledPixelSpacing") is None:
        known.pop("interpolator", None)  # not looked at then, as in PyRadiomics
    if isinstance(known.get("interpolator"), int):
        known["interpolator"] = _NAMED.get(known["interpolator"], known["interpolator"])
    if planar and known.get("resampledPixelSpacing") is not None:
        known["resampledPixelSpacing"] = _in_space(known["resampledPixelSpacing"])
    content = {
        "setting": {name: value for name, value in known.items() if name not in VOXEL_SETTINGS},
        "voxelSetting": {name: value for name, value in known.items() if name in VOXEL_SETTINGS},
        "imageType": {name: _known_settings(own or {}, remark) for name, own in image_types.items()},
        "featureClass": _computed_features(features, _without_shape(known, planar=planar), remark),
    }
    try:
        chosen = ExtractionSettings.from_pyradiomics(content)
    except StudyFileError as error:
        raise UnusableSettingsError(str(error)) from error
    if planar and chosen.force_2d:
        _require_in_plane(chosen)
    empty: dict[str, Any] = {}  # an empty section would mean all that are usual
    if not content["imageType"]:
        empty["image_types"] = ()
    if not content["featureClass"]:
        empty["feature_classes"] = ()
    return replace(chosen, **empty)


def _known_settings(settings: Mapping[str, Any], remark: Callable[[str], None]) -> dict[str, Any]:
    known = {}
    for name, value in settings.items():
        if name in _KNOWN:
            known[name] = plain_value(value)
            continue
        near = difflib.get_close_matches(name, _KNOWN, n=1)
        asked = f"; did you mean {near[0]}?" if near else ""
        remark(f"{name} is not a setting of PyRadiomics 3.0.1: it has no effect, as there{asked}")
    return {name: value for name, value in known.items() if name not in _OF_THE_CALL}


def _require_in_plane(settings: ExtractionSettings) -> None:
    """Refuse what force2D makes of an image of two axes in PyRadiomics, and is not reproduced."""
    if any(one.name == "Wavelet" for one in settings.image_types):
        raise UnusableSettingsError(
            "force2D is True, and the image has two axes: PyRadiomics then filters wavelets along one axis only, which "
            "is not supported. Set force2D to False: the image stays in its plane without it"
        )
    if settings.force_2d_dimension > 1:
        raise UnusableSettingsError("force2Ddimension is 2, but the image has two axes: give 0 or 1, or leave force2D")


def _in_space(spacing: Any) -> Any:
    """Return the spacing of two axes with a third that is kept."""
    if not isinstance(spacing, list) or len(spacing) != 2:
        raise UnusableSettingsError(f"resampledPixelSpacing is {spacing}, but the image has two axes: give two numbers")
    return [*spacing, 0]


def _without_shape(settings: Mapping[str, Any], *, planar: bool) -> dict[str, str]:
    """Return the shape class that PyRadiomics leaves out of such an extraction, and why."""
    if planar:
        return {"shape": "shape is not computed: the image has two axes, which shape2D describes"}
    if settings.get("force2D"):
        return {}
    return {"shape2D": "shape2D is not computed: it needs force2D to be True, as in PyRadiomics"}


def _computed_features(
    features: Mapping[str, Any], absent: Mapping[str, str], remark: Callable[[str], None]
) -> dict[str, list[str]]:
    """Return the classes with their named features ([] for all); those that PyRadiomics leaves out are left out."""
    computed = {}
    for family, named in features.items():
        if family in absent:
            remark(absent[family])
            continue
        names = list(dict.fromkeys(named or ()))
        kept = [name for name in names if (family, name) not in EQUAL_TO_ANOTHER]
        for name in names:
            if name not in kept:
                remark(f"{family} {name} is not computed, as in PyRadiomics: {EQUAL_TO_ANOTHER[family, name]}")
        if kept or not names:
            computed[family] = kept
    return computed


def plain_value(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, and tuples as lists, at any depth."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    return value

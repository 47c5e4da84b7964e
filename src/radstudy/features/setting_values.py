"""PyRadiomics' settings by name: the attribute of `ExtractionSettings` for each, and its allowed values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from radstudy.features.wavelets import WAVELETS

_INTERPOLATORS = ("sitkBSpline", "sitkLinear", "sitkNearestNeighbor")
_INTERPOLATOR_NUMBERS = {1: "sitkNearestNeighbor", 2: "sitkLinear", 3: "sitkBSpline"}  # SimpleITK's enumeration


class UnusableError(ValueError):
    """Raised for a value that cannot be used; the message names what is expected."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnusableError("a number")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnusableError("a whole number")
    return int(value)


def _positive(value: Any) -> float:
    number = _number(value)
    if not 0 < number < float("inf"):
        raise UnusableError("a number above 0")
    return number


def _whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        expected = f"a whole number, {low} or more" if high is None else f"a whole number from {low} to {high}"
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise UnusableError(expected)
        return int(value)

    return read


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnusableError("true or false")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise UnusableError(f"one of {', '.join(choices)}")
        return str(value)

    return read


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _several(read: Callable[[Any], Any], least: int, most: int | None = None) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) < least or (most is not None and len(value) > most):
            count = f"{least}" if most == least else f"{least} or more" if most is None else f"{least} to {most}"
            raise UnusableError(f"a list of {count} values")
        return tuple(read(item) for item in value)

    return read_all


def _sigma(value: Any) -> float:
    _positive(value)
    return int(value) if isinstance(value, int) else float(value)  # 1 and 1.0 have different names in PyRadiomics


def _at_least_zero(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < float("inf"):
        raise UnusableError("a number, 0 or more")
    return number


def _spacing(value: Any) -> tuple[float, ...]:
    """Read three spacings; two are those of an image of two axes, and 0 keeps the third."""
    spacing = _several(_at_least_zero, 2, 3)(value)
    return spacing if len(spacing) == 3 else (*spacing, 0.0)


def _fill(value: Any) -> float | None:
    """Read a number; None for nan, which YAML reads as text unless it is written .nan."""
    if isinstance(value, str) and value.strip().lower() in ("nan", ".nan"):
        return None
    try:
        number = _number(value)
    except UnusableError:
        raise UnusableError("a number, or nan") from None
    return None if math.isnan(number) else number


def _interpolator(value: Any) -> str:
    if isinstance(value, int) and value in _INTERPOLATOR_NUMBERS:
        return _INTERPOLATOR_NUMBERS[value]
    return _one_of(*_INTERPOLATORS)(value)


SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "binWidth": ("bin_width", _positive),
    "binCount": ("bin_count", _or_none(_whole(1))),
    "resampledPixelSpacing": ("resampled_spacing_mm", _or_none(_spacing)),
    "interpolator": ("interpolator", _or_none(_interpolator)),
    "padDistance": ("pad_distance", _whole(0)),
    "force2D": ("force_2d", _yes_or_no),
    "force2Ddimension": ("force_2d_dimension", _whole(0, 2)),
    "resegmentRange": ("resegment_range", _or_none(_several(_number, 1, 2))),
    "resegmentMode": ("resegment_mode", _one_of("absolute", "relative", "sigma")),
    "resegmentShape": ("resegment_shape", _yes_or_no),
    "normalize": ("normalize", _yes_or_no),
    "normalizeScale": ("normalize_scale", _positive),
    "removeOutliers": ("remove_outliers", _or_none(_positive)),
    "voxelArrayShift": ("voxel_array_shift", _integer),
    "weightingNorm": ("weighting_norm", _or_none(_one_of("euclidean", "manhattan", "infinity", "no_weighting"))),
    "distances": ("distances", _several(_whole(1), 1)),
    "symmetricalGLCM": ("symmetrical_glcm", _yes_or_no),
    "gldm_a": ("gldm_a", _whole(0)),
    "label": ("label", _or_none(_whole(1))),
    "minimumROIDimensions": ("minimum_roi_dimensions", _whole(1, 3)),
    "minimumROISize": ("minimum_roi_size", _or_none(_whole(1))),
    "preCrop": ("pre_crop", _yes_or_no),
    "geometryTolerance": ("geometry_tolerance", _or_none(_positive)),
    "correctMask": ("correct_mask", _yes_or_no),
    "sigma": ("sigma", _several(_sigma, 0)),
    "wavelet": ("wavelet", _one_of(*WAVELETS)),
    "level": ("level", _whole(1)),
    "start_level": ("start_level", _whole(0)),
    "gradientUseSpacing": ("gradient_use_spacing", _yes_or_no),
    "roundToStoredType": ("round_to_stored_dtype", _yes_or_no),
    "lbp2DRadius": ("lbp_2d_radius", _positive),
    "lbp2DSamples": ("lbp_2d_samples", _whole(1, 30)),
    "lbp2DMethod": ("lbp_2d_method", _one_of("uniform", "default", "ror", "nri_uniform", "var")),
    "lbp3DLevels": ("lbp_3d_levels", _whole(1, 20)),
    "lbp3DIcosphereRadius": ("lbp_3d_icosphere_radius", _positive),
    "lbp3DIcosphereSubdivision": ("lbp_3d_icosphere_subdivision", _whole(0, 4)),
}
LATER = frozenset(name for name in SETTINGS if name.startswith("lbp"))
"""Settings that came later: left out where they have their default, so that the keys of older settings stay."""
VOXEL_SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {  # for feature maps only
    "kernelRadius": ("kernel_radius", _whole(1)),
    "maskedKernel": ("masked_kernel", _yes_or_no),
    "initValue": ("init_value", _fill),
    "voxelBatch": ("", _integer),  # memory only
}

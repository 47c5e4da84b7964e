"""What to extract and how: the settings of an extraction, read from PyRadiomics' own parameter files.

Names and defaults are PyRadiomics 3.0.1's, so that a published parameter file means the same here. A setting that is
not carried is refused by name: a value that silently does nothing is how two studies come to differ.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from radstudy import catalogue
from radstudy.errors import StudyFileError
from radstudy.features.wavelets import WAVELETS

INTERPOLATORS = ("sitkBSpline", "sitkLinear", "sitkNearestNeighbor")
_INTERPOLATOR_NUMBERS = {1: "sitkNearestNeighbor", 2: "sitkLinear", 3: "sitkBSpline"}  # SimpleITK's enumeration

# PyRadiomics' order of classes when a parameter file names none.
FEATURES: dict[str, tuple[str, ...]] = {
    family: catalogue.feature_names(family) for family in sorted(catalogue.FAMILIES)
}

_FEATURE_NAMES = {
    family: tuple(feature.name for feature in catalogue.CATALOGUE if feature.family == family) for family in FEATURES
}
_NOT_CARRIED_TYPES = ("LBP2D", "LBP3D")
_NOT_CARRIED = {
    "label_channel": "masks with several channels: export one label map for each lesion",
    "voxelBased": "a map of one feature: see radstudy.feature_map",
    "lbp2DRadius": "local binary patterns",
    "lbp2DSamples": "local binary patterns",
    "lbp2DMethod": "local binary patterns",
    "lbp3DLevels": "local binary patterns",
    "lbp3DIcosphereRadius": "local binary patterns",
    "lbp3DIcosphereSubdivision": "local binary patterns",
    "enableCExtensions": "a switch of PyRadiomics 2",
}
_EQUAL_TO_ANOTHER = {
    ("glcm", "Dissimilarity"): "equal to DifferenceAverage",
    ("glcm", "Homogeneity1"): "equal to Id",
    ("glcm", "Homogeneity2"): "equal to Idm",
    ("glcm", "SumVariance"): "equal to ClusterTendency",
    ("gldm", "GrayLevelNonUniformityNormalized"): "equal to first-order Uniformity",
    ("gldm", "DependencePercentage"): "always 1",
}


@dataclass(frozen=True)
class ImageType:
    """One filter with its own arguments.

    Parameters
    ----------
    name : PyRadiomics' name: Original, LoG, Wavelet, Square, SquareRoot, Logarithm, Exponential or Gradient.
    arguments : (name, value) pairs in PyRadiomics' names: the filter's own (sigma, wavelet, level, start_level,
        gradientUseSpacing), or settings that this image type overrides (binWidth, ...).
    """

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class ExtractionSettings:
    """Everything that decides a feature's value. Field names are PyRadiomics' in Python's spelling.

    Parameters
    ----------
    image_types : filters, in order.
    feature_classes : (class, features) pairs, in order; shape is computed once, on the original mask.
    bin_width : of the grey levels, in the image's unit.
    bin_count : a fixed number of bins instead; None uses `bin_width`.
    resampled_spacing_mm : (x, y, z) in the file's axis order, 0 keeps an axis; None does not resample.
    interpolator : "sitkBSpline", "sitkLinear" or "sitkNearestNeighbor"; None does not resample.
    pad_distance : voxels kept around the lesion's box when resampling (or pre-cropping). LoG values depend on it; a
        pad of 11 times the largest sigma (in voxels) gives those of the whole image.
    force_2d, force_2d_dimension : textures within planes; the array axis (0 = K) that is left out.
    resegment_range, resegment_mode, resegment_shape : thresholds that shrink the mask; "absolute", "relative" (of the
        lesion's maximum) or "sigma" (around its mean); whether shape uses the shrunk mask.
    normalize, normalize_scale, remove_outliers : z-score of the whole image, its scale, and clipping in SDs.
    voxel_array_shift : added to grey values in Energy, TotalEnergy and RootMeanSquared.
    weighting_norm : of directions in GLCM and GLRLM: None, "euclidean", "manhattan", "infinity", "no_weighting".
    distances : of neighbours in GLCM, GLDM and NGTDM, voxels.
    symmetrical_glcm : count both directions.
    gldm_a : grey-level difference that still counts as dependent.
    label : of the mask; None takes the only one present.
    minimum_roi_dimensions, minimum_roi_size : smaller lesions are refused.
    pre_crop : crop to the lesion's box plus `pad_distance` before filtering when not resampling.
    geometry_tolerance : as PyRadiomics; grids are compared to a thousandth of a voxel here whatever it says.
    correct_mask : place a mask that lies on another grid by nearest neighbour instead of refusing it.
    sigma, wavelet, level, start_level, gradient_use_spacing : filter arguments given for all image types.
    round_to_stored_dtype : resample into the file's own pixel type, as PyRadiomics does; False keeps float64.
    kernel_radius : of the neighbourhood in feature maps, voxels; nothing else depends on it.
    """

    image_types: tuple[ImageType, ...] = (ImageType("Original"),)
    feature_classes: tuple[tuple[str, tuple[str, ...]], ...] = tuple(FEATURES.items())
    bin_width: float = 25.0
    bin_count: int | None = None
    resampled_spacing_mm: tuple[float, float, float] | None = None
    interpolator: str | None = "sitkBSpline"
    pad_distance: int = 5
    force_2d: bool = False
    force_2d_dimension: int = 0
    resegment_range: tuple[float, ...] | None = None
    resegment_mode: str = "absolute"
    resegment_shape: bool = False
    normalize: bool = False
    normalize_scale: float = 1.0
    remove_outliers: float | None = None
    voxel_array_shift: int = 0
    weighting_norm: str | None = None
    distances: tuple[int, ...] = (1,)
    symmetrical_glcm: bool = True
    gldm_a: int = 0
    label: int | None = None
    minimum_roi_dimensions: int = 2
    minimum_roi_size: int | None = None
    pre_crop: bool = False
    geometry_tolerance: float | None = None
    correct_mask: bool = False
    sigma: tuple[float, ...] = ()
    wavelet: str = "coif1"
    level: int = 1
    start_level: int = 0
    gradient_use_spacing: bool = True
    round_to_stored_dtype: bool = field(default=True)
    kernel_radius: int = 1

    @classmethod
    def from_pyradiomics(cls, source: str | Path | Mapping[str, Any]) -> ExtractionSettings:
        """Read a PyRadiomics parameter file, or a dictionary of the same layout.

        Parameters
        ----------
        source : path of a YAML file with the keys setting, imageType and featureClass; or such a dictionary.

        Raises
        ------
        StudyFileError : the file is missing or not YAML; a name is unknown (the nearest valid one is given), not
            carried, or has a value that cannot be used. The line is given where there is one.

        Examples
        --------
        >>> ExtractionSettings.from_pyradiomics({"setting": {"binWidth": 10}}).bin_width
        10.0
        """
        if isinstance(source, Mapping):
            return _Reader("the extraction settings", source).read()
        return _Reader(str(source), _load_yaml(Path(source))).read()

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> ExtractionSettings:
        """The inverse of `as_dict`; also reads any dictionary of PyRadiomics' layout."""
        return cls.from_pyradiomics(settings)

    def as_dict(self) -> dict[str, Any]:
        """All settings, defaults too, in the layout of a PyRadiomics parameter file."""
        setting = {name: _plain(getattr(self, attribute)) for name, (attribute, _) in _SETTINGS.items()}
        return {
            "setting": setting,
            "imageType": {
                image.name: {name: _plain(value) for name, value in image.arguments} for image in self.image_types
            },
            "featureClass": {name: list(features) for name, features in self.feature_classes},
            "voxelSetting": {"kernelRadius": self.kernel_radius},
        }

    def key(self) -> str:
        """A hash of the content, the same on every machine: equal settings, equal key."""
        text = json.dumps(self.as_dict(), sort_keys=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

    def for_image_type(self, image_type: ImageType) -> ExtractionSettings:
        """These settings with what the image type overrides."""
        return replace(self, **{_SETTINGS[name][0]: value for name, value in image_type.arguments})


def her2_ihc2plus() -> ExtractionSettings:
    """The reference study's extraction: 1 mm, bin width 25, 14 images, 1,218 features."""
    return ExtractionSettings(
        image_types=(
            ImageType("Original"),
            ImageType("LoG", (("sigma", (1.0, 2.0, 3.0, 4.0, 5.0)),)),
            ImageType("Wavelet", (("wavelet", "coif1"),)),
        ),
        feature_classes=tuple(
            (name, catalogue.GLCM_22 if name == "glcm" else FEATURES[name])
            for name in ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm")
        ),
        resampled_spacing_mm=(1.0, 1.0, 1.0),
    )


Settings = ExtractionSettings | Mapping[str, Any] | str | Path


def settings_from(settings: Settings | None) -> ExtractionSettings:
    """Settings as a caller may give them: None for the reference study's, a dictionary, or a parameter file's path.

    Raises
    ------
    StudyFileError : they cannot be used.
    """
    if settings is None:
        return her2_ihc2plus()
    if isinstance(settings, ExtractionSettings):
        return settings
    if not isinstance(settings, Mapping | str | PathLike):
        raise StudyFileError(
            f"the extraction settings are ExtractionSettings, a dictionary or a path, not {type(settings).__name__}."
        )
    return ExtractionSettings.from_pyradiomics(settings)


PRESETS: dict[str, Callable[[], ExtractionSettings]] = {"her2_ihc2plus": her2_ihc2plus}


def image_names(settings: ExtractionSettings) -> list[str]:
    """The names of the images that are made, in order: "original", "log-sigma-1-0-mm-3D", "wavelet-LLH", ..."""
    return [name for image_type in settings.image_types for name in names_of_image_type(settings, image_type)]


def names_of_image_type(settings: ExtractionSettings, image_type: ImageType) -> list[str]:
    """The names of one image type's images, as PyRadiomics writes them.

    A whole-number sigma keeps its form: 1 gives ``log-sigma-1-mm-3D``, 1.0 gives ``log-sigma-1-0-mm-3D``.
    """
    own = settings.for_image_type(image_type)
    if image_type.name == "LoG":
        return [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in own.sigma]
    if image_type.name == "Wavelet":
        return wavelet_image_names(own.level, 2 if own.force_2d else 3)
    return [image_type.name.lower()]


def wavelet_image_names(level: int, axes: int) -> list[str]:
    """The sub-bands of `level` decompositions, details first, the last approximation at the end."""
    bands = [""]
    for _ in range(axes):
        bands = [band + letter for band in bands for letter in "LH"]
    prefix = ["wavelet" if number == 1 else f"wavelet{number}" for number in range(1, level + 1)]
    return [f"{name}-{band}" for name in prefix for band in bands[1:]] + [f"{prefix[-1]}-{bands[0]}"]


def feature_names(settings: ExtractionSettings) -> list[str]:
    """Every feature's name in PyRadiomics' order, without computing anything.

    Examples
    --------
    >>> len(feature_names(her2_ihc2plus()))
    1218
    """
    shape = [
        f"original_shape_{name}" for family, names in settings.feature_classes if family == "shape" for name in names
    ]
    grey = [(family, name) for family, names in settings.feature_classes if family != "shape" for name in names]
    return shape + [f"{image}_{family}_{name}" for image in image_names(settings) for family, name in grey]


def explain_count(settings: ExtractionSettings) -> str:
    """Why there are so many features, in one line.

    Examples
    --------
    >>> explain_count(her2_ihc2plus())
    '14 shape + 14 images x 86 (firstorder 18, glcm 22, glrlm 16, glszm 16, gldm 14) = 1,218 features'
    """
    shape = sum(len(names) for family, names in settings.feature_classes if family == "shape")
    grey = [(family, len(names)) for family, names in settings.feature_classes if family != "shape"]
    images = len(image_names(settings))
    each = sum(count for _, count in grey)
    parts = [f"{shape} shape"] if shape else []
    if grey:
        listed = ", ".join(f"{family} {count}" for family, count in grey)
        parts.append(f"{images} image{'s' if images != 1 else ''} x {each} ({listed})")
    return f"{' + '.join(parts) or 'nothing'} = {shape + images * each:,} features"


# --- reading -----------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class _UnusableError(ValueError):
    """A value that cannot be used; the message says what is expected."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _UnusableError("a number")
    return float(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _UnusableError("a whole number")
    return int(value)


def _positive(value: Any) -> float:
    number = _number(value)
    if not 0 < number < float("inf"):
        raise _UnusableError("a number above 0")
    return number


def _whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        expected = f"a whole number, {low} or more" if high is None else f"a whole number from {low} to {high}"
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise _UnusableError(expected)
        return int(value)

    return read


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _UnusableError("true or false")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise _UnusableError(f"one of {', '.join(choices)}")
        return str(value)

    return read


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _several(read: Callable[[Any], Any], least: int, most: int | None = None) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) < least or (most is not None and len(value) > most):
            count = f"{least}" if most == least else f"{least} or more" if most is None else f"{least} to {most}"
            raise _UnusableError(f"a list of {count} values")
        return tuple(read(item) for item in value)

    return read_all


def _sigma(value: Any) -> float:
    _positive(value)
    return int(value) if isinstance(value, int) else float(value)  # 1 and 1.0 give different names in PyRadiomics


def _at_least_zero(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < float("inf"):
        raise _UnusableError("a number, 0 or more")
    return number


def _only_true(value: Any) -> bool:
    if not _yes_or_no(value):
        raise _UnusableError("true: neighbours outside the lesion do not count in feature maps")
    return True


def _only_nan(value: Any) -> float:
    if not math.isnan(_number(value)):
        raise _UnusableError("nan: that is what feature maps hold outside the lesion")
    return math.nan


def _interpolator(value: Any) -> str:
    if isinstance(value, int) and value in _INTERPOLATOR_NUMBERS:
        return _INTERPOLATOR_NUMBERS[value]
    return _one_of(*INTERPOLATORS)(value)


_SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "binWidth": ("bin_width", _positive),
    "binCount": ("bin_count", _or_none(_whole(1))),
    "resampledPixelSpacing": ("resampled_spacing_mm", _or_none(_several(_at_least_zero, 3, 3))),
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
}
_VOXEL_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "kernelRadius": _whole(1),
    "maskedKernel": _only_true,
    "initValue": _only_nan,
    "voxelBatch": _integer,  # memory only
}
_IMAGE_TYPES = ("Original", "LoG", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient")
# What decides the grid, the mask or the input image holds for all image types at once.
_FOR_ALL_ONLY = frozenset(
    [
        "resampledPixelSpacing",
        "interpolator",
        "padDistance",
        "resegmentRange",
        "resegmentMode",
        "resegmentShape",
        "normalize",
        "normalizeScale",
        "removeOutliers",
        "label",
        "minimumROIDimensions",
        "minimumROISize",
        "preCrop",
        "geometryTolerance",
        "correctMask",
        "roundToStoredType",
    ]
)
assert {attribute for attribute, _ in _SETTINGS.values()} | {"image_types", "feature_classes", "kernel_radius"} == {
    item.name for item in fields(ExtractionSettings)
}


def _load_yaml(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = path.read_text(encoding="utf-8")
        reader = YAML(typ="rt")
        reader.allow_duplicate_keys = True  # PyRadiomics' own example names a class twice
        _refuse_conflicts(path, reader.compose(text))
        loaded = reader.load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise StudyFileError(f"{path}: the settings file cannot be read ({error}). Correct the path.") from error
    except YAMLError as error:
        raise StudyFileError(f"{path}: not a YAML file: {error}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, Mapping):
        raise StudyFileError(f"{path}: expected the keys setting, imageType and featureClass.")
    return loaded


def _refuse_conflicts(path: Path, node: Any) -> None:
    """Refuse a name that is given twice with different values; the same value twice does no harm."""
    pairs = node.value if node is not None and node.id == "mapping" else []
    seen: dict[str, Any] = {}
    for name, value in pairs:
        key = str(name.value)
        if key in seen and _content(seen[key]) != _content(value):
            line = name.start_mark.line + 1
            raise StudyFileError(f"{path}, line {line}: {key} is given twice with different values. Delete one.")
        seen[key] = value
        _refuse_conflicts(path, value)


def _content(node: Any) -> Any:
    if node.id == "scalar":
        return node.value
    return [_content(part) for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


class _Reader:
    """Turns the layout of a parameter file into settings; knows the file's name and lines for its errors."""

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self.name = name
        self.content = content

    def read(self) -> ExtractionSettings:
        """The settings, or a StudyFileError."""
        for key in self.content:
            self._known(self.content, key, ("setting", "imageType", "featureClass", "voxelSetting"), "section")
        values = {_SETTINGS[name][0]: value for name, value in self._settings(self._section("setting"), for_all=True)}
        images = self._image_types(self._section("imageType"))
        classes = self._feature_classes(self._section("featureClass"))
        return ExtractionSettings(**values, **images, **classes, kernel_radius=self._kernel_radius())

    def _section(self, key: str) -> Mapping[str, Any]:
        section = self.content.get(key)
        if section is None:
            return {}
        if not isinstance(section, Mapping):
            raise self._refuse(self.content, key, f"{key} must hold names with values")
        return section

    def _settings(self, section: Mapping[str, Any], *, for_all: bool) -> Iterable[tuple[str, Any]]:
        for key, value in section.items():
            if key == "additionalInfo":  # diagnostics only; no feature depends on it
                continue
            if key in _NOT_CARRIED:
                raise self._refuse(section, key, f"the setting {key} is not carried ({_NOT_CARRIED[key]})")
            self._known(section, key, tuple(_SETTINGS), "setting")
            if not for_all and key in _FOR_ALL_ONLY:
                raise self._refuse(section, key, f"{key} holds for all image types: move it to the section setting")
            try:
                yield key, _SETTINGS[key][1](value)
            except _UnusableError as error:
                raise self._refuse(section, key, f"{key} is {value!r}, expected {error}") from error

    def _kernel_radius(self) -> int:
        section = self._section("voxelSetting")
        found = {}
        for key, value in section.items():
            self._known(section, key, tuple(_VOXEL_SETTINGS), "voxel setting")
            try:
                found[key] = _VOXEL_SETTINGS[key](value)
            except _UnusableError as error:
                raise self._refuse(section, key, f"{key} is {value!r}, expected {error}") from error
        return int(found.get("kernelRadius", 1))

    def _image_types(self, section: Mapping[str, Any]) -> dict[str, Any]:
        if not section:
            return {}
        types = []
        for key, arguments in section.items():
            if key in _NOT_CARRIED_TYPES:
                raise self._refuse(section, key, f"the image type {key} (local binary patterns) is not carried")
            self._known(section, key, _IMAGE_TYPES, "image type")
            if arguments is not None and not isinstance(arguments, Mapping):
                raise self._refuse(section, key, f"{key} must hold names with values, or {{}}")
            types.append(ImageType(str(key), tuple(self._settings(arguments or {}, for_all=False))))
        return {"image_types": tuple(types)}

    def _feature_classes(self, section: Mapping[str, Any]) -> dict[str, Any]:
        if not section:
            return {}
        classes = []
        for family, names in section.items():
            if family == "shape2D":
                raise self._refuse(section, family, "the feature class shape2D (2D shape) is not carried")
            self._known(section, family, tuple(FEATURES), "feature class")
            if names is not None and not isinstance(names, (list, tuple)):
                raise self._refuse(section, family, f"{family} must hold a list of features, or nothing for all")
            for feature in names or ():
                if (family, feature) in _EQUAL_TO_ANOTHER:
                    reason = _EQUAL_TO_ANOTHER[family, feature]
                    raise self._refuse(
                        section, family, f"{family} {feature} is not computed by PyRadiomics either ({reason})"
                    )
                self._known(section, family, _FEATURE_NAMES[str(family)], f"{family} feature", name=feature)
            classes.append((str(family), tuple(str(name) for name in names) if names else FEATURES[family]))
        return {"feature_classes": tuple(classes)}

    def _known(
        self, section: Mapping[str, Any], key: Any, valid: tuple[str, ...], kind: str, *, name: Any = None
    ) -> None:
        wanted = key if name is None else name
        if wanted in valid:
            return
        near = difflib.get_close_matches(str(wanted), valid, n=1, cutoff=0.0)
        raise self._refuse(section, key, f"unknown {kind} {wanted!r}: did you mean {near[0]}?")

    def _refuse(self, section: Mapping[str, Any], key: Any, problem: str) -> StudyFileError:
        position = getattr(section, "lc", None)
        line = ""
        if position is not None and position.data and key in position.data:
            line = f", line {position.data[key][0] + 1}"
        return StudyFileError(f"{self.name}{line}: {problem.rstrip('.')}{'' if problem.endswith('?') else '.'}")

"""Reading of PyRadiomics' own parameter files. Unsupported settings are refused by name, with the file's line.

If a value were ignored silently, two studies could differ without anyone noticing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.catalogue import CATALOGUE, FAMILIES
from radstudy.catalogue import feature_names as names_of_family
from radstudy.errors import StudyFileError
from radstudy.features.setting_values import SETTINGS, VOXEL_SETTINGS, UnusableError

_FEATURE_NAMES = {
    family: tuple(feature.name for feature in CATALOGUE if feature.family == family) for family in FAMILIES
}
_IMAGE_TYPES = (
    "Original", "LoG", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D", "LBP3D",
)  # fmt: skip
_UNSUPPORTED = {
    "label_channel": "masks with several channels: export one label map for each lesion",
    "voxelBased": "a map of one feature: see radstudy.feature_map",
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
# Settings of the grid, the mask or the input image apply to all image types at once.
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


@dataclass(frozen=True)
class Parameters:
    """The checked content of a parameter file; anything not set there is PyRadiomics' default.

    Parameters
    ----------
    values : attribute of `ExtractionSettings` to its value, for those that the file names.
    image_types : (name, arguments) of the filters, in order; None if the file names none.
    feature_classes : (class, features), in order; None if the file names none.
    """

    values: Mapping[str, Any]
    image_types: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] | None
    feature_classes: tuple[tuple[str, tuple[str, ...]], ...] | None


def read_parameters(source: str | Path | Mapping[str, Any]) -> Parameters:
    """Read a parameter file, or a dictionary of the same layout; see `ExtractionSettings.from_pyradiomics`."""
    if isinstance(source, Mapping):
        return _Reader("the extraction settings", source).read()
    return _Reader(str(source), _load_yaml(Path(source))).read()


def _load_yaml(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML

    from radstudy.protocol.yaml_text import parse_yaml, read_yaml_text

    text = read_yaml_text(path)
    loaded = parse_yaml(text, str(path), names_twice=True)  # PyRadiomics' own example names a class twice
    _refuse_conflicts(path, YAML(typ="rt").compose(text))
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
    """Converter of a parameter file's layout into settings; keeps the file's name and lines for error messages."""

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self.name = name
        self.content = content

    def read(self) -> Parameters:
        """Return the checked content, or raise a StudyFileError."""
        for key in self.content:
            self._known(self.content, key, ("setting", "imageType", "featureClass", "voxelSetting"), "section")
        values = {SETTINGS[name][0]: value for name, value in self._settings(self._section("setting"), for_all=True)}
        images = self._image_types(self._section("imageType"))
        classes = self._feature_classes(self._section("featureClass"))
        return Parameters({**values, **self._voxel_settings()}, images, classes)

    def _section(self, key: str) -> Mapping[str, Any]:
        section = self.content.get(key)
        if section is None:
            return {}
        if not isinstance(section, Mapping):
            raise self._refuse(self.content, key, f"{key} must contain names with values")
        return section

    def _settings(self, section: Mapping[str, Any], *, for_all: bool) -> Iterable[tuple[str, Any]]:
        for key, value in section.items():
            if key == "additionalInfo":  # diagnostics only; no feature depends on it
                continue
            if key in _UNSUPPORTED:
                raise self._refuse(section, key, f"the setting {key} is not supported ({_UNSUPPORTED[key]})")
            self._known(section, key, tuple(SETTINGS), "setting")
            if not for_all and key in _FOR_ALL_ONLY:
                raise self._refuse(section, key, f"{key} applies to all image types: move it to the section setting")
            try:
                yield key, SETTINGS[key][1](value)
            except UnusableError as error:
                raise self._refuse(section, key, f"{key} is {value!r}, expected {error}") from error

    def _voxel_settings(self) -> dict[str, Any]:
        section = self._section("voxelSetting")
        values = {}
        for key, value in section.items():
            self._known(section, key, tuple(VOXEL_SETTINGS), "voxel setting")
            try:
                attribute, read = VOXEL_SETTINGS[key]
                values[attribute] = read(value)
            except UnusableError as error:
                raise self._refuse(section, key, f"{key} is {value!r}, expected {error}") from error
        values.pop("", None)
        return values

    def _image_types(self, section: Mapping[str, Any]) -> tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] | None:
        if not section:
            return None
        types = []
        for key, arguments in section.items():
            self._known(section, key, _IMAGE_TYPES, "image type")
            if arguments is not None and not isinstance(arguments, Mapping):
                raise self._refuse(section, key, f"{key} must contain names with values, or {{}}")
            types.append((str(key), tuple(self._settings(arguments or {}, for_all=False))))
        return tuple(types)

    def _feature_classes(self, section: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
        if not section:
            return None
        classes = []
        for family, names in section.items():
            self._known(section, family, FAMILIES, "feature class")
            if names is not None and not isinstance(names, (list, tuple)):
                raise self._refuse(section, family, f"{family} must contain a list of features, or nothing for all")
            for feature in names or ():
                if not isinstance(feature, str):
                    raise self._refuse(section, family, f"{family} must contain the names of features, not {feature!r}")
                if (family, feature) in _EQUAL_TO_ANOTHER:
                    reason = _EQUAL_TO_ANOTHER[family, feature]
                    raise self._refuse(
                        section, family, f"{family} {feature} is not computed by PyRadiomics either ({reason})"
                    )
                self._known(section, family, _FEATURE_NAMES[str(family)], f"{family} feature", name=feature)
            classes.append((str(family), tuple(str(name) for name in names) if names else names_of_family(family)))
        return tuple(classes)

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

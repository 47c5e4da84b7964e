"""PyRadiomics' extractor class: the same constructor, methods, settings and results, computed by radstudy."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from radstudy.compat.diagnostics import diagnostics
from radstudy.compat.imageoperations import prepared
from radstudy.compat.images import labelled_images, unusable
from radstudy.compat.placing import place_given
from radstudy.compat.results import lesion_maps, lesion_values
from radstudy.compat.settings import DEFAULTS, UnusableSettingsError, extraction_settings, plain_value
from radstudy.compat.toolbox import feature_class_names, getImageTypes, logger
from radstudy.errors import CaseError, StudyFileError
from radstudy.features.parameter_file import load_parameter_file, read_parameters
from radstudy.features.settings import ExtractionSettings
from radstudy.protocol.yaml_text import plain

__all__ = ["RadiomicsFeatureExtractor"]


def __getattr__(name: str) -> Any:
    if name == "getFeatureClasses":  # PyRadiomics' module has imported it
        return import_module("radstudy.compat.feature_classes").getFeatureClasses
    if name == "RadiomicsFeaturesExtractor":
        raise AttributeError("RadiomicsFeaturesExtractor is the name of PyRadiomics 2: call RadiomicsFeatureExtractor")
    raise AttributeError(f"module 'radstudy.compat.featureextractor' has no attribute {name!r} (docs/compat.md)")


class RadiomicsFeatureExtractor:
    """Extractor of a lesion's radiomics features with PyRadiomics' interface, values and defaults.

    Parameters
    ----------
    params : a dictionary with the keys setting, imageType and featureClass, or the path of a parameter file (YAML or
        JSON); anything else, or nothing, takes the defaults: the original image, all feature classes but shape2D, bin
        width 25, no resampling.
    settings : single settings by PyRadiomics' names, which override those of `params`.

    Attributes
    ----------
    settings : setting to value.
    enabledImagetypes : image type to its own settings.
    enabledFeatures : feature class to the names of its features; [] or None for all.
    featureClassNames : the names of all feature classes.

    Raises
    ------
    FileNotFoundError : the parameter file is not there.
    UnusableSettingsError : a name in `params` is unknown, or a value cannot be used (a ValueError).

    Examples
    --------
    >>> extractor = RadiomicsFeatureExtractor(binWidth=10)
    >>> extractor.enableImageTypeByName("LoG", customArgs={"sigma": [1.0, 3.0]})
    >>> extractor.settings["binWidth"], list(extractor.enabledImagetypes)
    (10, ['Original', 'LoG'])
    """

    def __init__(self, *params: Any, **settings: Any) -> None:
        self.settings: dict[str, Any] = copy.deepcopy(DEFAULTS)
        self.enabledImagetypes: dict[str, Any] = {"Original": {}}
        self.featureClassNames = feature_class_names()
        self.enabledFeatures: dict[str, Any] = {name: [] for name in self.featureClassNames if name != "shape2D"}
        self._remarked: set[str] = set()
        if len(params) == 1 and isinstance(params[0], Mapping):
            self._apply(params[0], "the parameters")
        elif len(params) == 1 and isinstance(params[0], str | PathLike):
            self.loadParams(params[0])
        self.settings.update(settings)

    def loadParams(self, paramsFile: str | PathLike[str]) -> None:
        """Replace settings, image types and features by those of a parameter file (YAML or JSON).

        Parameters
        ----------
        paramsFile : its path.

        Raises
        ------
        FileNotFoundError : it is not there.
        UnusableSettingsError : it is not YAML, a name in it is unknown, or a value cannot be used.
        """
        path = Path(paramsFile)
        if not path.is_file():
            raise FileNotFoundError(f"the parameter file {path} is not there: correct the path or add the file")
        try:
            content = load_parameter_file(path)
        except StudyFileError as error:
            raise UnusableSettingsError(str(error)) from error
        self._apply(content, str(path))

    def loadJSONParams(self, JSON_configuration: str) -> None:
        """Replace settings, image types and features by those of a text in JSON, as `loadParams` does."""
        try:
            content = json.loads(JSON_configuration)
        except ValueError as error:
            raise UnusableSettingsError(f"the text is not JSON: {error}") from error
        if not isinstance(content, Mapping):
            raise UnusableSettingsError("the text must be a dictionary with setting, imageType and featureClass")
        self._apply(content, "the parameters")

    def _apply(self, content: Mapping[str, Any], name: str) -> None:
        """Check the content of a parameter file and take its values."""
        try:
            read_parameters(_without_channel(content), name)
        except StudyFileError as error:
            raise UnusableSettingsError(str(error)) from error
        taken = plain(plain_value(content))
        self.settings = copy.deepcopy(DEFAULTS) | (taken.get("setting") or {}) | (taken.get("voxelSetting") or {})
        self.enabledImagetypes = taken.get("imageType") or {"Original": {}}
        self.enabledFeatures = taken.get("featureClass") or {family: [] for family in self.featureClassNames}

    def addProvenance(self, provenance_on: bool = True) -> None:
        """Choose whether results contain the ``diagnostics_`` entries."""
        self.settings["additionalInfo"] = provenance_on

    # --- image types -------------------------------------------------------------------------------------------------

    def enableAllImageTypes(self) -> None:
        """Enable every image type without settings of its own."""
        self.enabledImagetypes.update({name: {} for name in getImageTypes()})

    def disableAllImageTypes(self) -> None:
        """Disable every image type."""
        self.enabledImagetypes = {}

    def enableImageTypeByName(
        self, imageType: str, enabled: bool = True, customArgs: dict[str, Any] | None = None
    ) -> None:
        """Enable or disable one image type.

        Parameters
        ----------
        imageType : its name; an unknown one is reported by a warning and ignored.
        enabled : False to disable it.
        customArgs : its own settings.
        """
        if imageType not in getImageTypes():
            logger.warning("Image type %s is unknown and is ignored; choose from %s", imageType, getImageTypes())
        elif enabled:
            self.enabledImagetypes[imageType] = {} if customArgs is None else customArgs
        else:
            self.enabledImagetypes.pop(imageType, None)

    def enableImageTypes(self, **enabledImagetypes: dict[str, Any]) -> None:
        """Enable image types, each with its own settings."""
        self.enabledImagetypes.update(enabledImagetypes)

    # --- features ----------------------------------------------------------------------------------------------------

    def enableAllFeatures(self) -> None:
        """Enable every feature of every class, but not the deprecated ones."""
        self.enabledFeatures.update({name: [] for name in self.featureClassNames})

    def disableAllFeatures(self) -> None:
        """Disable every feature class."""
        self.enabledFeatures = {}

    def enableFeatureClassByName(self, featureClass: str, enabled: bool = True) -> None:
        """Enable or disable all features of one class; an unknown class is reported by a warning and ignored."""
        if featureClass not in self.featureClassNames:
            logger.warning(
                "Feature class %s is unknown and is ignored; choose from %s", featureClass, self.featureClassNames
            )
        elif enabled:
            self.enabledFeatures[featureClass] = []
        else:
            self.enabledFeatures.pop(featureClass, None)

    def enableFeaturesByName(self, **enabledFeatures: list[str] | None) -> None:
        """Enable named features of classes; [] or None enables all of a class."""
        self.enabledFeatures.update(enabledFeatures)

    # --- extraction --------------------------------------------------------------------------------------------------

    def execute(
        self,
        imageFilepath: Any,
        maskFilepath: Any,
        label: int | None = None,
        label_channel: int | None = None,
        voxelBased: bool = False,
    ) -> OrderedDict[str, Any]:
        """Compute the features of one lesion.

        Parameters
        ----------
        imageFilepath, maskFilepath : SimpleITK images, or paths of files that SimpleITK reads.
        label : of the mask; None takes the setting label (1 unless it was changed).
        label_channel : of a mask with several components for each voxel; None takes the setting, or the first.
        voxelBased : True for maps instead of numbers.

        Returns
        -------
        PyRadiomics' names to values, in its order: the ``diagnostics_`` entries unless additionalInfo is False; then
        NumPy numbers, or SimpleITK images if `voxelBased`.

        Raises
        ------
        UnusableLesionError : image or mask cannot be used (a ValueError).
        UnusableSettingsError : a setting cannot be used, or is not supported (a ValueError).
        """
        said = {**self.settings}
        said |= {} if label is None else {"label": label}
        said |= {} if label_channel is None else {"label_channel": label_channel}
        said |= {"voxelBased": True} if voxelBased else {}
        logger.info("Calculating features with label: %s", said.get("label", 1))
        try:
            given = labelled_images(imageFilepath, maskFilepath, said.get("label", 1), said.get("label_channel"))
            chosen = self._chosen(self.settings, voxel_based=voxelBased, planar=given.planar)
            placed = place_given(given, chosen, said.get("geometryTolerance"))
            result: OrderedDict[str, Any] = OrderedDict()
            if said.get("additionalInfo", False):
                result.update(diagnostics(given, placed, chosen, said, copy.deepcopy(self.enabledImagetypes)))
            result.update(lesion_maps(placed, chosen) if voxelBased else lesion_values(placed, chosen))
        except CaseError as error:
            raise unusable(error, maskFilepath) from error
        return result

    def computeFeatures(self, image: Any, mask: Any, imageTypeName: str, **kwargs: Any) -> OrderedDict[str, Any]:
        """Compute the enabled features, but not shape, of an image as it is.

        Parameters
        ----------
        image, mask : SimpleITK images on one grid.
        imageTypeName : prefix of the names.
        kwargs : settings; those of the extractor are not used, as in PyRadiomics.
        """
        classes = {name: chosen for name, chosen in self.enabledFeatures.items() if not name.startswith("shape")}
        return self._as_it_is(image, mask, classes, imageTypeName, kwargs)

    def computeShape(self, image: Any, mask: Any, boundingBox: Any = None, **kwargs: Any) -> OrderedDict[str, Any]:
        """Compute the enabled shape features of a mask as it is; its bounding box is found anew."""
        classes = {name: chosen for name, chosen in self.enabledFeatures.items() if name.startswith("shape")}
        return self._as_it_is(image, mask, classes, "original", kwargs)

    def _as_it_is(
        self, image: Any, mask: Any, classes: dict[str, Any], prefix: str, settings: dict[str, Any]
    ) -> OrderedDict[str, Any]:
        other = RadiomicsFeatureExtractor()
        other.settings = {**settings, **_AS_IT_IS}
        other.enabledFeatures = classes
        values = other.execute(image, mask)
        return OrderedDict((f"{prefix}{name.removeprefix('original')}", value) for name, value in values.items())

    @staticmethod
    def loadImage(
        ImageFilePath: Any, MaskFilePath: Any, generalInfo: None = None, **kwargs: Any
    ) -> tuple[sitk.Image, sitk.Image]:
        """Return image and mask as features see them: normalised, resampled or cropped.

        Parameters
        ----------
        ImageFilePath, MaskFilePath : as in `execute`.
        generalInfo : must be None.
        kwargs : settings.

        Returns
        -------
        image, mask : on one grid; the mask has the label inside the lesion and 0 elsewhere.
        """
        if generalInfo is not None:
            raise TypeError("loadImage takes no generalInfo in radstudy.compat: execute() returns its facts")
        return prepared(ImageFilePath, MaskFilePath, **{**kwargs, "resegmentRange": None})

    def _chosen(self, settings: Mapping[str, Any], *, voxel_based: bool, planar: bool) -> ExtractionSettings:
        values = {**settings}
        if voxel_based and planar and values.get("force2D"):
            raise UnusableSettingsError("maps of an image of two axes are made without force2D: set it to False")
        if voxel_based:
            values.setdefault("initValue", 0)
            if not values.get("maskedKernel", True):
                raise UnusableSettingsError(
                    "maskedKernel is False: maps whose neighbourhoods reach outside the lesion are not supported. "
                    "Leave it True"
                )
        return extraction_settings(values, self.enabledImagetypes, self.enabledFeatures, self._remark, planar=planar)

    def _remark(self, text: str) -> None:
        """Log a sentence as a warning, once for each extractor."""
        if text not in self._remarked:
            self._remarked.add(text)
            logger.warning("%s", text)


# A computation on images as they are: nothing is resampled, cropped, normalised or refused for its size.
_AS_IT_IS: dict[str, Any] = {
    "resampledPixelSpacing": None,
    "normalize": False,
    "preCrop": False,
    "resegmentRange": None,
    "minimumROIDimensions": 1,
    "minimumROISize": None,
    "additionalInfo": False,
}


def _without_channel(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return parameters without label_channel, which `execute` reads itself and a study's settings do not have."""
    section = content.get("setting")
    if not isinstance(section, Mapping) or "label_channel" not in section:
        return content
    rest = copy.deepcopy(content)
    del rest["setting"]["label_channel"]
    return rest

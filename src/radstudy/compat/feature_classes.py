"""PyRadiomics' feature classes, for scripts that run one of them on an image and a mask of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radstudy.catalogue import CATALOGUE, Feature
from radstudy.compat.featureextractor import RadiomicsFeatureExtractor
from radstudy.compat.settings import UnusableSettingsError
from radstudy.features.parameter_file import EQUAL_TO_ANOTHER


class RadiomicsFeaturesBase:
    """One feature class on one image and mask, which are taken as they are.

    Parameters
    ----------
    inputImage, inputMask : SimpleITK images on one grid, or paths.
    settings : single settings by PyRadiomics' names; the label is 1 unless it is given.

    Attributes
    ----------
    enabledFeatures : the names of the features to compute, if any was chosen; all otherwise.
    featureValues : the result of the last `execute`.
    """

    family = ""

    def __init__(self, inputImage: Any, inputMask: Any, **settings: Any) -> None:
        if inputImage is None or inputMask is None:
            raise ValueError("image or mask is None: give SimpleITK images, or paths of files")
        if settings.get("voxelBased"):
            raise UnusableSettingsError(
                "a feature class computes no maps on its own: call execute(..., voxelBased=True) of a "
                "RadiomicsFeatureExtractor"
            )
        self.inputImage, self.inputMask, self.settings = inputImage, inputMask, settings
        self.label = settings.get("label", 1)
        self.enabledFeatures: dict[str, bool] = {}
        self.featureValues: dict[str, Any] = {}
        self.featureNames = self.getFeatureNames()

    def __init_subclass__(cls, *, family: str) -> None:
        cls.family = family
        for feature in CATALOGUE:
            if feature.family == family:
                setattr(cls, f"get{feature.name}FeatureValue", _value_of(feature))
        for (other, name), reason in EQUAL_TO_ANOTHER.items():
            if other == family:
                setattr(cls, f"get{name}FeatureValue", _no_value(name, reason))

    @classmethod
    def getFeatureNames(cls) -> dict[str, bool]:
        """Return the names of the features, and whether each is deprecated."""
        known = [(one.name, not one.by_default) for one in CATALOGUE if one.family == cls.family]
        empty = [(name, True) for family, name in EQUAL_TO_ANOTHER if family == cls.family]
        return dict(sorted(known + empty, key=lambda one: f"get{one[0]}FeatureValue"))

    def enableFeatureByName(self, featureName: str, enable: bool = True) -> None:
        """Enable or disable one feature; a LookupError if there is none of this name."""
        if featureName not in self.featureNames:
            raise LookupError(
                f"{self.family} has no feature {featureName!r}; choose from {', '.join(self.featureNames)}"
            )
        self.enabledFeatures[featureName] = enable

    def enableAllFeatures(self) -> None:
        """Enable all features but the deprecated ones."""
        self.enabledFeatures.update({name: True for name, deprecated in self.featureNames.items() if not deprecated})

    def disableAllFeatures(self) -> None:
        """Disable all features and forget the results."""
        self.enabledFeatures, self.featureValues = {}, {}

    def execute(self) -> dict[str, Any]:
        """Compute the enabled features; all if none was chosen.

        Returns
        -------
        feature to value, without image type and class in the name.
        """
        if not self.enabledFeatures:
            self.enableAllFeatures()
        self.featureValues = self._computed([name for name, enabled in self.enabledFeatures.items() if enabled])
        return self.featureValues

    def _computed(self, names: list[str]) -> dict[str, Any]:
        if not names:
            return {}
        extractor = RadiomicsFeatureExtractor()
        extractor.enabledFeatures = {self.family: names}
        compute = extractor.computeShape if self.family.startswith("shape") else extractor.computeFeatures
        values = compute(self.inputImage, self.inputMask, "original", **self.settings)
        return {name.rsplit("_", 1)[1]: value for name, value in values.items()}


def _value_of(feature: Feature) -> Callable[[RadiomicsFeaturesBase], Any]:
    """Return a method that computes one feature, with a docstring that names it."""

    def value(self: RadiomicsFeaturesBase) -> Any:
        return self._computed([feature.name])[feature.name]

    tag = f"IBSI {feature.ibsi_tag} ({feature.ibsi_code})" if feature.ibsi_tag else "not defined by IBSI"
    value.__doc__ = f"Compute {feature.family} {feature.name}: {tag}."
    return value


def _no_value(name: str, reason: str) -> Callable[[RadiomicsFeaturesBase], None]:
    """Return a method of a feature that PyRadiomics names but does not compute: it raises, as there."""

    def value(self: RadiomicsFeaturesBase) -> None:
        raise DeprecationWarning(f"{name} is not computed: {reason}")

    value.__doc__ = f"Raise a DeprecationWarning: {name} is not computed, because it is {reason.removeprefix('is ')}."
    return value


class RadiomicsFirstOrder(RadiomicsFeaturesBase, family="firstorder"):
    """First-order statistics."""


class RadiomicsGLCM(RadiomicsFeaturesBase, family="glcm"):
    """Features of the grey-level co-occurrence matrix."""


class RadiomicsGLDM(RadiomicsFeaturesBase, family="gldm"):
    """Features of the grey-level dependence matrix."""


class RadiomicsGLRLM(RadiomicsFeaturesBase, family="glrlm"):
    """Features of the grey-level run length matrix."""


class RadiomicsGLSZM(RadiomicsFeaturesBase, family="glszm"):
    """Features of the grey-level size zone matrix."""


class RadiomicsNGTDM(RadiomicsFeaturesBase, family="ngtdm"):
    """Features of the neighbouring grey tone difference matrix."""


class RadiomicsShape(RadiomicsFeaturesBase, family="shape"):
    """Shape in three dimensions."""


class RadiomicsShape2D(RadiomicsFeaturesBase, family="shape2D"):
    """Shape in a plane."""


CLASSES: dict[str, type[RadiomicsFeaturesBase]] = {
    one.family: one
    for one in (
        RadiomicsFirstOrder, RadiomicsGLCM, RadiomicsGLDM, RadiomicsGLRLM, RadiomicsGLSZM, RadiomicsNGTDM,
        RadiomicsShape, RadiomicsShape2D,
    )
}  # fmt: skip
"""Feature classes by name, in PyRadiomics' order."""


def getFeatureClasses() -> dict[str, type[RadiomicsFeaturesBase]]:
    """Return the feature classes by name, in PyRadiomics' order."""
    return dict(CLASSES)

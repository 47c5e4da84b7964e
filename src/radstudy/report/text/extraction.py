"""The methods text on the extraction, from the settings that were used."""

from __future__ import annotations

from typing import Any

from radstudy.features.names import names_of_image_type
from radstudy.features.setting_values import SETTINGS
from radstudy.features.settings import ExtractionSettings, ImageType
from radstudy.protocol.sections import Extract
from radstudy.protocol.words import listed
from radstudy.report.cited import quoted
from radstudy.report.display import plural
from radstudy.report.facts import SUMMARY, RunFacts

_INTERPOLATORS = {"sitkBSpline": "B-spline", "sitkLinear": "linear interpolation",
                  "sitkNearestNeighbor": "nearest neighbour"}  # fmt: skip
_IMAGES = {"Original": "the original image", "Square": "its square", "SquareRoot": "its square root",
           "Logarithm": "its logarithm", "Exponential": "its exponential",
           "Gradient": "the magnitude of its gradient", "LBP2D": "its local binary pattern within slices",
           "LBP3D": "its local binary patterns in space (spherical harmonics and kurtosis)"}  # fmt: skip
_SAID = {"binWidth", "binCount", "resampledPixelSpacing", "interpolator", "padDistance", "preCrop", "normalize",
         "normalizeScale", "removeOutliers", "sigma", "wavelet", "level"}  # fmt: skip
_DECIDES_NOTHING = {"label", "geometryTolerance"}  # the study file's rule takes the lesion; grids are always compared


def extraction(facts: RunFacts) -> str:
    """The sentences on the extraction; its settings are the study file's or those of a parameter file."""
    section, settings = facts.protocol.extract, facts.extraction
    explained = quoted(facts.document(SUMMARY)["explained"])
    by_file = "" if section.params is None else f"by the PyRadiomics parameter file '{section.params}': "
    sentences = [
        *_normalised(settings),
        f"{by_file}lesions were {_grid(settings, section)} and discretised into {_bins(settings)}.",
        f"Features ({explained}), defined and named as in PyRadiomics 3.0.1, were computed on "
        f"{listed([_image(settings, image) for image in settings.image_types])}.",
        *_others(settings),
        f"A lesion needed at least {section.minimum_native_voxels} voxels as drawn and {section.minimum_voxels} after "
        "resampling.",
    ]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _normalised(settings: ExtractionSettings) -> list[str]:
    if not settings.normalize:
        return []
    limit = settings.remove_outliers
    cut = "" if limit is None else f", values beyond {limit:g} standard deviations set to that limit"
    return [f"for the extraction every image was normalised (z-score over the whole volume{cut}) and multiplied by "
            f"{settings.normalize_scale:g}."]  # fmt: skip


def _grid(settings: ExtractionSettings, section: Extract) -> str:
    spacing, interpolator = settings.resampled_spacing_mm, settings.interpolator
    margin = f"cropped with a margin of {plural(settings.pad_distance, 'voxel')}"
    if spacing is None or interpolator is None:
        return f"not resampled, {margin}" if settings.pre_crop else "not resampled, filtered within the whole image"
    by = _INTERPOLATORS[interpolator]
    sizes = " x ".join(f"{size:g}" if size else "the acquired" for size in spacing)
    return f"resampled to {sizes} mm (image by {by}, mask by nearest neighbour), {margin} ({_margin(section)})"


def _margin(section: Extract) -> str:
    if section.params is None and section.pad_voxels == "exact":
        return "enough for the Laplacian of Gaussian of the whole image"
    return "Laplacian-of-Gaussian values depend on it"


def _bins(settings: ExtractionSettings) -> str:
    return f"{settings.bin_count} bins" if settings.bin_count is not None else f"bins of width {settings.bin_width:g}"


def _image(settings: ExtractionSettings, image: ImageType) -> str:
    """An image type in words, with its bins if they are its own."""
    own = settings.for_image_type(image)
    return _kind(own, image) + (f" ({_bins(own)})" if _bins(own) != _bins(settings) else "")


def _kind(own: ExtractionSettings, image: ImageType) -> str:
    if image.name == "LoG":
        return f"Laplacian-of-Gaussian images (sigma {listed([f'{sigma:g}' for sigma in own.sigma])} mm)"
    if image.name == "Wavelet":
        bands = len(names_of_image_type(own, image))
        return f"the {'eight' if bands == 8 else bands} sub-bands of a stationary wavelet transform ({own.wavelet})"
    return _IMAGES[image.name]


def _others(settings: ExtractionSettings) -> list[str]:
    """The settings that differ from PyRadiomics' defaults and that no other sentence mentions."""
    usual = ExtractionSettings()
    told = {name: attribute for name, (attribute, _) in SETTINGS.items() if name not in _SAID | _DECIDES_NOTHING}
    values = {name: getattr(settings, attribute) for name, attribute in told.items()}
    named = {name: value for name, value in values.items() if value != getattr(usual, told[name])}
    for image in settings.image_types:
        named |= {f"{name} of {image.name}": value for name, value in image.arguments if name not in _SAID}
    if not named:
        return []
    words = listed([f"{name} {_value(value)}" for name, value in named.items()])
    return [f"these other settings of PyRadiomics differed from its defaults: {words}."]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(_value(item) for item in value)}]" if isinstance(value, tuple) else str(value)

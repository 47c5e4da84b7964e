"""Extraction settings: everything that determines a feature's value.

Names and defaults are those of PyRadiomics 3.0.1, so that a published parameter file means the same here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from radstudy.catalogue import FEATURES
from radstudy.features.parameter_file import read_parameters
from radstudy.features.setting_values import LATER, SETTINGS, VOXEL_SETTINGS


@dataclass(frozen=True)
class ImageType:
    """One filter with its own arguments.

    Parameters
    ----------
    name : PyRadiomics' name: Original, LoG, Wavelet, Square, SquareRoot, Logarithm, Exponential, Gradient, LBP2D or
        LBP3D.
    arguments : (name, value) pairs in PyRadiomics' names: the filter's own (sigma, wavelet, level, start_level,
        gradientUseSpacing), or settings that this image type overrides (binWidth, ...).
    """

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class ExtractionSettings:
    """Everything that determines a feature's value. Field names are PyRadiomics' in Python's spelling.

    Parameters
    ----------
    image_types : filters, in order.
    feature_classes : (class, features) pairs, in order; shape is computed once, on the original mask.
    bin_width : of the grey levels, in the image's unit.
    bin_count : a fixed number of bins instead; None uses `bin_width`.
    resampled_spacing_mm : (x, y, z) in the file's axis order, 0 keeps an axis; None does not resample. A parameter file
        may give (x, y) alone, for images of two axes: z is kept.
    interpolator : "sitkBSpline", "sitkLinear" or "sitkNearestNeighbor"; None does not resample.
    pad_distance : voxels kept around the lesion's box when resampling (or pre-cropping). LoG values depend on it; with
        a pad of 11 times the largest sigma (in voxels) they equal those of the whole image.
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
    geometry_tolerance : as in PyRadiomics, but without effect: grids are always compared to a thousandth of a voxel.
    correct_mask : resample a mask that lies on another grid by nearest neighbour instead of refusing it.
    sigma, wavelet, level, start_level, gradient_use_spacing : filter arguments for all image types.
    lbp_2d_radius, lbp_2d_samples, lbp_2d_method : of local binary patterns in a plane: radius in voxels, number of
        points on the circle, and "uniform", "default", "ror", "nri_uniform" or "var".
    lbp_3d_levels, lbp_3d_icosphere_radius, lbp_3d_icosphere_subdivision : of local binary patterns in space: degrees
        of the spherical harmonics, radius in voxels, and how often the icosahedron of its points is subdivided.
    round_to_stored_dtype : resample into the file's own pixel type, as PyRadiomics does; False keeps float64.
    kernel_radius : of the neighbourhood in feature maps, voxels; nothing else depends on it.
    masked_kernel : whether only neighbours inside the lesion count in feature maps; only True is supported.
    init_value : value of feature maps outside the lesion; None: NaN.
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
    lbp_2d_radius: float = 1.0
    lbp_2d_samples: int = 8
    lbp_2d_method: str = "uniform"
    lbp_3d_levels: int = 2
    lbp_3d_icosphere_radius: float = 1.0
    lbp_3d_icosphere_subdivision: int = 1
    kernel_radius: int = 1
    masked_kernel: bool = True
    init_value: float | None = None

    @classmethod
    def from_pyradiomics(cls, source: str | Path | Mapping[str, Any]) -> ExtractionSettings:
        """Read a PyRadiomics parameter file, or a dictionary of the same layout.

        Parameters
        ----------
        source : path of a YAML file with the keys setting, imageType and featureClass; or such a dictionary.

        Raises
        ------
        StudyFileError : the file is missing or not YAML; a name is unknown (the message suggests the nearest valid one)
            or not supported, or has a value that cannot be used. The message names the line, if there is one.

        Examples
        --------
        >>> ExtractionSettings.from_pyradiomics({"setting": {"binWidth": 10}}).bin_width
        10.0
        """
        said = read_parameters(source)
        named: dict[str, Any] = dict(said.values)
        if said.image_types is not None:
            named["image_types"] = tuple(ImageType(name, arguments) for name, arguments in said.image_types)
        if said.feature_classes is not None:
            named["feature_classes"] = said.feature_classes
        return cls(**named)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> ExtractionSettings:
        """Read the result of `as_dict`, or any dictionary of PyRadiomics' layout."""
        return cls.from_pyradiomics(settings)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings, including defaults, in the layout of a PyRadiomics parameter file."""
        usual = {item.name: item.default for item in fields(self)}
        setting = {
            name: _plain(value)
            for name, (attribute, _) in SETTINGS.items()
            if (value := getattr(self, attribute)) != usual[attribute] or name not in LATER
        }
        return {
            "setting": setting,
            "imageType": {
                image.name: {name: _plain(value) for name, value in image.arguments} for image in self.image_types
            },
            "featureClass": {name: list(features) for name, features in self.feature_classes},
            "voxelSetting": self._voxel_settings(),
        }

    def _voxel_settings(self) -> dict[str, Any]:
        """Return the settings of feature maps only, without defaults of later versions, so that older keys stay."""
        values: dict[str, Any] = {"kernelRadius": self.kernel_radius}
        if not self.masked_kernel:
            values["maskedKernel"] = False
        if self.init_value is not None:
            values["initValue"] = self.init_value
        return values

    def key(self) -> str:
        """Return a hash of the content, the same on every machine: equal settings have equal keys."""
        text = json.dumps(self.as_dict(), sort_keys=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

    def for_image_type(self, image_type: ImageType) -> ExtractionSettings:
        """Return these settings with the image type's own values in place of theirs."""
        return replace(self, **{SETTINGS[name][0]: value for name, value in image_type.arguments})

    def in_plane(self) -> ExtractionSettings:
        """Return these settings for an image of two axes: everything within its plane, whatever `force_2d` says."""
        own = ("force2D", "force2Ddimension")
        types = tuple(
            ImageType(image.name, tuple(pair for pair in image.arguments if pair[0] not in own))
            for image in self.image_types
        )
        return replace(self, image_types=types, force_2d=True, force_2d_dimension=0)


assert {attribute for attribute, _ in SETTINGS.values()} | {"image_types", "feature_classes"} | {
    attribute for attribute, _ in VOXEL_SETTINGS.values() if attribute
} == {item.name for item in fields(ExtractionSettings)}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

"""The section `extract` of study.yaml: the extraction of a lesion's features."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Positive, Section, as_text
from radstudy.protocol.shipped import default

_Voxels = Annotated[int, Field(ge=1, le=1_000_000_000)]  # a limit: no image that can be read has more


class Images(Section):
    """The image types that features are computed on."""

    original: bool = default("extract.images_named.original")
    log_sigma_mm: tuple[Positive, ...] = Field((), description="Laplacian of Gaussian, one image per sigma.")
    wavelet: str | None = Field(None, description="Stationary wavelet, eight sub-bands, such as coif1.")


class Maps(Section):
    """Maps of features over the first reader's lesions, for the report; no model uses them."""

    features: tuple[str, ...] = Field(
        description="Full names, such as original_glcm_JointEntropy; of images that are extracted; no shape features."
    )
    patients: tuple[str, ...] | None = Field(None, description="Patients whose lesions are mapped; None: all.")

    @field_validator("patients", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return [as_text(item) for item in given] if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, names in (("features", self.features), ("patients", self.patients)):
            if names is not None and (not names or len(set(names)) != len(names)):
                raise PydanticCustomError("maps", "'{what}' must name at least one, each only once", {"what": what})
        return self


class Extract(Section):
    """The extraction of a lesion's features."""

    spacing_mm: tuple[Positive, Positive, Positive] | None = default(
        "extract.spacing_mm", description="Resample to this spacing; None: as acquired."
    )
    bin_width: Positive | None = default("extract.bin_width", description="Width of a grey-level bin.")
    bin_count: Annotated[int, Field(ge=2)] | None = Field(None, description="Number of bins, instead of their width.")
    pad_voxels: Annotated[int, Field(ge=0)] | Literal["exact"] = default(
        "extract.pad_voxels",
        description="Margin around the lesion that filters may see, in resampled voxels; exact: 11 times the largest "
        "sigma, which yields the Laplacian of Gaussian of the whole image.",
    )
    images: Images = default(
        "extract.images",
        description="If left out: those of the reference study, for 1,218 features. If given: only those named.",
    )
    features: Literal["pyradiomics-1218", "all"] | dict[str, list[str] | None] = default(
        "extract.features", description="pyradiomics-1218, all, or classes with their features (none listed: all)."
    )
    params: str | None = Field(None, description="A PyRadiomics parameter file; it replaces the settings above.")
    minimum_native_voxels: _Voxels = default(
        "extract.minimum_native_voxels", description="Smaller lesions are refused."
    )
    minimum_voxels: _Voxels = default(
        "extract.minimum_voxels", description="After resampling; smaller ones are refused."
    )

    maps: Maps | None = Field(None, description="Feature maps for the report; None: no map is computed.")

    def deciding_features(self) -> dict[str, Any]:
        """The settings that a feature's value depends on: all but the maps, which only show it."""
        return self.model_dump(mode="json", exclude={"maps"})

    @property
    def margin_voxels(self) -> int:
        """The margin as a number of voxels. (Images that are not resampled are filtered whole.)"""
        if self.pad_voxels != "exact":
            return self.pad_voxels
        widest = max(self.images.log_sigma_mm, default=0.0)
        return max(5, math.ceil(11 * widest / min(self.spacing_mm or (1.0,))))

    @model_validator(mode="after")
    def _one_binning(self) -> Self:
        if (self.bin_width is None) == (self.bin_count is None):
            raise PydanticCustomError("binning", "give 'bin_width' or 'bin_count', and set the other to null", {})
        return self

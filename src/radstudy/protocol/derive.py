"""The recipe of `radstudy derive`: the maps and figures to compute, and their images."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Positive, Section, checked_pattern

EnhancementMap = Literal["early", "peak", "late", "wash_in", "wash_out", "ser", "time_to_peak"]
ENHANCEMENT_MAPS: tuple[EnhancementMap, ...] = (
    "early", "peak", "late", "wash_in", "wash_out", "ser", "time_to_peak"
)  # fmt: skip
FIGURES = (
    "diameter_mm", "curve_type", "initial_rise", "initial_enhancement_percent", "late_change_percent", "curve_times_s",
    "curve_signal", "motion_mm", "motion_degrees",
)  # fmt: skip
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
_FILE = "a column of the table that holds paths, or a pattern such as {patient}/DCE1.nii.gz"


class Adc(Section):
    """Apparent diffusion coefficient."""

    name: FileName = Field("ADC", description="Name of the map: of its file and its column.")
    images: dict[float, str] = Field(description=f"b-value (s/mm2) to {_FILE}.")
    method: Literal["log-linear", "weighted"] = Field("weighted", description="Method of the line fit.")
    noise_floor: Annotated[float, Field(ge=0)] = Field(0.0, description="Signals at or below it are left out.")

    @model_validator(mode="after")
    def _two(self) -> Self:
        if len(self.images) < 2 or min(self.images) < 0:
            raise PydanticCustomError("b_values", "'images' needs two b-values or more, none negative", {})
        return self


class Dce(Section):
    """Dynamic contrast enhancement."""

    phases: tuple[str, ...] = Field(description=f"In the order of time; each {_FILE}.")
    times_s: Literal["sidecar"] | tuple[float | str, ...] = Field(
        "sidecar",
        description="Seconds of each phase: numbers, or columns that hold them; sidecar: seconds_since_first_phase in "
        "the JSON beside each image, as `radstudy import` writes it.",
    )
    before: Annotated[int, Field(ge=1)] = Field(1, description="Number of phases before the contrast agent.")
    injection_s: float | str | None = Field(
        None,
        description="Time of the injection, on the same clock: a number or a column. None: the last phase before it.",
    )
    least_signal: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Voxels at or below it before contrast have no enhancement."
    )
    ser_limits: tuple[float, float] | None = Field((0.0, 3.0), description="Limits of the enhancement ratio.")
    maps: tuple[EnhancementMap, ...] = Field(ENHANCEMENT_MAPS, description="The maps; [] for none.")
    prefix: FileName = Field("DCE_", description="Prefix of the name of each map.")
    curve: bool = Field(True, description="The lesion's time-intensity curve and its type; needs the mask.")
    initial_s: Positive = Field(120.0, description="Longest time from the injection to the initial peak.")
    change_percent: Positive = Field(10.0, description="Change of the initial peak that makes a curve rise or fall.")
    motion: bool = Field(True, description="Displacement between the phases; needs the mask.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.phases) < 2 or self.before >= len(self.phases):
            raise PydanticCustomError("phases", "'phases' needs at least one before contrast and one after it", {})
        if isinstance(self.times_s, tuple) and len(self.times_s) != len(self.phases):
            raise PydanticCustomError("times", "'times_s' needs one time for each phase", {})
        if len(set(self.maps)) != len(self.maps):
            raise PydanticCustomError("maps", "a map is named twice", {})
        return self


class Derive(Section):
    """The whole recipe."""

    patient: str = Field("patient_id", description="Column with the patient's identifier.")
    lesion: str | None = Field(None, description="Column with the lesion's identifier; None: one lesion per patient.")
    mask: str | None = Field(
        None, description=f"The lesion, drawn on the DCE phases: {_FILE}. None: if no figure needs it."
    )
    label: int | str | None = Field(None, description="The part of the mask that is the lesion, as in cohort.label.")
    diameter: bool = Field(True, description="The lesion's longest diameter; needs the mask.")
    adc: Adc | None = None
    dce: Dce | None = None

    @field_validator("adc", "dce", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.adc is None and self.dce is None and self.mask is None:
            raise PydanticCustomError("nothing", "the recipe computes nothing: give 'adc', 'dce' or 'mask'", {})
        for given in self.files():
            checked_pattern(given)
        return self

    def files(self) -> list[str]:
        """The columns and patterns that name files."""
        images = [] if self.adc is None else list(self.adc.images.values())
        return [*images, *(() if self.dce is None else self.dce.phases), *([self.mask] if self.mask else [])]

    def columns(self) -> list[str]:
        """The columns that the new table may get."""
        maps = [] if self.dce is None else [f"{self.dce.prefix}{name}" for name in self.dce.maps]
        return [*([] if self.adc is None else [self.adc.name]), *maps, *FIGURES]

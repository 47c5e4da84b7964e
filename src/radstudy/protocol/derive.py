"""The recipe of `radstudy derive`: which maps and figures are made of which images."""

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

    name: FileName = Field("ADC", description="Of the map: its file and its column.")
    images: dict[float, str] = Field(description=f"b-value (s/mm2) to {_FILE}.")
    method: Literal["log-linear", "weighted"] = Field("weighted", description="How the line is fitted.")
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
    before: Annotated[int, Field(ge=1)] = Field(1, description="How many phases come before the contrast agent.")
    injection_s: float | str | None = Field(
        None,
        description="When it was given, on the same clock: a number or a column. None: at the last phase before it.",
    )
    least_signal: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Voxels at or below it before contrast have no enhancement."
    )
    ser_limits: tuple[float, float] | None = Field((0.0, 3.0), description="What the enhancement ratio is cut to.")
    maps: tuple[EnhancementMap, ...] = Field(ENHANCEMENT_MAPS, description="Which maps; [] for none.")
    prefix: FileName = Field("DCE_", description="Before the name of each map.")
    curve: bool = Field(True, description="The lesion's time-intensity curve and its type; needs the mask.")
    initial_s: Positive = Field(120.0, description="How long after the injection the initial peak may lie.")
    change_percent: Positive = Field(10.0, description="Change of the initial peak that makes a curve rise or fall.")
    motion: bool = Field(True, description="Displacement between the phases; needs the mask.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.phases) < 2 or self.before >= len(self.phases):
            raise PydanticCustomError("phases", "'phases' needs one before contrast and one after it, or more", {})
        if isinstance(self.times_s, tuple) and len(self.times_s) != len(self.phases):
            raise PydanticCustomError("times", "'times_s' needs one time for each phase", {})
        if len(set(self.maps)) != len(self.maps):
            raise PydanticCustomError("maps", "a map is named twice", {})
        return self


class Derive(Section):
    """The whole recipe."""

    patient: str = Field("patient_id", description="Column with the patient's identifier.")
    lesion: str | None = Field(None, description="Column with the lesion's identifier; None: one lesion a patient.")
    mask: str | None = Field(
        None, description=f"The lesion, drawn on the DCE phases: {_FILE}. None: no figure needs it."
    )
    label: int | str | None = Field(None, description="Which part of the mask is the lesion, as cohort.label.")
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
            raise PydanticCustomError("nothing", "the recipe makes nothing: give 'adc', 'dce' or 'mask'", {})
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

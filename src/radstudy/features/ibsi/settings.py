"""Settings that determine an IBSI feature's value, and the configurations that IBSI published values for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from radstudy.errors import StudyFileError

DIMENSIONS = ("2D", "2.5D", "3D")
INTERPOLATIONS = ("nearest", "linear", "cubic")


@dataclass(frozen=True)
class IbsiSettings:
    """Image processing and discretisation, in IBSI's terms. The default leaves the image as it is.

    Parameters
    ----------
    by_slice : interpolate within planes of constant k only; textures are then 2D and 2.5D unless `dimensions` is set.
    spacing_mm : (x, y, z) of the new grid in the file's axis order, 0 keeps an axis (as does z with `by_slice`);
        None does not interpolate. The new grid has the old one's centre.
    interpolation : of the intensities: "nearest", "linear" (bi- or trilinear) or "cubic" (cubic B-spline). The mask
        is always interpolated linearly.
    mask_threshold : smallest fraction of a new voxel, 0 to 1, inside the mask for the voxel to belong to it.
    round_intensities : round interpolated intensities to whole numbers (Hounsfield units).
    resegment_range : (lowest, highest) intensity, in the image's unit, that stays in the intensity mask; None: all.
    resegment_sigma : keep voxels within this many standard deviations of the mean of the interpolated mask; if a range
        is set too, both must hold. Neither changes the morphological mask.
    bin_width : of the grey levels, in the image's unit. `extract_ibsi` needs this or `bin_count`.
    lowest : lower edge of the first bin of a fixed width, in the image's unit; None: the range's lowest value, or the
        lesion's minimum if there is no range.
    bin_count : a fixed number of bins between the lesion's minimum and maximum instead.
    ivh_bin_width, ivh_bin_count : bins of the intensity-volume histogram; if neither is set, intensities in steps of 1
        if they are whole numbers, else unbinned.
    dimensions : of the textures: any of "2D" (by slice, then averaged), "2.5D" (by slice, merged) and "3D".

    Raises
    ------
    StudyFileError : a value cannot be used.

    Examples
    --------
    >>> IbsiSettings(bin_count=32).dimensions
    ('3D',)
    """

    by_slice: bool = False
    spacing_mm: tuple[float, float, float] | None = None
    interpolation: str = "linear"
    mask_threshold: float = 0.5
    round_intensities: bool = False
    resegment_range: tuple[float, float] | None = None
    resegment_sigma: float | None = None
    bin_width: float | None = None
    lowest: float | None = None
    bin_count: int | None = None
    ivh_bin_width: float | None = None
    ivh_bin_count: int | None = None
    dimensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("spacing_mm", "resegment_range", "dimensions"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        if not self.dimensions:
            object.__setattr__(self, "dimensions", ("2D", "2.5D") if self.by_slice else ("3D",))
        self._check()

    def _check(self) -> None:
        unknown = [one for one in self.dimensions if one not in DIMENSIONS]
        if unknown:
            raise StudyFileError(f"dimensions has {unknown[0]!r}; give some of {', '.join(DIMENSIONS)}")
        if self.interpolation not in INTERPOLATIONS:
            raise StudyFileError(f"interpolation is {self.interpolation!r}; give one of {', '.join(INTERPOLATIONS)}")
        if self.spacing_mm is not None and (len(self.spacing_mm) != 3 or min(self.spacing_mm) < 0):
            raise StudyFileError(f"spacing_mm is {self.spacing_mm}; give mm along x, y and z, 0 to keep an axis")
        if not 0 < self.mask_threshold <= 1:
            raise StudyFileError(f"mask_threshold is {self.mask_threshold}; give a fraction above 0 and up to 1")
        if self.bin_width is not None and self.bin_count is not None:
            raise StudyFileError("give bin_width or bin_count, not both")
        if self.ivh_bin_width is not None and self.ivh_bin_count is not None:
            raise StudyFileError("give ivh_bin_width or ivh_bin_count, not both")
        for name in ("bin_width", "bin_count", "ivh_bin_width", "ivh_bin_count", "resegment_sigma"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise StudyFileError(f"{name} is {value}; give a positive number")
        if self.resegment_range is not None and not self.resegment_range[0] < self.resegment_range[1]:
            raise StudyFileError(f"resegment_range is {self.resegment_range}; give (lowest, highest)")


_BY_SLICE = IbsiSettings(by_slice=True, resegment_range=(-500.0, 400.0), bin_width=25.0)
_VOLUME = IbsiSettings(spacing_mm=(2.0, 2.0, 2.0), round_intensities=True, bin_count=32)
_WHOLE_RANGE = (-1000.0, 400.0)

CONFIGURATIONS: dict[str, IbsiSettings] = {
    "digital_phantom": IbsiSettings(bin_width=1.0, lowest=1.0, dimensions=DIMENSIONS),
    "A": _BY_SLICE,
    "B": replace(_BY_SLICE, spacing_mm=(2.0, 2.0, 0.0), round_intensities=True, bin_width=None, bin_count=32),
    "C": replace(_VOLUME, resegment_range=_WHOLE_RANGE, bin_width=25.0, bin_count=None, ivh_bin_width=2.5),
    "D": replace(_VOLUME, resegment_sigma=3.0),
    "E": replace(_VOLUME, interpolation="cubic", resegment_range=_WHOLE_RANGE, resegment_sigma=3.0, ivh_bin_count=1000),
    "ibsi2_A": IbsiSettings(by_slice=True, resegment_range=_WHOLE_RANGE),
    "ibsi2_B": IbsiSettings(
        spacing_mm=(1.0, 1.0, 1.0), interpolation="cubic", round_intensities=True, resegment_range=_WHOLE_RANGE
    ),
}
"""The configurations of IBSI-1 for its digital phantom and (A to E) its CT phantom; those of IBSI-2, phase 2."""


def ibsi_settings(settings: IbsiSettings | Mapping[str, Any] | str) -> IbsiSettings:
    """Return the settings for settings, a dictionary of their fields, or a configuration's name.

    Raises
    ------
    StudyFileError : the configuration or field is unknown, or a value cannot be used.

    Examples
    --------
    >>> ibsi_settings("C").bin_width
    25.0
    >>> ibsi_settings({"bin_count": 32}).bin_count
    32
    """
    if isinstance(settings, IbsiSettings):
        return settings
    if isinstance(settings, str):
        name = settings.removeprefix("config_")
        if name not in CONFIGURATIONS:
            raise StudyFileError(f"unknown IBSI configuration {settings!r}; choose from {', '.join(CONFIGURATIONS)}")
        return CONFIGURATIONS[name]
    if not isinstance(settings, Mapping):
        raise StudyFileError(
            "IBSI settings must be IbsiSettings, a dictionary or a configuration's name "
            f"({', '.join(CONFIGURATIONS)}), not {type(settings).__name__}"
        )
    known = {field.name for field in fields(IbsiSettings)}
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise StudyFileError(f"IBSI settings have no field {unknown[0]!r}; choose from {', '.join(sorted(known))}")
    return IbsiSettings(**settings)

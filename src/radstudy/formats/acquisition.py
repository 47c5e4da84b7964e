"""Scanner and acquisition of an image that an import has written, read from the JSON beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.store import read_json

MADE_BY = "radstudy import"  # begins the entry made_by of the JSON that an import writes beside an image


def sidecar_path(file: Path) -> Path:
    """The JSON next to a .nii.gz file."""
    return file.with_name(file.name.removesuffix(".nii.gz") + ".json")


def acquisition_of(image: Path, *, patient: str, sequence: str) -> Acquisition | None:
    """The acquisition of one image; None if no import has written it.

    Parameters
    ----------
    image : the image file.
    patient, sequence : identify it in the study.
    """
    try:
        content = read_json(sidecar_path(image))
    except (OSError, ValueError):  # no JSON beside it, or not one of ours
        return None
    if not isinstance(content, Mapping) or not str(content.get("made_by", "")).startswith(MADE_BY):
        return None
    tags = content.get("tags")
    return _row(content, tags, patient, sequence) if isinstance(tags, Mapping) else None


def _row(content: Mapping[str, Any], tags: Mapping[str, Any], patient: str, sequence: str) -> Acquisition:
    spacing = [value for value in map(_number, content.get("spacing_mm") or ()) if value is not None]
    return Acquisition(
        patient=patient,
        sequence=sequence,
        manufacturer=_text(tags.get("Manufacturer")),
        model=_text(tags.get("ManufacturerModelName")),
        field_strength_t=_number(tags.get("MagneticFieldStrength_T")),
        acquisition_type=_text(tags.get("MRAcquisitionType")),
        repetition_time_ms=_number(tags.get("RepetitionTime_ms")),
        echo_time_ms=_number(tags.get("EchoTime_ms")),
        inversion_time_ms=_number(tags.get("InversionTime_ms")),
        flip_angle_deg=_number(tags.get("FlipAngle_deg")),
        echo_train_length=_number(tags.get("EchoTrainLength")),
        pixel_bandwidth_hz=_number(tags.get("PixelBandwidth_Hz")),
        b_value=_number(content.get("b_value")),
        in_plane_mm=_in_plane(spacing),
        slice_thickness_mm=_number(tags.get("SliceThickness_mm")),
        slice_step_mm=spacing[2] if len(spacing) == 3 else None,
        plane=_text(content.get("plane")).partition(",")[0],
        seconds_since_first_phase=_number(content.get("seconds_since_first_phase")),
        contrast_agent=_text(tags.get("ContrastBolusAgent")),
    )


def _in_plane(spacing: Sequence[float]) -> float | None:
    return min(spacing[:2]) if len(spacing) == 3 else None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _number(value: object) -> float | None:
    """A finite number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None

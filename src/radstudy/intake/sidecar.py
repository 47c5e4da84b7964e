"""The JSON next to each volume: an allow-list of relevant tags, and how the volume was made.

Only tags named here are copied. Dates are not: times are seconds since the first phase.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from radstudy._version import __version__
from radstudy.formats.acquisition import MADE_BY
from radstudy.formats.dicom_header import SeriesFacts
from radstudy.intake.plan import Item
from radstudy.intake.pseudonyms import Redactor

_SECONDARY = {"SECONDARY", "SCREEN SAVE", "SCREENSAVE", "SCREENSHOT", "CAPTURE"}


def sidecar_of(
    item: Item, patient: str, redact: Redactor, *, key: str, file_hash: str, padded: int = 0
) -> dict[str, Any]:
    """Content of the JSON written next to a volume.

    Parameters
    ----------
    item : the volume.
    patient : pseudonym.
    redact : removes what identifies the patient from the vendor's free texts.
    key : key of everything that the file depends on.
    file_hash : hash of the NIfTI file.
    padded : voxels that the header's padding value marks as outside the image; written as 0.
    """
    decision, facts, grid = item.decision, item.decision.series.facts, item.decision.stack.grid
    spacing = [] if grid is None else np.linalg.norm(grid.affine[:3, :3], axis=0).round(5).tolist()
    rescaled = sorted({(f.slope or 1.0, f.intercept or 0.0) for f in decision.stack.frames})
    return {
        "made_by": f"{MADE_BY} {__version__}",
        "patient": patient,
        "role": decision.role,
        "volume": item.mark,
        "places": dict(item.places),
        "evidence": list(decision.evidence),
        "reason_for_review": decision.reason,
        "points": decision.points,
        "seconds_since_first_phase": decision.seconds,
        "b_value": decision.stack.b_value,
        "diffusion_direction": decision.stack.direction,
        "shape": [] if grid is None else list(grid.shape),
        "spacing_mm": spacing,
        "anisotropy": round(max(spacing) / min(spacing), 3) if spacing else None,
        "plane": "" if grid is None else plane_of(grid.affine),
        "rescale": [{"slope": slope, "intercept": intercept} for slope, intercept in rescaled[:8]],
        "rescale_differs_between_slices": len(rescaled) > 1,
        "scale": _scale(item),
        "padding": None if facts.padding is None else {"stored_values": list(facts.padding), "voxels_set_to_0": padded},
        "warnings": warnings_of(item),
        "pixels_may_hold_text": pixels_may_hold_text(frame.facts for frame in decision.stack.frames),
        "tags": {
            "SeriesNumber": facts.series_number,
            "SeriesDescription": redact(facts.description),
            "ProtocolName": redact(facts.protocol),
            "SequenceName": redact(facts.sequence_name),
            "Manufacturer": facts.manufacturer,
            "ManufacturerModelName": facts.model,
            "MagneticFieldStrength_T": facts.field_strength,
            "ImageType": list(decision.stack.facts.image_type),
            "ScanningSequence": list(facts.scanning_sequence),
            "SequenceVariant": list(facts.sequence_variant),
            "ScanOptions": list(facts.scan_options),
            "MRAcquisitionType": facts.acquisition_type,
            "RepetitionTime_ms": facts.repetition_ms,
            "EchoTime_ms": decision.stack.facts.echo_ms,
            "InversionTime_ms": facts.inversion_ms,
            "FlipAngle_deg": facts.flip_deg,
            "EchoTrainLength": facts.echo_train,
            "PixelBandwidth_Hz": facts.bandwidth_hz,
            "SliceThickness_mm": facts.thickness_mm,
            "SpacingBetweenSlices_mm": facts.spacing_between_mm,
            "ContrastBolusAgent": redact(facts.contrast_agent),
            "BodyPartExamined": facts.body_part,
            "Laterality": facts.laterality,
            "PatientPosition": facts.patient_position,
        },
        "key": key,
        "file_hash": file_hash,
    }


def _scale(item: Item) -> dict[str, Any] | None:
    """Factors that converted the rescaled values to the scale of the volumes with which they are compared."""
    if item.scale is None:
        return None
    own = sorted({frame.scale for frame in item.decision.stack.frames if frame.scale})
    return {"on_the_scale_of": item.scale_of, "factors": [item.scale / scale for scale in own[:8]]}


def warnings_of(item: Item) -> list[str]:
    """Warnings to the reader about a volume that can be written."""
    facts, grid, series = item.decision.series.facts, item.decision.stack.grid, item.decision.series
    warnings = []
    if facts.burned_in:
        warnings.append("the header says that text is burned into the pixels: check the images before sharing them")
    if series.copies:
        warnings.append(f"{series.copies} file(s) of the series were exact copies and were used once")
    if facts.padding is not None and facts.padding != (0, 0):
        values = " to ".join(str(value) for value in dict.fromkeys(facts.padding))
        warnings.append(f"pixels with the padding value {values} are outside the image and are written as 0")
    if item.scale is not None:
        scales = {frame.scale for frame in item.decision.stack.frames if frame.scale}
        times = ", ".join(f"{item.scale / scale:.6g}" for scale in sorted(scales)[:3])
        warnings.append(
            f"the scanner scaled volumes that are used together differently: the values are converted to the scale of "
            f"{item.scale_of} (times {times})"
        )
    if grid is not None and facts.thickness_mm:
        step = float(np.linalg.norm(grid.affine[:3, 2]))
        if facts.thickness_mm > 1.01 * step:
            warnings.append(f"slices of {facts.thickness_mm:g} mm overlap: their step is {step:.3g} mm")
        if step > 1.5 * facts.thickness_mm:
            warnings.append(f"gaps between slices: {facts.thickness_mm:g} mm thick, step {step:.3g} mm")
    return warnings


def pixels_may_hold_text(facts: Iterable[SeriesFacts]) -> bool:
    """True if the pixels may show a name: the header says so, or it is a captured or secondary image whose header does
    not rule it out.
    """
    return any(
        one.burned_in or (not one.says_no_text and (one.captured or bool(_SECONDARY & {*one.image_type})))
        for one in facts
    )


def plane_of(affine: Any) -> str:
    """Name of the plane by the slices' normal (axial, coronal or sagittal), with the degrees by which it is oblique."""
    normal = np.abs(np.asarray(affine)[:3, 2] / np.linalg.norm(np.asarray(affine)[:3, 2]))
    axis = int(np.argmax(normal))
    degrees = float(np.degrees(np.arccos(min(1.0, normal[axis]))))
    name = ("sagittal", "coronal", "axial")[axis]
    return name if degrees < 0.05 else f"{name}, {degrees:.1f} degrees oblique"

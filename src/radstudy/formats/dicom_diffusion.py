"""The b-value of a DICOM image, from the standard tag and the vendors' private ones.

References: DICOM PS3.3 C.8.13.5.9 (MR diffusion). Private tags from the vendors' conformance statements:
Siemens (0019,100C) and the CSA header's B_value, GE (0043,1039), Philips (2001,1003), United Imaging (0065,1009).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radstudy.formats.dicom_values import first_item, number_of, private_value, value_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GE_OFFSET = 1_000_000_000  # newer GE systems add it to the b-value


@dataclass(frozen=True, slots=True)
class DiffusionWeighting:
    """The diffusion weighting of one image.

    Parameters
    ----------
    b_value : s/mm2, or None if no tag holds one.
    source : the tag that holds it.
    direction : "none" (b = 0), "isotropic" (trace), "directional" (one gradient), or "" if unknown.
    gradient : the direction, LPS, rounded; None if absent.
    conflict : the values of tags that disagree; "" if they agree.
    """

    b_value: float | None = None
    source: str = ""
    direction: str = ""
    gradient: tuple[float, ...] | None = None
    conflict: str = ""


def diffusion_of(
    dataset: Dataset, look: Callable[[str, str], Any], manufacturer: str, image_type: tuple[str, ...]
) -> DiffusionWeighting:
    """Read the diffusion weighting of an image from its tags.

    Parameters
    ----------
    dataset : a pydicom Dataset.
    look : returns a value of the frame's functional group, by sequence and keyword.
    manufacturer : as spelled in the header.
    image_type : ImageType of the image.
    """
    vendor = manufacturer.upper()
    readings = [
        (name, value)
        for name, value in (
            ("DiffusionBValue (0018,9087)", number_of(look("MRDiffusionSequence", "DiffusionBValue"))),
            ("Siemens (0019,100C)", _siemens(dataset) if "SIEMENS" in vendor else None),
            ("Philips (2001,1003)", number_of(private_value(dataset, 0x20011003)) if "PHILIPS" in vendor else None),
            ("GE (0043,1039)", _ge(dataset) if vendor.startswith("GE") else None),
            ("United Imaging (0065,1009)", _united_imaging(dataset, vendor)),
        )
        if value is not None and 0 <= value < 100_000
    ]
    if not readings and "SIEMENS" in vendor:
        readings = _siemens_csa(dataset)
    if not readings:
        return DiffusionWeighting()
    source, b_value = readings[0]
    conflict = ""
    if len({round(value) for _, value in readings}) > 1:
        conflict = ", ".join(f"{name} says {value:g}" for name, value in readings)
    gradient = _gradient(dataset, look)
    return DiffusionWeighting(
        b_value, source, _direction(dataset, look, b_value, gradient, image_type), gradient, conflict
    )


def _direction(
    dataset: Dataset,
    look: Callable[[str, str], Any],
    b_value: float,
    gradient: tuple[float, ...] | None,
    image_type: tuple[str, ...],
) -> str:
    stated = str(look("MRDiffusionSequence", "DiffusionDirectionality") or "").strip().upper()
    private = private_value(dataset, 0x20011004)
    letter = private.decode("ascii", "ignore") if isinstance(private, bytes) else str(private or "")
    if round(b_value) == 0:
        return "none"
    if stated == "ISOTROPIC" or letter.strip().upper().startswith("I") or {"TRACEW", "ISO", "TRACE"} & set(image_type):
        return "isotropic"
    if gradient is not None and any(gradient):
        return "directional"
    return "directional" if stated == "DIRECTIONAL" else ""


def _gradient(dataset: Dataset, look: Callable[[str, str], Any]) -> tuple[float, ...] | None:
    value = look("MRDiffusionSequence", "DiffusionGradientOrientation")
    if value is None:
        value = look("DiffusionGradientDirectionSequence", "DiffusionGradientOrientation")
    if value is None:
        item = look("MRDiffusionSequence", "DiffusionGradientDirectionSequence")
        value = value_of(first_item(item), "DiffusionGradientOrientation") if item else None
    if value is None:
        ge = [number_of(private_value(dataset, tag)) for tag in (0x001910BB, 0x001910BC, 0x001910BD)]
        value = None if any(part is None for part in ge) else ge
    try:
        return None if value is None else tuple(round(float(part), 4) for part in value)
    except (TypeError, ValueError):
        return None


def _ge(dataset: Dataset) -> float | None:
    """GE's b-value, the first of four numbers. A 0 there means nothing: series without diffusion have it too."""
    value = number_of(private_value(dataset, 0x00431039))
    if value is None:
        return None
    return value - _GE_OFFSET if value >= _GE_OFFSET else value


def _siemens(dataset: Dataset) -> float | None:
    return number_of(private_value(dataset, 0x0019100C))


def _united_imaging(dataset: Dataset, vendor: str) -> float | None:
    return number_of(private_value(dataset, 0x00651009)) if "UIH" in vendor or "UNITED IMAGING" in vendor else None


def _siemens_csa(dataset: Dataset) -> list[tuple[str, float]]:
    raw = private_value(dataset, 0x00291010)
    if not isinstance(raw, bytes):
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nibabel calls its DICOM part experimental
        from nibabel.nicom import csareader

    try:
        value = csareader.get_scalar(csareader.read(raw), "B_value")
    except Exception:  # a vendor's private header that cannot be read is as good as absent
        return []
    number = number_of(value)
    return [] if number is None or not 0 <= number < 100_000 else [("Siemens CSA header B_value", number)]

"""The scanner and the acquisition of one image: a row of report/acquisition.csv."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from radstudy.artefacts.records.fields import Says


@dataclass(frozen=True)
class Acquisition:
    """The scanner and the acquisition of one image, from the tags that the import has kept; None if not recorded."""

    patient: Annotated[str, Says("Patient identifier.")]
    sequence: Annotated[str, Says("Sequence, by its name in the study file.")]
    manufacturer: Annotated[str, Says("Manufacturer of the scanner; empty if not recorded.")]
    model: Annotated[str, Says("Model of the scanner; empty if not recorded.")]
    field_strength_t: Annotated[float | None, Says("Magnetic field strength.", "T")]
    acquisition_type: Annotated[str, Says("2D or 3D; empty if not recorded.")]
    repetition_time_ms: Annotated[float | None, Says("Repetition time.", "ms")]
    echo_time_ms: Annotated[float | None, Says("Echo time.", "ms")]
    inversion_time_ms: Annotated[float | None, Says("Inversion time.", "ms")]
    flip_angle_deg: Annotated[float | None, Says("Flip angle.", "degrees")]
    echo_train_length: Annotated[float | None, Says("Echo train length.")]
    pixel_bandwidth_hz: Annotated[float | None, Says("Bandwidth of a pixel.", "Hz")]
    b_value: Annotated[float | None, Says("Diffusion weighting.", "s/mm2")]
    in_plane_mm: Annotated[float | None, Says("Smaller distance between voxels within a slice.", "mm")]
    slice_thickness_mm: Annotated[float | None, Says("Slice thickness.", "mm")]
    slice_step_mm: Annotated[float | None, Says("Distance between the centres of two slices.", "mm")]
    plane: Annotated[str, Says("Plane of the slices; empty if not recorded.")]
    seconds_since_first_phase: Annotated[float | None, Says("Time since the first phase of a dynamic scan.", "s")]
    contrast_agent: Annotated[str, Says("Contrast agent; empty if not recorded.")]

    def as_json(self) -> dict[str, object]:
        """The row."""
        return asdict(self)

"""Preparation of a volume, in the order of the study file, kept as a record that can be applied again.

The bias field and the limits of the scale are fitted once. They are a few hundred numbers, so no prepared volume has to
be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.bias_field import BiasField, correct
from radstudy.imaging.box import Box
from radstudy.imaging.field_view import log_field_at
from radstudy.imaging.foreground import foreground
from radstudy.imaging.intensity import LinearScale, reference_parameters, rescale_parameters, zscore_parameters
from radstudy.imaging.masks.read import needs_image
from radstudy.imaging.n4 import fit_bias_field
from radstudy.imaging.quality import Evenness, evenness
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.prepare import N4, PreparationStep, Reference, Rescale, ZScoreSection
from radstudy.space.grid import Grid
from radstudy.timing import timed

_FEW_REFERENCE_VOXELS = 50
NOISE = 1e-7  # relative: the last digit of a float32
SENSITIVE = 0.01  # log units: if such noise moves a field by more, rounding changes a lesion's intensities by over 1 %


@dataclass(frozen=True, eq=False)
class Preparation:
    """The steps fitted to one volume.

    Parameters
    ----------
    steps : the fitted bias fields and scales, in the order in which they are applied.
    warnings : facts that a reader of the results should know.
    quality : the foreground before and after each bias field.
    shifts : change of each bias field under noise of the last digit, if requested; not kept in the record.
    """

    steps: tuple[BiasField | LinearScale, ...]
    warnings: tuple[str, ...] = ()
    quality: tuple[Evenness, ...] = ()
    shifts: tuple[BiasField, ...] = ()

    def apply(self, volume: Volume) -> Volume:
        """Return the prepared volume, with the same voxels as when the preparation was fitted."""
        for step in self.steps:
            volume = _apply(volume, step)
        return volume

    def before_field(self, volume: Volume) -> tuple[Volume, BiasField] | None:
        """Return the volume before its first bias field, and that field; None if there is no bias field."""
        for step in self.steps:
            if isinstance(step, BiasField):
                return volume, step
            volume = _apply(volume, step)
        return None

    def field_shift(self, boxes: Sequence[Box]) -> float | None:
        """Return the largest change of a bias field by noise of the last digit inside the boxes of lesions.

        Natural logarithm; None if no field was disturbed, or there is no lesion.
        """
        moved = [
            float(np.abs(log_field_at(shift, (np.arange(*i), np.arange(*j), np.arange(*k)))).max())
            for shift in self.shifts
            for i, j, k in boxes
        ]
        return max(moved, default=None)

    def facts(self) -> dict[str, Any]:
        """Return the facts for the report on this volume."""
        fields = [step for step in self.steps if isinstance(step, BiasField)]
        scales = [step for step in self.steps if isinstance(step, LinearScale)]
        return {
            "iterations": "; ".join(", ".join(map(str, field.iterations)) for field in fields),
            "cv_before": self.quality[0].variation_before if self.quality else None,
            "cv_after": self.quality[-1].variation_after if self.quality else None,
            "field_ratio": self.quality[-1].field_ratio if self.quality else None,
            "low": scales[-1].low if scales else None,
            "high": scales[-1].high if scales else None,
            "warnings": "; ".join(self.warnings),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the preparation as plain JSON."""
        return {
            "steps": [
                {"n4": step.as_dict()} if isinstance(step, BiasField) else {"scale": step.as_dict()}
                for step in self.steps
            ],
            "warnings": list(self.warnings),
            "quality": [item.as_dict() for item in self.quality],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Preparation:
        """Read the result of `as_dict`."""
        steps = tuple(
            BiasField.from_dict(item["n4"]) if "n4" in item else LinearScale.from_dict(item["scale"])
            for item in record["steps"]
        )
        return cls(steps, tuple(record["warnings"]), tuple(Evenness.from_dict(item) for item in record["quality"]))


def prepare_volume(
    volume: Volume, steps: Sequence[PreparationStep], reference: Roi | None = None, *, disturb: bool = False
) -> tuple[Volume, Preparation]:
    """Prepare a volume according to the study file.

    Parameters
    ----------
    volume : as read.
    steps : the list ``prepare`` of the study file.
    reference : mask of the reference tissue, if a step needs one.
    disturb : fit every bias field a second time, under noise, for `Preparation.field_shift`.

    Returns
    -------
    The prepared volume, and its preparation, which returns the same voxels when applied to the volume as read.

    Raises
    ------
    CaseError : a step cannot be applied to this volume; the message states the step and the reason.
    """
    fitted: list[BiasField | LinearScale] = []
    quality: list[Evenness] = []
    shifts: list[BiasField] = []
    warnings: list[str] = []
    as_read = volume
    for step in steps:
        inside = foreground(volume) if isinstance(step, N4) else None
        with timed(step.word):
            fit = FITTERS[type(step)](volume, step, reference, inside)
        after = _apply(volume, fit, in_place=volume is not as_read)
        if not after.is_finite and volume.is_finite:
            raise CaseError(
                f"after the step '{step.word}' the image contains values too large to compute with",
                "look at the image's intensities and at the settings of the step (prepare)",
            )
        if isinstance(fit, BiasField):
            warnings.extend(fit.warnings)
            quality.append(evenness(volume, after, inside))
            if disturb and isinstance(step, N4):
                again = _fit_field(volume, step, inside, NOISE)
                shifts.append(replace(fit, lattice=again.lattice - fit.lattice))
        if isinstance(step, Reference) and reference is not None and reference.voxel_count < _FEW_REFERENCE_VOXELS:
            warnings.append(f"the mask of the {step.tissue} has only {reference.voxel_count} voxels")
        fitted.append(fit)
        volume = after
    return volume, Preparation(tuple(fitted), tuple(warnings), tuple(quality), tuple(shifts))


def read_reference(file: Path | None, section: Reference | None, grid: Grid | None = None) -> Roi | None:
    """Read the mask of the reference tissue; None if the study file requires none.

    Parameters
    ----------
    file : the mask's file.
    section : the step ``reference`` of the study file.
    grid : of the image; a DICOM mask needs it.

    Raises
    ------
    CaseError : the file is missing, empty or not a label map; the message names the tissue and the file.
    """
    if file is None or section is None:
        return None
    try:
        return Roi.read(file, section.label, grid if needs_image(file) else None)
    except CaseError as error:
        remedy = f"draw some {section.tissue} on this image, in a separate label map"
        raise type(error)(f"mask of the {section.tissue}: {error.problem}", remedy, file=file) from error


def _fit_reference(volume: Volume, step: Reference, reference: Roi | None) -> LinearScale:
    if reference is None:
        raise CaseError(
            f"the mask of the {step.tissue}, by which images are scaled, is missing", f"give a mask of {step.tissue}"
        )
    return reference_parameters(volume, reference, to=step.to, tissue=step.tissue)


def _fit_field(volume: Volume, section: N4, inside: NDArray[np.bool_] | None, disturbance: float = 0.0) -> BiasField:
    return fit_bias_field(
        volume, inside, shrink=section.shrink, iterations=section.iterations, convergence=section.convergence,
        disturbance=disturbance,
    )  # fmt: skip


def _apply(volume: Volume, step: BiasField | LinearScale, *, in_place: bool = False) -> Volume:
    return correct(volume, step) if isinstance(step, BiasField) else step.apply(volume, in_place=in_place)


_Inside = NDArray[np.bool_] | None
FITTERS: Mapping[type[PreparationStep], Callable[[Volume, Any, Roi | None, _Inside], BiasField | LinearScale]] = {
    N4: lambda volume, step, reference, inside: _fit_field(volume, step, inside),
    Rescale: lambda volume, step, reference, inside: rescale_parameters(
        volume, to=step.to, from_=step.from_, over=step.over
    ),
    ZScoreSection: lambda volume, step, reference, inside: zscore_parameters(volume, scale=step.scale, over=step.over),
    Reference: lambda volume, step, reference, inside: _fit_reference(volume, step, reference),
}
"""Step of `prepare` to the function that fits it to a volume, given the reference mask and the foreground of `n4`."""

"""Motion of a lesion between the phases of a series: one number per patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.errors import CaseError
from radstudy.imaging.registration import MAX_ROTATION_DEGREES, MAX_SHIFT_MM, fit_rigid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@dataclass(frozen=True)
class Motion:
    """Displacement of the lesion's centre relative to the first phase.

    Parameters
    ----------
    shift_mm : of each later phase, by a rigid fit of the lesion's surroundings.
    degrees : rotation of each later phase.
    """

    shift_mm: tuple[float, ...]
    degrees: tuple[float, ...]

    @property
    def largest_mm(self) -> float:
        """The largest displacement."""
        return max(self.shift_mm)


def motion_between(phases: Sequence[Volume], roi: Roi) -> Motion:
    """Fit how a lesion's surroundings moved from the first phase to each later one.

    The fit is that of transferred masks (`fit_rigid`, mutual information, so a change of contrast does not matter). It
    only measures: maps are computed from the phases unmoved. It detects shifts and rotations, not deformation.

    Parameters
    ----------
    phases : at least two, on one grid.
    roi : the lesion, on that grid.

    Raises
    ------
    CaseError : the mask is not on the grid, or a phase cannot be registered: no fit, or beyond 15 mm or 10 degrees.
    """
    if len(phases) < 2:
        raise CaseError("motion needs at least two phases", "give them in the recipe")
    placed = roi.on_grid_of(phases[0])
    moves = [_displacement(phase, phases[0], placed, number) for number, phase in enumerate(phases[1:], 2)]
    return Motion(tuple(shift for shift, _ in moves), tuple(degrees for _, degrees in moves))


def _displacement(phase: Volume, first: Volume, roi: Roi, number: int) -> tuple[float, float]:
    """Return the displacement in mm and degrees; zeros if nothing fits better than the scanner's coordinates."""
    fit = fit_rigid(phase, first, roi)
    shift, degrees = fit.rigid.distance_mm, fit.rigid.degrees
    if not fit.information_after > fit.information_before:
        return 0.0, 0.0
    if shift > MAX_SHIFT_MM or degrees > MAX_ROTATION_DEGREES:
        raise CaseError(
            f"phase {number}: the rigid fit moved by {shift:.1f} mm and {degrees:.1f} degrees, which is implausible",
            "look at the phases: do they show the same place",
        )
    return shift, degrees

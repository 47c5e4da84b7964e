"""How far a lesion moved between the phases of a series: one figure a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.errors import CaseError
from radstudy.imaging.registration import MAX_ROTATION_DEGREES, MAX_SHIFT_MM, fit_rigid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@dataclass(frozen=True)
class Motion:
    """Displacement of the lesion's centre against the first phase.

    Parameters
    ----------
    shift_mm : of each later phase, by a rigid fit of the lesion's surroundings.
    degrees : by which they turned.
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
    moves nothing: maps are made of the phases as they are. It sees shifts and turns, not a breast that deforms.

    Parameters
    ----------
    phases : at least two, on one grid.
    roi : the lesion, on that grid.

    Raises
    ------
    CaseError : the mask is off the grid, or a phase cannot be registered: no fit, or one beyond 15 mm or 10 degrees.
    """
    if len(phases) < 2:
        raise CaseError("motion needs two phases or more", "give them in the recipe")
    placed = roi.on_grid_of(phases[0])
    found = [_displacement(phase, phases[0], placed, number) for number, phase in enumerate(phases[1:], 2)]
    return Motion(tuple(shift for shift, _ in found), tuple(degrees for _, degrees in found))


def _displacement(phase: Volume, first: Volume, roi: Roi, number: int) -> tuple[float, float]:
    """Millimetres and degrees; none where no place fits better than the scanner's coordinates."""
    fit = fit_rigid(phase, first, roi)
    shift, degrees = fit.rigid.distance_mm, fit.rigid.degrees
    if not fit.information_after > fit.information_before:
        return 0.0, 0.0
    if shift > MAX_SHIFT_MM or degrees > MAX_ROTATION_DEGREES:
        raise CaseError(
            f"phase {number}: the rigid fit moved by {shift:.1f} mm and {degrees:.1f} degrees, which is not believed",
            "look at the phases: do they show the same place",
        )
    return shift, degrees

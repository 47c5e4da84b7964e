"""How far a lesion moved between the phases of a series: one figure a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.errors import CaseError
from radstudy.imaging.registration import fit_rigid
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
    CaseError : the mask is off the grid, or a phase cannot be registered.
    """
    if len(phases) < 2:
        raise CaseError("motion needs two phases or more", "give them in the recipe")
    placed = roi.on_grid_of(phases[0])
    fits = [fit_rigid(phase, phases[0], placed) for phase in phases[1:]]
    return Motion(tuple(fit.rigid.distance_mm for fit in fits), tuple(fit.rigid.degrees for fit in fits))

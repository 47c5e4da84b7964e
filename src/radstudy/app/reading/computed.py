"""Characteristics computed from a reader's mask and the phases; shown once the reader's own answer is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.parametric.curve import Curve, lesion_curve
from radstudy.imaging.parametric.diameter import maximum_diameter_in_slice_mm, maximum_diameter_mm
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@dataclass(frozen=True)
class ComputedCharacteristics:
    """Size and curve of one lesion.

    Parameters
    ----------
    longest_in_slice_mm : longest diameter within one slice.
    longest_mm : longest diameter in three dimensions.
    volume_mm3 : number of voxels times the volume of one.
    curve : time-intensity curve and its type; None with a note.
    note : the reason why there is no curve, else "".
    """

    longest_in_slice_mm: float
    longest_mm: float
    volume_mm3: float
    curve: Curve | None = None
    note: str = ""

    def items(self) -> dict[str, Any]:
        """The values under the names that `reading.characteristics.hidden` uses, and those beside them.

        The diameter is the one within a slice, in cm to a tenth of a millimetre, as reports give it.
        """
        values = {
            "max_diameter_cm": round(self.longest_in_slice_mm / 10, 2),
            "max_diameter_3d_cm": round(self.longest_mm / 10, 2),
            "volume_cm3": round(self.volume_mm3 / 1000, 3),
        }
        return values if self.curve is None else {**values, "tic_type": self.curve.type}


def computed_characteristics(
    roi: Roi,
    phases: Sequence[Volume] = (),
    times_s: Sequence[float | None] = (),
    *,
    before: int = 1,
    injection_s: float | None = None,
    axis: int | None = None,
    names: Sequence[str] | None = None,
) -> ComputedCharacteristics:
    """Compute the size of a lesion, and the type of its time-intensity curve.

    The diameters follow the mask's outline half-way between voxel centres (`radstudy.imaging.parametric.diameter`): the
    longest one within a slice is RECIST's, the one in space is PyRadiomics' Maximum3DDiameter. The curve is the mean of
    each phase inside the mask, and its type I, II or III is Kuhl's (`radstudy.imaging.parametric.curve`).

    Parameters
    ----------
    roi : the mask.
    phases : of the dynamic scan, in the order of time, with at least one phase before contrast; () for none.
    times_s : of each phase, from any common zero; None if it is not known.
    before, injection_s, names : as in `radstudy.imaging.parametric.curve.lesion_curve`.
    axis : that the slices follow; None: the one with the largest distance between voxels, the last of equal ones.

    Raises
    ------
    CaseError : the mask is empty.

    References
    ----------
    Eisenhauer EA et al., Eur J Cancer 2009;45:228, doi 10.1016/j.ejca.2008.10.026 (RECIST 1.1).
    Kuhl CK et al., Radiology 1999;211:101, doi 10.1148/radiology.211.1.r99ap38101 (types of curves).

    Examples
    --------
    >>> roi = Roi(np.ones((5, 1, 3)), np.diag([2.0, 2.0, 9.0, 1.0]))
    >>> computed_characteristics(roi).items()
    {'max_diameter_cm': 1.0, 'max_diameter_3d_cm': 2.82, 'volume_cm3': 0.54}
    """
    spacing = roi.spacing_mm
    chosen = int(2 - np.argmax(spacing[::-1] >= spacing.max() * (1 - 1e-3))) if axis is None else axis
    curve, note = _curve(roi, phases, times_s, before, injection_s, names)
    return ComputedCharacteristics(
        maximum_diameter_in_slice_mm(roi, chosen), maximum_diameter_mm(roi), roi.volume_mm3, curve, note
    )


def _curve(
    roi: Roi,
    phases: Sequence[Volume],
    times_s: Sequence[float | None],
    before: int,
    injection_s: float | None,
    names: Sequence[str] | None,
) -> tuple[Curve | None, str]:
    """The curve, or None with the reason."""
    if not phases:
        return None, "there are no phases"
    known = [time for time in times_s if time is not None]
    if len(known) < len(times_s):
        return None, "the time of a phase is not known"
    try:
        return lesion_curve(phases, known, roi, before=before, injection_s=injection_s, names=names), ""
    except CaseError as error:
        return None, error.problem

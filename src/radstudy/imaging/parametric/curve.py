"""Time-intensity curve of a lesion and its type.

The curve is the mean signal inside the mask, phase by phase. Its initial peak is the largest signal of the phases up to
two minutes after the injection (of the first phase after contrast if none is that early). The change from there to the
last phase is the type: more than 10 % above the peak I, persistent; within 10 % II, plateau; more than 10 % below III,
wash-out. The initial rise over the signal before contrast is slow (below 50 %), medium or fast (above 100 %).

References
----------
Kuhl CK et al., Radiology 1999;211:101, doi 10.1148/radiology.211.1.r99ap38101 (the three types). ACR BI-RADS Atlas, 5th
edition, 2013, MRI, kinetic curve assessment (two minutes, 10 %, 50 % and 100 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radstudy.errors import CaseError
from radstudy.imaging.parametric.enhancement import time_zero
from radstudy.imaging.parametric.series import stacked
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

INITIAL_S = 120.0
CHANGE_PERCENT = 10.0
MEDIUM_PERCENT, FAST_PERCENT = 50.0, 100.0


@dataclass(frozen=True)
class Curve:
    """A lesion's time-intensity curve and its type.

    Parameters
    ----------
    times_s : after the injection.
    signal : mean inside the lesion, one per phase.
    initial_percent : rise of the initial peak over the signal before contrast.
    late_percent : change from the initial peak to the last phase, over the initial peak.
    type : I, II or III; none if no phase rises by more than 10 % over the signal before contrast.
    initial : slow, medium or fast.
    """

    times_s: tuple[float, ...]
    signal: tuple[float, ...]
    initial_percent: float
    late_percent: float
    type: str
    initial: str


def lesion_curve(
    phases: Sequence[Volume],
    times_s: Sequence[float],
    roi: Roi,
    *,
    before: int = 1,
    injection_s: float | None = None,
    initial_s: float = INITIAL_S,
    change_percent: float = CHANGE_PERCENT,
    names: Sequence[str] | None = None,
) -> Curve:
    """Compute the curve of a lesion and its type.

    Parameters
    ----------
    phases, times_s, before, injection_s, names : as in `enhancement_maps`.
    roi : the lesion, on the phases' grid.
    initial_s : longest time from the injection to the initial peak.
    change_percent : smallest change from the initial peak that counts as a rise or fall.

    Raises
    ------
    CaseError : as in `enhancement_maps`; or the mask is empty, not on the grid, or has no signal before contrast.
    """
    signal = stacked(phases, names or [f"phase {number + 1}" for number in range(len(phases))], times_s, "times")
    start = time_zero(np.asarray(times_s, dtype=np.float64), before, injection_s)
    inside = roi.on_grid_of(phases[0]).mask
    if not inside.any():
        raise CaseError("the mask is empty", "draw the lesion", reader=roi.reader, file=roi.source)
    means = signal[:, inside].mean(axis=1)
    times = tuple(float(time) - start for time in times_s)
    return classify(times, tuple(map(float, means)), before, initial_s, change_percent)


def classify(
    times_s: tuple[float, ...],
    signal: tuple[float, ...],
    before: int = 1,
    initial_s: float = INITIAL_S,
    change_percent: float = CHANGE_PERCENT,
) -> Curve:
    """Classify a curve by its type; see the module.

    Parameters
    ----------
    times_s : after the injection.
    signal : one value per phase, any unit.
    before, initial_s, change_percent : as in `lesion_curve`.

    Raises
    ------
    CaseError : there is no signal before contrast, or no phase after the initial ones.

    Examples
    --------
    >>> classify((0.0, 90.0, 300.0), (100.0, 220.0, 180.0)).type
    'III'
    """
    base = float(np.mean(signal[:before]))
    if not base > 0:
        raise CaseError(f"the mean signal before contrast is {base:g}", "look at the images and the mask")
    early = [i for i in range(before, len(signal)) if times_s[i] <= initial_s] or [before]
    initial = max(signal[i] for i in early)
    rise, change = 100 * (initial - base) / base, 100 * (signal[-1] - initial) / initial
    if early[-1] == len(signal) - 1:
        raise CaseError(
            f"no phase follows the initial ones (the last is {times_s[-1]:g} s after the injection)",
            "give a later phase, or leave the curve's type out",
        )
    kind = "none"
    if max(signal[before:]) > base * (1 + change_percent / 100):
        kind = "I" if change > change_percent else "III" if change < -change_percent else "II"
    speed = "slow" if rise < MEDIUM_PERCENT else "medium" if rise <= FAST_PERCENT else "fast"
    return Curve(times_s, signal, rise, change, kind, speed)

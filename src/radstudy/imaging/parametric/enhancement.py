"""Maps of contrast enhancement from the phases of a dynamic series, without a pharmacokinetic model.

With S0 the signal before contrast (the mean if there are several phases before it), S1 the first phase after it, S2 the
last one, P the largest after it, at time t_P, and t_0 the time of the injection:

============  ===============================  =========================================
early         100 (S1 - S0) / S0               per cent
peak          100 (P - S0) / S0                per cent
late          100 (S2 - S0) / S0               per cent
wash_in       peak / (t_P - t_0)               per cent of S0 per minute
wash_out      100 (S2 - P) / S0 / (t_2 - t_P)  per cent of S0 per minute, 0 if the last phase is the peak
ser           (S1 - S0) / (S2 - S0)            1; above 1 the signal falls again
time_to_peak  t_P - t_0                        seconds
============  ===============================  =========================================

References
----------
Esserman L et al., J Clin Oncol 1999;17:110 (signal-enhancement ratio). Hylton NM et al., Radiology 2012;263:663, doi
10.1148/radiol.12110748 (percent enhancement and SER as thresholds). Lavini C et al., Magn Reson Imaging 2007;25:604,
doi 10.1016/j.mri.2006.09.046 (slopes).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.imaging.parametric.series import stacked
from radstudy.imaging.volume import Volume
from radstudy.protocol.derive import EnhancementMap

UNITS: dict[EnhancementMap, str] = {
    "early": "%",
    "peak": "%",
    "late": "%",
    "wash_in": "%/min",
    "wash_out": "%/min",
    "ser": "1",
    "time_to_peak": "s",
}

Float64 = NDArray[np.float64]


def enhancement_maps(
    phases: Sequence[Volume],
    times_s: Sequence[float],
    *,
    before: int = 1,
    injection_s: float | None = None,
    least_signal: float = 0.0,
    ser_limits: tuple[float, float] | None = None,
    names: Sequence[str] | None = None,
) -> dict[EnhancementMap, Volume]:
    """Compute all maps of the module's table.

    Parameters
    ----------
    phases : in the order of their times, on one grid.
    times_s : of each phase, increasing, from any common zero.
    before : number of phases before the contrast agent.
    injection_s : time of the injection, on the same clock; None: that of the last phase before it.
    least_signal : voxels whose signal before contrast is at or below it have no enhancement (NaN): mostly air.
    ser_limits : SER is clipped to these; None leaves it unchanged. (0, 3) is usual.
    names : of the phases, for messages.

    Returns
    -------
    maps : NaN where S0 is too small; SER also where S2 is not above S0.

    Raises
    ------
    CaseError : grids differ, times do not increase, there is no phase before or after contrast, or the injection comes
        after the first phase that should show it.

    Examples
    --------
    >>> phases = [Volume(np.full((1, 1, 1), s, np.float32), np.eye(4)) for s in (100, 250, 200)]
    >>> maps = enhancement_maps(phases, [0, 60, 180])
    >>> {name: float(maps[name].voxels[0, 0, 0]) for name in ("early", "late", "wash_in", "wash_out", "ser")}
    {'early': 150.0, 'late': 100.0, 'wash_in': 150.0, 'wash_out': -25.0, 'ser': 1.5}
    """
    signal = stacked(phases, names or [f"phase {number + 1}" for number in range(len(phases))], times_s, "times")
    times = np.asarray(times_s, dtype=np.float64)
    start = time_zero(times, before, injection_s)
    base = signal[:before].mean(axis=0)
    after = signal[before:]
    first, last = after[0], after[-1]
    at = after.argmax(axis=0)
    peak, peak_s = after.max(axis=0), times[before:][at]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(base > max(least_signal, 0.0), 100 / base, np.nan)
        ser = np.where((last > base) & np.isfinite(scale), (first - base) / (last - base), np.nan)
        fall = np.where(times[-1] > peak_s, (last - peak) / (times[-1] - peak_s), 0.0)
    if ser_limits is not None:
        ser = np.clip(ser, *ser_limits)
    by_name: dict[EnhancementMap, Float64] = {
        "early": (first - base) * scale,
        "peak": (peak - base) * scale,
        "late": (last - base) * scale,
        "wash_in": (peak - base) * scale / (peak_s - start) * 60,
        "wash_out": fall * scale * 60,
        "ser": ser,
        "time_to_peak": np.where(np.isfinite(scale), peak_s - start, np.nan),
    }
    listed = ", ".join(f"{time:g}" for time in times_s)
    step = f"of {len(phases)} phases at {listed} s, {before} before contrast, injection at {start:g} s"
    return {
        name: Volume(values.astype(np.float32), phases[0].affine, UNITS[name], history=(f"{name} {step}",))
        for name, values in by_name.items()
    }


def time_zero(times: Float64, before: int, injection_s: float | None) -> float:
    """Return the time from which enhancement counts, on the clock of the times.

    Raises
    ------
    CaseError : there is no phase before or after contrast, or the injection comes after the first phase that shows it.
    """
    if not 1 <= before < len(times):
        raise CaseError(
            f"{before} of {len(times)} phases come before the contrast agent", "give at least one before and one after"
        )
    start = float(times[before - 1]) if injection_s is None else float(injection_s)
    if not start < times[before]:
        raise CaseError(
            f"the injection at {start:g} s is later than the first phase that should show it ({times[before]:g} s)",
            "correct the time of the injection, or the number of phases before it",
        )
    return start

"""Apparent diffusion coefficient from images at two or more b-values.

The signal falls as S(b) = S0 exp(-b ADC). Its logarithm is a straight line, but that of a weak signal is noisy:
var(ln S) is about (sigma / S)^2. The weighted fit weights each b-value by the square of the signal that the unweighted
fit expects there (Salvador; Veraart's WLLS with one iteration), which makes it efficient well above the noise.
Magnitudes near the noise are biased upwards, so large coefficients are underestimated; the weights reduce this bias,
and signals at the noise floor can be left out.

References
----------
Stejskal EO, Tanner JE, J Chem Phys 1965;42:288, doi 10.1063/1.1695690. Salvador R et al., Hum Brain Mapp 2005;24:144,
doi 10.1002/hbm.20076. Veraart J et al., NeuroImage 2013;81:335, doi 10.1016/j.neuroimage.2013.05.028. Gudbjartsson H,
Patz S, Magn Reson Med 1995;34:910, doi 10.1002/mrm.1910340618 (the noise floor).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radstudy.imaging.parametric.series import stacked
from radstudy.imaging.volume import Volume

UNIT = "1e-6 mm2/s"
Method = Literal["log-linear", "weighted"]

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DiffusionFit:
    """Maps of a fit over b-values.

    Parameters
    ----------
    adc : in 1e-6 mm2/s, as scanners print it (water at body temperature about 3000); NaN where it is not defined.
    s0 : the fit's signal at b = 0, arbitrary units; NaN likewise.
    used : number of b-values used by each voxel's fit, int (I, J, K).
    """

    adc: Volume
    s0: Volume
    used: NDArray[np.int64]


def adc_map(
    volumes: Sequence[Volume],
    b_values: Sequence[float],
    *,
    method: Method = "weighted",
    noise_floor: float = 0.0,
    names: Sequence[str] | None = None,
) -> DiffusionFit:
    """Fit the apparent diffusion coefficient in every voxel.

    Parameters
    ----------
    volumes : one for each b-value, on one grid.
    b_values : s/mm2, increasing; they need not start at 0.
    method : "log-linear" (ordinary least squares of ln S) or "weighted" (by the squared expected signal). With two
        b-values both are the same.
    noise_floor : signals at or below it are left out of the fit; about 1.5 to 2 times the mean of the surrounding air.
    names : of the volumes, for messages.

    Returns
    -------
    Diffusion : NaN where fewer than two b-values are above the noise floor. Negative values are kept: they mean that
        the signal rose.

    Raises
    ------
    CaseError : grids differ, or b-values do not increase.

    Examples
    --------
    >>> images = [Volume(np.full((1, 1, 1), 500 * np.exp(-b * 1.2e-3)), np.eye(4)) for b in (0, 400, 800)]
    >>> round(float(adc_map(images, [0, 400, 800]).adc.voxels[0, 0, 0]), 6)
    1200.0
    """
    named = names or [f"b = {b:g}" for b in b_values]
    signal = stacked(volumes, named, b_values, "b-values").astype(np.float64)
    known = signal > max(noise_floor, 0.0)
    log = np.log(np.where(known, signal, 1.0))
    b = np.asarray(b_values, dtype=np.float64)[:, None, None, None]
    used = known.sum(axis=0)
    intercept, slope = _line(b, log, known.astype(np.float64))
    if method == "weighted":
        enough = used >= 2
        expected = np.where(known & enough, intercept + slope * b, -np.inf)
        relative = np.exp(2 * (expected - np.where(enough, expected.max(axis=0), 0.0)))  # a common factor cancels
        intercept, slope = _line(b, log, relative)
    intercept, slope = (np.where(used >= 2, part, np.nan) for part in (intercept, slope))
    step = f"ADC from b = {', '.join(f'{value:g}' for value in b_values)} s/mm2, {method}, noise floor {noise_floor:g}"
    first = volumes[0]
    adc = Volume((-1e6 * slope).astype(np.float32), first.affine, UNIT, history=(*first.history, step))
    return DiffusionFit(adc, first.with_voxels(np.exp(intercept).astype(np.float32), f"S0 of {step}"), used)


def _line(x: Float64, y: Float64, weight: Float64) -> tuple[Float64, Float64]:
    """Fit weighted straight lines through (x, y) along the first axis: intercept and slope; NaN for one point."""
    total = weight.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = (weight * x).sum(axis=0) / total, (weight * y).sum(axis=0) / total
        spread = (weight * (x - mean_x) ** 2).sum(axis=0)
        slope: Float64 = (weight * (x - mean_x) * (y - mean_y)).sum(axis=0) / spread
        intercept: Float64 = mean_y - slope * mean_x
    return intercept, slope

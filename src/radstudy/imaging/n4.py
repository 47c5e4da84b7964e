"""N4 bias-field correction: ITK's algorithm and defaults, its B-spline fits separated along the axes.

The voxels lie on a regular grid, so the weights of the scattered-data approximation (Lee, Wolberg, Shin 1997) that ITK
sums up are products of one factor an axis. With W the (voxels, control points) matrix of cubic B-spline
values along an axis and s its row sums of squares, a fit is

    control point = (residual contracted with W^3 / s along each axis) / (weight contracted with W^2 along each axis)

and the field is the lattice contracted with W along each axis: three small matrix products, with no approximation.

References
----------
Tustison NJ et al., N4ITK: improved N3 bias correction, IEEE Trans Med Imaging 2010;29:1310, doi
10.1109/TMI.2010.2046908. Lee S, Wolberg G, Shin SY, IEEE Trans Vis Comput Graph 1997;3:228. Sled JG, Zijdenbos AP,
Evans AC, IEEE Trans Med Imaging 1998;17:87 (the histogram sharpening).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.imaging.bias_field import BiasField, divided
from radstudy.imaging.foreground import foreground
from radstudy.imaging.header import header_of
from radstudy.imaging.kernels.n4 import movement, residual, triangular_histogram, uncorrected, value_range
from radstudy.imaging.kernels.sharpening import sharpened
from radstudy.imaging.lattice import ORDER, Float64, contract, evaluate, refined, taps
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import FloatArray, Volume

_FEW_SLICES = 4
Shrink = int | tuple[int, int, int]


def n4(
    volume: Volume,
    mask: Roi | NDArray[np.bool_] | None = None,
    *,
    shrink: Shrink = 4,
    iterations: Sequence[int] = (50, 40, 30),
    convergence: float = 1e-4,
    control_points: int = 4,
    bins: int = 200,
    fwhm: float = 0.15,
    wiener_noise: float = 0.01,
    confidence: FloatArray | None = None,
) -> tuple[Volume, NDArray[np.float32]]:
    """Correct the bias field of a volume; the defaults are those of 3D Slicer's N4 module.

    Parameters
    ----------
    volume : the image; voxels <= 0 inside the mask enter as they are, without a logarithm, as in ITK.
    mask : the foreground, (I, J, K); None takes Otsu's threshold with 200 bins, as the module does.
    shrink : factor, or one an axis, of the grid that the field is fitted on.
    iterations : at most, per level; the lattice doubles from level to level.
    convergence : stop a level when the coefficient of variation of the field's change falls to this.
    control_points : along each axis at the first level.
    bins, fwhm, wiener_noise : of the histogram sharpening.
    confidence : (I, J, K) weights of the voxels; those that are not above 0 are left out.

    Returns
    -------
    corrected : the volume divided by exp(log_field), float.
    log_field : float32 (I, J, K), natural logarithm, as SimpleITK's GetLogBiasFieldAsImage. The scale of the field is
        not fixed (it moves by some per cent with the shrink factor): normalise after correcting.

    Raises
    ------
    CaseError : voxels that are not finite, an empty foreground, or one without positive values.
    """
    if not isinstance(volume, Volume):
        raise UsageError(f"n4 takes a radstudy.Volume, not {type(volume).__name__}: radstudy.Volume.read(path)")
    field = fit_bias_field(
        volume, mask, shrink=shrink, iterations=iterations, convergence=convergence, control_points=control_points,
        bins=bins, fwhm=fwhm, wiener_noise=wiener_noise, confidence=confidence,
    )  # fmt: skip
    log_field = np.empty(volume.voxels.shape, np.float32, order="F")
    return divided(volume, field, log_field), log_field


def fit_bias_field(
    volume: Volume,
    mask: Roi | NDArray[np.bool_] | None = None,
    *,
    shrink: Shrink = 4,
    iterations: Sequence[int] = (50, 40, 30),
    convergence: float = 1e-4,
    control_points: int = 4,
    bins: int = 200,
    fwhm: float = 0.15,
    wiener_noise: float = 0.01,
    confidence: FloatArray | None = None,
) -> BiasField:
    """Fit the bias field; parameters and errors as `n4`."""
    if control_points <= ORDER:
        raise CaseError(f"{control_points} control points are too few for cubic B-splines", "use at least 4")
    factors = _factors(shrink)
    picked = shrunk_grid(volume, factors)
    image = volume.voxels[np.ix_(*picked)].astype(np.float64)
    if not volume.is_finite:
        raise CaseError("the image has voxels that are not finite numbers", "export it again from the source")
    weight = foreground(volume, mask)[np.ix_(*picked)].astype(np.float64)
    if confidence is not None:
        weight = weight * np.maximum(np.asarray(confidence, dtype=np.float64)[np.ix_(*picked)], 0)
    _require_signal(image, weight)
    levels = _levels(iterations)
    fit = _Fit(image, weight, bins, fwhm, wiener_noise)
    lattice = np.zeros([control_points if size > 1 else 1 for size in image.shape])
    ran, reached = [], []
    for level, most in enumerate(levels):
        if level:
            lattice = refined(lattice)
        lattice, count, moved = fit.level(lattice, most, convergence)
        ran.append(count)
        reached.append(moved)
    i, j, k = volume.voxels.shape
    return BiasField(
        lattice, (i, j, k), tuple(ran), tuple(reached), int(np.count_nonzero(weight)),
        tuple(_warnings(image.shape, factors)),
    )  # fmt: skip


# --- the grid --------------------------------------------------------------------------------------------------


def _levels(iterations: Sequence[int] | int) -> tuple[int, ...]:
    levels = [iterations] if isinstance(iterations, int | np.integer) else list(iterations)
    if not levels or not all(isinstance(most, int | np.integer) and most >= 1 for most in levels):
        raise CaseError(f"iterations is {iterations}", "give whole numbers from 1, one a level: (50, 40, 30)")
    return tuple(int(most) for most in levels)


def _factors(shrink: Shrink) -> tuple[int, int, int]:
    factors = (int(shrink),) * 3 if isinstance(shrink, int | np.integer) else tuple(shrink)
    if len(factors) != 3 or min(factors) < 1:
        raise CaseError(f"the shrink factor {shrink} cannot be used", "give a whole number from 1, or one an axis")
    return factors


def shrunk_grid(volume: Volume, factors: tuple[int, int, int]) -> tuple[NDArray[np.int64], ...]:
    """Which voxels along I, J, K the shrunk grid takes: those of ITK's ShrinkImageFilter.

    The two grids share their centre. Where that puts a sample half-way between two voxels, ITK's rounding of physical
    coordinates decides; ITK's own arithmetic is used here, on headers without voxels.
    """
    header = header_of(volume.affine)
    size = np.array(volume.voxels.shape)
    counts = np.maximum(size // np.array(factors), 1)
    spacing = tuple(float(s * f) for s, f in zip(header.spacing_mm, factors, strict=True))
    fine, coarse = header.itk_image(), replace(header, spacing_mm=spacing).itk_image()
    centre = fine.TransformContinuousIndexToPhysicalPoint(((size - 1) / 2.0).tolist())
    of_coarse = coarse.TransformContinuousIndexToPhysicalPoint(((counts - 1) / 2.0).tolist())
    coarse.SetOrigin([o + (c - d) for o, c, d in zip(header.origin_mm, centre, of_coarse, strict=True)])
    first = fine.TransformPhysicalPointToIndex(coarse.TransformIndexToPhysicalPoint((0, 0, 0)))
    return tuple(
        max(start, 0) + factor * np.arange(count) for start, factor, count in zip(first, factors, counts, strict=True)
    )


def _require_signal(image: Float64, weight: Float64) -> None:
    inside = image[weight > 0]
    if inside.size < 2:
        raise CaseError("the foreground of the bias field is empty", "give a mask, or a smaller shrink factor")
    if not (inside > 0).any() or inside.min() == inside.max():
        raise CaseError("the foreground has no varying, positive intensities", "look whether this is the right image")


def _warnings(shape: tuple[int, ...], factors: tuple[int, int, int]) -> list[str]:
    axes = "IJK"
    return [
        f"shrink {factor} leaves {size} voxels along {axes[axis]} for the bias field"
        for axis, (size, factor) in enumerate(zip(shape, factors, strict=True))
        if size < _FEW_SLICES and factor > 1
    ]


# --- the fit ---------------------------------------------------------------------------------------------------


class _Fit:
    """The shrunk log image and its foreground, as flat arrays with I fastest; levels of the fit on them."""

    def __init__(self, image: Float64, weight: Float64, bins: int, fwhm: float, noise: float) -> None:
        self._shape = image.shape
        self._weight = np.asfortranarray(weight)
        flat = image.ravel(order="F")
        self._inside = weight.ravel(order="F") > 0
        self._where = np.flatnonzero(self._inside)
        image_values = flat[self._where]
        self._log = np.log(image_values, out=image_values.copy(), where=image_values > 0)
        self._values, self._places = self._log.copy(), np.empty_like(self._log)
        self._field, self._residual = np.zeros(flat.size), np.zeros(flat.size)
        self._all_ones = bool((weight[weight > 0] == 1).all())
        self._sharpening = (bins, fwhm, noise)

    def level(self, lattice: Float64, most: int, threshold: float) -> tuple[Float64, int, float]:
        """Iterate on one lattice size: the lattice, how many iterations ran, and the last convergence measure."""
        splines = [taps(size, count) for size, count in zip(self._shape, lattice.shape, strict=True)]
        squares = [one.with_weights(one.weights**2) for one in splines]
        cubes = [one.with_weights(one.weights**3 / (one.weights**2).sum(axis=1, keepdims=True)) for one in splines]
        support = contract(self._weight, squares)
        moved, count = float("inf"), 0
        while count < most and moved > threshold:
            count += 1
            self._sharpen()
            sums = contract(self._weighted(), cubes)
            step = np.divide(sums, support, out=np.zeros_like(sums), where=support != 0)
            lattice = lattice + step
            new = evaluate(lattice, splines).ravel(order="F")
            furthest = 1.01 * float(np.abs(step).max())  # no B-spline reaches further than its control points
            moved = float(movement(self._field, new, self._inside, self._where.size, furthest))
            uncorrected(self._log, new, self._where, self._values)
            self._field = new
        return lattice, count, moved

    def _weighted(self) -> Float64:
        """The residual with the confidence weights; it is zero outside the foreground already."""
        grid = self._residual.reshape(self._shape, order="F")
        return grid if self._all_ones else grid * self._weight

    def _sharpen(self) -> None:
        """Fill the residual: the uncorrected log image minus its sharpened version."""
        bins, fwhm, noise = self._sharpening
        low, high = value_range(self._values)
        slope = (high - low) / (bins - 1)
        if not slope > 0:
            self._residual[self._where] = 0
            return
        counts = triangular_histogram(self._values, low, slope, bins, self._places)
        expected = sharpened_mapping(counts, low, slope, fwhm=fwhm, noise=noise)
        residual(self._values, self._places, self._where, expected, self._residual)


def sharpened_mapping(counts: Float64, low: float, slope: float, *, fwhm: float, noise: float) -> Float64:
    """E(u | v): what a log intensity is expected to be without the blur that the field adds to the histogram.

    Parameters
    ----------
    counts : (bins,) histogram of the log intensities v.
    low, slope : centre of its first bin, and the distance of the bins.
    fwhm : of the Gaussian that the field is taken to blur with, log units.
    noise : of the Wiener filter that takes the blur away.
    """
    distance, roots = _circle(2 ** (int(np.ceil(np.log2(len(counts)))) + 1))
    expected: Float64 = sharpened(counts, low, slope, fwhm, noise, distance, roots)
    return expected


@cache
def _circle(size: int) -> tuple[Float64, NDArray[np.complex128]]:
    """How far each place is from the first, around the end; and the roots of unity."""
    places = np.arange(size)
    return np.minimum(places, size - places).astype(np.float64), np.exp(-2j * np.pi * places / size)

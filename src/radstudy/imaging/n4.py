"""N4 bias-field correction: ITK's algorithm and defaults, its B-spline fits separated along the axes.

The voxels lie on a regular grid, so the weights of the scattered-data approximation (Lee, Wolberg, Shin 1997) that ITK
sums are products of one factor per axis. With W the (voxels, control points) matrix of cubic B-spline values along an
axis and s its row sums of squares, a fit is

    control point = (residual contracted with W^3 / s along each axis) / (weight contracted with W^2 along each axis)

and the field is the lattice contracted with W along each axis: three small matrix products, with no approximation.

References
----------
Tustison NJ et al., N4ITK: improved N3 bias correction, IEEE Trans Med Imaging 2010;29:1310, doi
10.1109/TMI.2010.2046908. Lee S, Wolberg G, Shin SY, IEEE Trans Vis Comput Graph 1997;3:228. Sled JG, Zijdenbos AP,
Evans AC, IEEE Trans Med Imaging 1998;17:87 (the histogram sharpening).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.imaging.bias_field import BiasField, divided
from radstudy.imaging.foreground import foreground
from radstudy.imaging.header import header_of
from radstudy.imaging.kernels.elementary import logarithms
from radstudy.imaging.kernels.n4 import (
    advance,
    movement,
    residual_planes,
    shared_counts,
    spans,
    triangular_histogram,
    value_range,
)
from radstudy.imaging.kernels.sharpening import roots_of_unity, sharpened
from radstudy.imaging.lattice import ORDER, Float64, Taps, contract, contract_planes, refined, rows_along_x, taps
from radstudy.imaging.roi import Roi
from radstudy.imaging.slabs import in_slabs
from radstudy.imaging.volume import FloatArray, Volume
from radstudy.space.axes import ijk_of_zyx, zyx_of_ijk
from radstudy.space.grid import Grid

_FEW_SLICES = 4
_BLOCK = 1 << 18  # approximate number of voxels that one thread processes at a time
_STRIP = 512  # least number of voxels that the kernels process at a time
Result = TypeVar("Result")
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
    volume : the image; voxels <= 0 inside the mask are used unchanged, without a logarithm, as in ITK.
    mask : the foreground, (I, J, K); None takes Otsu's threshold with 200 bins, as the module does.
    shrink : factor, or one per axis, of the grid that the field is fitted on.
    iterations : maximum per level; the lattice doubles from level to level.
    convergence : stop a level when the coefficient of variation of the field's change falls to this.
    control_points : along each axis at the first level.
    bins, fwhm, wiener_noise : of the histogram sharpening.
    confidence : (I, J, K) weights of the voxels; voxels with weights not above 0 are left out.

    Returns
    -------
    corrected : the volume divided by exp(log_field), float.
    log_field : float32 (I, J, K), natural logarithm, as SimpleITK's GetLogBiasFieldAsImage. The scale of the field is
        not fixed (it moves by some per cent with the shrink factor): normalise after correcting.

    Raises
    ------
    CaseError : voxels are not finite, or the foreground is empty or has no positive values.
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
    disturbance: float = 0.0,
) -> BiasField:
    """Fit the bias field; parameters and errors as in `n4`.

    Parameters
    ----------
    disturbance : every voxel used by the fit is multiplied by a factor between 1 - disturbance and 1 + disturbance, the
        same factors each time: the field's change shows how far rounding may move it.
    """
    if control_points <= ORDER:
        raise CaseError(f"{control_points} control points are too few for cubic B-splines", "use at least 4")
    factors = _factors(shrink)
    picked = shrunk_grid(volume.grid, factors)
    image = volume.voxels[np.ix_(*picked)].astype(np.float64)
    if disturbance:
        image = image * (1 + disturbance * _noise(image.shape))
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
        raise CaseError(f"iterations is {iterations}", "give whole numbers from 1, one per level: (50, 40, 30)")
    return tuple(int(most) for most in levels)


def _factors(shrink: Shrink) -> tuple[int, int, int]:
    factors = (int(shrink),) * 3 if isinstance(shrink, int | np.integer) else tuple(shrink)
    if len(factors) != 3 or min(factors) < 1:
        raise CaseError(f"the shrink factor {shrink} cannot be used", "give a whole number from 1, or one per axis")
    return factors


def shrunk_grid(grid: Grid, factors: tuple[int, int, int]) -> tuple[NDArray[np.int64], ...]:
    """Return the voxels along I, J, K that the shrunk grid takes: those of ITK's ShrinkImageFilter.

    The two grids share their centre. If a sample then lies half-way between two voxels, ITK's rounding of physical
    coordinates decides; ITK's own arithmetic is used for it, on headers without voxels.
    """
    header = header_of(grid.affine)
    size, counts = np.array(grid.shape), _shrunk_size(grid.shape, factors)
    spacing = tuple(float(s * f) for s, f in zip(header.spacing_mm, factors, strict=True))
    fine, coarse = header.itk_image(), replace(header, spacing_mm=spacing).itk_image()
    centre = fine.TransformContinuousIndexToPhysicalPoint(((size - 1) / 2.0).tolist())
    of_coarse = coarse.TransformContinuousIndexToPhysicalPoint(((counts - 1) / 2.0).tolist())
    coarse.SetOrigin([o + (c - d) for o, c, d in zip(header.origin_mm, centre, of_coarse, strict=True)])
    first = fine.TransformPhysicalPointToIndex(coarse.TransformIndexToPhysicalPoint((0, 0, 0)))
    return tuple(
        max(start, 0) + factor * np.arange(count) for start, factor, count in zip(first, factors, counts, strict=True)
    )


def _shrunk_size(shape: Sequence[int], factors: Sequence[int]) -> NDArray[np.int64]:
    """Return the size of the shrunk grid, as ITK's ShrinkImageFilter computes it."""
    counts: NDArray[np.int64] = np.maximum(np.array(shape, dtype=np.int64) // np.array(factors), 1)
    return counts


def tied_axes(shape: Sequence[int], shrink: Shrink) -> tuple[int, ...]:
    """The axes along which the shrunk grid's samples lie half-way between two voxels.

    Along these, the last digits of spacing and origin in the file decide which of the two the fit sees.

    Parameters
    ----------
    shape : (3,) of the image, in voxels along I, J, K.
    shrink : factor, or one per axis.

    Examples
    --------
    >>> tied_axes((89, 84, 60), 4), tied_axes((89, 84, 61), (1, 1, 3)), tied_axes((89, 84, 60), 1)
    ((1, 2), (2,), ())
    """
    factors = _factors(shrink)
    counts = _shrunk_size(shape, factors)
    twice_first = [size - 1 - factor * (count - 1) for size, factor, count in zip(shape, factors, counts, strict=True)]
    return tuple(axis for axis, twice in enumerate(twice_first) if twice % 2)


def _noise(shape: tuple[int, ...]) -> Float64:
    """Return uniform noise between -1 and 1, the same on every machine: splitmix64 of the voxels' numbers.

    References
    ----------
    Steele GL, Lea D, Flood CH, Fast splittable pseudorandom number generators, OOPSLA 2014, doi
    10.1145/2660193.2660195.
    """
    state = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    noise: Float64 = (state >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1
    return noise.reshape(shape, order="F")


def _require_signal(image: Float64, weight: Float64) -> None:
    inside = image[weight > 0]
    if inside.size < 2:
        raise CaseError("the foreground of the bias field is empty", "give a mask, or a smaller shrink factor")
    if not (inside > 0).any() or inside.min() == inside.max():
        raise CaseError("the foreground has no varying, positive intensities", "check whether this is the right image")


def _warnings(shape: tuple[int, ...], factors: tuple[int, int, int]) -> list[str]:
    axes = "IJK"
    return [
        f"shrink {factor} leaves {size} voxels along {axes[axis]} for the bias field"
        for axis, (size, factor) in enumerate(zip(shape, factors, strict=True))
        if size < _FEW_SLICES and factor > 1
    ]


# --- the fit ---------------------------------------------------------------------------------------------------


class _Fit:
    """The shrunk log image and its foreground, (I, J, K) stored as planes (K, J * I), and the fit's levels on them."""

    def __init__(self, image: Float64, weight: Float64, bins: int, fwhm: float, noise: float) -> None:
        self._shape = image.shape
        self._weight = np.ascontiguousarray(zyx_of_ijk(weight))
        inside = self._weight > 0
        self._count, self._first = int(np.count_nonzero(inside)), int(np.argmax(inside))
        intensities = np.where(inside, zyx_of_ijk(image), np.nan).reshape(len(inside), -1)
        self._values = np.empty_like(intensities)
        logarithms(intensities.ravel(), self._values.ravel())
        self._range = value_range(self._values.ravel())
        self._strip = min(-(-_STRIP // image.shape[0]) * image.shape[0], self._values.shape[1])
        self._span = spans(self._values, self._strip)
        planes = max(_BLOCK // self._values.shape[1], 1)
        self._blocks = [slice(start, min(start + planes, len(inside))) for start in range(0, len(inside), planes)]
        all_ones = bool((self._weight[inside] == 1).all())
        self._confidence = np.empty((len(inside), 0)) if all_ones else self._weight.reshape(self._values.shape)
        self._sharpening = (bins, fwhm, noise)

    def level(self, lattice: Float64, most: int, threshold: float) -> tuple[Float64, int, float]:
        """Iterate on one lattice size; return the lattice, the number of iterations and the last convergence."""
        splines = [taps(size, count) for size, count in zip(self._shape, lattice.shape, strict=True)]
        cubes = [one.cubed() for one in splines]
        support = contract(ijk_of_zyx(self._weight), [one.squared() for one in splines])
        moved, count = float("inf"), 0
        while count < most and moved > threshold:
            count += 1
            sums = self._residual(cubes)
            step = np.divide(sums, support, out=np.zeros_like(sums), where=support != 0)
            lattice = lattice + step
            moved = self._advance(step, splines)
        return lattice, count, moved

    def _residual(self, cubes: Sequence[Taps]) -> Float64:
        """Sum the uncorrected log image minus its sharpened version into the lattice's control points."""
        bins, fwhm, noise = self._sharpening
        low, high = self._range
        slope = (high - low) / (bins - 1)
        if not slope > 0:
            return np.zeros([one.count for one in cubes])
        histograms = self._each(lambda at: triangular_histogram(self._values[at], self._span[at], low, slope, bins))
        number, above = histograms[0]
        for more, further in histograms[1:]:
            number, above = number + more, above + further
        expected = sharpened_mapping(shared_counts(number, above), low, slope, fwhm=fwhm, noise=noise)
        along_y = cubes[1]
        planes = np.empty((self._shape[2], along_y.count, self._shape[0]))
        self._each(
            lambda at: residual_planes(
                self._values[at],
                self._confidence[at],
                self._span[at],
                low,
                slope,
                expected,
                along_y.first,
                along_y.weights,
                planes[at],
            )
        )
        return contract_planes(planes, cubes)

    def _advance(self, step: Float64, splines: Sequence[Taps]) -> float:
        """Subtract a change of the lattice from the log image; return how far the field has moved."""
        x, y, z = splines
        rows = rows_along_x(step, x)
        furthest = 1.01 * float(np.abs(step).max())  # a B-spline never exceeds its control points
        sums = np.empty((len(self._values), 4))
        self._each(
            lambda at: advance(
                self._values[at],
                self._span[at],
                self._strip,
                rows,
                z.first[at],
                z.weights[at],
                y.first,
                y.weights,
                furthest,
                sums[at],
            )
        )
        moved, low, high = movement(sums, self._count)
        if not low < self._values.flat[self._first]:
            low, high = value_range(self._values.ravel())
        self._range = low, high
        return float(moved)

    def _each(self, function: Callable[[slice], Result]) -> list[Result]:
        """Apply a function to each block of planes, which are always the same, on as many threads as allowed."""
        shares = in_slabs(lambda share: [function(at) for at in self._blocks[share]], len(self._blocks))
        return [result for share in shares for result in share]


def sharpened_mapping(counts: Float64, low: float, slope: float, *, fwhm: float, noise: float) -> Float64:
    """Compute E(u | v), the expected log intensity without the blur that the field adds to the histogram.

    Parameters
    ----------
    counts : (bins,) histogram of the log intensities v.
    low, slope : centre of its first bin, and the distance of the bins.
    fwhm : of the Gaussian blur attributed to the field, log units.
    noise : of the Wiener filter that removes the blur.
    """
    size = 2 ** ((len(counts) - 1).bit_length() + 1)
    expected: Float64 = sharpened(counts, low, slope, fwhm, noise, *roots_of_unity(size))
    return expected

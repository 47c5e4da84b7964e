"""Filters that IBSI-2 standardised, as frozen descriptions that `radstudy.features.ibsi.response_maps` applies.

References
----------
IBSI-2 reference manual (arXiv:2006.05470); Whybra et al. 2024 (doi 10.1148/radiol.231319).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from radstudy.errors import CaseError, StudyFileError
from radstudy.features.ibsi.convolution import PADDING, POOLING, Boundary, along, separable
from radstudy.features.ibsi.preparation import Float64
from radstudy.features.packed import Spacing
from radstudy.features.wavelets import WAVELETS, wavelet_filters

Axes = tuple[int, ...]  # array axes of (z, y, x) that are filtered, x first
SPACE: Axes = (2, 1, 0)
PLANE: Axes = (2, 1)


class Filter(ABC):
    """Interface of all filters."""

    @abstractmethod
    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:
        """Return the filtered image.

        Parameters
        ----------
        image : float64 (z, y, x).
        spacing_mm : (z, y, x).
        axes : `SPACE`, or `PLANE` to filter each slice alone.
        boundary : of `PADDING`.
        """

    @abstractmethod
    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:
        """Return the distance in voxels up to which the image affects the response; None: the whole image does."""


@dataclass(frozen=True)
class NoFilter(Filter):
    """No filter: the response is the image."""

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        return image

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return 0


@dataclass(frozen=True)
class Mean(Filter):
    """Mean of the cube (square) around each voxel (S60F).

    Parameters
    ----------
    size : side of the cube, voxels, odd.
    """

    size: int

    def __post_init__(self) -> None:
        if self.size < 1 or self.size % 2 == 0:
            raise StudyFileError(f"the mean filter's size is {self.size}; give an odd number of voxels")

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        for axis in axes:
            image = ndimage.uniform_filter1d(image, self.size, axis=axis, mode=boundary)
        return image

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return self.size // 2


@dataclass(frozen=True)
class LaplacianOfGaussian(Filter):
    """Laplacian of a Gaussian, in intensity per squared voxel (L6PA).

    Parameters
    ----------
    sigma_mm : standard deviation of the Gaussian.
    truncate : number of standard deviations at which the kernel ends.
    """

    sigma_mm: float
    truncate: float = 4.0

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        sigma = self.sigma_mm / _voxel(spacing_mm, axes)
        radius = int(self.truncate * sigma + 0.5)
        squared = (np.arange(-radius, radius + 1) / sigma) ** 2
        smooth = np.exp(-squared / 2) / (np.sqrt(2 * np.pi) * sigma)
        curved = (squared - 1) / sigma**2 * smooth
        blurred, total = image, np.zeros_like(image)
        for axis in axes:  # the second derivative along each axis, smoothed along the others
            total = along(total, smooth, axis, boundary) + along(blurred, curved, axis, boundary)
            blurred = along(blurred, smooth, axis, boundary)
        return total

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return int(self.truncate * self.sigma_mm / _voxel(spacing_mm, axes) + 0.5)


_LAWS = {
    name: np.array(kernel) / np.linalg.norm(kernel)
    for name, kernel in {
        "L5": (1.0, 4.0, 6.0, 4.0, 1.0),
        "E5": (-1.0, -2.0, 0.0, 2.0, 1.0),
        "S5": (-1.0, 0.0, 2.0, 0.0, -1.0),
        "W5": (-1.0, 2.0, 0.0, -2.0, 1.0),
        "R5": (1.0, -4.0, 6.0, -4.0, 1.0),
        "L3": (1.0, 2.0, 1.0),
        "E3": (-1.0, 0.0, 1.0),
        "S3": (-1.0, 2.0, -1.0),
    }.items()
}


@dataclass(frozen=True)
class Laws(Filter):
    """Laws' kernels (JTXT), and the energy of the response (PQSD).

    Parameters
    ----------
    kernels : name of the kernel along each filtered axis, x first: ("L5", "E5", "E5").
    rotation_invariant, pooling : pool all right-angled rotations by "mean" or "max".
    energy_distance : voxels; the mean absolute (pooled) response within this Chebyshev distance. None: no energy.
    """

    kernels: tuple[str, ...]
    rotation_invariant: bool = False
    pooling: str = "max"
    energy_distance: int | None = None

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        cascades = {name: (kernel,) for name, kernel in _LAWS.items()}
        response = separable(
            image, self.kernels, cascades, axes, boundary, rotate=self.rotation_invariant, pooling=self.pooling
        )
        if self.energy_distance is None:
            return response
        return Mean(2 * self.energy_distance + 1).response(np.abs(response), spacing_mm, axes, boundary)

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return 2 + (self.energy_distance or 0)


@dataclass(frozen=True)
class Gabor(Filter):
    """Modulus of the response to a complex Gabor filter in a plane (Q88H).

    Parameters
    ----------
    sigma_mm : standard deviation of the envelope along the wave.
    wavelength_mm : of the wave.
    aspect : the envelope's standard deviation across the wave is sigma / aspect.
    theta_degrees : direction of the wave, from x to y; with a step, the first direction.
    theta_step_degrees : pool the directions of half a turn (the other half has the same modulus) at this step, in 3D
        over the three planes of the grid too. None: one direction, in the planes of constant z.
    pooling : "mean" or "max".
    truncate : number of standard deviations at which the kernel ends.
    """

    sigma_mm: float
    wavelength_mm: float
    aspect: float
    theta_degrees: float = 0.0
    theta_step_degrees: float | None = None
    pooling: str = "mean"
    truncate: float = 4.0

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        if self.pooling not in POOLING:
            raise StudyFileError(f"pooling is {self.pooling!r}; give one of {', '.join(POOLING)}")
        mm = _voxel(spacing_mm, axes)
        across = range(3) if self.theta_step_degrees is not None and len(axes) == 3 else range(1)
        total: Float64 | None = None
        count = 0
        for axis in across:
            planes = np.moveaxis(image, axis, 0)
            for kernel in self._kernels(mm):
                one = np.moveaxis(_modulus(planes, kernel, boundary), 0, axis)
                total = one if total is None else np.maximum(total, one) if self.pooling == "max" else total + one
                count += 1
        assert total is not None, "there is at least one direction"
        return total if self.pooling == "max" else total / count

    def _kernels(self, mm: float) -> list[NDArray[np.complex128]]:
        radius = self._radius(mm)
        y, x = np.meshgrid(*[np.arange(-radius, radius + 1) * mm] * 2, indexing="ij")
        step = self.theta_step_degrees
        turns = np.array([0.0]) if step is None else np.arange(0.0, 180.0 - 1e-9, step)
        kernels = []
        for theta in np.deg2rad(self.theta_degrees + turns):
            ahead, aside = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
            envelope = np.exp(-(ahead**2 + (self.aspect * aside) ** 2) / (2 * self.sigma_mm**2))
            kernels.append(envelope * np.exp(2j * np.pi * ahead / self.wavelength_mm))
        return kernels

    def _radius(self, mm: float) -> int:
        return int(self.truncate * self.sigma_mm * max(1.0, 1 / self.aspect) / mm + 0.5)

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return self._radius(_voxel(spacing_mm, axes))


def _modulus(planes: Float64, kernel: NDArray[np.complex128], boundary: Boundary) -> Float64:
    """Compute the modulus of each plane's convolution with an odd square kernel."""
    radius = kernel.shape[0] // 2
    _, height, width = planes.shape
    size = [fft.next_fast_len(n + 4 * radius) for n in (height, width)]
    transformed = fft.fft2(kernel, size)
    moduli = np.empty(planes.shape)
    for number, plane in enumerate(planes):  # one plane at a time fits the cache
        around = np.pad(plane, radius, mode=PADDING[boundary])
        full = fft.ifft2(fft.fft2(around, size) * transformed)
        moduli[number] = np.abs(full[2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width])
    return moduli


@dataclass(frozen=True)
class SeparableWavelet(Filter):
    """One sub-band of the undecimated separable wavelet transform (25BO).

    Parameters
    ----------
    wavelet : "haar", "db3", "coif1", ... (`radstudy.features.wavelets.WAVELETS`).
    letters : L (low-pass) or H (high-pass) along each filtered axis, x first: "LHL".
    level : of the decomposition; the levels before it are low-pass along all axes.
    rotation_invariant, pooling : pool all right-angled rotations by "mean" or "max".
    """

    wavelet: str
    letters: str
    level: int = 1
    rotation_invariant: bool = False
    pooling: str = "mean"

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        return separable(
            image, self.letters, self._cascades(), axes, boundary, rotate=self.rotation_invariant, pooling=self.pooling
        )

    def _cascades(self) -> dict[str, list[Float64]]:
        if self.wavelet not in WAVELETS or self.level < 1:
            raise StudyFileError(
                f"unknown wavelet or level: {self.wavelet!r}, level {self.level}; levels start at 1, wavelets are "
                f"{', '.join(WAVELETS)}"
            )
        low, high = (np.asarray(kernel, dtype=np.float64) for kernel in wavelet_filters(self.wavelet, np.float64))
        before = [_spread(low, level) for level in range(1, self.level)]
        return {"L": [*before, _spread(low, self.level)], "H": [*before, _spread(high, self.level)]}

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return sum(kernel.size for kernel in self._cascades()["L"])


def _spread(kernel: Float64, level: int) -> Float64:
    """Return the kernel of a level: 2^(level - 1) - 1 zeros after each tap (algorithme a trous)."""
    spread = np.zeros(kernel.size * 2 ** (level - 1))
    spread[:: 2 ** (level - 1)] = kernel
    return spread


@dataclass(frozen=True)
class SimoncelliWavelet(Filter):
    """Band-pass of Simoncelli's isotropic wavelet (PRT7), in the Fourier domain: the image is always periodic.

    The response at the frequency r, 1 at the highest of an axis, is cos(pi / 2 log2(2^level r)) for 2^-level / 2 < r
    <= 2^(1 - level), else 0. The n frequencies of an axis are taken as n equal steps from -1 to 1, which for even n is
    half a step off the transform's own frequencies; the reference values were computed this way.

    Parameters
    ----------
    level : of the decomposition, from 1.
    """

    level: int = 1

    def response(self, image: Float64, spacing_mm: Spacing, axes: Axes, boundary: Boundary) -> Float64:  # noqa: D102
        squared = np.zeros((1, 1, 1))
        for axis in axes:
            frequency = fft.ifftshift(np.linspace(-1.0, 1.0, image.shape[axis]))
            squared = squared + np.expand_dims(frequency**2, tuple({0, 1, 2} - {axis}))
        octave = np.log2(np.maximum(squared, np.finfo(np.float64).tiny)) / 2 + self.level
        passed = np.where(np.abs(octave) <= 1, np.cos(np.pi / 2 * octave), 0.0)
        filtered: Float64 = fft.ifftn(fft.fftn(image, axes=axes) * passed, axes=axes).real
        return filtered

    def reach(self, spacing_mm: Spacing, axes: Axes) -> int | None:  # noqa: D102
        return None


def _voxel(spacing_mm: Spacing, axes: Axes) -> float:
    """Return the spacing that all filtered axes share, in mm."""
    sizes = [spacing_mm[axis] for axis in axes]
    if max(sizes) - min(sizes) > 1e-3 * max(sizes):
        raise CaseError(
            f"this filter needs equal spacing along the axes that it filters; here it is {sizes} mm (x first)",
            "interpolate to equal spacing (spacing_mm), or filter by slice",
        )
    return sizes[0]

"""Derived images, computed inside a lesion's box only, with the same values as PyRadiomics 3.0.1.

Every filter sees the whole image passed to it (after resampling: the lesion and its pad), so that image borders are
where PyRadiomics has them. Pixel types are PyRadiomics' too, because grey-level bins are computed in them: LoG and
gradient return float32, wavelets keep float32 and convert integers to float64, the pointwise filters return float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.features.kernels.recursive_gaussian import filter_lines, gaussian_coefficients
from radstudy.features.kernels.wavelet import convolve_planes, convolve_rows
from radstudy.features.local_binary import UndefinedPatternError, plane_patterns, space_patterns
from radstudy.features.names import names_of_image_type
from radstudy.features.settings import ExtractionSettings, ImageType
from radstudy.features.wavelets import wavelet_filters
from radstudy.imaging.box import Box, padded

_LOG_MARGIN_SIGMAS = 30  # the recursion's slowest part decays by exp(-1.37) per sigma: exp(-41) is below the last bit


@dataclass(frozen=True, eq=False)
class FilteredImage:
    """One derived image inside the lesion's box.

    Parameters
    ----------
    name : PyRadiomics' name of the image, "log-sigma-1-0-mm-3D".
    voxels : (z, y, x) of the box; None if the filter cannot be applied.
    problem : the reason why it cannot be applied; "" if it was.
    """

    name: str
    voxels: NDArray[Any] | None
    problem: str = ""


def filtered_images(
    image: NDArray[Any],
    box: Box,
    spacing_mm: tuple[float, ...],
    image_type: ImageType,
    settings: ExtractionSettings,
    *,
    inside: NDArray[np.bool_],
    planar: bool = False,
) -> Iterator[FilteredImage]:
    """Compute the images of one image type, in PyRadiomics' order.

    Parameters
    ----------
    image : (z, y, x) the whole image (or the resampled region), in its pixel type.
    box : of the lesion in `image`, (z, y, x).
    spacing_mm : (x, y, z).
    image_type : the filter.
    settings : with the image type's own arguments applied (`ExtractionSettings.for_image_type`).
    inside : bool, the lesion in its box; local binary patterns in space are computed for its voxels alone.
    planar : whether the image has two axes only, so that its one slice along z is not filtered.
    """
    if image_type.name == "LoG":
        yield from _log_images(image, box, spacing_mm, image_type, settings, planar=planar)
    elif image_type.name == "LBP2D":
        yield _plane_pattern(image, box, settings, planar=planar)
    elif image_type.name == "LBP3D":
        yield from _space_patterns(image, box, image_type, settings, inside=inside, planar=planar)
    elif image_type.name == "Wavelet":
        axes = tuple(axis for axis in (2, 1, 0) if not (settings.force_2d and axis == settings.force_2d_dimension))
        yield from wavelet_images(image, box, settings.wavelet, settings.level, settings.start_level, axes)
    else:
        name = image_type.name.lower()
        if image_type.name == "Gradient":
            voxels = gradient_magnitude(image, box, spacing_mm if settings.gradient_use_spacing else (1.0, 1.0, 1.0))
        else:
            voxels = _POINTWISE[image_type.name](image, _cut(image, box))
        yield FilteredImage(name, voxels)


def _cut(image: NDArray[Any], box: Box) -> NDArray[Any]:
    return image[box[0][0] : box[0][1], box[1][0] : box[1][1], box[2][0] : box[2][1]]


# --- Laplacian of Gaussian ---------------------------------------------------------------------------------------


def _log_images(
    image: NDArray[Any],
    box: Box,
    spacing_mm: tuple[float, ...],
    image_type: ImageType,
    settings: ExtractionSettings,
    *,
    planar: bool,
) -> Iterator[FilteredImage]:
    filtered = image.shape[1:] if planar else image.shape
    for sigma, name in zip(settings.sigma, names_of_image_type(settings, image_type), strict=True):
        problem = log_problem(filtered, spacing_mm[: len(filtered)], sigma)
        if problem:
            yield FilteredImage(name, None, problem)
        else:
            yield FilteredImage(name, laplacian_of_gaussian(image, box, spacing_mm, sigma, planar=planar))


def log_problem(shape: tuple[int, ...], spacing_mm: tuple[float, ...], sigma_mm: float) -> str:
    """Return the reason why PyRadiomics skips a LoG image; "" if it does not.

    Parameters
    ----------
    shape : of the image that is filtered, (z, y, x), or (y, x) of an image of two axes.
    spacing_mm : (x, y, z), or (x, y).
    sigma_mm : of the Gaussian.
    """
    size = shape[::-1]
    text = " x ".join(str(n) for n in size)
    if min(size) < 4:
        return f"the image is {text} voxels; LoG needs 4 along every axis"
    least = [math.ceil(sigma_mm / spacing) + 1 for spacing in spacing_mm]
    if any(n < needed for n, needed in zip(size, least, strict=True)):
        needed = " x ".join(str(n) for n in least)
        return f"the image is {text} voxels; LoG with sigma {sigma_mm:g} mm needs {needed}"
    return ""


def laplacian_of_gaussian(
    image: NDArray[Any], box: Box, spacing_mm: tuple[float, ...], sigma_mm: float, *, planar: bool = False
) -> NDArray[np.float32]:
    """Compute the Laplacian of Gaussian inside a box, normalised across scale, with ITK's recursive filter.

    The sum over axes of the second derivative along one axis, smoothed along the others, divided by the squared
    spacing and multiplied by ``sigma_mm`` squared. Equal to ITK's to the last bit if the margin reaches the border.

    Parameters
    ----------
    image : (z, y, x), at least 4 voxels along every axis that is filtered.
    box : the part to compute, (z, y, x).
    spacing_mm : (x, y, z).
    sigma_mm : standard deviation.
    planar : filter along x and y only, as ITK filters an image of two axes.

    Returns
    -------
    float32, the shape of the box.

    Raises
    ------
    ValueError : an axis has fewer than 4 voxels.
    """
    axes = (2, 1) if planar else (2, 1, 0)  # ITK's order: x, y, z
    if min(image.shape[axis] for axis in axes) < 4:
        raise ValueError(f"LoG needs 4 voxels along every axis, the image has {image.shape}")
    spacing = spacing_mm[::-1]
    z, y, x = (max(4, math.ceil(_LOG_MARGIN_SIGMAS * sigma_mm / step)) for step in spacing)
    around = padded(box, (z, y, x), image.shape)
    # Small integers are exact in float32: one pixel type fewer to compile for.
    source = np.ascontiguousarray(_cut(image, around), dtype=np.float32 if image.dtype.itemsize <= 2 else image.dtype)
    keep = [(first - start, last - start) for (first, last), (start, _) in zip(box, around, strict=True)]
    total: NDArray[np.float32] | None = None
    for derived in axes:  # then the other axes, x before y before z
        lines: NDArray[Any] = source
        for axis in (derived, *(other for other in axes if other != derived)):
            order = 2 if axis == derived else 0
            lines = _filter_axis(lines, axis, keep[axis], gaussian_coefficients(sigma_mm, spacing[axis], order))
        part = lines.astype(np.float64) * (1.0 / (spacing[derived] * spacing[derived]))
        total = (part if total is None else total + part).astype(np.float32)
    assert total is not None
    return total


def _filter_axis(
    source: NDArray[Any], axis: int, keep: tuple[int, int], coefficients: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Filter along one axis and keep a part of it; lines adjacent in memory are filtered together."""
    first, last = keep
    nz, ny, nx = source.shape
    shape = [nz, ny, nx]
    shape[axis] = last - first
    out = np.empty(shape, dtype=np.float32)
    if axis == 1:
        filter_lines(source, first, last, coefficients, out)
    elif axis == 0:
        if source.flags.c_contiguous:
            filter_lines(source.reshape(1, nz, -1), first, last, coefficients, out.reshape(1, last - first, -1))
        else:
            filter_lines(source.transpose(1, 0, 2), first, last, coefficients, out.transpose(1, 0, 2))
    elif source.flags.c_contiguous:
        lines, kept = source.reshape(1, nz * ny, nx), out.reshape(1, nz * ny, last - first)
        filter_lines(lines.transpose(0, 2, 1), first, last, coefficients, kept.transpose(0, 2, 1))
    else:
        filter_lines(source.transpose(0, 2, 1), first, last, coefficients, out.transpose(0, 2, 1))
    return out


# --- wavelets ----------------------------------------------------------------------------------------------------


def wavelet_images(
    image: NDArray[Any], box: Box, wavelet: str, level: int = 1, start_level: int = 0, axes: tuple[int, ...] = (2, 1, 0)
) -> Iterator[FilteredImage]:
    """Compute the sub-bands of the stationary wavelet transform inside a box, as PyRadiomics does with PyWavelets.

    The image is treated as periodic; an axis of odd length is first made even by repeating its first plane at the end.
    Each level filters the previous approximation with the same filters. The first letter of a name is the x axis.

    Parameters
    ----------
    image : (z, y, x).
    box : the part to compute, (z, y, x).
    wavelet : one of `radstudy.features.wavelets.WAVELETS`.
    level : number of decompositions to return.
    start_level : number of decompositions to apply first and not return.
    axes : array axes to filter, in order.
    """
    dtype: type[np.floating[Any]] = np.float32 if image.dtype in (np.float32, np.float16) else np.float64
    low, high = wavelet_filters(wavelet, dtype)
    taps, levels = low.size, start_level + level
    before, after = taps // 2 - 1, taps // 2  # old samples that a new one needs on each side
    index = []
    for axis, (first, last) in enumerate(box):
        grown = (before * levels, after * levels) if axis in axes else (0, 0)
        size = image.shape[axis]
        wrapped = np.arange(first - grown[0], last + grown[1]) % (size + size % 2)
        index.append(np.where(wrapped == size, 0, wrapped))
    data = np.ascontiguousarray(image[np.ix_(*index)], dtype=dtype)
    for number in range(1, levels + 1):
        bands = [("", data)]
        for axis in axes:
            bands = [
                (name + letter, part)
                for name, source in bands
                for letter, part in zip("LH", _split(source, axis, low, high), strict=True)
            ]
        data = bands[0][1]
        if number <= start_level:
            continue
        prefix = "wavelet" if number == start_level + 1 else f"wavelet{number - start_level}"
        left = levels - number
        inside = tuple(
            slice(before * left, before * left + last - first) if axis in axes else slice(None)
            for axis, (first, last) in enumerate(box)
        )
        for name, part in bands[1:]:
            yield FilteredImage(f"{prefix}-{name}", part[inside])
    yield FilteredImage(f"{prefix}-{'L' * len(axes)}", data)


def _split(source: NDArray[Any], axis: int, low: NDArray[Any], high: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    shape = list(source.shape)
    shape[axis] -= low.size - 1
    low_out, high_out = np.empty(shape, dtype=source.dtype), np.empty(shape, dtype=source.dtype)
    if axis == 2:
        rows = (-1, shape[2])
        convolve_rows(source.reshape(-1, source.shape[2]), low, high, low_out.reshape(rows), high_out.reshape(rows))
    elif axis == 1:
        convolve_planes(source, low, high, low_out, high_out)
    else:
        flat = (1, shape[0], -1)
        convolve_planes(
            source.reshape(1, source.shape[0], -1), low, high, low_out.reshape(flat), high_out.reshape(flat)
        )
    return low_out, high_out


# --- local binary patterns ---------------------------------------------------------------------------------------


def _plane_pattern(image: NDArray[Any], box: Box, settings: ExtractionSettings, *, planar: bool) -> FilteredImage:
    try:
        codes = plane_patterns(
            image, box, axis=settings.force_2d_dimension, radius=settings.lbp_2d_radius, points=settings.lbp_2d_samples,
            method=settings.lbp_2d_method, dtype=np.float64 if planar else image.dtype,
        )  # fmt: skip
    except UndefinedPatternError as error:
        return FilteredImage("lbp-2D", None, str(error))
    return FilteredImage("lbp-2D", codes)


def _space_patterns(
    image: NDArray[Any],
    box: Box,
    image_type: ImageType,
    settings: ExtractionSettings,
    *,
    inside: NDArray[np.bool_],
    planar: bool,
) -> Iterator[FilteredImage]:
    names = names_of_image_type(settings, image_type)
    if planar:
        yield from (FilteredImage(name, None, "the image has two axes; LBP3D needs a volume") for name in names)
        return
    images = space_patterns(
        image, box, inside, levels=settings.lbp_3d_levels, radius=settings.lbp_3d_icosphere_radius,
        subdivision=settings.lbp_3d_icosphere_subdivision,
    )  # fmt: skip
    yield from (FilteredImage(name, derived) for name, derived in zip(names, images, strict=True))


# --- gradient and pointwise filters ------------------------------------------------------------------------------


def gradient_magnitude(image: NDArray[Any], box: Box, spacing_mm: tuple[float, ...]) -> NDArray[np.float32]:
    """Compute the gradient's magnitude by central differences inside a box; at a border the outer voxel repeats.

    Parameters
    ----------
    image : (z, y, x).
    box : the part to compute, (z, y, x).
    spacing_mm : (x, y, z); ones for differences per voxel.

    Returns
    -------
    float32, the shape of the box, in the image's unit per mm.
    """
    around = padded(box, 1, image.shape)
    grown = [(int(start == first), int(stop == last)) for (first, last), (start, stop) in zip(box, around, strict=True)]
    source = np.pad(_cut(image, around).astype(np.float64), grown, mode="edge")
    centre = slice(1, -1)
    total = np.zeros(tuple(last - first for first, last in box))
    for axis, step in zip((2, 1, 0), spacing_mm, strict=True):
        weight = 0.5 * (1.0 / step)
        after = tuple(slice(2, None) if other == axis else centre for other in range(3))
        before = tuple(slice(None, -2) if other == axis else centre for other in range(3))
        difference = source[after] * weight - source[before] * weight
        total += difference * difference
    return np.sqrt(total).astype(np.float32)


def _largest(image: NDArray[Any]) -> float:
    return float(max(abs(float(image.max())), abs(float(image.min()))))


def _square(image: NDArray[Any], cut: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = 1 / np.sqrt(np.float64(_largest(image)))
        squared: NDArray[np.float64] = (factor * cut.astype(np.float64)) ** 2
    return squared


def _square_root(image: NDArray[Any], cut: NDArray[Any]) -> NDArray[np.float64]:
    values = cut.astype(np.float64)
    rooted: NDArray[np.float64] = np.where(values < 0, -1.0, 1.0) * np.sqrt(np.abs(values) * _largest(image))
    return rooted


def _logarithm(image: NDArray[Any], cut: NDArray[Any]) -> NDArray[np.float64]:
    values, largest = cut.astype(np.float64), np.float64(_largest(image))
    logarithms = np.where(values < 0, -1.0, 1.0) * np.log(np.abs(values) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled: NDArray[np.float64] = logarithms * (largest / np.log(largest + 1))
    return scaled


def _exponential(image: NDArray[Any], cut: NDArray[Any]) -> NDArray[np.float64]:
    largest = np.float64(_largest(image))
    with np.errstate(divide="ignore", invalid="ignore"):
        grown: NDArray[np.float64] = np.exp(np.log(largest) / largest * cut.astype(np.float64))
    return grown


def _original(_: NDArray[Any], cut: NDArray[Any]) -> NDArray[Any]:
    return cut


_POINTWISE = {
    "Original": _original,
    "Square": _square,
    "SquareRoot": _square_root,
    "Logarithm": _logarithm,
    "Exponential": _exponential,
}

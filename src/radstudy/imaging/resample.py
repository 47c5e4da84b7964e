"""Resampling of a lesion and its surroundings onto a new voxel spacing, as PyRadiomics 3.0.1 does it, or as IBSI.

PyRadiomics' grid starts at the corner of the image's first voxel; IBSI's shares the image's centre. Only the part
around the lesion is computed. Spline coefficients are found on that part and a margin of `MARGIN` voxels: the cubic
spline forgets by 0.27 a voxel, so what lies further away changes no bit. (24 voxels leave 1e-13, which flips truncated
whole numbers where samples fall on old voxels, as from 3 to 1 mm; 32 and more are equal to the whole image.) Masks are
sampled by nearest neighbour at the coordinates that ITK computes, rounding errors included: at 1.5 to 1 mm every third
sample falls on the border of two voxels. Or they are interpolated linearly and cut at a share of the voxel, as IBSI
does.

Arrays here are (K, J, I) = (z, y, x), the memory order of a file; spacings and sizes are (x, y, z), ITK's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import DTypeLike, NDArray

from radstudy.errors import CaseError
from radstudy.formats.raster import to_sitk
from radstudy.imaging.roi import Roi, grid_difference
from radstudy.imaging.volume import Volume, spacing_of

MARGIN = 32

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])

_ROUNDING = 1e-6  # shares of a voxel, and sizes in voxels, nearer than this to a bound are on it

Align = Literal["corner", "centre"]
Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]  # first and last + 1 along (z, y, x)


@dataclass(frozen=True)
class Header:
    """Where an image lies, in ITK's own numbers, to the last bit.

    Parameters
    ----------
    spacing_mm : (x, y, z).
    origin_mm : LPS position of the first voxel's centre.
    direction : nine cosines, row by row (LPS).
    """

    spacing_mm: tuple[float, ...]
    origin_mm: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Region:
    """Part of an image with its lesion, on one grid.

    Parameters
    ----------
    image : (z, y, x) voxels in the pixel type that filters and features are to see.
    mask : bool (z, y, x).
    spacing_mm : (x, y, z).
    start : (x, y, z) continuous index, in the image that the region was made from, of the region's first voxel.
    """

    image: NDArray[Any]
    mask: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]
    start: tuple[float, ...]


@dataclass(frozen=True)
class ResampledMaskReport:
    """What resampling does to a mask, before anything else is run.

    Parameters
    ----------
    native_voxels, resampled_voxels : number inside.
    native_mm3, resampled_mm3 : their volumes.
    """

    native_voxels: int
    resampled_voxels: int
    native_mm3: float
    resampled_mm3: float

    @property
    def volume_change_percent(self) -> float:
        """Change of the volume in per cent of the native one; -100 where the lesion vanished."""
        return 100.0 * (self.resampled_mm3 / self.native_mm3 - 1.0)


@dataclass(frozen=True, eq=False)
class Grid:
    """The new grid around a lesion, and where its samples lie in the old one.

    Parameters
    ----------
    size : (x, y, z) voxels.
    spacing_mm : (x, y, z).
    coordinates : x, y, z, float64 arrays that broadcast over (z, y, x): continuous index in the old grid. One value a
        plane where the axes are the scanner's, one a voxel where they are oblique (rounding differs line by line).
    nearest : x, y, z, int64 arrays of the same shapes: the nearest old voxel, -1 outside the image.
    start : (x, y, z) continuous index in the old grid of the first voxel.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    coordinates: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    nearest: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    start: tuple[float, ...]


def bounding_box(mask: NDArray[np.bool_]) -> Box | None:
    """First and last + 1 voxel inside along each axis; None for an empty mask.

    Examples
    --------
    >>> mask = np.zeros((2, 3, 4), dtype=bool)
    >>> mask[1, 0:2, 3] = True
    >>> bounding_box(mask)
    ((1, 2), (0, 2), (3, 4))
    """
    if not mask.flags.c_contiguous and mask.T.flags.c_contiguous:
        turned = bounding_box(mask.T)
        return None if turned is None else (turned[2], turned[1], turned[0])
    planes = np.flatnonzero(np.any(mask.reshape(mask.shape[0], -1), axis=1))
    if planes.size == 0:
        return None
    flat: NDArray[np.bool_] = np.logical_or.reduce(mask[planes[0] : planes[-1] + 1], axis=0)
    rows, columns = np.flatnonzero(flat.any(axis=1)), np.flatnonzero(flat.any(axis=0))
    return (
        (int(planes[0]), int(planes[-1]) + 1),
        (int(rows[0]), int(rows[-1]) + 1),
        (int(columns[0]), int(columns[-1]) + 1),
    )


def box_around(masks: Sequence[NDArray[np.bool_]]) -> Box | None:
    """The box around whatever lies in any of the masks, all on one grid; None where all are empty."""
    boxes = [box for box in map(bounding_box, masks) if box is not None]
    if not boxes:
        return None
    first, second, third = (
        (min(first for first, _ in ends), max(last for _, last in ends)) for ends in zip(*boxes, strict=True)
    )
    return first, second, third


def header_spacing(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """The (x, y, z) spacing as it stood in the file's header.

    An axis along one of the patient's gives it back exactly. The column of an oblique one does up to rounding, and a
    grid that starts at floor(box / spacing) can then start one voxel off. Headers hold a float32 or a short decimal:
    the nearest of those is taken if it lies within the rounding.

    Examples
    --------
    >>> affine = np.array([[0.9, -1.2, 0, 0], [1.2, 0.9, 0, 0], [0, 0, 2.9999999999999996, 0], [0, 0, 0, 1]])
    >>> header_spacing(affine)
    (1.5, 1.5, 2.9999999999999996)
    """
    spacing = []
    for column, length in zip(affine[:3, :3].T, spacing_of(affine), strict=True):
        near = [float(np.float32(length)), round(float(length), 10)]
        if np.count_nonzero(column) == 1:
            near = [float(np.abs(column).max())]
        spacing.append(next((guess for guess in near if abs(guess - length) <= 8e-16 * length), float(length)))
    return spacing[0], spacing[1], spacing[2]


def header_of(affine: NDArray[np.float64]) -> Header:
    """The header that an affine was made from, up to the rounding of an oblique one."""
    lps = _RAS_TO_LPS @ affine[:3] + 0.0
    spacing = header_spacing(affine)
    return Header(spacing, tuple(lps[:, 3].tolist()), tuple((lps[:, :3] / np.array(spacing)).ravel().tolist()))


def read_header(path: str | Path) -> Header:
    """The header of a NIfTI, NRRD or MetaImage volume, without its voxels.

    Raises
    ------
    CaseError : the file cannot be read as a 3D image.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise CaseError("the file cannot be read as an image", "export it again", file=path) from error
    dimension = reader.GetDimension()
    direction = np.eye(3)
    direction[:dimension, :dimension] = np.reshape(reader.GetDirection(), (dimension, dimension))[:3, :3]
    spacing, origin = [*reader.GetSpacing(), 1.0][:3], [*reader.GetOrigin(), 0.0][:3]
    return Header(tuple(spacing), tuple(origin), tuple(direction.ravel().tolist()))


def resampling_grid(
    box: Box,
    shape: tuple[int, ...],
    header: Header,
    spacing_mm: tuple[float, float, float],
    pad: int,
    align: Align = "corner",
) -> Grid | None:
    """The new grid around a lesion, or None where the spacing stays as it is.

    Parameters
    ----------
    box : of the lesion, (z, y, x).
    shape : of the image, (z, y, x).
    header : the image's.
    spacing_mm : (x, y, z) wanted; 0 keeps an axis.
    pad : voxels of the new grid around the lesion.
    align : "corner" is PyRadiomics' grid, which keeps an axis along which the lesion is one voxel thick; "centre" is
        IBSI's: ceil(old size x old spacing / new spacing) voxels around the centre of the image.

    References
    ----------
    IBSI reference manual, section 2.4 (interpolation), doi 10.17195/candat.2016.08.1.
    """
    old = np.array(header.spacing_mm)
    lower = np.array([first for first, _ in box[::-1]])
    count = np.array([last - first for first, last in box[::-1]])
    new = np.where(np.array(spacing_mm) == 0, old, np.array(spacing_mm, dtype=np.float64))
    if align == "corner":
        new = np.where(count != 1, new, old)
    if np.allclose(old, new):
        return None
    ratio = old / new
    if align == "corner":
        first = np.maximum(np.floor((lower - 0.5) * ratio - pad), 0)
        last = np.ceil((lower + count - 0.5) * ratio + pad)
        last = np.minimum(last, np.ceil(np.array(shape[::-1]) * ratio) - 1)
        start = 0.5 * (new - old) / old
    else:
        voxels = np.ceil(np.array(shape[::-1]) * ratio - _ROUNDING)
        start = (np.array(shape[::-1]) - 1) / 2 - (voxels - 1) / 2 / ratio
        first = np.maximum(np.floor((lower - 0.5 - start) * ratio) - pad, 0)
        last = np.minimum(np.ceil((lower + count - 0.5 - start) * ratio) + pad, voxels - 1)
    size = (last - first + 1).astype(int)
    origin_index = start + first / ratio
    coordinates, nearest = _itk_coordinates(header, new, origin_index, size, shape)
    return Grid(
        (int(size[0]), int(size[1]), int(size[2])), (float(new[0]), float(new[1]), float(new[2])), coordinates, nearest,
        tuple(origin_index.tolist()),
    )  # fmt: skip


def resample(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    header: Header,
    *,
    spacing_mm: tuple[float, float, float],
    pad: int = 5,
    interpolator: str = "sitkBSpline",
    dtype: DTypeLike | None = None,
    margin: int = MARGIN,
    align: Align = "corner",
    partial_volume: float | None = None,
) -> Region:
    """The lesion and its surroundings on a new voxel spacing.

    Parameters
    ----------
    image : (z, y, x) voxels.
    mask : bool (z, y, x) on the same grid.
    header : of the image.
    spacing_mm : (x, y, z) wanted, see `resampling_grid`.
    pad : voxels kept around the lesion's box.
    interpolator : of the image: "sitkBSpline", "sitkLinear" or "sitkNearestNeighbor".
    dtype : pixel type of the result; whole-number types are cut at their range and truncated, as ITK does.
        None keeps float64.
    margin : voxels around the region in which spline coefficients are found.
    align : "corner" (PyRadiomics) or "centre" (IBSI), see `resampling_grid`.
    partial_volume : of the mask: None takes the nearest voxel (PyRadiomics), a number in (0, 1] the samples where the
        linearly interpolated mask reaches it (IBSI: 0.5).

    Returns
    -------
    Region : with an empty mask if no sample falls into the lesion; `refuse_vanished` makes an error of that.

    Raises
    ------
    CaseError : the mask is empty.
    """
    box = bounding_box(mask)
    if box is None:
        raise CaseError("the mask is empty: no voxel lies inside", "draw the lesion")
    grid = resampling_grid(box, mask.shape, header, spacing_mm, pad, align)
    if grid is None:
        around = padded(box, pad, mask.shape)
        kept = image[_slices(around)]
        begin = tuple(float(first) for first, _ in around[::-1])
        return Region(kept if dtype is None else to_dtype(kept, dtype), mask[_slices(around)], header.spacing_mm, begin)
    inside = _sampled_mask(mask, grid, partial_volume)
    if interpolator == "sitkNearestNeighbor":
        values = sample_nearest(image, grid)
    elif interpolator == "sitkLinear":
        values = _linear(image, grid)
    else:
        values = _bspline(image, grid, margin)
    return Region(values if dtype is None else to_dtype(values, dtype), inside, grid.spacing_mm, grid.start)


def resampled_mask_report(
    roi: Roi,
    spacing_mm: tuple[float, float, float] | None,
    *,
    pad: int = 5,
    align: Align = "corner",
    partial_volume: float | None = None,
) -> ResampledMaskReport:
    """Voxels and volume of a mask before and after resampling; nothing of the image is needed.

    Parameters
    ----------
    roi : the mask.
    spacing_mm : (x, y, z) wanted; None for no resampling.
    pad, align, partial_volume : as in the extraction, see `resample`.

    Raises
    ------
    CaseError : the mask is empty.
    """
    mask = roi.mask.transpose(2, 1, 0)
    box = bounding_box(mask)
    if box is None:
        raise CaseError(
            "the mask is empty: no voxel lies inside", "draw the lesion", reader=roi.reader, file=roi.source
        )
    native = int(np.count_nonzero(mask[_slices(box)]))
    header = header_of(roi.affine)
    native_mm3 = native * float(np.prod(header.spacing_mm))
    grid = None if spacing_mm is None else resampling_grid(box, mask.shape, header, spacing_mm, pad, align)
    if grid is None:
        return ResampledMaskReport(native, native, native_mm3, native_mm3)
    resampled = int(np.count_nonzero(_sampled_mask(mask, grid, partial_volume)))
    return ResampledMaskReport(native, resampled, native_mm3, resampled * float(np.prod(grid.spacing_mm)))


def refuse_vanished(report: ResampledMaskReport, roi: Roi, spacing_mm: tuple[float, float, float]) -> None:
    """Refuse a mask of which resampling leaves nothing: no lesion vanishes in silence.

    Parameters
    ----------
    report : what resampling does to the mask.
    roi : the mask as drawn.
    spacing_mm : (x, y, z) wanted.

    Raises
    ------
    CaseError : nothing is left; says how many voxels there were, and both spacings.
    """
    if report.resampled_voxels == 0:
        raise CaseError(
            f"the mask vanishes in resampling: of its {report.native_voxels} voxels ({report.native_mm3:g} mm3) of "
            f"{_by(roi.spacing_mm)} mm nothing is left at {_by(spacing_mm)} mm",
            "resample to a finer spacing, or exclude the lesion",
            reader=roi.reader,
            file=roi.source,
        )


def mask_on_grid(
    roi: Roi, volume: Volume, *, partial_volume: float | None = None, transform: sitk.Transform | None = None
) -> Roi:
    """The mask on the volume's grid, placed by physical coordinates; as it is where the grids agree.

    Parameters
    ----------
    roi : a mask anywhere in space.
    volume : what it is placed on.
    partial_volume : None takes the nearest voxel of the mask; a number in (0, 1] the voxels at whose centre the
        linearly interpolated mask reaches it.
    transform : from points of the volume to points of the mask (LPS mm); None for none.

    Raises
    ------
    CaseError : part of the mask lies outside the image, or none of it meets a voxel's centre.
    """
    if transform is None and not grid_difference(roi.mask.shape, roi.affine, volume.voxels.shape, volume.affine):
        return roi.on_grid_of(volume)
    if transform is None and _reaches_outside(roi, volume):
        raise CaseError("the mask reaches outside the image", "draw it on this image", file=roi.source)
    image = to_sitk(roi.mask, roi.affine)
    kind = sitk.sitkNearestNeighbor
    if partial_volume is not None:
        image, kind = sitk.Cast(image, sitk.sitkFloat32), sitk.sitkLinear
    placed = sitk.Resample(image, to_sitk(volume.voxels, volume.affine), transform or sitk.Transform(), kind)
    least = 0.5 if partial_volume is None else partial_volume - _ROUNDING
    mask = sitk.GetArrayFromImage(placed).transpose(2, 1, 0) >= least
    if not mask.any():
        raise CaseError(
            f"the mask's {roi.voxel_count} voxels of {_by(roi.spacing_mm)} mm meet no voxel's centre of the image, "
            f"whose voxels measure {_by(volume.spacing_mm)} mm",
            "draw it on this image",
            file=roi.source,
        )
    return Roi(mask, volume.affine, roi.label, roi.reader, roi.source)


def _reaches_outside(roi: Roi, volume: Volume) -> bool:
    corners = np.argwhere(roi.mask)
    if not corners.size:
        return False
    to_image = np.linalg.inv(volume.affine) @ roi.affine
    low, high = corners.min(axis=0) - 0.5, corners.max(axis=0) + 0.5
    ends = np.array([to_image[:3, :3] @ end + to_image[:3, 3] for end in (low, high)])
    return bool((ends < -0.501).any() or (ends > np.array(volume.voxels.shape) - 0.499).any())


def _by(spacing: NDArray[np.float64] | tuple[float, ...]) -> str:
    return " x ".join(f"{value:.4g}" for value in spacing)


def padded(box: Box, pad: int | tuple[int, int, int], shape: tuple[int, ...]) -> Box:
    """The box with `pad` voxels more on all sides (or by axis), cut at the image's borders."""
    pads = (pad, pad, pad) if isinstance(pad, int) else pad
    z, y, x = (
        (max(first - more, 0), min(last + more, size))
        for (first, last), more, size in zip(box, pads, shape, strict=True)
    )
    return z, y, x


def to_dtype(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Values in a pixel type as ITK casts: cut at the type's range, then truncated towards zero."""
    wanted = np.dtype(dtype)
    if values.dtype == wanted:
        return values
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        truncated: NDArray[Any] = np.clip(values, limits.min, limits.max).astype(wanted)
        return truncated
    return values.astype(wanted)


def sample_nearest(array: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """The (z, y, x) array at the nearest voxel of every grid point, 0 outside the image."""
    x, y, z = grid.nearest
    inside = (x >= 0) & (y >= 0) & (z >= 0)
    sampled: NDArray[Any] = array[np.maximum(z, 0), np.maximum(y, 0), np.maximum(x, 0)]
    if not inside.all():
        sampled = np.where(inside, sampled, np.zeros((), dtype=sampled.dtype))
    return np.ascontiguousarray(sampled)


def _sampled_mask(mask: NDArray[np.bool_], grid: Grid, partial_volume: float | None) -> NDArray[np.bool_]:
    if partial_volume is None:
        return sample_nearest(mask, grid)
    return _linear(mask.view(np.uint8), grid) >= partial_volume - _ROUNDING


def _slices(box: Box) -> tuple[slice, slice, slice]:
    return slice(*box[0]), slice(*box[1]), slice(*box[2])


# --- ITK's coordinates -------------------------------------------------------------------------------------------


def _itk_coordinates(
    header: Header,
    new: NDArray[np.float64],
    origin_index: NDArray[np.float64],
    size: NDArray[np.int_],
    shape: tuple[int, ...],
) -> tuple[Any, Any]:
    """Continuous indices of the new grid's points in the old image, as ITK's resampling filter computes them.

    It maps the first point of every line along x, and the point after its last, through the physical space, and
    divides between them.
    """
    image = sitk.Image(1, 1, 1, sitk.sitkUInt8)
    image.SetSpacing(header.spacing_mm)
    cosines = np.reshape(header.direction, (3, 3))
    image.SetDirection(header.direction)
    to_index = np.array([image.TransformPhysicalPointToContinuousIndex(unit) for unit in np.eye(3).tolist()]).T
    origin = header.origin_mm
    image.SetOrigin(origin)
    start = np.array(image.TransformContinuousIndexToPhysicalPoint(origin_index.tolist()))
    to_point = cosines * new

    def continuous(index: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> list[NDArray[np.float64]]:
        offset = []
        for row in range(3):
            point = start[row] + to_point[row, 0] * index[0]
            point = point + to_point[row, 1] * index[1]
            point = point + to_point[row, 2] * index[2]
            offset.append(point - origin[row])
        return [
            to_index[row, 0] * offset[0] + to_index[row, 1] * offset[1] + to_index[row, 2] * offset[2]
            for row in range(3)
        ]

    x, y, z = (np.arange(n, dtype=np.float64) for n in size)
    across, up = y[None, :, None], z[:, None, None]
    begin, end = np.zeros((1, 1, 1)), np.full((1, 1, 1), float(size[0]))
    if (np.count_nonzero(cosines, axis=0) == 1).all():  # each old axis depends on one new axis, exactly
        first, last = continuous((begin, begin, begin))[0], continuous((end, begin, begin))[0]
        along = first + x / float(size[0]) * (last - first)
        points = [along, continuous((begin, across, begin))[1], continuous((begin, begin, up))[2]]
    else:
        lines = zip(continuous((begin, across, up)), continuous((end, across, up)), strict=True)
        points = [first + x / float(size[0]) * (last - first) for first, last in lines]
    return tuple(points), tuple(_nearest(point, n) for point, n in zip(points, shape[::-1], strict=True))


def _nearest(coordinate: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    index = np.floor(coordinate + 0.5).astype(np.int64)
    return np.where(_within(coordinate, size), index, -1)


def _within(coordinate: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    return (coordinate >= -0.5) & (coordinate < size - 0.5)


# --- interpolation -----------------------------------------------------------------------------------------------


def _outside(grid: Grid, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x, y, z = (_within(c, n) for c, n in zip(grid.coordinates, shape[::-1], strict=True))
    outside: NDArray[np.bool_] = ~(x & y & z)
    return outside


def _linear(image: NDArray[Any], grid: Grid) -> NDArray[np.float64]:
    lower, upper, distance = [], [], []
    for coordinate, size in zip(grid.coordinates, image.shape[::-1], strict=True):
        base = np.clip(np.floor(coordinate).astype(np.int64), 0, size - 1)
        lower.append(base)
        upper.append(np.minimum(base + 1, size - 1))
        distance.append(np.maximum(coordinate - base, 0.0))

    def along_x(y: NDArray[np.int64], z: NDArray[np.int64]) -> NDArray[np.float64]:
        first, second = (image[z, y, x].astype(np.float64) for x in (lower[0], upper[0]))
        between: NDArray[np.float64] = first + (second - first) * distance[0]
        return between

    def along_y(z: NDArray[np.int64]) -> NDArray[np.float64]:
        first, second = along_x(lower[1], z), along_x(upper[1], z)
        return first + (second - first) * distance[1]

    first, second = along_y(lower[2]), along_y(upper[2])
    values: NDArray[np.float64] = first + (second - first) * distance[2]
    values[np.broadcast_to(_outside(grid, image.shape), values.shape)] = 0.0
    return values


def _bspline(image: NDArray[Any], grid: Grid, margin: int) -> NDArray[np.float64]:
    from radstudy.imaging.kernels.bspline import interpolate, interpolate_scattered

    out = np.empty(grid.size[::-1])
    support = tuple(_support(c, n) for c, n in zip(grid.coordinates[::-1], image.shape, strict=True))
    coefficients = _coefficients(image, support, margin)  # type: ignore[arg-type]
    starts = [first for first, _ in support]
    if all(coordinate.size == max(coordinate.shape) for coordinate in grid.coordinates):
        taps = [_taps(c.ravel(), n) for c, n in zip(grid.coordinates[::-1], image.shape, strict=True)]
        iz, iy, ix = (index - first for (index, _), first in zip(taps, starts, strict=True))
        interpolate(coefficients, iz, iy, ix, taps[0][1], taps[1][1], taps[2][1], out)
    else:
        pz, py, px = (np.ascontiguousarray(np.broadcast_to(c, out.shape)) for c in grid.coordinates[::-1])
        interpolate_scattered(coefficients, np.array(starts), np.array(image.shape), pz, py, px, out)
    out[np.broadcast_to(_outside(grid, image.shape), out.shape)] = 0.0
    return out


def _support(coordinate: NDArray[np.float64], size: int) -> tuple[int, int]:
    """First and last + 1 old voxel that the four taps of any sample touch, those mirrored at the borders too."""
    index, _ = _taps(np.array([coordinate.min(), coordinate.max()]), size)
    return int(index.min()), int(index.max()) + 1


def _coefficients(image: NDArray[Any], support: Box, margin: int) -> NDArray[np.float64]:
    """Spline coefficients in the box `support`, along x, then y, then z, each axis cut to the box once it is done."""
    from radstudy.imaging.kernels.bspline import coefficients_along_lines

    around = padded(support, margin, image.shape)
    kept = [(first - start, last - start) for (first, last), (start, _) in zip(support, around, strict=True)]
    (z0, z1), (y0, y1), (x0, x1) = kept
    cut = np.ascontiguousarray(image[_slices(around)])
    nz, ny, nx = cut.shape
    along_x = np.empty((nz, ny, x1 - x0))
    if nx > 1:
        lines, kept_lines = cut.reshape(1, nz * ny, nx), along_x.reshape(1, nz * ny, x1 - x0)
        coefficients_along_lines(lines.transpose(0, 2, 1), x0, x1, kept_lines.transpose(0, 2, 1))
    else:  # a line of one sample is its own coefficient
        along_x[:] = cut
    along_y = along_x
    if ny > 1:
        along_y = np.empty((nz, y1 - y0, x1 - x0))
        coefficients_along_lines(along_x, y0, y1, along_y)
    if nz == 1:
        return along_y
    along_z = np.empty((z1 - z0, y1 - y0, x1 - x0))
    coefficients_along_lines(along_y.reshape(1, nz, -1), z0, z1, along_z.reshape(1, z1 - z0, -1))
    return along_z


def _taps(coordinate: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(4, n) indices, mirrored at the borders, and weights of the cubic B-spline."""
    floor = np.floor(coordinate.astype(np.float32)).astype(np.float64)  # ITK chooses the taps in single precision
    w = coordinate - floor
    weights = np.empty((4, coordinate.size))
    weights[3] = (1.0 / 6.0) * w * w * w
    weights[0] = (1.0 / 6.0) + 0.5 * w * (w - 1.0) - weights[3]
    weights[2] = w + weights[0] - 2.0 * weights[3]
    weights[1] = 1.0 - weights[0] - weights[2] - weights[3]
    index = floor.astype(np.int64) + np.arange(-1, 3)[:, None]
    if size == 1:
        return np.zeros_like(index), weights
    index = np.abs(index)
    index = np.where(index >= size, 2 * size - 2 - index, index)
    return np.clip(index, 0, size - 1), weights

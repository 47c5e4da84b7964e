"""Images of other libraries: their voxels, their affine and, where they have one, ITK's own header.

SimpleITK and nibabel are dependencies of this program. TorchIO's images and MONAI's MetaTensor are known by what they
have, so that neither library is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.spatialimages import HeaderDataError, SpatialImage
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats import raster
from radstudy.formats.nifti import scaled, two_dimensional
from radstudy.formats.nifti_place import information_of, require_voxel_size
from radstudy.formats.raster import affine_from_lps
from radstudy.imaging.header import Header
from radstudy.space.axes import ras_of_lps
from radstudy.space.grid import Grid

_IN_MM = ("mm", "unknown")


class TorchioImage(Protocol):
    """A TorchIO image: data (C, I, J, K) and an affine to RAS mm."""

    data: Any
    affine: Any
    spatial_shape: Any


class MonaiTensor(Protocol):
    """A MONAI MetaTensor: (C, I, J, K) or (I, J, K), with an affine to the space that its meta names."""

    affine: Any
    meta: Any

    def detach(self) -> Any:
        """The tensor without its history."""
        ...


@dataclass(frozen=True, eq=False)
class PlacedArray:
    """The content of an image of another library.

    Parameters
    ----------
    voxels : (I, J, K), in the image's own type.
    affine : float64 (4, 4), voxel index to RAS mm.
    header : ITK's numbers, from which the affine was computed; None if the image has only an affine, or two axes.
    planar : whether the image has two axes: K is 1.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    header: Header | None = None
    planar: bool = False


ForeignImage = sitk.Image | SpatialImage | TorchioImage | MonaiTensor | PlacedArray


def is_foreign(image: object) -> bool:
    """True for an image that `placed_array` takes."""
    return isinstance(image, sitk.Image | SpatialImage | PlacedArray) or _is_torchio(image) or _is_monai(image)


def placed_array(image: Any) -> PlacedArray:
    """Take the content of an image of SimpleITK, nibabel, TorchIO or MONAI.

    Parameters
    ----------
    image : scalar, with three axes, or two (`Volume.planar`); further axes, and channels, of length 1 are left out.

    Raises
    ------
    CaseError : it has several channels or volumes, or a position that cannot be used.
    """
    if isinstance(image, PlacedArray):
        return image
    if isinstance(image, sitk.Image):
        return from_sitk(image)
    if isinstance(image, SpatialImage):
        return from_nibabel(image)
    return _from_torchio(image) if _is_torchio(image) else _from_monai(image)


def from_sitk(image: sitk.Image) -> PlacedArray:
    """Take the content of a SimpleITK image, see `placed_array`."""
    if not isinstance(image, sitk.Image):
        raise _not_a(image, "SimpleITK.Image")
    voxels, affine, planar = raster.from_sitk(image)
    return PlacedArray(voxels, affine, None if planar else Header.of_itk(image), planar)


def from_nibabel(image: SpatialImage) -> PlacedArray:
    """Take the content of a nibabel image, see `placed_array`.

    The values are those that reading the file gives: integers with a slope become float32. So is the position, unless
    the header's qform and sform disagree: then it is the image's `affine`.
    """
    if not isinstance(image, SpatialImage):
        raise _not_a(image, "nibabel image")
    if image.affine is None:
        raise CaseError("the nibabel image has no affine, so its place is unknown", "give it one")
    values = _values(image)
    planar = values.ndim == 2
    voxels = values[:, :, None] if planar else _three_axes(values, "nibabel image")
    header = _nifti_header(image)
    place = None if header is None else _place(header)
    if header is None or place is None:
        return PlacedArray(voxels, np.asarray(image.affine, np.float64), None, planar)
    grid = Grid(_shape(voxels), affine_from_lps(place.origin_mm, place.spacing_mm, place.direction))
    in_mm = header.get_xyzt_units()[0] in _IN_MM
    if in_mm and not grid.same_as(Grid(grid.shape, image.affine)):
        return PlacedArray(voxels, np.asarray(image.affine, np.float64), None, planar)
    return PlacedArray(voxels, grid.affine, None if planar else place, planar)


def to_sitk(voxels: NDArray[Any], affine: NDArray[np.float64], header: Header) -> sitk.Image:
    """Make a SimpleITK image with exactly this header."""
    image = raster.to_sitk(voxels, affine)
    image.SetSpacing(header.spacing_mm)
    image.SetOrigin(header.origin_mm)
    image.SetDirection(header.direction)
    return image


def to_nibabel(voxels: NDArray[Any], affine: NDArray[np.float64]) -> nib.Nifti1Image:
    """Make a NIfTI-1 image; its header holds the affine as float32, as the format does."""
    return nib.Nifti1Image(voxels, affine, dtype=voxels.dtype)


def in_type(voxels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The voxels in the file's pixel type if it holds all of them exactly; otherwise as they are."""
    if voxels.dtype == dtype:
        return voxels
    with np.errstate(invalid="ignore", over="ignore"):
        stored = voxels.astype(dtype)
        return stored if np.array_equal(stored, voxels, equal_nan=dtype.kind == "f") else voxels


# --- nibabel ----------------------------------------------------------------------------------------------------------


def _values(image: SpatialImage) -> NDArray[Any]:
    """The voxels as `radstudy.formats.nifti` reads them from the image's file."""
    data: Any = image.dataobj
    slope, intercept = getattr(data, "slope", None), getattr(data, "inter", None)
    dtype = getattr(data, "dtype", None)
    if dtype is not None and (dtype.fields or dtype.subdtype):
        raise CaseError("the nibabel image has colour or vector pixels", "give one scalar image")
    if not hasattr(data, "get_unscaled") or not isinstance(slope, float | np.floating) or intercept is None:
        return np.asarray(data)
    stored = np.asarray(data.get_unscaled())
    native = stored.astype(stored.dtype.newbyteorder("="))
    return scaled(native, float(slope), float(intercept)) if native.dtype.kind in "iuf" else native


def _nifti_header(image: SpatialImage) -> Any | None:
    """The image's NIfTI header if it describes the image's position; None for other formats and changed affines."""
    header: Any = image.header
    if not isinstance(header, nib.Nifti1Header) or not np.array_equal(header.get_best_affine(), image.affine):
        return None
    return header


def _place(header: Any) -> Header | None:
    require_voxel_size(header, "")
    try:
        return Header.of_itk(information_of(header))
    except (RuntimeError, HeaderDataError):  # ITK does not take it, nibabel did: its affine counts
        return None


# --- TorchIO and MONAI ------------------------------------------------------------------------------------------------


def _is_torchio(image: object) -> bool:
    return all(hasattr(image, name) for name in ("spatial_shape", "affine", "data"))


def _is_monai(image: object) -> bool:
    return all(hasattr(image, name) for name in ("meta", "affine", "detach"))


def _from_torchio(image: TorchioImage) -> PlacedArray:
    voxels = _without_channel(_numpy(image.data), "TorchIO image")
    return PlacedArray(voxels, np.asarray(image.affine, np.float64))


def _from_monai(image: MonaiTensor) -> PlacedArray:
    voxels = _numpy(image)
    if voxels.ndim == 4:
        voxels = _without_channel(voxels, "MONAI MetaTensor")
    elif voxels.shape[0] == 1:  # a channel of an image of two axes, or one voxel along I: nothing tells
        raise CaseError(
            f"the MONAI MetaTensor has shape {voxels.shape}, whose first axis may be a channel",
            "give (1, I, J, K); an image of two axes as a SimpleITK image",
        )
    affine = np.asarray(_numpy(image.affine), np.float64)
    meta = image.meta if isinstance(image.meta, Mapping) else {}
    space = meta.get("space", "RAS")
    name = str(getattr(space, "value", space)).upper()
    if name not in ("RAS", "LPS", ""):
        raise CaseError(f"the MONAI MetaTensor's affine is of the space '{name}'", "give one of RAS or LPS")
    if name == "LPS" and affine.shape == (4, 4):
        affine = ras_of_lps(affine)
    return PlacedArray(_three_axes(voxels, "MONAI MetaTensor"), affine)


def _numpy(tensor: Any) -> NDArray[Any]:
    """The array of a tensor on any device; of anything else, what NumPy makes of it."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
    try:
        return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)
    except TypeError as error:  # a type that NumPy lacks, such as bfloat16
        raise CaseError(f"the tensor cannot become an array: {error}", "convert it to float32 first") from error


def _without_channel(voxels: NDArray[Any], what: str) -> NDArray[Any]:
    if voxels.ndim != 4 or voxels.shape[0] != 1:
        raise CaseError(
            f"the {what} has shape {voxels.shape}, with {voxels.shape[0]} channels",
            "give one channel: one phase, b-value or region",
        )
    return _three_axes(voxels[0], what)


# --- all --------------------------------------------------------------------------------------------------------------


def _three_axes(voxels: NDArray[Any], what: str) -> NDArray[Any]:
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim > 3:
        raise CaseError(
            f"the {what} has {voxels.ndim} dimensions, size {voxels.shape}",
            "give each phase or b-value as a separate volume",
        )
    if voxels.ndim < 3:
        raise two_dimensional(voxels.shape, "")
    return voxels


def _shape(voxels: NDArray[Any]) -> tuple[int, int, int]:
    i, j, k = voxels.shape
    return i, j, k


def _not_a(image: object, wanted: str) -> CaseError:
    return CaseError(f"this is a {type(image).__module__}.{type(image).__qualname__}, not a {wanted}", "give one")

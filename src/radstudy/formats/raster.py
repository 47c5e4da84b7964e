"""NIfTI, NRRD and MetaImage volumes through SimpleITK: arrays in the file's own voxel order, affine in RAS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.errors import CaseError, StorageError, TransientError, UsageError
from radstudy.formats.border import border
from radstudy.formats.nifti import is_nifti_name, read_nifti, two_dimensional
from radstudy.formats.nifti_place import read_information
from radstudy.formats.raster_names import SUFFIXES
from radstudy.formats.reading import for_native_readers, held
from radstudy.formats.whole import require_whole
from radstudy.parallel import reading
from radstudy.space.axes import ijk_of_zyx, lps_of_ras, ras_of_lps, zyx_of_ijk
from radstudy.space.grid import Grid
from radstudy.store import written_whole

_NO_MEMORY = re.compile(r"bad_alloc|[Ff]ailed to allocate|[Oo]ut of memory|cannot allocate memory")
_LEAST_HEADER = 100  # bytes, of any format


def read_raster(path: str | Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Read a scalar 3D image file.

    Parameters
    ----------
    path : a .nii, .nii.gz, .hdr or .img (NIfTI pair), .nrrd, .nhdr, .mha or .mhd file.

    Returns
    -------
    voxels : (I, J, K) in the file's own pixel type and voxel order.
    affine : float64 (4, 4), voxel index to RAS mm.

    Raises
    ------
    CaseError : the file is missing, is not an image, is not as long as its header says, has colour or vector pixels,
        does not have three dimensions, or is a NIfTI file without a voxel size. A TransientError if another run may be
        able to read it.
    """
    voxels, affine, *_ = _read(Path(path), planes=False)
    return voxels, affine


def read_raster_or_plane(path: str | Path) -> tuple[NDArray[Any], NDArray[np.float64], bool]:
    """Read a scalar image file of three axes, or of two.

    Parameters
    ----------
    path : as in `read_raster`.

    Returns
    -------
    voxels, affine : as from `read_raster`; an image of two axes has one slice, in the plane z = 0.
    planar : whether the file has two axes.

    Raises
    ------
    CaseError : as in `read_raster`, except for two axes.
    """
    voxels, affine, planar, _ = _read(Path(path), planes=True)
    return voxels, affine, planar


def read_raster_and_place(path: str | Path) -> tuple[NDArray[Any], NDArray[np.float64], bool, Any]:
    """Read a scalar image file as `read_raster_or_plane` does, with its position in ITK's own numbers.

    Parameters
    ----------
    path : as in `read_raster`.

    Returns
    -------
    voxels, affine, planar : as from `read_raster_or_plane`.
    place : ITK's object with GetOrigin, GetSpacing and GetDirection, from whose numbers the affine was computed.

    Raises
    ------
    CaseError : as in `read_raster`, except for two axes.
    """
    return _read(Path(path), planes=True)


def _read(file: Path, *, planes: bool) -> tuple[NDArray[Any], NDArray[np.float64], bool, Any]:
    with _as_case_error(file), held():
        if file.is_dir():
            raise CaseError("this is a folder, not a file", "correct the path or add the file", file=file)
        if not file.is_file():
            raise TransientError("the file does not exist", "correct the path or add the file", file=file)
        if is_nifti_name(file):
            nifti = read_nifti(file, planes=planes)
            place = read_information(file)
            affine = affine_from_lps(*_of_three_axes(place))
            return nifti.voxels(), affine, len(nifti.header.get_data_shape()) == 2, place
        require_whole(file)
        with for_native_readers(file) as readable:
            image = sitk.ReadImage(str(readable))
        return (*from_sitk(image, file, planes=planes), image)


@contextmanager
def _as_case_error(file: Path) -> Iterator[None]:
    """Turn errors of the image libraries into ours."""
    with border(file, "an image", f"export it again as one of {', '.join(SUFFIXES)}"):
        try:
            with reading(file):
                yield
        except RuntimeError as error:
            if _NO_MEMORY.search(str(error)):  # ITK's wording
                raise MemoryError(str(error)) from error
            raise


def read_grid(path: str | Path) -> Grid:
    """Read the grid of a 3D image file from its header only; `source` is not set.

    Raises
    ------
    CaseError : the file is not a 3D image.
    """
    with border(path, "a 3D image", "import or export it again"):
        with reading(path):
            header = read_information(Path(path))
        columns, rows, slices = header.GetSize()
        affine = affine_from_lps(header.GetOrigin(), header.GetSpacing(), header.GetDirection())
        return Grid((columns, rows, slices), affine)


def _of_three_axes(
    header: sitk.ImageFileReader,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Origin, spacing and direction of the first three axes."""
    axes = header.GetDimension()
    cosines = np.reshape(header.GetDirection(), (axes, axes))[:3, :3]
    return header.GetOrigin()[:3], header.GetSpacing()[:3], tuple(cosines.ravel().tolist())


def from_sitk(
    image: sitk.Image, file: str | Path = "", *, planes: bool = True
) -> tuple[NDArray[Any], NDArray[np.float64], bool]:
    """Take the voxels, (I, J, K) in the image's own pixel type, and the voxel-to-RAS affine of a SimpleITK image.

    Parameters
    ----------
    image : scalar, with three axes, or two; a fourth of length 1 is left out.
    file : that it was read from, for messages.
    planes : whether an image of two axes is taken, as one slice, or refused.

    Returns
    -------
    voxels, affine, planar : as from `read_raster_or_plane`.

    Raises
    ------
    CaseError : colour, vector or complex pixels, a label-map object of ITK, or another number of axes.
    """
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise CaseError(
            f"each pixel has {image.GetNumberOfComponentsPerPixel()} components (a colour or vector image)",
            "export one scalar image, not a screenshot or a colour overlay",
            file=file,
        )
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() > 3:
        raise CaseError(
            f"the image has {image.GetDimension()} dimensions, size {image.GetSize()}",
            "export each phase or b-value as a separate volume",
            file=file,
        )
    planar = image.GetDimension() == 2
    if planar and not planes:
        raise two_dimensional(image.GetSize(), file)
    if "label" in image.GetPixelIDTypeAsString() or "complex" in image.GetPixelIDTypeAsString():
        raise CaseError(
            f"its pixels are of ITK's type '{image.GetPixelIDTypeAsString()}'",
            "give an image of real numbers: for a label map, sitk.Cast(image, sitk.sitkUInt16)",
            file=file,
        )
    affine = affine_from_lps(image.GetOrigin(), image.GetSpacing(), image.GetDirection())
    return sitk.GetArrayFromImage(image).T[:, :, None] if planar else array_ijk(image), affine, planar


def write_raster(path: str | Path, voxels: NDArray[Any], affine: NDArray[np.float64], *, remark: str = "") -> None:
    """Write an (I, J, K) array with its voxel-to-RAS affine; .gz in the name (or NRRD) compresses.

    The file appears under its name complete or not at all. ITK's NIfTI writer does not report a full disk, so the file
    is read back before it is renamed.

    Parameters
    ----------
    path : a .nii, .nii.gz, .nrrd, .nhdr, .mha or .mhd file.
    voxels : (I, J, K).
    affine : float64 (4, 4), voxel index to RAS mm.
    remark : for the header's free text (NIfTI's descrip).

    Raises
    ------
    UsageError : the name does not have the suffix of a format that this program reads.
    StorageError : the file cannot be written; an existing file of this name is kept.
    """
    check_suffix(path)
    image = to_sitk(voxels, affine)
    if remark:
        image.SetMetaData("ITK_FileNotes", remark)
    with written_whole(Path(path)) as part:
        try:
            sitk.WriteImage(image, str(part), useCompression=part.name.endswith((".gz", ".nrrd")))
        except RuntimeError as error:
            raise StorageError(path, str(error).strip().splitlines()[-1]) from error
        _check_written(part, voxels, Path(path))


def _check_written(file: Path, voxels: NDArray[Any], final: Path) -> None:
    """Raise a StorageError if the file just written does not hold these voxels completely."""
    size = sum(part.stat().st_size for part in file.parent.iterdir())
    if not file.name.endswith((".gz", ".nrrd")) and size < voxels.nbytes + _LEAST_HEADER:
        raise StorageError(
            final, f"only {size} bytes were written, of {voxels.nbytes} and a header (is the disk full?)"
        )
    try:
        same = np.array_equal(read_raster(file)[0], voxels, equal_nan=voxels.dtype.kind == "f")
    except CaseError as error:
        raise StorageError(
            final, f"the written file cannot be read back (is the disk full?): {error.problem}"
        ) from error
    if not same:
        raise StorageError(final, "the written file reads back with other values (is the disk full?)")


def check_suffix(path: str | Path) -> None:
    """Raise a UsageError if a file name has none of the `SUFFIXES`."""
    if not str(path).lower().endswith(SUFFIXES):
        raise UsageError(f"{path}: the name of a volume must end in one of {', '.join(SUFFIXES)}")


def to_sitk(voxels: NDArray[Any], affine: NDArray[np.float64]) -> sitk.Image:
    """Make a SimpleITK image (LPS) from an (I, J, K) array and its voxel-to-RAS affine."""
    array = voxels.astype(np.uint8 if voxels.dtype == np.bool_ else voxels.dtype.newbyteorder("="), copy=False)
    image = sitk.GetImageFromArray(np.ascontiguousarray(zyx_of_ijk(array)))
    origin, spacing, direction = itk_place(affine)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


def array_ijk(image: sitk.Image) -> NDArray[Any]:
    """The (I, J, K) voxels of a three-dimensional SimpleITK image, whose own arrays are (K, J, I)."""
    return ijk_of_zyx(sitk.GetArrayFromImage(image))


def itk_place(affine: NDArray[np.float64]) -> tuple[list[float], list[float], list[float]]:
    """Convert a voxel-to-RAS affine to ITK's origin, spacing and direction (LPS, mm; cosines row by row)."""
    lps = lps_of_ras(affine)
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    return lps[:3, 3].tolist(), spacing.tolist(), (lps[:3, :3] / spacing).ravel().tolist()


def affine_from_lps(
    origin: tuple[float, ...], spacing: tuple[float, ...], direction: tuple[float, ...]
) -> NDArray[np.float64]:
    """Convert ITK's origin, spacing and direction (LPS, mm) to a voxel-to-RAS affine; 2D lies in the plane z = 0."""
    dimension = len(origin)
    lps = np.eye(4)
    cosines = np.asarray(direction, dtype=np.float64).reshape(dimension, dimension)
    lps[:dimension, :dimension] = cosines * np.asarray(spacing, dtype=np.float64)
    lps[:dimension, 3] = origin
    return ras_of_lps(lps)

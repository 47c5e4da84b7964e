"""An image in space: voxels, their position, and the history of their processing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from radstudy.errors import CaseError, UsageError
from radstudy.formats.dicom_frames import is_dicom
from radstudy.formats.nifti import two_dimensional
from radstudy.formats.picture import is_picture_name, read_picture
from radstudy.formats.pixel_size import FlatImage, pixel_size
from radstudy.formats.raster import read_raster_and_place, write_raster
from radstudy.formats.raster_names import SUFFIXES
from radstudy.imaging import objects
from radstudy.imaging.header import Header, header_of
from radstudy.imaging.slabs import in_slabs
from radstudy.space.grid import Grid, checked_affine, spacing_of

if TYPE_CHECKING:
    import nibabel as nib
    import SimpleITK as sitk
    from nibabel.spatialimages import SpatialImage

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar image.

    Parameters
    ----------
    voxels : float32 (I, J, K), in the file's own order. float64 is kept if the file's pixel type does not fit into
        float32 (float64, 32- and 64-bit integers).
    affine : float64 (4, 4), voxel index to RAS mm.
    unit : of the voxel values; "" for arbitrary units.
    stored_dtype : the file's pixel type; PyRadiomics resamples into it. None: the type of `voxels`. A type that image
        files do not have becomes the next one that they have: bool uint8, float16 float32, longdouble float64.
    history : processing of the voxels, one line per step.
    source : the file it came from.
    planar : whether the image has two axes only (an ultrasound image, a mammogram): K is 1, and filters and textures
        stay in the plane. A volume of one slice has three axes and is not planar.
    """

    voxels: FloatArray
    affine: NDArray[np.float64]
    unit: str = ""
    stored_dtype: DTypeLike | None = None
    history: tuple[str, ...] = field(default=())
    source: str = ""
    planar: bool = False

    def __post_init__(self) -> None:
        voxels = np.asarray(self.voxels)
        if voxels.ndim != 3:
            raise CaseError(
                f"a volume needs three axes, but this array has shape {voxels.shape}", "pass (I, J, K) voxels"
            )
        if not voxels.size:
            raise CaseError(f"the volume is empty: its shape is {voxels.shape}", "pass (I, J, K) voxels")
        if self.planar and voxels.shape[2] != 1:
            raise CaseError(f"an image of two axes has one slice, not {voxels.shape[2]}", "pass (I, J, 1) voxels")
        if voxels.dtype.kind not in "buif":
            raise CaseError(
                f"the voxels are of type {voxels.dtype}, not real numbers",
                "give one real image; for a complex image, its magnitude",
            )
        stored = _pixel_type(np.dtype(self.stored_dtype if self.stored_dtype is not None else voxels.dtype))
        exact = np.float64 if voxels.dtype.itemsize > 2 and voxels.dtype.newbyteorder("=") != np.float32 else np.float32
        object.__setattr__(self, "voxels", voxels.astype(exact, copy=False))
        object.__setattr__(self, "affine", checked_affine(self.affine))
        object.__setattr__(self, "stored_dtype", stored)

    @classmethod
    def read(cls, path: str | Path, *, pixel_size_mm: float | tuple[float, float] | str | None = None) -> Volume:
        """Read a NIfTI, NRRD or MetaImage file, or an image of two axes: PNG, JPEG, TIFF or a single DICOM image.

        Parameters
        ----------
        path : of the file.
        pixel_size_mm : of a PNG, JPEG, TIFF or DICOM image: one number, or two (across, down); None takes what the file
            states. The history says which was used, and how colour became grey.

        Raises
        ------
        CaseError : the file is missing, not an image, not scalar, or has a geometry that cannot be used; or nothing
            states the pixel size.
        UsageError : the pixel size cannot be used, or is given for a file that states a voxel size.
        """
        file = Path(path)
        given = None if pixel_size_mm is None else pixel_size(pixel_size_mm)
        picture = _picture(file)
        header = None
        try:
            if picture is not None:
                voxels, affine, notes = picture.placed(given, file)
                planar = True
            elif given is not None:
                raise UsageError(f"{file}: a pixel size is for PNG, JPEG, TIFF and DICOM; this file states its own")
            else:
                voxels, affine, planar, place = read_raster_and_place(file)
                header, notes = None if planar else Header.of_itk(place), ()
            history = (f"read {file.name}", *notes)
            volume = cls(voxels, affine, "", voxels.dtype, history, str(path), planar)
        except CaseError as error:
            raise error.located(file=path) from error
        return volume._with_header(header)

    @classmethod
    def read_3d(cls, path: str | Path) -> Volume:
        """Read a NIfTI, NRRD or MetaImage volume, as a study needs it; an image of two axes is refused.

        Raises
        ------
        CaseError : as in `read`, or the image has two axes.
        """
        file = Path(path)
        if _is_picture(file):
            raise two_dimensional(None, file)
        volume = cls.read(path)
        if volume.planar:
            raise two_dimensional(volume.voxels.shape[:2], file)
        return volume

    @classmethod
    def from_sitk(cls, image: sitk.Image) -> Volume:
        """Take a SimpleITK image: its voxels are copied, its pixel type and its position are kept to the last bit.

        Raises
        ------
        CaseError : it has colour, vector or complex pixels, or more than three axes.
        """
        return cls._of_placed(objects.from_sitk(image))

    @classmethod
    def from_nibabel(cls, image: SpatialImage) -> Volume:
        """Take a nibabel image, with the values, pixel type and position that reading its file would give.

        Raises
        ------
        CaseError : it has colour pixels, or more than three axes; its header gives no voxel size, or two.
        """
        return cls._of_placed(objects.from_nibabel(image))

    @classmethod
    def from_object(cls, image: objects.ForeignImage) -> Volume:
        """Take an image of SimpleITK, nibabel, TorchIO (ScalarImage) or MONAI (MetaTensor).

        Raises
        ------
        CaseError : it has several channels or volumes, or a position that cannot be used.
        """
        return cls._of_placed(objects.placed_array(image))

    @classmethod
    def _of_placed(cls, placed: objects.PlacedArray) -> Volume:
        volume = cls(placed.voxels, placed.affine, stored_dtype=placed.voxels.dtype, planar=placed.planar)
        return volume._with_header(placed.header)

    def to_sitk(self) -> sitk.Image:
        """Make a SimpleITK image (LPS) in the file's pixel type, or in the voxels' own if that does not hold them."""
        image = objects.to_sitk(self._as_stored(), self.affine, self.header)
        return image[:, :, 0] if self.planar else image

    def to_nibabel(self) -> nib.Nifti1Image:
        """Make a NIfTI-1 image of nibabel, in the pixel type that `to_sitk` would have."""
        voxels = self._as_stored()
        return objects.to_nibabel(voxels[:, :, 0] if self.planar else voxels, self.affine)

    def _as_stored(self) -> NDArray[Any]:
        return objects.in_type(self.voxels, np.dtype(self.stored_dtype))

    def _with_header(self, header: Header | None) -> Volume:
        """Set the header that the affine was computed from; None leaves the one that is computed from the affine."""
        if header is not None:
            self.__dict__["header"] = header
        return self

    @cached_property
    def header(self) -> Header:
        """Position in ITK's own numbers: those of the file or of ITK's image, or else computed from the affine."""
        return header_of(self.affine)

    def write(self, path: str | Path) -> None:
        """Write the voxels as they are (float32 or float64) to a NIfTI, NRRD or MetaImage file."""
        write_raster(path, self.voxels, self.affine)

    @property
    def grid(self) -> Grid:
        """Grid of the image: shape, affine and file."""
        return Grid(self.voxels.shape, self.affine, self.source)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """Distance between voxel centres along I, J, K in mm, (3,)."""
        return spacing_of(self.affine)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest voxel, both NaN if any voxel is. Computed once: voxels do not change."""
        planes = self.voxels if self.voxels.flags.c_contiguous else self.voxels.T  # the slowest axis first
        ranges = in_slabs(lambda slab: (planes[slab].min(), planes[slab].max()), len(planes))
        return float(np.min([low for low, _ in ranges])), float(np.max([high for _, high in ranges]))

    @property
    def is_finite(self) -> bool:
        """True if no voxel is NaN or infinite, judged by the smallest and the largest."""
        return all(np.isfinite(self.limits))

    def with_voxels(self, voxels: FloatArray, step: str, limits: tuple[float, float] | None = None) -> Volume:
        """Return a volume on the same grid with new float voxels (stored unchanged) and `step` added to its history.

        `limits` are the smallest and the largest voxel, if already known.
        """
        dtype = np.asarray(voxels).dtype
        volume = Volume(voxels, self.affine, self.unit, dtype, (*self.history, step), self.source, self.planar)
        if limits is not None:
            volume.__dict__["limits"] = limits
        return volume._with_header(self.__dict__.get("header"))


def _picture(file: Path) -> FlatImage | None:
    """Return the content of a PNG, JPEG, TIFF or DICOM file; None for a file of another format."""
    if not _is_picture(file):
        return None
    if is_picture_name(file):
        return read_picture(file)
    from radstudy.formats.dicom_picture import read_dicom_picture

    return read_dicom_picture(file)


def _is_picture(file: Path) -> bool:
    return is_picture_name(file) or (not str(file).lower().endswith(SUFFIXES) and is_dicom(file))


def _pixel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the pixel type in which an image file would store these voxels: native order, and supported by ITK."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    return dtype.newbyteorder("=")

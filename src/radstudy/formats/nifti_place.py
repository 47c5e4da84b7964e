"""Position of a NIfTI file as ITK reads it; headers without a voxel size, or with two, are refused."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from nibabel.spatialimages import HeaderDataError

from radstudy.errors import CaseError
from radstudy.formats.nifti import is_nifti_name, nifti_header
from radstudy.formats.reading import for_native_readers, has_long_path, is_recorded
from radstudy.formats.whole import FAULTS, stored_by_header
from radstudy.store import temporary_folder

_SAME_SIZE = 1e-3  # of a voxel: header entries are rounded to float32
_APART_VOXELS = 0.01
_AT_RIGHT_ANGLES = 1e-4  # cosines; ITK's tolerance for orthonormal axes


def _header_alone(header: Any, folder: str) -> Path:
    """Write a NIfTI-1 file with the same position but no voxels, for ITK, which reads only paths and no NIfTI-2.

    Parameters
    ----------
    header : the file's header, NIfTI-1 or NIfTI-2.
    folder : where to write it.

    Raises
    ------
    HeaderDataError : an axis is too long for NIfTI-1.
    """
    alone = _older(header) if isinstance(header, nib.Nifti2Header) else header.copy()
    alone["vox_offset"], alone["magic"] = 352, b"n+1"
    path = Path(folder) / "header.nii"
    path.write_bytes(alone.binaryblock + bytes(4))
    return path


def _older(header: Any) -> Any:
    """A NIfTI-1 header with the position of a NIfTI-2 header."""
    older = nib.Nifti1Header()
    older.set_data_shape(header.get_data_shape())
    older.set_data_dtype(np.uint8)
    older["pixdim"] = header["pixdim"]
    for name in ("qform_code", "sform_code", "xyzt_units", "srow_x", "srow_y", "srow_z"):
        older[name] = header[name]
    for name in ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"):
        older[name] = header[name]
    return older


def read_information(file: Path) -> sitk.ImageFileReader:
    """Read the header of a raster with ITK's reader: size, origin, spacing, direction; NIfTI-2 too.

    Raises
    ------
    CaseError : a NIfTI header has no voxel size, two of them, or axes that are not at right angles.
    RuntimeError : ITK cannot read the header.
    OSError, EOFError, zlib.error : a compressed file is damaged.
    StorageError : there is no room for a temporary file.
    """
    reader = sitk.ImageFileReader()
    if not is_nifti_name(file):
        stored_by_header(file)
        with for_native_readers(file) if has_long_path(file) else nullcontext(file) as readable:
            reader.SetFileName(str(readable))
            reader.ReadImageInformation()
        return reader
    header = nifti_header(file)
    require_voxel_size(header, file)
    if not is_recorded() and not isinstance(header, nib.Nifti2Header):
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        return reader
    return information_of(header)


def information_of(header: Any) -> sitk.ImageFileReader:
    """Read the position of a NIfTI header in memory with ITK's reader: origin, spacing, direction.

    Parameters
    ----------
    header : nibabel's header, NIfTI-1 or NIfTI-2.

    Raises
    ------
    RuntimeError, HeaderDataError : ITK cannot read it.
    StorageError : there is no room for a temporary file.
    """
    reader = sitk.ImageFileReader()
    with temporary_folder() as folder:
        reader.SetFileName(str(_header_alone(header, folder)))
        reader.ReadImageInformation()
    return reader


def require_voxel_size(header: Any, file: str | Path) -> None:
    """Refuse a header that has no voxel size, two of them, or axes that are not at right angles.

    Without one, ITK and nibabel assume 1 mm. If the sform's voxel size differs from pixdim's, ITK uses pixdim's and
    nibabel the sform's.

    Parameters
    ----------
    header : nibabel's header.
    file : named in the message.

    Raises
    ------
    CaseError : names the axes.
    """
    axes = min(max(int(header["dim"][0]), 0), 3)
    sizes = [float(size) for size in header["pixdim"][1 : 1 + axes]]
    without = ["IJK"[axis] for axis, size in enumerate(sizes) if size == 0 or not math.isfinite(size)]
    if without:
        raise CaseError(
            f"the header gives no voxel size along {', '.join(without)}",
            "export the image again; without the voxel size every volume and shape would be wrong",
            file=file,
        )
    if int(header["sform_code"]) <= 0 or axes < 3:
        return
    matrix = np.asarray(header.get_sform(), dtype=np.float64)[:3, :3]
    of_sform = np.linalg.norm(matrix, axis=0)
    if not np.isfinite(of_sform).all() or (of_sform <= 0).any():
        raise CaseError(
            f"the header's sform is not a valid transform: {matrix.tolist()}", "export the image again", file=file
        )
    cosines = (matrix / of_sform).T @ (matrix / of_sform) - np.eye(3)
    worst = float(np.abs(cosines).max())
    if worst > _AT_RIGHT_ANGLES and int(header["qform_code"]) <= 0:
        raise CaseError(
            "the axes of the image are not at right angles: its sform is sheared by "
            f"{np.degrees(np.arcsin(worst)):.2g} degrees",
            "resample it onto a grid with right angles, and draw the mask on the new image. In Python: import "
            "nibabel as nib, nibabel.processing; nib.save(nibabel.processing.resample_to_output(nib.load('IN.nii.gz'), "
            f"{tuple(round(float(size), 4) for size in of_sform)}), 'OUT.nii.gz')",
            file=file,
        )
    apart = np.abs(of_sform / np.abs(sizes) - 1)
    if apart.max() > _SAME_SIZE:
        raise CaseError(
            f"the header gives two voxel sizes: {_listed(of_sform)} mm in its sform, {_listed(np.abs(sizes))} mm in "
            "pixdim",
            "find out which is right, then make both the same. In Python: import nibabel as nib; "
            "i = nib.load('IN.nii.gz'); nib.save(nib.Nifti1Image(i.dataobj, i.affine), 'OUT.nii.gz') keeps the sform's",
            file=file,
        )


def two_places(file: str | Path) -> str:
    """Describe how a NIfTI file's qform and sform disagree; "" if they agree or the file is not NIfTI.

    ITK (3D Slicer, ITK-SNAP, this program) uses the sform if its code is 1 and its axes are at right angles, else the
    qform; nibabel, FSL and SPM use the sform.
    """
    path = Path(file)
    if not is_nifti_name(path) or not path.is_file():
        return ""
    try:
        header = nifti_header(path)
    except (CaseError, *FAULTS):
        return ""
    if int(header["qform_code"]) <= 0 or int(header["sform_code"]) <= 0:
        return ""
    try:
        header.get_qform()
    except ValueError:  # its quaternion is longer than 1
        return f"{path.name}: its qform is not a rotation; programs may show the image in different places"
    except HeaderDataError:
        return f"{path.name}: its header gives a negative voxel size, which programs interpret differently"
    shape = np.array(([*header.get_data_shape(), 1, 1, 1])[:3]) - 1
    corners = np.array(np.meshgrid(*[(0, size) for size in shape], indexing="ij")).reshape(3, -1)
    moved = (header.get_sform() - header.get_qform())[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    farthest = float(np.linalg.norm(moved, axis=0).max())
    if farthest <= _APART_VOXELS * float(np.abs(header["pixdim"][1:4]).min()):
        return ""
    return (
        f"{path.name} holds two positions, up to {farthest:.3g} mm apart (its qform and its sform): 3D Slicer, "
        "ITK-SNAP and this program may use one, nibabel, FSL and SPM the other"
    )


def _listed(values: Any) -> str:
    return " x ".join(f"{float(value):.5g}" for value in values)

"""What a NIfTI header itself says of the voxel size: readers put 1 mm where it says nothing."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

from radstudy.errors import CaseError

_SIZE, _DIM, _PIXDIM = 348, 40, 76  # of the header, and where it has them


def require_voxel_size(file: Path) -> None:
    """Refuse a NIfTI file whose header gives no voxel size along an axis: ITK and nibabel would take 1 mm in silence.

    Parameters
    ----------
    file : a .nii or .nii.gz file; one that is no NIfTI-1 file passes, for its reader to refuse.

    Raises
    ------
    CaseError : a voxel size that is 0 or not finite.
    OSError, EOFError, zlib.error : a compressed file that is damaged.
    """
    with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as stream:
        head = stream.read(_SIZE)
    if len(head) < _SIZE:
        return
    order = next((order for order in "<>" if struct.unpack_from(order + "i", head)[0] == _SIZE), None)
    if order is None:
        return
    axes = struct.unpack_from(order + "h", head, _DIM)[0]
    sizes = struct.unpack_from(order + "8f", head, _PIXDIM)[1 : 1 + min(max(axes, 0), 3)]
    without = ["IJK"[axis] for axis, size in enumerate(sizes) if size == 0 or not math.isfinite(size)]
    if without:
        raise CaseError(
            f"the header gives no voxel size along {', '.join(without)}",
            "export the image again; without the voxel size no volume and no shape is right",
            file=file,
        )

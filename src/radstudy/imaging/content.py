"""Whether two files hold the same image or the same mask, whatever their names, headers and compression."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from radstudy.errors import TransientError
from radstudy.formats.nifti import nifti_header
from radstudy.formats.raster import read_raster
from radstudy.formats.reading import opened
from radstudy.imaging.box import bounding_box, cut
from radstudy.imaging.roi import Roi

_FIRST_VOXELS = 1 << 17


def mask_mark(roi: Roi) -> str:
    """A hash of which voxels of its grid lie inside a mask; two masks have the same one if they are the same."""
    box = bounding_box(roi.mask)
    digest = hashlib.blake2b(repr((roi.mask.shape, box)).encode(), digest_size=16)
    if box is not None:
        digest.update(np.packbits(cut(roi.mask, box), axis=None).tobytes())
    return digest.hexdigest()


def image_mark(path: str | Path) -> str:
    """A hash of an image's size and of its first slices that vary: images with different ones differ.

    Two images with the same one may still differ in later slices: `same_voxels` tells.

    Raises
    ------
    CaseError : the file cannot be read as an image.
    """
    voxels = _first_slices(Path(path))
    if voxels is None or _constant(voxels):
        whole = read_raster(path)[0]
        first = whole[:, :, : _first_count(whole.shape)]
        voxels = whole if _constant(first) else first
    digest = hashlib.blake2b(repr(voxels.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(voxels, dtype=np.float64).tobytes())
    return digest.hexdigest()


def same_voxels(path: str | Path, other: str | Path) -> bool:
    """Whether two image files hold the same voxels; where they lie in space is not compared.

    Raises
    ------
    CaseError : one of them cannot be read.
    """
    if Path(path).resolve() == Path(other).resolve():
        return True
    return bool(np.array_equal(read_raster(path)[0], read_raster(other)[0], equal_nan=True))


def _constant(voxels: NDArray[Any]) -> bool:
    return bool(voxels.min() == voxels.max())


def _first_count(shape: tuple[int, ...]) -> int:
    """How many slices are looked at first."""
    return max(1, min(shape[2], _FIRST_VOXELS // max(1, shape[0] * shape[1])))


def _first_slices(file: Path) -> NDArray[np.float64] | None:
    """The first slices of a three-dimensional NIfTI file without unpacking the others; None where that cannot be."""
    if not file.name.lower().endswith((".nii", ".nii.gz")):
        return None
    try:
        with opened(file) as plain:
            stream = gzip.GzipFile(fileobj=plain) if file.name.lower().endswith(".gz") else plain
            kind = nib.Nifti2Image if isinstance(nifti_header(file), nib.Nifti2Header) else nib.Nifti1Image
            stored = kind.from_stream(cast(io.IOBase, stream)).dataobj
            if len(stored.shape) != 3:
                return None
            first: NDArray[np.float64] = np.asarray(stored[:, :, : _first_count(stored.shape)], dtype=np.float64)
    except TransientError:
        raise
    except Exception:  # nibabel raises many kinds, also of files that the study's reader reads; that says what is wrong
        return None
    return first if first.size else None

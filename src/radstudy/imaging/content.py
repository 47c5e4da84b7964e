"""Comparison of images and masks by content, regardless of names, headers and compression of their files."""

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
    """Return a hash of the voxels inside a mask on its grid; equal masks have equal hashes."""
    box = bounding_box(roi.mask)
    digest = hashlib.blake2b(repr((roi.mask.shape, box)).encode(), digest_size=16)
    if box is not None:
        digest.update(np.packbits(cut(roi.mask, box), axis=None).tobytes())
    return digest.hexdigest()


def image_mark(path: str | Path) -> str:
    """Return a hash of an image's size and its first varying slices: images with different hashes differ.

    Two images with the same hash may still differ in later slices; `same_voxels` compares all of them.

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
    """True if two image files have the same voxels; positions in space are not compared.

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
    """Return the number of slices to compare first."""
    return max(1, min(shape[2], _FIRST_VOXELS // max(1, shape[0] * shape[1])))


def _first_slices(file: Path) -> NDArray[np.float64] | None:
    """Read the first slices of a three-dimensional NIfTI file without unpacking the others; None if impossible."""
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
    except Exception:  # nibabel raises many kinds, also for readable files; the study's reader reports errors
        return None
    return first if first.size else None

"""Reading of NIfTI-1 and NIfTI-2 files, plain or compressed, single or as a pair, with one reader for all.

The values are nibabel's (a slope of 0 or NaN means no scaling) in the pixel type that ITK would return; the position is
ITK's, as shown by 3D Slicer and ITK-SNAP.
"""

from __future__ import annotations

import gzip
import importlib.util
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from radstudy import bounds
from radstudy.errors import CaseError, TransientError
from radstudy.formats.reading import content_of, held, opened, partner
from radstudy.formats.whole import AGAIN, SLACK, decompressed, require_bytes

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")
_GZIP = b"\x1f\x8b"
_FARTHEST, _WORST_PACKING = 1 << 40, 1.01  # offset of the voxels in a file; size of gzipped noise to the noise
# by the first number of a header
_SIZES: dict[int, type[nib.Nifti1Header]] = {348: nib.Nifti1Header, 540: nib.Nifti2Header}


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """A NIfTI file that was checked to be complete.

    Parameters
    ----------
    header : nibabel's header, NIfTI-1 or NIfTI-2, in either byte order.
    content : bytes of the file with the voxels, decompressed.
    file : the file with the header.
    """

    header: Any
    content: bytes
    file: Path

    def voxels(self) -> NDArray[Any]:
        """Return the values, (I, J, K), I fastest in memory; NaN and infinity are kept.

        The file's pixel type in native byte order; integers with a slope or intercept become float32, as in ITK.

        Raises
        ------
        CaseError : colour, an intercept that is not a finite number, or a slope and intercept that move the values out
            of the pixel type's range or make different values equal.
        """
        header, shape = self.header, self.header.get_data_shape()
        dtype = header.get_data_dtype()
        if dtype.fields or dtype.subdtype:
            raise CaseError(
                f"each pixel has {len(dtype.fields or ())} components (a colour or vector image)",
                "export one scalar image, not a screenshot or a colour overlay",
                file=self.file,
            )
        try:
            slope, intercept = header.get_slope_inter()
        except HeaderDataError as error:
            raise CaseError(
                f"the header's slope and intercept cannot be used: {error}", "export the image again", file=self.file
            ) from error
        count = math.prod(shape)
        stored = np.frombuffer(self.content, dtype, count, int(header["vox_offset"]))
        native = stored.astype(dtype.newbyteorder("="))  # a writable copy
        if slope is not None and dtype.kind in "iuf":
            native = scaled(native, slope, intercept, self.file)
        return native.reshape((*shape, 1, 1, 1)[:3], order="F")


def scaled(stored: NDArray[Any], slope: float, intercept: float, file: str | Path = "") -> NDArray[Any]:
    """The values of stored numbers: floats stay in their type, integers become float32, as in ITK.

    Parameters
    ----------
    stored : integers or floats in native byte order.
    slope, intercept : of the header; 1 and 0 leave the stored numbers as they are.
    file : for messages.

    Raises
    ------
    CaseError : the values are out of the pixel type's range, or different values become equal.
    """
    if (slope, intercept) == (1.0, 0.0):
        return stored
    kept = stored.dtype if stored.dtype.kind == "f" else np.dtype(np.float32)
    _require_range(stored, slope, intercept, kept, file)
    values: NDArray[Any] = (stored.astype(kept).astype(np.float64) * slope + intercept).astype(kept)
    return values


def _require_range(stored: NDArray[Any], slope: float, intercept: float, kept: np.dtype[Any], file: str | Path) -> None:
    """Refuse a slope and intercept that turn different finite values into infinity or into one value."""
    low, high = (float(extreme.reduce(stored, axis=None)) for extreme in (np.fmin, np.fmax))
    if not np.isfinite([low, high]).all():
        return
    with np.errstate(over="ignore", under="ignore"):
        ends = (np.array([low, high]) * slope + intercept).astype(kept)
    if np.isfinite(ends).all() and (low == high or ends[0] != ends[1]):
        return
    what = "different values become equal" if np.isfinite(ends).all() else f"values exceed the range of {kept}"
    raise CaseError(
        f"with the header's slope {slope:g} and intercept {intercept:g}, {what} (stored values: {low:g} to {high:g})",
        "export the image again",
        file=file,
    )


def read_nifti(file: Path, *, planes: bool = False) -> NiftiFile:
    """Read and check a NIfTI file.

    Parameters
    ----------
    file : its path.
    planes : whether an image of two axes is read, as one slice, or refused.

    Raises
    ------
    CaseError : the file is not NIfTI, is cut off, is longer than its header says, or does not have three axes.
    OSError, EOFError, zlib.error : it is compressed and damaged; see `FAULTS`.
    """
    with held():
        return _read_nifti(file, planes=planes)


def _read_nifti(file: Path, *, planes: bool) -> NiftiFile:
    header = nifti_header(file)
    _require_three_axes(header, file, planes=planes)
    body, single = _body(header, file)
    if not 0 <= float(header["vox_offset"]) < _FARTHEST:
        raise CaseError(
            f"the header says that the voxels begin at byte {header['vox_offset']}", "export the image again", file=file
        )
    start = int(header["vox_offset"])
    expected = start + math.prod(map(int, header.get_data_shape())) * header.get_data_dtype().itemsize
    if start < (int(header["sizeof_hdr"]) if single else 0):
        raise CaseError(
            f"the header says that the voxels begin at byte {start}, which is inside the header",
            "export the image again", file=file,
        )  # fmt: skip
    content = _content(body, expected, file)
    require_bytes(body, expected=expected, actual=len(content), header=file)
    return NiftiFile(header, content, file)


def is_nifti_name(file: Path) -> bool:
    """True if the file name has a NIfTI suffix."""
    return file.name.lower().endswith(SUFFIXES)


def nifti_header(file: Path) -> Any:
    """Read the header of a NIfTI file of either version, as nibabel's object.

    Raises
    ------
    CaseError : the file has no NIfTI header, or the header file of a pair is missing.
    OSError, EOFError, zlib.error : a compressed file is damaged.
    """
    name = file.name.lower()
    if name.endswith((".img", ".img.gz")):
        beside = partner(file, "hdr")
        if beside is None:
            raise TransientError(
                "the header of the pair (.hdr) is missing", "copy both files of the pair, .hdr and .img", file=file
            )
        file = beside
    try:
        with opened(file) as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            head = gzip.GzipFile(fileobj=plain).read(540) if packed else plain.read(540)
    except (EOFError, zlib.error) as error:
        what = f"it is cut off or damaged within its header (it has {file.stat().st_size} compressed bytes)"
        raise CaseError(f"the file cannot be read as an image: {what}", AGAIN, file=file) from error
    if not head:
        raise CaseError("the file cannot be read as an image: it is empty (0 bytes)", AGAIN, file=file)
    size = next((n for n in _SIZES if n.to_bytes(4, "little") == head[:4] or n.to_bytes(4, "big") == head[:4]), None)
    if size is None or len(head) < size or (head[344:346] if size == 348 else head[4:6]) not in (b"n+", b"ni"):
        what = (
            "it is an Analyze 7.5 file, which does not distinguish left from right"
            if size == 348
            else "it has no NIfTI header"
        )
        raise CaseError(
            f"the file cannot be read as an image: {what if len(head) >= 348 else 'its header is cut off'}",
            "export it again as NIfTI (.nii.gz)", file=file,
        )  # fmt: skip
    return _SIZES[size](head[:size], check=False)


def _body(header: Any, file: Path) -> tuple[Path, bool]:
    """The file with the voxels, and True if it also holds the header."""
    if bytes(header["magic"])[:2] == b"n+":
        return file, True
    if file.name.lower().endswith((".img", ".img.gz")):
        return file, False
    beside = partner(file, "img")
    if beside is None:
        raise TransientError(
            "the voxels of the pair (.img) are missing", "copy both files of the pair, .hdr and .img", file=file
        )
    return beside, False


def _require_three_axes(header: Any, file: Path, *, planes: bool) -> None:
    shape = tuple(int(size) for size in header.get_data_shape())
    if len(shape) < 2 or len(shape) > 7 or min(shape) < 1:
        raise CaseError(f"the header gives the size {shape}", "export the image again", file=file)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise CaseError(
            f"the image has {len(shape)} dimensions, size {shape}",
            "export each phase or b-value as a separate volume",
            file=file,
        )
    if len(shape) == 2 and not planes:
        raise two_dimensional(shape, file)


def two_dimensional(shape: tuple[int, ...] | None, file: str | Path) -> CaseError:
    """Error for an image with two axes, which does not state the thickness of its slice; None: of unknown size."""
    size = "" if shape is None else f", size {shape}"
    return CaseError(
        f"the image has two dimensions{size}: it gives no slice thickness, which volumes and shapes need",
        "export the series as a volume; export a single slice as a volume of one slice, with its thickness",
        file=file,
    )


def _content(body: Path, expected: int, file: Path) -> bytes:
    """Read the file's bytes, decompressed if necessary, and no more than a little beyond the expected number.

    Raises
    ------
    CaseError : the file does not fit its header; raised before its content is in memory.
    """
    with opened(body) as stream:
        packed = stream.read(2) == _GZIP
    named = body.name.lower().endswith(".gz")
    size = body.stat().st_size
    if packed and not named:
        raise CaseError("the file is compressed, but its name does not end in .gz", "add .gz to its name", file=body)
    if named and not packed and size:
        raise CaseError("the file is not compressed, but its name ends in .gz", "remove .gz from its name", file=body)
    if not packed:
        require_bytes(body, expected=expected, actual=size, header=file)
        bounds.IMAGE.require(expected, file)
        return content_of(body)
    bounds.IMAGE.require(expected, file)
    if size > expected * _WORST_PACKING + SLACK:
        require_bytes(body, expected=expected, actual=size, header=file)
    return _unpacked(content_of(body), body, expected, file)


def _unpacked(raw: bytes, body: Path, expected: int, header: Path) -> bytes:
    """Unpack the gzip streams, up to a little more than the expected number of bytes."""
    most, parts, left = expected + SLACK, [], raw
    while left and most > 0:
        stream = _decompressor()
        try:
            part = stream.decompress(left, most)
        except MemoryError:
            raise
        except Exception:  # isal has its own error class, unrelated to zlib's
            damaged = True
        else:
            parts.append(part)
            most -= len(part)
            if most <= 0:
                break
            damaged = not stream.eof
        if damaged:
            unpacked = decompressed(raw, most=expected + SLACK)
            require_bytes(body, expected=expected, actual=unpacked.size, damaged=True, header=header)
        left = stream.unused_data.lstrip(b"\0")
    if most <= 0:
        raise CaseError(
            "the file cannot be read as an image: it is longer than its header says: it unpacks to more than "
            f"{expected + SLACK} bytes, but {expected} are expected. The header or the voxels may belong to another "
            "file",
            AGAIN, file=body,
        )  # fmt: skip
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompressor() -> Any:
    """A decompressor of one gzip stream that verifies the checksum."""
    if importlib.util.find_spec("isal") is None:  # some platforms have no wheels of it
        return zlib.decompressobj(31)
    from isal import isal_zlib

    return isal_zlib.decompressobj(31)

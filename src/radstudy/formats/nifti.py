"""NIfTI-1 and NIfTI-2 files, plain or compressed, single or as a pair: one reader, whatever the file is called.

The values are nibabel's (a slope of 0 or NaN means that nothing is scaled) in the pixel type that ITK gives; the place
is ITK's, as 3D Slicer and ITK-SNAP show it.
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
_FARTHEST, _WORST_PACKING = 1 << 40, 1.01  # of the voxels in a file; of what gzip makes of noise
# by the number that a header begins with
_SIZES: dict[int, type[nib.Nifti1Header]] = {348: nib.Nifti1Header, 540: nib.Nifti2Header}


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """A NIfTI file that was found whole.

    Parameters
    ----------
    header : nibabel's, NIfTI-1 or NIfTI-2; both byte orders.
    content : bytes of the file with the voxels, decompressed.
    file : the file with the header.
    """

    header: Any
    content: bytes
    file: Path

    def voxels(self) -> NDArray[Any]:
        """The values, (I, J, K), I fastest in memory; NaN and infinity stay what they are.

        The file's pixel type in native byte order; whole numbers with a slope or intercept become float32, as with ITK.

        Raises
        ------
        CaseError : colour, an intercept that is not a finite number, or a slope and intercept that take the values
            beyond the pixel type or leave no difference between them.
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
        native = stored.astype(dtype.newbyteorder("="))  # a copy, which can be written
        if slope is not None and (slope, intercept) != (1.0, 0.0) and dtype.kind in "iuf":
            kept = native.dtype if dtype.kind == "f" else np.dtype(np.float32)
            self._require_range(native, slope, intercept, kept)
            native = (native.astype(kept).astype(np.float64) * slope + intercept).astype(kept)
        return native.reshape((*shape, 1, 1, 1)[:3], order="F")

    def _require_range(self, stored: NDArray[Any], slope: float, intercept: float, kept: np.dtype[Any]) -> None:
        """Refuse a slope and intercept that make infinities, or one value, of different finite values."""
        low, high = (float(extreme.reduce(stored, axis=None)) for extreme in (np.fmin, np.fmax))
        if not np.isfinite([low, high]).all():
            return
        with np.errstate(over="ignore", under="ignore"):
            ends = (np.array([low, high]) * slope + intercept).astype(kept)
        if np.isfinite(ends).all() and (low == high or ends[0] != ends[1]):
            return
        what = "different values become one" if np.isfinite(ends).all() else f"values go beyond what {kept} holds"
        raise CaseError(
            f"with the header's slope {slope:g} and intercept {intercept:g}, {what} (stored are {low:g} to {high:g})",
            "export the image again",
            file=self.file,
        )


def read_nifti(file: Path) -> NiftiFile:
    """Read and check a NIfTI file.

    Raises
    ------
    CaseError : the file is not NIfTI, is cut off, is longer than its header says, or has not three axes.
    OSError, EOFError, zlib.error : it is compressed and damaged; see `FAULTS`.
    """
    with held():
        return _read_nifti(file)


def _read_nifti(file: Path) -> NiftiFile:
    header = nifti_header(file)
    _require_three_axes(header, file)
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
    require_bytes(body, expected=expected, found=len(content), header=file)
    return NiftiFile(header, content, file)


def is_nifti_name(file: Path) -> bool:
    """Whether the file is called as NIfTI files are."""
    return file.name.lower().endswith(SUFFIXES)


def nifti_header(file: Path) -> Any:
    """The header of a NIfTI file, as nibabel holds it, of either version.

    Raises
    ------
    CaseError : the file has no NIfTI header, or that of a pair is not there.
    OSError, EOFError, zlib.error : a compressed file is damaged.
    """
    name = file.name.lower()
    if name.endswith((".img", ".img.gz")):
        beside = partner(file, "hdr")
        if beside is None:
            raise TransientError(
                "the header of the pair (.hdr) is not there", "copy both files of the pair, .hdr and .img", file=file
            )
        file = beside
    try:
        with opened(file) as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            head = gzip.GzipFile(fileobj=plain).read(540) if packed else plain.read(540)
    except (EOFError, zlib.error) as error:
        what = f"it is cut off or damaged within its header ({file.stat().st_size} bytes are there, compressed)"
        raise CaseError(f"the file cannot be read as an image: {what}", AGAIN, file=file) from error
    if not head:
        raise CaseError("the file cannot be read as an image: it is empty (0 bytes)", AGAIN, file=file)
    size = next((n for n in _SIZES if n.to_bytes(4, "little") == head[:4] or n.to_bytes(4, "big") == head[:4]), None)
    if size is None or len(head) < size or (head[344:346] if size == 348 else head[4:6]) not in (b"n+", b"ni"):
        what = (
            "it is an Analyze 7.5 file, which does not tell left from right"
            if size == 348
            else "it has no NIfTI header"
        )
        raise CaseError(
            f"the file cannot be read as an image: {what if len(head) >= 348 else 'its header is cut off'}",
            "export it again as NIfTI (.nii.gz)", file=file,
        )  # fmt: skip
    return _SIZES[size](head[:size], check=False)


def _body(header: Any, file: Path) -> tuple[Path, bool]:
    """The file with the voxels, and whether it is the header's own."""
    if bytes(header["magic"])[:2] == b"n+":
        return file, True
    if file.name.lower().endswith((".img", ".img.gz")):
        return file, False
    beside = partner(file, "img")
    if beside is None:
        raise TransientError(
            "the voxels of the pair (.img) are not there", "copy both files of the pair, .hdr and .img", file=file
        )
    return beside, False


def _require_three_axes(header: Any, file: Path) -> None:
    shape = tuple(int(size) for size in header.get_data_shape())
    if len(shape) < 2 or len(shape) > 7 or min(shape) < 1:
        raise CaseError(f"the header gives the size {shape}", "export the image again", file=file)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise CaseError(
            f"the image has {len(shape)} dimensions, size {shape}",
            "export each phase or b-value as a volume of its own",
            file=file,
        )
    if len(shape) == 2:
        raise two_dimensional(shape, file)


def two_dimensional(shape: tuple[int, ...], file: Path) -> CaseError:
    """The refusal of an image of two axes: it does not say how thick its slice is."""
    return CaseError(
        f"the image has two dimensions, size {shape}: it gives no slice thickness, which volumes and shapes need",
        "export the series as a volume; or, of a single slice, as a volume of one slice with its thickness",
        file=file,
    )


def _content(body: Path, expected: int, file: Path) -> bytes:
    """The file's bytes, decompressed where it is compressed; not more than a little beyond what is expected.

    Raises
    ------
    CaseError : the file cannot be what its header says; told before its content is in memory.
    """
    with opened(body) as stream:
        packed = stream.read(2) == _GZIP
    named = body.name.lower().endswith(".gz")
    size = body.stat().st_size
    if packed and not named:
        raise CaseError("the file is compressed, and its name does not end in .gz", "add .gz to its name", file=body)
    if named and not packed and size:
        raise CaseError("the file is not compressed, and its name ends in .gz", "take .gz from its name", file=body)
    if not packed:
        require_bytes(body, expected=expected, found=size, header=file)
        bounds.IMAGE.require(expected, file)
        return content_of(body)
    bounds.IMAGE.require(expected, file)
    if size > expected * _WORST_PACKING + SLACK:
        require_bytes(body, expected=expected, found=size, header=file)
    return _unpacked(content_of(body), body, expected, file)


def _unpacked(raw: bytes, body: Path, expected: int, header: Path) -> bytes:
    """What comes out of the streams of gzip, up to a little more than is expected."""
    most, parts, left = expected + SLACK, [], raw
    while left and most > 0:
        stream = _decompressor()
        try:
            part = stream.decompress(left, most)
        except MemoryError:
            raise
        except Exception:  # isal's error is of no class that zlib has
            damaged = True
        else:
            parts.append(part)
            most -= len(part)
            if most <= 0:
                break
            damaged = not stream.eof
        if damaged:
            found = decompressed(raw, most=expected + SLACK)
            require_bytes(body, expected=expected, found=found.size, damaged=True, header=header)
        left = stream.unused_data.lstrip(b"\0")
    if most <= 0:
        raise CaseError(
            "the file cannot be read as an image: it is longer than its header says: more than "
            f"{expected + SLACK} bytes come out, {expected} are expected. The header or the voxels are not its own",
            AGAIN, file=body,
        )  # fmt: skip
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompressor() -> Any:
    """A decompressor of one stream of gzip, which checks its checksum."""
    if importlib.util.find_spec("isal") is None:  # it has no wheels for some machines
        return zlib.decompressobj(31)
    from isal import isal_zlib

    return isal_zlib.decompressobj(31)

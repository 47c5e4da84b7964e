"""Stored pixel values of one DICOM image, uncompressed or compressed.

JPEG, JPEG lossless, JPEG-LS and JPEG 2000 are decoded by the GDCM inside SimpleITK, which is already a dependency.
Other decoders for Python are GPL (libjpeg), or do not support JPEG lossless, the most common one in archives.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.bounds import SLICE
from radstudy.formats.dicom_file import UnreadableError
from radstudy.store import temporary_folder

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_JPEG = {
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
}  # fmt: skip
_START_OF_FRAME = {0xF7, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # of JPEG-LS, and of JPEG
_FRAGMENT, _END = 0xE000FFFE, 0xE0DDFFFE  # tags of an item and of the end, as stored in the file
LONGEST_RUN = 64  # bytes that one byte of run lengths can become
RUN_LENGTHS = "1.2.840.10008.1.2.5"
_LAYOUT = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PhotometricInterpretation",
)  # fmt: skip


class UndecodableError(Exception):
    """The transfer syntax has no decoder here."""


def decoded(dataset: Dataset, index: int | None) -> NDArray[Any]:
    """Decode the stored values of an image, without slope and intercept.

    Parameters
    ----------
    dataset : a whole pydicom Dataset.
    index : number of the frame from 0; None for a classic image.

    Returns
    -------
    (rows, columns) in the stored type and this machine's byte order.

    Raises
    ------
    UndecodableError : the transfer syntax has no decoder here.
    UnreadableError : the header claims more pixels than are possible, or a size other than the compressed image's.
    ValueError, RuntimeError, AttributeError, EOFError and others : the pixels are cut off or damaged.
    """
    from pydicom.pixels.utils import pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _JPEG:
        return _by_itk(dataset, index or 0)
    if syntax.is_compressed and syntax != RUN_LENGTHS:
        raise UndecodableError(syntax)
    if syntax == RUN_LENGTHS:
        require_runs(dataset, _encoded(dataset, index or 0))
    plugin = "pydicom" if syntax == RUN_LENGTHS else ""
    values = np.asarray(pixel_array(dataset, index=index, decoding_plugin=plugin))
    return values.astype(values.dtype.newbyteorder("="), copy=False)  # big-endian files keep their byte order


def _encoded(dataset: Dataset, index: int) -> bytes:
    """The compressed bytes of one frame."""
    from pydicom.encaps import get_frame

    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    _require_fragments(dataset.PixelData)
    encoded: bytes = get_frame(dataset.PixelData, index, number_of_frames=frames)
    return encoded


def _require_fragments(encapsulated: bytes) -> None:
    """Refuse compressed pixels whose fragments are not as long as stated (DICOM PS3.5, A.4)."""
    at = 0
    while at + 8 <= len(encapsulated):
        tag, length = struct.unpack("<II", encapsulated[at : at + 8])
        if tag == _END and not length:
            at = len(encapsulated)
        elif tag != _FRAGMENT or at + 8 + length > len(encapsulated):
            break
        else:
            at += 8 + length
    if at != len(encapsulated):
        raise UnreadableError("the fragments of its compressed pixels are not as long as stated")


def _size(dataset: Dataset) -> int:
    """The number of bytes of one frame according to the header; checked against the bound."""
    size = dataset.Rows * dataset.Columns * (dataset.get("SamplesPerPixel") or 1) * dataset.BitsAllocated // 8
    if problem := SLICE.exceeded(size):
        raise UnreadableError(f"its header gives {dataset.Rows} x {dataset.Columns} pixels: {problem}; {SLICE.remedy}")
    return int(size)


def require_runs(dataset: Dataset, encoded: bytes) -> None:
    """Refuse a frame whose run lengths do not decode to exactly the pixels that the header requires.

    Parameters
    ----------
    dataset : holds the header.
    encoded : the compressed bytes of the frame.

    Raises
    ------
    UnreadableError : the frame is too large, or its run lengths are damaged.

    References
    ----------
    DICOM PS3.5, annex G.
    """
    size = _size(dataset)
    planes = int(dataset.BitsAllocated) // 8 * int(dataset.get("SamplesPerPixel") or 1)
    if size > LONGEST_RUN * len(encoded):
        raise UnreadableError(
            f"its header requires {size} bytes, but {len(encoded)} bytes of run lengths cannot hold as many"
        )
    if len(encoded) < 64:
        raise UnreadableError("its run lengths are cut off")
    count, *offsets = struct.unpack("<16I", encoded[:64])
    begins = offsets[:count]
    if count != planes or begins[0] != 64 or begins != sorted(begins) or begins[-1] > len(encoded):
        raise UnreadableError(f"its run lengths have {count} segments, but its header requires {planes}")
    for begin, end in pairwise([*begins, len(encoded)]):
        decoded_bytes = _decoded_bytes(encoded[begin:end], size // planes)
        if decoded_bytes != size // planes:
            raise UnreadableError(
                f"its run lengths decode to {decoded_bytes} pixels, but its header requires {size // planes}"
            )


def _decoded_bytes(runs: bytes, wanted: int) -> int:
    """Count the bytes that run lengths decode to; padding to an even length counts as none."""
    at, count = 0, 0
    while at < len(runs):
        head = runs[at]
        if count == wanted and len(runs) - at == 1:
            break
        if head < 128:
            count += min(head + 1, len(runs) - at - 1)
            at += head + 2
        elif head > 128:
            count += 257 - head if at + 1 < len(runs) else 0
            at += 2
        else:
            at += 1
    return count


def _require_same_size(dataset: Dataset, encoded: bytes) -> None:
    """Refuse a JPEG image whose size differs from the header's: the decoder allocates what the image states."""
    _size(dataset)
    stated = _size_in_stream(encoded)
    if stated is None:
        raise UnreadableError("its compressed image does not state its size")
    if stated != (dataset.Rows, dataset.Columns):
        raise UnreadableError(
            f"its compressed image has {stated[0]} x {stated[1]} pixels, its header {dataset.Rows} x {dataset.Columns}"
        )


def _size_in_stream(encoded: bytes) -> tuple[int, int] | None:
    """Read (rows, columns) from a JPEG, JPEG-LS or JPEG 2000 stream; None if it has none.

    References: ITU-T T.81 B.2.2 (start of frame), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if encoded[:4] == b"\xff\x4f\xff\x51" and len(encoded) >= 24:
        width, height, left, top = struct.unpack(">4I", encoded[8:24])
        return height - top, width - left
    at = 2
    while encoded[:2] == b"\xff\xd8" and at + 9 <= len(encoded):
        if encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker in _START_OF_FRAME:
            rows, columns = struct.unpack(">2H", encoded[at + 5 : at + 9])
            return rows, columns
        at += 1 if marker == 0xFF else 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None


def _by_itk(dataset: Dataset, index: int) -> NDArray[Any]:
    """Decode one frame with ITK, from a file that holds only its pixels, so that no rescaling is applied."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

    encoded = _encoded(dataset, index)
    _require_same_size(dataset, encoded)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    bare = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    bare.SOPClassUID, bare.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword in _LAYOUT:
        setattr(bare, keyword, dataset.get(keyword))
    bare.PixelData = encapsulate([encoded])
    bare["PixelData"].VR = "OB"
    bare["PixelData"].is_undefined_length = True
    with temporary_folder() as folder:
        file = Path(folder) / "image.dcm"
        bare.save_as(file, enforce_file_format=True)
        read = sitk.ImageFileReader()
        read.SetImageIO("GDCMImageIO")
        read.SetFileName(str(file))
        values = sitk.GetArrayFromImage(read.Execute())
    stored = np.dtype(f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")
    return np.asarray(values[0] if values.ndim == 3 else values).astype(stored)

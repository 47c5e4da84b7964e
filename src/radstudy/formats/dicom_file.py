"""Open a DICOM file, with or without its preamble: one way for headers and for pixels.

References: DICOM PS3.10, 7.1 (preamble, prefix DICM, file meta information). Old archives write the data set alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO

_PREFIX = slice(128, 132)
START = 132  # bytes that tell what a file is


def is_bare(start: bytes) -> bool:
    """Whether a file that begins so is DICOM without preamble: file meta information, or the data set at once.

    Parameters
    ----------
    start : its first `START` bytes, or fewer.
    """
    if start[_PREFIX] == b"DICM":
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return start[:2] == b"\x08\x00" or (start[:2] in (b"\x02\x00", b"\x00\x08") and explicit)


def open_dataset(file: BinaryIO, *, tags: Sequence[int] | None = None, stop_before_pixels: bool = False) -> Any:
    """Read a DICOM file as a pydicom Dataset; its transfer syntax is always there, read or found from its bytes.

    Parameters
    ----------
    file : an open binary file that can seek.
    tags : those to keep; None keeps all.
    stop_before_pixels : leave the pixels unread.

    Raises
    ------
    pydicom.errors.InvalidDicomError, EOFError, OSError, ValueError : it is not DICOM, or is cut off in the header.
    """
    import pydicom
    from pydicom.dataset import FileMetaDataset

    start = file.read(START)
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        dataset = pydicom.dcmread(
            file,
            stop_before_pixels=stop_before_pixels,
            specific_tags=None if tags is None else list(tags),
            force=is_bare(start),
        )
    if getattr(dataset, "file_meta", None) is None:
        dataset.file_meta = FileMetaDataset()
    if not dataset.file_meta.get("TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = _syntax_of(dataset)
    return dataset


def _syntax_of(dataset: Any) -> str:
    """The uncompressed transfer syntax that pydicom has found by looking at the bytes."""
    implicit, little = dataset.original_encoding
    if implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"

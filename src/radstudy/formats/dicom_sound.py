"""Integrity checks of a DICOM object: required elements are present and agree with its bytes.

References: DICOM PS3.3 C.12.1 (SOP common), C.7.6.3 (image pixel), C.7.6.16 (multi-frame functional groups), PS3.10 7.1
(file meta information).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from radstudy.formats.dicom_classes import DRAWINGS, IMAGE_STORAGES
from radstudy.formats.dicom_file import OpenedObject, StoredPixels, UnreadableError, disorder_of
from radstudy.formats.dicom_values import text_of, value_of, whole_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_LONGEST_UID = 128  # the standard allows 64; some programs write longer ones
_BITS = (1, 8, 16, 32, 64)
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def storage_of(dataset: Dataset) -> str:
    """The SOP class of an object; "" if its header names none.

    Raises
    ------
    UnreadableError : the file meta information names a different one.
    """
    storage = str(value_of(dataset, "SOPClassUID") or "")
    stated = str(value_of(dataset.file_meta, "MediaStorageSOPClassUID") or "")
    if storage and stated and storage != stated:
        raise UnreadableError("its header and its file meta information name different kinds of object")
    return storage


def require_identified(dataset: Dataset) -> None:
    """Refuse an image, segmentation or structure set without the UIDs that every object has."""
    for keyword in _IDENTIFIERS:
        uid = str(value_of(dataset, keyword) or "")
        if not uid or len(uid) > _LONGEST_UID or not (uid.isascii() and uid.isprintable()):
            raise UnreadableError(f"{keyword} is {'not a UID' if uid else 'missing'}: cut off, or damaged")


def require_image(opened: OpenedObject) -> int:
    """Refuse an image whose header does not fit its pixels.

    Returns
    -------
    The number of bytes missing from an uncompressed image that was cut off within its pixels.

    Raises
    ------
    UnreadableError : it has no pixels, pixels of another size, or more than its header states.
    """
    dataset, stored = opened.dataset, opened.stored
    if stored is None:
        raise UnreadableError("it has no pixels: cut off, or damaged in its header")
    layout = [whole_of(value_of(dataset, name)) for name in ("Rows", "Columns", "BitsAllocated")]
    if any(not value or value < 0 for value in layout) or layout[2] not in _BITS:
        raise UnreadableError(f"its header gives {layout[0]} rows, {layout[1]} columns and {layout[2]} bits")
    if whole_of(value_of(dataset, "PixelRepresentation")) not in (0, 1):
        raise UnreadableError("its header does not say whether its pixels are signed (PixelRepresentation)")
    stored_bits = whole_of(value_of(dataset, "BitsStored"))
    if stored_bits is None or not 0 < stored_bits <= (layout[2] or 0):
        raise UnreadableError(f"its header gives {stored_bits} bits stored of {layout[2]}")
    frames = _frames(dataset)
    if text_of(dataset.file_meta, "TransferSyntaxUID") not in _NATIVE:
        if stored.length is not None:
            raise UnreadableError("its header says that its pixels are compressed, but they are not in fragments")
        return 0
    samples = whole_of(value_of(dataset, "SamplesPerPixel")) or 1
    expected = -(-math.prod([value or 1 for value in layout]) * samples * frames // 8)
    return _missing(stored, expected)


def _frames(dataset: Dataset) -> int:
    """The number of frames of an image; an enhanced image must have as many functional groups."""
    frames = whole_of(value_of(dataset, "NumberOfFrames"))
    if IMAGE_STORAGES.get(str(value_of(dataset, "SOPClassUID"))) == "MR":
        return max(1, frames or 1)
    groups = value_of(dataset, "PerFrameFunctionalGroupsSequence")
    if not groups or frames != len(groups):
        raise UnreadableError(f"its header describes {len(groups or [])} frames but states that it has {frames}")
    return frames


def _missing(stored: StoredPixels, expected: int) -> int:
    if stored.length is None:
        raise UnreadableError("its pixels are in fragments, but its header says that they are not compressed")
    present = min(stored.length, stored.room)
    if present < expected:
        return expected - present
    if stored.length > expected + 2:  # some programs pad even lengths, too
        raise UnreadableError(f"its pixels have {stored.length} bytes, but its header requires {expected}")
    if stored.room < stored.length:
        return stored.length - stored.room
    if not (stored.rest_is_zero or stored.rest_is_sound):
        extra = stored.room - stored.length
        raise UnreadableError(f"its pixels are followed by {extra} bytes that are not DICOM elements")
    return 0


def disorder_of_frames(dataset: Dataset) -> str:
    """Describe what is wrong with the order of a multi-frame image's elements; "" if nothing is."""
    groups = [
        *(value_of(dataset, "SharedFunctionalGroupsSequence") or []),
        *(value_of(dataset, "PerFrameFunctionalGroupsSequence") or []),
    ]
    items = [item for group in groups for item in (group, *_items_in(group))]
    return next((f"among its frames, {disorder}" for item in items if (disorder := disorder_of(item))), "")


def _items_in(group: Any) -> Iterator[Any]:
    for element in group:
        if element.VR == "SQ":
            yield from element.value


def is_read(storage: str) -> bool:
    """True if objects of a SOP class are imported, as images or as drawings."""
    return storage in IMAGE_STORAGES or storage in DRAWINGS

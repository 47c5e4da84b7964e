"""Opening of DICOM files, with or without preamble, in one place for headers and pixels.

A file is read completely or not at all: pydicom takes a file that was cut off for one with fewer tags, and allocates
four gigabytes if a length says so.

References: DICOM PS3.10, 7.1 (preamble, prefix DICM, file meta information). Old archives write only the data set.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from radstudy.bounds import OBJECT

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

_PREFIX = slice(128, 132)
START = 4096  # bytes by which the kind of a file is recognised
_CHUNK = 1024 * 8  # pydicom reads a value of unknown length in pieces of this size, the last one shorter
_STEP = 1 << 20
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META = re.compile(rb"\x02\x00(?:\x00\x00UL\x04\x00|[\x01-\x16]\x00(?:UI|OB|SH|AE))")
_LATEST_META = 1024  # latest start of file meta information in a file whose first bytes are damaged
_PIXEL_TAGS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
_UNKNOWN_LENGTH = 0xFFFFFFFF
_SWALLOWED = re.compile(
    rb"[\x08\x10\x18\x19\x20\x21\x28\x40]\x00..(?:AE|AS|CS|DA|DS|DT|FD|FL|IS|LO|LT|OB|OW|PN|SH|SL|SQ|SS|ST|TM|UI|UL|UN|US|UT)",
    re.DOTALL,
)
_TEXT = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI"}


class UnreadableError(ValueError):
    """A DICOM file is damaged; the message names the fault without quoting a value of its header."""


@dataclass(frozen=True)
class StoredPixels:
    """Storage of an object's pixels in its file.

    Parameters
    ----------
    length : bytes of the pixel element's value according to its header; None if they are in fragments, as compressed
        ones are.
    room : bytes from the start of the value to the end of the file.
    rest_is_zero : whether the bytes after the value are all zero, as some programs pad files.
    rest_is_sound : whether they are valid elements that may follow pixels, to the end of the file.
    """

    length: int | None
    room: int
    rest_is_zero: bool = True
    rest_is_sound: bool = True


@dataclass(frozen=True)
class OpenedObject:
    """A DICOM file.

    Parameters
    ----------
    dataset : pydicom's data set; its transfer syntax is always set, read or inferred from the bytes.
    stored : storage of its pixels; None if it has none.
    disorder : how the order of its elements departs from the standard; "" if it does not.
    """

    dataset: Dataset
    stored: StoredPixels | None
    disorder: str = ""


def is_bare(start: bytes) -> bool:
    """True if a file is DICOM without preamble: it begins with file meta information or with the data set itself.

    Parameters
    ----------
    start : its first `START` bytes, or fewer.
    """
    if start[_PREFIX] == b"DICM" or len(start) < 8:
        return False
    explicit: bool = start[4:6].isalpha() and start[4:6].isupper()
    if start[:2] == b"\x08\x00" and not explicit:
        element, length = struct.unpack("<HI", start[2:8])
        return bool(element < 0x3000 and length < 1 << 16)
    return bool(explicit and start[:2] in (b"\x08\x00", b"\x02\x00", b"\x00\x08"))


def begins_as_dicom(start: bytes) -> bool:
    """True if a file begins like DICOM, complete or damaged: even if partly zero, shifted or cut off.

    Parameters
    ----------
    start : its first `START` bytes, or fewer. An empty file does not count.
    """
    if start[_PREFIX] == b"DICM" or is_bare(start):
        return True
    if start and not start.strip(b"\0"):  # cut off within its preamble, or overwritten
        return True
    return bool(_META.search(start[:_LATEST_META])) or (b"DICM" in start[:_LATEST_META] and b"\0" in start)


def open_file(file: BinaryIO, *, stop_before_pixels: bool = False) -> OpenedObject:
    """Read a DICOM file.

    Parameters
    ----------
    file : an open, seekable binary file.
    stop_before_pixels : leave the pixels unread.

    Raises
    ------
    pydicom.errors.InvalidDicomError : it does not begin like DICOM.
    UnreadableError : it does, but is damaged or cut off.
    OSError : the disk or the network failed.
    """
    import pydicom

    start = file.read(START)
    file.seek(0)
    if not begins_as_dicom(start):
        raise pydicom.errors.InvalidDicomError("it does not begin like DICOM")
    try:
        return _opened(_Guarded(_inflated(file, start)), start, stop_before_pixels)
    except (UnreadableError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:  # raised by the system, not the parser
            raise
        raise UnreadableError(f"it is damaged or cut off ({type(error).__name__})") from error
    except Exception as error:  # a damaged file can make the parser raise anything
        raise UnreadableError(f"it is damaged or cut off ({type(error).__name__})") from error


def open_dataset(file: BinaryIO, *, stop_before_pixels: bool = False) -> Any:
    """Read a DICOM file as a pydicom Dataset; see `open_file`."""
    return open_file(file, stop_before_pixels=stop_before_pixels).dataset


def _opened(file: _Guarded, start: bytes, stop_before_pixels: bool) -> OpenedObject:
    import pydicom
    from pydicom.dataset import FileMetaDataset

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
        dataset = pydicom.dcmread(cast(BinaryIO, file), stop_before_pixels=stop_before_pixels, force=is_bare(start))
        ended = file.tell()
        meta = getattr(dataset, "file_meta", None)
        if meta is None:
            dataset.file_meta = FileMetaDataset()
        if not dataset.file_meta.get("TransferSyntaxUID"):
            dataset.file_meta.TransferSyntaxUID = _syntax_of(dataset)
        _require_whole(dataset.file_meta)
        _require_whole(dataset)
        disorder = disorder_of(dataset)
    implicit, little = dataset.original_encoding
    stored = None
    if stop_before_pixels:
        file.seek(ended)
        stored = _stored(file, implicit=bool(implicit), little=bool(little))
    if stored is None and not _ends_in_pixels(dataset) and (ended != file.size or file.short):
        file.seek(min(ended, file.size))
        if ended > file.size or file.short or file.read().strip(b"\0"):
            raise UnreadableError("it is cut off, or damaged in its header")
    return OpenedObject(dataset, stored, disorder)


class _Guarded:
    """A file that never allocates more memory than it has bytes, and remembers if its end cut off a value.

    Parameters
    ----------
    file : an open, seekable binary file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)
        self.short = False
        file.seek(0)

    def read(self, count: int = -1) -> bytes:
        """Read as from any file, but request no more than is left."""
        left = max(0, self.size - self._file.tell())
        wanted = left if count < 0 else count
        if 0 < left < wanted and wanted != _CHUNK:
            self.short = True
        return self._file.read(min(wanted, left))

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, as in any file."""
        return self._file.seek(to, whence)

    def tell(self) -> int:
        """Return the current position, as in any file."""
        return self._file.tell()


def _inflated(file: BinaryIO, start: bytes) -> BinaryIO:
    """Inflate the data set of a file if it is deflated; the size is checked before memory is allocated.

    References: DICOM PS3.5, A.5 (Deflated Explicit VR Little Endian).
    """
    if not _is_deflated(start):
        return file
    at = _after_meta(start)
    bound, size = OBJECT.most, 0
    for keep in (False, True):
        file.seek(at)
        stream, parts = zlib.decompressobj(-zlib.MAX_WBITS), []
        while not stream.eof and (block := stream.unconsumed_tail or file.read(_STEP)):
            part = stream.decompress(block, _STEP)
            size += 0 if keep else len(part)
            if size > bound:
                raise UnreadableError(f"{OBJECT.exceeded(size, at_least=True)}; {OBJECT.remedy}")
            parts += [part] if keep else []
        if not stream.eof:
            raise UnreadableError("its deflated data set is cut off")
    plain = start[:at].replace(_DEFLATED, _DEFLATED[:-3].ljust(len(_DEFLATED), b"\0"))
    return io.BytesIO(b"".join([plain, *parts]))


def inflated_beginning(content: bytes) -> bytes:
    """Inflate the beginning of a file as far as it goes if its data set is deflated; else return it unchanged."""
    if not _is_deflated(content):
        return content
    at = _after_meta(content)
    try:
        return content[:at] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[at:], _STEP)
    except zlib.error:
        return content


def _is_deflated(start: bytes) -> bool:
    begins = start.find(_DEFLATED, 0, _LATEST_META)
    return begins >= 8 and start[begins - 8 : begins - 4] == b"\x02\x00\x10\x00" and start[_PREFIX] == b"DICM"


def _after_meta(start: bytes) -> int:
    """Find the end of the file meta information, which is explicit VR little endian."""
    at = 132
    while start[at : at + 2] == b"\x02\x00" and at + 8 <= len(start):
        long = start[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        at += 12 + struct.unpack("<I", start[at + 8 : at + 12])[0] if long else (
            8 + struct.unpack("<H", start[at + 6 : at + 8])[0])  # fmt: skip
    return at


def _require_whole(dataset: Dataset) -> None:
    """Refuse a data set with a value shorter than its stated length, or a text that contains other elements."""
    for element in dataset.values():
        value, length = element.value, getattr(element, "length", None)
        if not isinstance(value, bytes) or length in (None, _UNKNOWN_LENGTH) or int(element.tag) in _PIXEL_TAGS:
            continue
        if len(value) != length:
            raise UnreadableError("it is cut off, or damaged in its header")
        if element.VR in _TEXT and _SWALLOWED.search(value):
            raise UnreadableError(f"the length of element {element.tag} is wrong: its value contains other elements")


def _ends_in_pixels(dataset: Dataset) -> bool:
    """True if pixels of a known length were read last; their decoder will check that they are complete."""
    last = next(reversed(list(dataset.values())), None)
    return last is not None and int(last.tag) in _PIXEL_TAGS and getattr(last, "length", None) != _UNKNOWN_LENGTH


def disorder_of(dataset: Dataset) -> str:
    """Describe what is wrong with the order of the elements: DICOM PS3.5, 7.1, wants each once, by increasing tag."""
    elements = [element for element in dataset.values() if int(element.tag)]  # some programs pad a file with zeros
    for one, following in pairwise(elements):
        ends, begins = _end_of(one), getattr(following, "value_tell", None)
        if ends is not None and begins is not None and begins - ends not in (8, 12):
            return "an element occurs twice"
    if any(int(following.tag) < int(one.tag) for one, following in pairwise(elements)):
        return "its elements are not in the order of their tags"
    return ""


def _end_of(element: Any) -> int | None:
    """Find the end of an element's value in its file; None if it was changed after reading, or has unknown length."""
    place, length = getattr(element, "value_tell", None), getattr(element, "length", None)
    return None if place is None or length in (None, _UNKNOWN_LENGTH) else int(place) + int(length)


def _stored(file: _Guarded, *, implicit: bool, little: bool) -> StoredPixels | None:
    """Read the storage of the pixels that begin at the current position; None if something else begins there."""
    order = "<" if little else ">"
    head = file.read(8)
    if len(head) < 8 or _tag(head, order) not in _PIXEL_TAGS:
        return None
    long = not implicit and head[4:6] in (b"OB", b"OW", b"OF", b"OD", b"UN")
    if long:
        head += file.read(4)
    if implicit or long:
        (length,) = struct.unpack(f"{order}I", head[-4:].ljust(4, b"\0"))
    else:
        (length,) = struct.unpack(f"{order}H", head[6:8])
    room = file.size - file.tell()
    if length == _UNKNOWN_LENGTH:
        return StoredPixels(None, room)
    rest = room - length
    if rest <= 0:
        return StoredPixels(length, room)
    file.seek(length, io.SEEK_CUR)
    zero, sound = _rest(file, rest, order, implicit)
    return StoredPixels(length, room, zero, sound)


def _tag(head: bytes, order: str) -> int:
    group, element = struct.unpack(f"{order}HH", head[:4])
    return int(group) << 16 | int(element)


def _rest(file: _Guarded, rest: int, order: str, implicit: bool) -> tuple[bool, bool]:
    """Check if the bytes after the pixels are all zero, and if they are elements with increasing tags to the end."""
    begins = file.tell()
    zero = True
    for _ in range(0, rest, _STEP):
        if file.read(_STEP).strip(b"\0"):
            zero = False
            break
    file.seek(begins)
    before = max(_PIXEL_TAGS)
    while file.tell() < file.size:
        head = file.read(8)
        if len(head) < 8:
            return zero, False
        tag = _tag(head, order)
        if tag <= before:
            return zero, False
        before = tag
        if implicit:
            (length,) = struct.unpack(f"{order}I", head[4:])
        elif head[4:6] in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
            (length,) = struct.unpack(f"{order}I", file.read(4).ljust(4, b"\xff"))
        else:
            (length,) = struct.unpack(f"{order}H", head[6:])
        if length == _UNKNOWN_LENGTH:
            return zero, True  # a sequence: checked by its reader
        file.seek(length, io.SEEK_CUR)
    return zero, file.tell() == file.size


def _syntax_of(dataset: Dataset) -> UID:
    """The uncompressed transfer syntax that pydicom inferred from the bytes."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian

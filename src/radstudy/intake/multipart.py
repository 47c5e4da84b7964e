"""Parsing of a multipart answer, one complete part after the other (RFC 2046 5.1, DICOM PS3.18 8.6.1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message

from radstudy.intake.limits import RAISE
from radstudy.intake.server_texts import tidy
from radstudy.intake.transfer_error import TransferError

_HEADER_BYTES = 1 << 16
_END = b"\r\n\r\n"


def parts_of(chunks: Iterable[bytes], content_type: str, part_bytes: int) -> Iterator[bytes]:
    """Yield the contents of the parts; if the answer is a single object, that object.

    Parameters
    ----------
    chunks : the body as it arrives.
    content_type : the answer's Content-Type header.
    part_bytes : the largest part that is accepted.

    Raises
    ------
    TransferError : the answer has another type or no boundary, ends without its closing boundary (it is cut off; the
        parts before were yielded), or a part is too large.
    """
    message = Message()
    message["Content-Type"] = content_type
    kind, boundary = message.get_content_type(), message.get_boundary()
    if kind == "application/dicom":
        yield _whole(chunks, part_bytes)
        return
    if kind != "multipart/related":
        raise TransferError(f"an answer is of type '{tidy(content_type)[:60]}', not multipart/related", again=False)
    if not boundary or len(boundary) > 70:
        raise TransferError("an answer of several parts names no boundary between them", again=False)
    delimiter = f"\r\n--{boundary}".encode()
    for number, part in enumerate(_between(chunks, delimiter, part_bytes + _HEADER_BYTES)):
        if number == 0:
            continue  # the text before the first boundary is not a part
        header = part.find(_END, 0, _HEADER_BYTES)
        if header < 0:
            raise TransferError(f"the header of part {number} of an answer has no end", again=False)
        if len(part) - header - len(_END) > part_bytes:
            raise _too_large(part_bytes)
        yield part[header + len(_END) :]


def _whole(chunks: Iterable[bytes], most: int) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


def _too_large(most: int) -> TransferError:
    return TransferError(f"an object is larger than {most} bytes", RAISE, again=False)


def _between(chunks: Iterable[bytes], delimiter: bytes, most: int) -> Iterator[bytes]:
    """Yield the text between delimiters, up to the closing one."""
    data, searched = bytearray(b"\r\n"), 0  # the first boundary may begin the body
    for chunk in chunks:
        data += chunk
        while True:
            at = data.find(delimiter, searched)
            if at < 0 or len(data) < at + len(delimiter) + 2:
                searched = max(0, len(data) - len(delimiter) + 1) if at < 0 else at
                break
            yield bytes(data[:at])
            del data[: at + len(delimiter)]
            searched = 0
            if data.startswith(b"--"):
                return
        if len(data) > most:
            raise _too_large(most - _HEADER_BYTES)
    raise TransferError("an answer is cut off: its closing boundary is missing")

"""Completeness of NRRD and MetaImage files: the bytes that the header requires against those present.

ITK reads past the end of some files and reports others as missing; it allocates what a header asks for before it looks
at the file.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy import bounds
from radstudy.errors import CaseError, TransientError
from radstudy.formats.border import border
from radstudy.formats.raster_header import StoredVoxels, metaimage_stored, nrrd_stored
from radstudy.formats.reading import opened

FAULTS = (OSError, EOFError, zlib.error)
SLACK = _STEP = 1 << 20  # bytes of compressed content read beyond those expected, to recognise content that is too long
AGAIN = "copy the file again from its source, or export it again"


def require_bytes(file: Path, *, expected: int, actual: int, damaged: bool = False, header: Path | None = None) -> None:
    """Refuse a file that holds fewer or more bytes than its header requires.

    Parameters
    ----------
    file : the file with the voxels.
    expected, actual : bytes, uncompressed.
    damaged : whether its compressed content ends too early or is broken.
    header : the file with the header, if that is another one.

    Raises
    ------
    CaseError : states both numbers.
    """
    if expected == actual and not damaged:
        return
    if not actual and not file.stat().st_size:
        what = "it is empty (0 bytes)"
    elif actual < expected:
        what = f"it is cut off: it has {actual} bytes, but its header requires {expected}"
    elif damaged:
        what = f"its compressed content is damaged: it unpacks to {actual} bytes, but {expected} are expected"
    else:
        what = (
            f"it is longer than its header says: it has {actual} bytes, but {expected} are expected. The header or the "
            "voxels may belong to another file"
        )
    if header is not None and header != file:
        what += f"; the header is in {header}"
    raise CaseError(f"the file cannot be read as an image: {what}", AGAIN, file=file)


@dataclass(frozen=True)
class Decompressed:
    """Result of unpacking: `size` in bytes, and whether the content is `whole` with the right checksum."""

    size: int
    whole: bool


def decompressed(raw: bytes, packing: str = "zlib", *, most: int | None = None) -> Decompressed:
    """Count the bytes that compressed content unpacks to, as far as it goes; what follows the stream counts too.

    Parameters
    ----------
    raw : one or more streams of gzip, zlib or bzip2.
    packing : "zlib" (or gzip) or "bzip2".
    most : stop counting here: a few bytes can unpack to any number.
    """
    size, left = 0, memoryview(raw)
    while left:
        stream: Any = bz2.BZ2Decompressor() if packing == "bzip2" else zlib.decompressobj(47)
        used = 0
        try:
            for start in range(0, len(left), _STEP):
                for out in _outputs(stream, left[start : start + _STEP]):
                    size += out
                    if most is not None and size > most:
                        return Decompressed(size, whole=True)
                used = min(start + _STEP, len(left))
                if stream.eof:
                    break
        except FAULTS:
            return Decompressed(size, whole=False)
        if not stream.eof:
            return Decompressed(size, whole=False)
        left = left[used - len(stream.unused_data) :]
        if left and not bytes(left[:3]).startswith((b"\x1f\x8b", b"BZh")):
            return Decompressed(size + len(left), whole=True)
    return Decompressed(size, whole=True)


def _outputs(stream: Any, fed: Any) -> Iterator[int]:
    """Numbers of bytes that a part of a stream unpacks to, in steps that fit into memory."""
    while True:
        out = len(stream.decompress(fed, _STEP))
        yield out
        fed = getattr(stream, "unconsumed_tail", b"")  # bzip2's decompressor keeps the rest itself
        if stream.eof or (out < _STEP and not fed):
            return


def require_whole(file: Path) -> None:
    """Refuse an NRRD or MetaImage file that is not as long as its header says; other files are left to their reader.

    Raises
    ------
    CaseError : states the bytes expected and present; or the header is damaged, requires more than may be read
        (`bounds.IMAGE`), or names a file that is missing or lies outside its folder.
    """
    with border(file, "an image", AGAIN):
        stored = stored_by_header(file)
        if stored is not None:
            _compare(stored, file)


def stored_by_header(file: Path) -> StoredVoxels | None:
    """Read from the header of an NRRD or MetaImage file how its voxels are stored; None for any other file.

    Raises
    ------
    CaseError : it is empty or damaged.
    """
    name = file.name.lower()
    if not file.stat().st_size:
        raise CaseError("the file cannot be read as an image: it is empty (0 bytes)", AGAIN, file=file)
    if name.endswith((".nrrd", ".nhdr")):
        return nrrd_stored(file)
    return metaimage_stored(file) if name.endswith((".mha", ".mhd")) else None


def _compare(stored: StoredVoxels, file: Path) -> None:
    missing = [path.name for path in stored.files if not path.is_file()]
    if missing:
        raise TransientError(
            f"the file with its voxels, '{missing[0]}', is not next to the header", "copy both files", file=file
        )
    share = stored.expected // max(len(stored.files), 1)
    for path in stored.files:
        size = path.stat().st_size
        if stored.packing == "text":
            if size - (stored.skip or 0) < share:
                require_bytes(path, expected=share, actual=max(size - (stored.skip or 0), 0), header=file)
        elif not stored.packing:
            size_found = size if stored.skip is None else size - stored.skip
            if stored.skip is None and size_found >= share:
                continue
            require_bytes(path, expected=share, actual=max(size_found, 0), header=file)
        else:
            bounds.IMAGE.require(stored.expected, file)
            with opened(path) as stream:
                stream.seek(stored.skip or 0)
                out = decompressed(stream.read(), stored.packing, most=share + SLACK)
            require_bytes(path, expected=share, actual=out.size, damaged=not out.whole, header=file)
    bounds.IMAGE.require(stored.voxel_bytes or stored.expected, file)

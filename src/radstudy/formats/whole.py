"""Whether an NRRD or MetaImage file is whole: the bytes that its header asks for against those that are there.

ITK reads on past the end of some files, and of others says that they do not exist; what a header asks for it takes from
memory before it looks.
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
from radstudy.formats.raster_header import Stored, metaimage_stored, nrrd_stored
from radstudy.formats.reading import opened

FAULTS = (OSError, EOFError, zlib.error)
SLACK = _STEP = 1 << 20  # bytes: read of compressed content beyond what is expected, to tell how much too much it is
AGAIN = "copy the file again from where it came, or export it again"


def require_bytes(file: Path, *, expected: int, found: int, damaged: bool = False, header: Path | None = None) -> None:
    """Refuse a file that holds fewer or more bytes than its header asks for.

    Parameters
    ----------
    file : with the voxels.
    expected, found : bytes, uncompressed.
    damaged : whether its compressed content ends too early or is broken.
    header : the file that its size follows from, where that is another one.

    Raises
    ------
    CaseError : with both numbers.
    """
    if expected == found and not damaged:
        return
    if not found and not file.stat().st_size:
        what = "it is empty (0 bytes)"
    elif found < expected:
        what = f"it is cut off: {found} bytes are there, {expected} are expected from its header"
    elif damaged:
        what = f"its compressed content is damaged: {found} bytes came out of it, {expected} are expected"
    else:
        what = (
            f"it is longer than its header says: {found} bytes are there, {expected} are expected. The header or the "
            "voxels are not its own"
        )
    if header is not None and header != file:
        what += f"; the header is in {header}"
    raise CaseError(f"the file cannot be read as an image: {what}", AGAIN, file=file)


@dataclass(frozen=True)
class Decompressed:
    """What came out of compressed content: `size` in bytes, and whether it is `whole`, its checksum right."""

    size: int
    whole: bool


def decompressed(raw: bytes, packing: str = "zlib", *, most: int | None = None) -> Decompressed:
    """How many bytes come out of compressed content, as far as it goes; what follows the stream counts too.

    Parameters
    ----------
    raw : one or several streams of gzip, zlib or bzip2.
    packing : "zlib" (or gzip) or "bzip2".
    most : where counting ends: a few bytes can unpack to any number.
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
    """Bytes that come out of a part of a stream, in steps that fit into memory."""
    while True:
        out = len(stream.decompress(fed, _STEP))
        yield out
        fed = getattr(stream, "unconsumed_tail", b"")  # of bzip2 the decompressor itself keeps the rest
        if stream.eof or (out < _STEP and not fed):
            return


def require_whole(file: Path) -> None:
    """Refuse an NRRD or MetaImage file that is not as long as its header says; any other passes, for its reader.

    Raises
    ------
    CaseError : with the bytes expected and found; the header is damaged, asks for more than may be read
        (`bounds.IMAGE`), or names a file that is missing or lies outside its folder.
    """
    with border(file, "an image", AGAIN):
        stored = stored_by_header(file)
        if stored is not None:
            _compare(stored, file)


def stored_by_header(file: Path) -> Stored | None:
    """How the header of an NRRD or MetaImage file says that its voxels are stored; None of any other file.

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


def _compare(stored: Stored, file: Path) -> None:
    missing = [path.name for path in stored.files if not path.is_file()]
    if missing:
        raise TransientError(
            f"the file with its voxels, '{missing[0]}', is not beside the header", "copy both files", file=file
        )
    share = stored.expected // max(len(stored.files), 1)
    for path in stored.files:
        size = path.stat().st_size
        if stored.packing == "text":
            if size - (stored.skip or 0) < share:
                require_bytes(path, expected=share, found=max(size - (stored.skip or 0), 0), header=file)
        elif not stored.packing:
            found = size if stored.skip is None else size - stored.skip
            if stored.skip is None and found >= share:
                continue
            require_bytes(path, expected=share, found=max(found, 0), header=file)
        else:
            bounds.IMAGE.require(stored.expected, file)
            with opened(path) as stream:
                stream.seek(stored.skip or 0)
                out = decompressed(stream.read(), stored.packing, most=share + SLACK)
            require_bytes(path, expected=share, found=out.size, damaged=not out.whole, header=file)
    bounds.IMAGE.require(stored.voxel_bytes or stored.expected, file)

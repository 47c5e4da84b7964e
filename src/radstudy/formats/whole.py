"""Whether an NRRD or MetaImage file is whole: the bytes that its header asks for against those that are there.

ITK reads on past the end of some files, and of others says that they do not exist.
"""

from __future__ import annotations

import bz2
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from radstudy.errors import CaseError, PassingError
from radstudy.formats.reading import named_files, opened

FAULTS = (OSError, EOFError, zlib.error)
_LONGEST_HEADER = _STEP = 1 << 20
AGAIN = "copy the file again from where it came, or export it again"
_NRRD_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(
        ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"), 4
    ),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int"), 8),
    **dict.fromkeys(("int64", "int64_t", "ulonglong", "unsigned long long", "unsigned long long int"), 8),
    **dict.fromkeys(("uint64", "uint64_t", "double"), 8),
}
_META_BYTES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4,
    "MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


@dataclass(frozen=True)
class _Stored:
    """How a header says that the voxels are stored.

    Parameters
    ----------
    expected : bytes of all voxels, uncompressed.
    files : that hold them, in equal parts.
    skip : bytes before the voxels in each file; None for as many as there are before its end.
    packing : "", "zlib" (or gzip) or "bzip2".
    """

    expected: int
    files: tuple[Path, ...]
    skip: int | None
    packing: str = ""


def require_bytes(file: Path, *, expected: int, found: int, damaged: bool = False) -> None:
    """Refuse a file that holds fewer or more bytes than its header asks for.

    Parameters
    ----------
    file : with the voxels.
    expected, found : bytes, uncompressed.
    damaged : whether its compressed content ends too early or is broken.

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
    raise CaseError(f"the file cannot be read as an image: {what}", AGAIN, file=file)


@dataclass(frozen=True)
class Decompressed:
    """What came out of compressed content: `size` in bytes, and whether it is `whole`, its checksum right."""

    size: int
    whole: bool


def decompressed(raw: bytes, packing: str = "zlib") -> Decompressed:
    """How many bytes come out of compressed content, as far as it goes; what follows the stream counts too.

    Parameters
    ----------
    raw : one or several streams of gzip, zlib or bzip2.
    packing : "zlib" (or gzip) or "bzip2".
    """
    size = 0
    while raw:
        stream = bz2.BZ2Decompressor() if packing == "bzip2" else zlib.decompressobj(47)
        for start in range(0, len(raw), _STEP):
            try:
                size += len(stream.decompress(raw[start : start + _STEP]))
            except FAULTS:
                return Decompressed(size, whole=False)
            if stream.eof:
                raw = stream.unused_data + raw[start + _STEP :]
                break
        else:
            return Decompressed(size, whole=False)
        if raw and not raw.startswith((b"\x1f\x8b", b"BZh")):
            return Decompressed(size + len(raw), whole=True)
    return Decompressed(size, whole=True)


def require_whole(file: Path) -> None:
    """Refuse an NRRD or MetaImage file that is not as long as its header says; any other passes, for its reader.

    Raises
    ------
    CaseError : with the bytes expected and found; or the file with its voxels is missing.
    OSError : it cannot be opened.
    """
    name = file.name.lower()
    if not file.stat().st_size:
        raise CaseError("the file cannot be read as an image: it is empty (0 bytes)", AGAIN, file=file)
    if name.endswith((".nrrd", ".nhdr")):
        stored = _nrrd(file)
    elif name.endswith((".mha", ".mhd")):
        stored = _metaimage(file)
    else:
        return
    if stored is not None:
        _compare(stored, file)


def _compare(stored: _Stored, file: Path) -> None:
    missing = [path.name for path in stored.files if not path.is_file()]
    if missing:
        raise PassingError(
            f"the file with its voxels, '{missing[0]}', is not beside the header", "copy both files", file=file
        )
    share = stored.expected // max(len(stored.files), 1)
    for path in stored.files:
        size = path.stat().st_size
        if not stored.packing:
            found = size if stored.skip is None else size - stored.skip
            if stored.skip is None and found >= share:
                continue
            require_bytes(path, expected=share, found=max(found, 0))
        else:
            with opened(path) as stream:
                stream.seek(stored.skip or 0)
                out = decompressed(stream.read(), stored.packing)
            require_bytes(path, expected=share, found=out.size, damaged=not out.whole)


def _nrrd(file: Path) -> _Stored | None:
    """How an NRRD header says that its voxels are stored; None where it is not one, or holds text."""
    with opened(file) as stream:
        head = stream.read(_LONGEST_HEADER)
    ended = re.search(rb"\r?\n\r?\n", head)
    if not head.startswith(b"NRRD"):
        return None
    lines = head[: ended.start() if ended else len(head)].decode("latin-1").splitlines()
    fields = {name.lower(): value for name, value in _fields(lines, ": ").items()}
    encoding = fields.get("encoding", "").lower()
    if not {"space directions", "spacings"} & set(fields):
        raise CaseError(
            "the header gives no voxel size (space directions)",
            "export the image again; without the voxel size no volume and no shape is right", file=file,
        )  # fmt: skip
    packing = {"raw": "", "gz": "zlib", "gzip": "zlib", "bz2": "bzip2", "bzip2": "bzip2"}.get(encoding)
    width = _NRRD_BYTES.get(fields.get("type", "").lower())
    sizes = _whole_numbers(fields.get("sizes", ""))
    line_skip = int(fields.get("line skip", fields.get("lineskip", "0")) or 0)
    if packing is None or width is None or not sizes or line_skip:
        return None
    detached = fields.get("data file", fields.get("datafile", ""))
    if not detached and ended is None:
        return None
    byte_skip = int(fields.get("byte skip", fields.get("byteskip", "0")) or 0)
    expected = math.prod(sizes) * width
    if detached:
        files = _listed_files(file, detached, lines, "data file")
        return None if files is None else _Stored(expected, files, None if byte_skip < 0 else byte_skip, packing)
    start = ended.end() if ended else 0
    return _Stored(expected, (file,), None if byte_skip < 0 else start + byte_skip, packing)


def _metaimage(file: Path) -> _Stored | None:
    """How a MetaImage header says that its voxels are stored; None where it is not one, or holds text."""
    with opened(file) as stream:
        head = stream.read(_LONGEST_HEADER)
    ended = re.search(rb"(?m)^\s*ElementDataFile\s*=\s*([^\r\n]*)\r?\n?", head)
    if ended is None:
        return None
    lines = head[: ended.end()].decode("latin-1").splitlines()
    fields = _fields(lines, "=")
    width = _META_BYTES.get(fields.get("ElementType", "").removesuffix("_ARRAY"))
    sizes = _whole_numbers(fields.get("DimSize", ""))
    _require_sound(fields, sizes, file)
    if width is None or not sizes or fields.get("BinaryData", "True").lower().startswith("f"):
        return None
    expected = math.prod(sizes) * width * int(fields.get("ElementNumberOfChannels", "1"))
    packing = "zlib" if fields.get("CompressedData", "").lower().startswith("t") else ""
    data, skip = fields["ElementDataFile"], int(fields.get("HeaderSize", "0"))
    if data.upper() == "LOCAL":
        return _Stored(expected, (file,), ended.end(), packing)
    rest = head[ended.end() :].decode("latin-1").splitlines()
    files = _listed_files(file, data, [data, *rest], data)
    return None if files is None else _Stored(expected, files, None if skip < 0 else skip, packing)


def _require_sound(fields: Mapping[str, str], sizes: Sequence[int], file: Path) -> None:
    """Refuse a MetaImage header of which ITK would make a crash, other voxels, or a voxel size of 1 mm."""
    axes, compressed = fields.get("NDims", ""), fields.get("CompressedData", "False")
    if axes != str(len(sizes)):
        problem = f"its header gives NDims = '{axes}' and DimSize = '{fields.get('DimSize', '')}'"
    elif compressed.lower() not in ("true", "false"):
        problem = f"its header gives CompressedData = '{compressed}'"
    elif not {"ElementSpacing", "ElementSize"} & set(fields):
        raise CaseError(
            "the header gives no voxel size (ElementSpacing)",
            "export the image again; without the voxel size no volume and no shape is right", file=file,
        )  # fmt: skip
    else:
        return
    raise CaseError(f"the file cannot be read as an image: {problem}", AGAIN, file=file)


def _listed_files(file: Path, named: str, lines: Sequence[str], key: str) -> tuple[Path, ...] | None:
    """The files that a header names; None for a pattern with numbers."""
    if "%" in named:
        return None
    start = next((n for n, line in enumerate(lines) if line.lower().startswith(key.lower())), len(lines))
    return named_files(file, named, list(lines[start + 1 :]))


def _fields(lines: Sequence[str], sign: str) -> dict[str, str]:
    """Name to value of the lines that have the sign between both."""
    parts = [line.partition(sign) for line in lines]
    return {name.strip(): value.strip() for name, found, value in parts if found}


def _whole_numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()] if re.fullmatch(r"[\d\s]+", text) else []

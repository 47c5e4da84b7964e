"""Headers of NRRD and MetaImage files: how the voxels are stored, checked before ITK reads the file.

ITK crashes on some damaged headers, and fills in what others lack: a voxel size of 1 mm, an origin of 0, no rotation.

References
----------
NRRD: teem.sourceforge.net/nrrd/format.html. MetaImage: itk.org/Wiki/ITK/MetaIO/Documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from radstudy.bounds import FURTHEST_MM
from radstudy.errors import CaseError
from radstudy.formats.reading import files_inside, opened

AGAIN = "copy the file again from its source, or export it again"
_LONGEST_HEADER = 1 << 20
_MOST_AXES = 5
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
_PACKINGS = {
    "raw": "", "gz": "zlib", "gzip": "zlib", "bz2": "bzip2", "bzip2": "bzip2", "txt": "text", "text": "text",
    "ascii": "text", "hex": "text",
}  # fmt: skip
_DAMAGED_FIELD = re.compile(r"(?i)(sizes|spacings|space (directions|origin)|type|encoding|dimension)\s*:")
_LONGEST_LINE = 900  # bytes; ITK's NRRD reader ends the process when it complains of a longer one
_PLACE = ("Offset", "Position", "Origin")
_TURN = ("TransformMatrix", "Rotation", "Orientation")


@dataclass(frozen=True)
class StoredVoxels:
    """Storage of the voxels according to a header.

    Parameters
    ----------
    expected : bytes of all voxels, uncompressed; for text, the fewest characters that can hold them.
    files : the files that hold them, in equal parts.
    skip : bytes before the voxels in each file; None if the voxels are the last bytes of the file.
    packing : "", "zlib" (or gzip), "bzip2" or "text".
    voxel_bytes : bytes of all voxels in memory, if not `expected`.
    """

    expected: int
    files: tuple[Path, ...]
    skip: int | None
    packing: str = ""
    voxel_bytes: int = 0


def nrrd_stored(file: Path) -> StoredVoxels:
    """Read from an NRRD header how its voxels are stored.

    Raises
    ------
    CaseError : it is not an NRRD, is damaged, gives no voxel size or origin, or names files outside its folder.
    """
    with opened(file) as stream:
        head = stream.read(_LONGEST_HEADER)
    ended = re.search(rb"\r?\n\r?\n", head)
    if not head.startswith(b"NRRD"):
        raise _damaged("it does not begin like an NRRD file", file)
    lines = head[: ended.start() if ended else len(head)].decode("latin-1").splitlines()
    fields = _nrrd_fields(lines, file)
    packing = _PACKINGS.get(fields.get("encoding", "").lower())
    width = _NRRD_BYTES.get(fields.get("type", "").lower())
    if packing is None:
        raise _damaged(f"its header gives the encoding '{fields.get('encoding', '')}'", file)
    if width is None:
        raise _damaged(f"its header gives the type '{fields.get('type', '')}'", file)
    count = math.prod(_nrrd_sizes(fields, file))
    line_skip = _whole(fields, ("line skip", "lineskip"), file)
    byte_skip = _whole(fields, ("byte skip", "byteskip"), file)
    detached = fields.get("data file", fields.get("datafile", ""))
    if not detached and ended is None:
        raise _damaged("its header has no end", file)
    start = 0 if detached or ended is None else ended.end()
    files: tuple[Path, ...] = (file,)
    if detached:
        at = next(n for n, line in enumerate(lines) if line.lower().startswith(("data file", "datafile")))
        files = _files(file, detached, lines[at + 1 :])
    expected = count * width
    skip = None if byte_skip < 0 or line_skip else start + byte_skip
    if packing == "text":
        least = 2 * expected if fields["encoding"].lower() == "hex" else 2 * count - 1
        return StoredVoxels(least, files, start, "text", expected)
    if packing and skip is None:
        raise _damaged("its header skips lines or an unknown number of bytes before compressed voxels", file)
    return StoredVoxels(expected, files, skip, packing)


def _nrrd_fields(lines: Sequence[str], file: Path) -> dict[str, str]:
    """The fields of a header, without its key/value pairs (`:=`), which do not describe the voxels."""
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, separator, value = line.partition(": ")
        key = line.partition(":=")[0]
        free = line.startswith(("#", "content:")) or (":=" in line and len(key) <= len(name))
        if len(line) > _LONGEST_LINE and not free:
            raise _damaged(f"its header has a line of {len(line)} characters, '{line[:40]}...'", file)
        if not separator or (free and not line.startswith("content:")):
            if _DAMAGED_FIELD.match(line):
                raise _damaged(f"its header has the line '{line[:60]}'", file)
            continue
        name = name.strip().lower()
        if name in fields and fields[name] != value.strip():
            raise _damaged(f"its header gives '{name}' twice", file)
        fields[name] = value.strip()
    return fields


def _nrrd_sizes(fields: Mapping[str, str], file: Path) -> list[int]:
    """The number of voxels along each axis; voxel sizes and origin are checked first."""
    sizes = _whole_numbers(fields.get("sizes", ""))
    axes = fields.get("dimension", "")
    if axes != str(len(sizes)) or not 1 <= len(sizes) <= _MOST_AXES or min(sizes) < 1:
        raise _damaged(f"its header gives dimension '{axes}' and sizes '{fields.get('sizes', '')}'", file)
    if not {"space directions", "spacings"} & set(fields):
        raise CaseError(
            "the header gives no voxel size (space directions)",
            "export the image again; without the voxel size every volume and shape would be wrong", file=file,
        )  # fmt: skip
    directions = fields.get("space directions")
    if directions is not None:
        vectors = re.findall(r"none|\([^)]*\)", directions)
        if len(vectors) != len(sizes) or re.sub(r"none|\([^)]*\)|\s", "", directions):
            raise _damaged(f"its header gives the space directions '{directions}' for {len(sizes)} axes", file)
        if any(vector != "none" and _vector(vector) is None for vector in vectors):
            raise _damaged(f"its header gives the space directions '{directions}'", file)
        origin = fields.get("space origin")
        if origin is None:
            raise CaseError(
                "the header gives no position (space origin)",
                "export the image again; without it the position is unknown", file=file,
            )  # fmt: skip
        if _vector(origin) is None:
            raise _damaged(f"its header gives the space origin '{origin}'", file)
    return sizes


def _vector(text: str) -> list[float] | None:
    """The numbers of a text (x,y,z); None if it has another form."""
    if not (text.startswith("(") and text.endswith(")")):
        return None
    return _numbers(text[1:-1].replace(",", " "))


def metaimage_stored(file: Path) -> StoredVoxels:
    """Read from a MetaImage header how its voxels are stored.

    Raises
    ------
    CaseError : it is not a MetaImage, is damaged, gives no voxel size or origin, or names files outside its folder.
    """
    with opened(file) as stream:
        head = stream.read(_LONGEST_HEADER)
    ended = re.search(rb"(?m)^\s*ElementDataFile\s*=\s*([^\r\n]*)\r?\n?", head)
    if ended is None:
        raise _damaged("its header has no end (ElementDataFile)", file)
    lines = head[: ended.end()].decode("latin-1").splitlines()
    fields = _meta_fields(lines, file)
    sizes = _whole_numbers(fields.get("DimSize", ""))
    _require_sound(fields, sizes, file)
    kind = fields.get("ElementType", "")
    width = _META_BYTES.get(kind.removesuffix("_ARRAY"))
    if width is None:
        raise _damaged(f"its header gives ElementType = '{kind}'", file)
    channels = _whole(fields, ("ElementNumberOfChannels",), file, default=1)
    if channels < 1:
        raise _damaged(f"its header gives ElementNumberOfChannels = '{channels}'", file)
    count = math.prod(sizes) * channels
    data, skip = fields["ElementDataFile"], _whole(fields, ("HeaderSize",), file)
    if data.upper() == "LOCAL":
        files: tuple[Path, ...] = (file,)
        skip = ended.end()
    else:
        files = _files(file, data, head[ended.end() :].decode("latin-1").splitlines())
    if fields.get("BinaryData", "True").lower() == "false":
        return StoredVoxels(2 * count - 1, files, max(skip, 0), "text", count * width)
    packing = "zlib" if fields.get("CompressedData", "").lower() == "true" else ""
    return StoredVoxels(count * width, files, None if skip < 0 else skip, packing)


def _meta_fields(lines: Sequence[str], file: Path) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.partition("=")
        name = name.strip()
        if not separator:
            continue
        if name in fields and fields[name] != value.strip():
            raise _damaged(f"its header gives '{name}' twice", file)
        fields[name] = value.strip()
    return fields


def _require_sound(fields: Mapping[str, str], sizes: Sequence[int], file: Path) -> None:
    """Refuse a MetaImage header that would make ITK crash, misread voxels, or invent a voxel size or position."""
    axes = fields.get("NDims", "")
    if axes != str(len(sizes)) or not 1 <= len(sizes) <= _MOST_AXES or min(sizes) < 1:
        raise _damaged(f"its header gives NDims = '{axes}' and DimSize = '{fields.get('DimSize', '')}'", file)
    for name in ("BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData"):
        if fields.get(name, "False").lower() not in ("true", "false"):
            raise _damaged(f"its header gives {name} = '{fields[name]}'", file)
    if not {"ElementSpacing", "ElementSize"} & set(fields):
        raise CaseError(
            "the header gives no voxel size (ElementSpacing)",
            "export the image again; without the voxel size every volume and shape would be wrong", file=file,
        )  # fmt: skip
    if not set(_PLACE) & set(fields) or not set(_TURN) & set(fields):
        lacking = "Offset" if not set(_PLACE) & set(fields) else "TransformMatrix"
        raise CaseError(
            f"the header gives no position or no orientation ({lacking})",
            "export the image again; without it the position is unknown", file=file,
        )  # fmt: skip
    n = len(sizes)
    wanted = {**dict.fromkeys(("ElementSpacing", "ElementSize", *_PLACE, "CenterOfRotation"), n),
              **dict.fromkeys(_TURN, n * n)}  # fmt: skip
    for name, count in wanted.items():
        if name in fields and len(_numbers(fields[name]) or ()) != count:
            what = f"{count} numbers of at most {FURTHEST_MM:,.0f}"
            raise _damaged(f"its header gives {name} = '{fields[name]}', which is not {what}", file)
    _whole(fields, ("CompressedDataSize",), file)


def _files(file: Path, named: str, rest: Sequence[str]) -> tuple[Path, ...]:
    """The files with the voxels that a header names: at least one, none outside its folder."""
    files = files_inside(file, named, list(rest))
    if not files:
        raise _damaged(f"its header names no file with the voxels ('{named}')", file)
    return files


def _damaged(problem: str, file: Path) -> CaseError:
    return CaseError(f"the file cannot be read as an image: {problem}", AGAIN, file=file)


def _whole(fields: Mapping[str, str], names: Sequence[str], file: Path, default: int = 0) -> int:
    """A whole number of the header, by the first of these names that is present."""
    text = next((fields[name] for name in names if fields.get(name)), str(default))
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise _damaged(f"its header gives {names[0]} '{text}', which is not a whole number", file)
    return int(text)


def _numbers(text: str) -> list[float] | None:
    """The numbers of a text, or None: of a place or direction that a patient can have (ITK does not end on 1e308)."""
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        return None
    return numbers if all(abs(number) <= FURTHEST_MM for number in numbers) else None


def _whole_numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()] if re.fullmatch(r"[0-9\s]{1,200}", text) else []

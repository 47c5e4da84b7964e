"""Reading the bytes of images and masks, hashed as they are read, so that keys belong to the bytes that were used.

Inside `recorded`, every file of an image is read once, its bytes are hashed, and the format readers take them from
memory; ITK, which reads only paths, gets a copy of those bytes. A file that is swapped between two reads has two hashes
and is detected.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

from radstudy.errors import CaseError, TransientError, unreadable
from radstudy.store import bytes_hash, content_hash, file_hash, temporary_files

_LONGEST_HEADER = 1 << 20
_LONGEST_PATH = 500
_META_DATA = re.compile(rb"(?m)^\s*ElementDataFile\s*=\s*([^\r\n]*)\r?\n?")
_NRRD_DATA = re.compile(rb"(?mi)^data ?file:[ \t]*([^\r\n]*)\r?\n?")
_PATTERN = re.compile(
    r"(?P<name>[^%]*%0?\d*d[^%]*?)\s+(?P<first>-?\d+)\s+(?P<last>-?\d+)(?:\s+(?P<step>-?\d+))?(?:\s+\d+)?"
)
_MOST_NAMED = 100_000

Stamp = tuple[int, int, int, int]


@dataclass
class Reading:
    """Record of the files read inside `recorded`.

    Parameters
    ----------
    digests : hash of the bytes of each file that was read completely.
    stamps : identity and state of each file that was opened; see `stamp`.
    changed : whether a file had changed when it was read again.
    """

    digests: dict[Path, str] = field(default_factory=dict)
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    changed: bool = False

    def is_of(self, digests: Mapping[Path, str]) -> bool:
        """True if these files were read with these hashes; other files, such as a program's own, do not count.

        The hash of a header also covers the names of its data files.
        """
        return all(digests.get(file, digest) == digest for file, digest in self.digests.items())


_READING: ContextVar[Reading | None] = ContextVar("reading", default=None)
_HELD: ContextVar[dict[Path, bytes] | None] = ContextVar("held", default=None)


@contextmanager
def recorded() -> Iterator[Reading]:
    """Record the hashes of all image and mask files that are read inside the block."""
    reading = Reading()
    token = _READING.set(reading)
    try:
        yield reading
    finally:
        _READING.reset(token)


def is_recorded() -> bool:
    """True if reading is being recorded, so that no library may read a file by itself."""
    return _READING.get() is not None


@contextmanager
def held() -> Iterator[None]:
    """Keep in memory what is read inside, so that header and voxels come from the same bytes; only while recording."""
    if _READING.get() is None or _HELD.get() is not None:
        yield
        return
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def content_of(file: Path) -> bytes:
    """Read all bytes of a file.

    Raises
    ------
    TransientError : it cannot be read now, or changes while it is being read.
    CaseError : it cannot be read, now or later.
    """
    holding, reading = _HELD.get(), _READING.get()
    if holding is not None and file in holding:
        return holding[file]
    try:
        with file.open("rb") as stream:
            _stamped(file, stream)
            content = stream.read()
    except OSError as error:
        raise unreadable(error, file) from error
    if reading is not None:
        digest = bytes_hash(content)
        if reading.digests.setdefault(file, digest) != digest:
            reading.changed = True
            raise changed(file)
    if holding is not None:
        holding[file] = content
    return content


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, from memory if it is held there, else from the disk.

    Raises
    ------
    TransientError : it cannot be read now, or changes while it is being read.
    CaseError : it cannot be read, now or later.
    """
    if _HELD.get() is not None:
        yield io.BytesIO(content_of(file))
        return
    try:
        with file.open("rb") as stream:
            _stamped(file, stream)
            yield stream
    except OSError as error:
        if error.errno is None:  # raised by a decompressor
            raise
        raise unreadable(error, file) from error


def stamp(status: os.stat_result) -> Stamp:
    """Identity and state of a file: inode, size, times of modification and of status change."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _stamped(file: Path, stream: BinaryIO) -> None:
    """Record the stamp of the file that is open, not of the one that now has its name."""
    if (reading := _READING.get()) is None:
        return
    own = stamp(os.fstat(stream.fileno()))
    if reading.stamps.setdefault(file, own) != own:
        reading.changed = True
        raise changed(file)


def changed(file: Path) -> TransientError:
    """Error for a file that had changed when it was read again."""
    return TransientError(
        "the file changed while the study was reading it",
        "wait until it has been saved or copied, then run the same command again",
        file=file,
    )


@contextmanager
def for_native_readers(file: Path) -> Iterator[Path]:
    """Yield a path under which ITK finds the recorded bytes: the file's own if nothing is recorded and it is not long.

    Raises
    ------
    CaseError : a file that the header names is missing, or lies outside the header's folder.
    StorageError : there is no room for the copy.
    """
    if _READING.get() is None and not has_long_path(file):
        yield file
        return
    with temporary_files():
        place = tempfile.TemporaryDirectory(prefix="radstudy-")
    with held(), place as folder:
        for part in files_of(file):
            target = Path(folder) / part.relative_to(file.parent)
            content = content_of(part)
            with temporary_files():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        yield Path(folder) / file.name


def has_long_path(file: Path) -> bool:
    """True if the path is too long for ITK, whose complaint about a header would end the process."""
    return len(os.fsencode(file)) > _LONGEST_PATH


def files_of(file: Path) -> tuple[Path, ...]:
    """List all files of an image or mask, itself first: NIfTI pairs, detached data of NRRD and MetaImage.

    Raises
    ------
    CaseError : it cannot be read; a TransientError if another run may succeed.
    """
    name = file.name.lower()
    if name.endswith((".hdr", ".img", ".hdr.gz", ".img.gz")):
        beside = partner(file, "img" if ".hdr" in name[-7:] else "hdr")
        return (file,) if beside is None else (file, beside)
    if not name.endswith((".nrrd", ".nhdr", ".mha", ".mhd")):
        return (file,)
    with opened(file) as stream:
        head = stream.read(_LONGEST_HEADER)
    if name.endswith((".nrrd", ".nhdr")):
        ended = re.search(rb"\r?\n\r?\n", head)
        named = _NRRD_DATA.search(head, 0, ended.start() + 2 if ended else len(head))
    else:
        named = _META_DATA.search(head)
    if named is None:
        return (file,)
    text = named.group(1).decode("latin-1").strip()
    return (file, *files_inside(file, text, head[named.end() :].decode("latin-1").splitlines()))


def files_inside(header: Path, text: str, rest: list[str]) -> tuple[Path, ...]:
    """List the files that a header names (see `named_files`), all of which must lie in its folder.

    Raises
    ------
    CaseError : one of them lies elsewhere: absolute, through .., on a share, or behind a link.
    """
    files = named_files(header, text, rest)
    folder = header.parent.resolve()
    for path in files:
        beside = path.is_relative_to(header.parent)
        name = os.fspath(path.relative_to(header.parent) if beside else path)
        parts = PureWindowsPath(name)  # it accepts the separators of every system
        outside = not beside or bool(parts.drive or parts.root) or ".." in parts.parts or "\0" in name
        if outside or not path.resolve().is_relative_to(folder):
            raise CaseError(
                f"the header names a file outside its folder: '{name}'",
                "put the file with the voxels next to the header, and only its name into the header",
                file=header,
            )
    return files


def named_files(header: Path, text: str, rest: list[str]) -> tuple[Path, ...]:
    """List the files that a header names: none (LOCAL), one, a list that follows, or a numbered pattern.

    Parameters
    ----------
    header : the file with the header.
    text : the header's value that names them.
    rest : the header's lines after that value.
    """
    if text.upper() == "LOCAL" or not text:
        return ()
    if text.upper().startswith("LIST"):
        return tuple(header.parent / line.strip() for line in rest[:_MOST_NAMED] if line.strip())
    if (match := _PATTERN.fullmatch(text)) is not None:
        first, last, step = (int(match[name] or 1) for name in ("first", "last", "step"))
        numbers = range(first, last + (1 if step > 0 else -1), step or 1)
        return tuple(header.parent / (match["name"] % number) for number in numbers[:_MOST_NAMED])
    return (header.parent / text,)


def partner(file: Path, kind: str) -> Path | None:
    """Find the other file of a NIfTI pair: the same name ending in .hdr or .img, compressed or not."""
    name = file.name[:-3] if file.name.lower().endswith(".gz") else file.name
    stem = name[:-4]
    candidates = (
        file.with_name(f"{stem}.{ending}{packed}") for ending in (kind, kind.upper()) for packed in ("", ".gz")
    )
    return next((path for path in candidates if path.is_file()), None)


def digests_of(file: Path, parts: Callable[[Path], tuple[Path, ...]] = files_of) -> dict[Path, str]:
    """Hash each file of an image or mask; a file that cannot be read is given the reason in place of a hash.

    This way a file that could not be read is tried again once it can be.

    Parameters
    ----------
    file : an image; or a mask, with `radstudy.imaging.masks.formats.files_of_mask` as its `parts`.
    parts : lists all its files.
    """
    try:
        return {part: _digest(part) for part in parts(file)}
    except CaseError as error:
        return {file: f"cannot be read: {error.problem}"}


def _digest(file: Path) -> str:
    try:
        return file_hash(file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def hash_of(digests: Mapping[Path, str]) -> str:
    """Combine the hashes of all files of an image into one; a single file keeps its own."""
    hashes = list(digests.values())
    return hashes[0] if len(hashes) == 1 else content_hash(hashes)

"""The bytes of a study's images and masks: hashed while they are read, so that a key is of what was computed with.

Inside `recorded` every file of an image is read once, its bytes are hashed, and the readers of the formats take them
from memory; ITK, which reads paths alone, gets a copy of those bytes. A file that is swapped between two looks at it
has two hashes, and is found out.
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
    """What was read inside `recorded`.

    Parameters
    ----------
    digests : file to the hash of its bytes, of those that were read whole.
    stamps : file to what tells that it is the same one, unchanged, of all that were opened; see `stamp`.
    changed : whether one of them was another one at the second look.
    """

    digests: dict[Path, str] = field(default_factory=dict)
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    changed: bool = False

    def is_of(self, digests: Mapping[Path, str]) -> bool:
        """Whether what was read of these files has these hashes; other files, such as a program's own, do not count.

        A header's bytes tell which files it names, so that one of those which is not listed shows in the header.
        """
        return all(digests.get(file, digest) == digest for file, digest in self.digests.items())


_READING: ContextVar[Reading | None] = ContextVar("reading", default=None)
_HELD: ContextVar[dict[Path, bytes] | None] = ContextVar("held", default=None)


@contextmanager
def recorded() -> Iterator[Reading]:
    """Record the hashes of all files of images and masks that are read inside."""
    reading = Reading()
    token = _READING.set(reading)
    try:
        yield reading
    finally:
        _READING.reset(token)


def is_recorded() -> bool:
    """Whether what is read now is recorded, so that no library may read the file by itself."""
    return _READING.get() is not None


@contextmanager
def held() -> Iterator[None]:
    """Hold what is read inside, so that header and voxels are of the same bytes; only where it is recorded."""
    if _READING.get() is None or _HELD.get() is not None:
        yield
        return
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def content_of(file: Path) -> bytes:
    """All bytes of a file.

    Raises
    ------
    TransientError : it cannot be read now, or changes while it is read.
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
    """A file, open for reading: from what is held of it, else from the disk.

    Raises
    ------
    TransientError : it cannot be read now, or changes while it is read.
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
        if error.errno is None:  # of a decompressor
            raise
        raise unreadable(error, file) from error


def stamp(found: os.stat_result) -> Stamp:
    """What tells a file from another one, and from itself as it was: number on the disk, size, times of change."""
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stamped(file: Path, stream: BinaryIO) -> None:
    """Record the stamp of the very file that is open, not of what has its name."""
    if (reading := _READING.get()) is None:
        return
    own = stamp(os.fstat(stream.fileno()))
    if reading.stamps.setdefault(file, own) != own:
        reading.changed = True
        raise changed(file)


def changed(file: Path) -> TransientError:
    """The error of a file that is another one at the second look."""
    return TransientError(
        "the file changed while the study was reading it",
        "wait until it is saved or copied, then give the same command again",
        file=file,
    )


@contextmanager
def for_native_readers(file: Path) -> Iterator[Path]:
    """A path under which ITK finds the bytes that are recorded: the file's own where nothing is, unless it is long.

    Raises
    ------
    CaseError : a file that the header names is not there, or lies outside the header's folder.
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
    """Whether ITK should not be given the path: where it complains of a header, a long one ends the process."""
    return len(os.fsencode(file)) > _LONGEST_PATH


def files_of(file: Path) -> tuple[Path, ...]:
    """All files that an image or mask consists of, itself first: pairs of NIfTI, detached data of NRRD and MetaImage.

    Raises
    ------
    CaseError : it cannot be read; a TransientError where another run may.
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
    """The files that a header names, see `named_files`; none of them outside its folder.

    Raises
    ------
    CaseError : one of them lies elsewhere: absolute, through .., on a share, or behind a link.
    """
    files = named_files(header, text, rest)
    folder = header.parent.resolve()
    for path in files:
        beside = path.is_relative_to(header.parent)
        name = os.fspath(path.relative_to(header.parent) if beside else path)
        parts = PureWindowsPath(name)  # which knows the separators of every system
        outside = not beside or bool(parts.drive or parts.root) or ".." in parts.parts or "\0" in name
        if outside or not path.resolve().is_relative_to(folder):
            raise CaseError(
                f"the header names a file outside its folder: '{name}'",
                "put the file with the voxels beside the header, and its bare name into it",
                file=header,
            )
    return files


def named_files(header: Path, text: str, rest: list[str]) -> tuple[Path, ...]:
    """The files that a header names: none (LOCAL), one, a list that follows, or a pattern with numbers.

    Parameters
    ----------
    header : the file with the header.
    text : as it names them.
    rest : the header's lines after that.
    """
    if text.upper() == "LOCAL" or not text:
        return ()
    if text.upper().startswith("LIST"):
        return tuple(header.parent / line.strip() for line in rest[:_MOST_NAMED] if line.strip())
    if (found := _PATTERN.fullmatch(text)) is not None:
        first, last, step = (int(found[name] or 1) for name in ("first", "last", "step"))
        numbers = range(first, last + (1 if step > 0 else -1), step or 1)
        return tuple(header.parent / (found["name"] % number) for number in numbers[:_MOST_NAMED])
    return (header.parent / text,)


def partner(file: Path, kind: str) -> Path | None:
    """The other file of a NIfTI pair: the same name ending in .hdr or .img, compressed or not."""
    name = file.name[:-3] if file.name.lower().endswith(".gz") else file.name
    stem = name[:-4]
    found = (file.with_name(f"{stem}.{ending}{packed}") for ending in (kind, kind.upper()) for packed in ("", ".gz"))
    return next((path for path in found if path.is_file()), None)


def digests_of(file: Path, parts: Callable[[Path], tuple[Path, ...]] = files_of) -> dict[Path, str]:
    """The hash of each file that an image or mask consists of; of one that cannot be read the reason.

    So a file that cannot be read is tried again once it can.

    Parameters
    ----------
    file : an image; or a mask, with `radstudy.imaging.masks.formats.files_of_mask` as its `parts`.
    parts : gives all files that it consists of.
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
    """One hash of all files of an image; of a single file its own."""
    found = list(digests.values())
    return found[0] if len(found) == 1 else content_hash(found)

"""Receives the files and fields of a request block by block, into a private folder, within the limits.

Nothing of a request is in memory but the block that is being read. A file lies in a folder of its own, so that no
header can name another one's data; its name keeps only the sender's letters, and its ending is that of its content.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir, mkdtemp
from typing import IO, TYPE_CHECKING

from filelock import FileLock, Timeout
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from radstudy.app.prediction.answers import NotJsonError, OtherTypeError, TimeoutRequestError, TooLargeError
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.web.needs import IncompleteError, RequestError
from radstudy.store import storing, temporary_files

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_FIELDS = ("image", "mask", "reference")
_ROOT, _LOCK = "radstudy-serve-", ".lock"
_HEAD = 352  # bytes that tell the type of a file
_LONGEST_NAME = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_TYPES = "NIfTI (.nii, .nii.gz), NRRD (.nrrd) or MetaImage (.mha)"


@dataclass(frozen=True)
class ReceivedForm:
    """The content of a request.

    Parameters
    ----------
    files : name of the field, such as image:DWI, to the file.
    fields : name to text.
    """

    files: dict[str, Path] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


@contextmanager
def upload_root() -> Iterator[Path]:
    """Yield the folder of this server's uploads, for its owner alone; those of servers that were killed are removed.

    Raises
    ------
    StorageError : the folder for temporary files cannot be written to.
    """
    _remove_left(Path(gettempdir()))
    with temporary_files():
        root = Path(mkdtemp(prefix=_ROOT))
    lock = FileLock(str(root / _LOCK), timeout=0)
    try:
        with temporary_files():
            lock.acquire()
        yield root
    finally:
        lock.release()
        shutil.rmtree(root, ignore_errors=True)


def _remove_left(temporary: Path) -> None:
    """Remove the folders of servers that have ended: the system has released their locks."""
    for root in temporary.glob(f"{_ROOT}*"):
        with suppress(OSError, Timeout):
            lock = root / _LOCK
            if not root.is_symlink() and _is_own(root) and lock.is_file() and not lock.is_symlink():
                with FileLock(str(lock), timeout=0):
                    pass
                shutil.rmtree(root, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """True if the folder is this user's; on Windows the folder for temporary files is a user's own."""
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


@contextmanager
def upload_folder(root: Path) -> Iterator[Path]:
    """Yield a folder for the files of one request; it is removed in any case."""
    with storing(root), TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def receive(request: Request, folder: Path, limits: ServiceLimits) -> ReceivedForm:
    """The files and fields of a request.

    Parameters
    ----------
    request : multipart/form-data.
    folder : for the files.
    limits : beyond which it is refused; the rest is received and thrown away, as far as they allow.

    Raises
    ------
    RequestError : it is not multipart/form-data, ends too early, is too large or too slow, or has a part that is
        not used here.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data":
        await drain(request, limits)
        raise OtherTypeError("send the files as multipart/form-data")
    if not boundary:
        await drain(request, limits)
        raise NotJsonError("the header Content-Type has no boundary: let your program's library write it")
    form = _Form(folder, limits)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async with asyncio.timeout(limits.upload_s):
            async for block in _blocks(request, limits):
                _parse(parser, block, form)
    except TimeoutError:
        raise TimeoutRequestError(f"the request did not arrive within {limits.upload_s:g} s: send it again") from None
    except FormParserError:
        raise NotJsonError("the header Content-Type has no usable boundary") from None
    finally:
        form.close()
    return form.received()


def _parse(parser: MultipartParser, block: bytes, form: _Form) -> None:
    """Read one block; after the first problem the rest is only counted."""
    if form.problem is not None:
        form.discard(len(block))
        return
    try:
        parser.write(block)
    except FormParserError:
        form.problem = NotJsonError("the body is not multipart/form-data: let your program's library write it")
    except RequestError as error:
        form.problem = error


async def _blocks(request: Request, limits: ServiceLimits) -> AsyncIterator[bytes]:
    """The body, up to the limit of the whole request."""
    size, most = 0, limits.request_bytes
    if (announced := request.headers.get("content-length", "")).isdecimal() and int(announced) > most:
        await drain(request, limits)
        raise _too_large(most, "the request")
    async for block in request.stream():
        size += len(block)
        if size > most:
            await drain(request, limits)
            raise _too_large(most, "the request")
        yield block


async def drain(request: Request, limits: ServiceLimits) -> None:
    """Receive the rest of a refused request and throw it away: a browser listens only when it has sent all."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(min(limits.upload_s, 20.0)):
            async for block in request.stream():
                size += len(block)
                if size > limits.discarded_bytes:
                    return


def _too_large(most: int, what: str) -> TooLargeError:
    return TooLargeError(
        f"{what} is larger than {most / 1e6:g} MB, the most that this server takes: crop the image or compress it (.gz)"
    )


class _Form:
    """The parts of a request, as the parser meets them."""

    def __init__(self, folder: Path, limits: ServiceLimits) -> None:
        self._folder, self._limits = folder, limits
        self._received = ReceivedForm()
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text: bytearray | None = None
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._size = self._discarded = 0
        self._ended = False
        self.problem: RequestError | None = None

    def callbacks(self) -> MultipartCallbacks:
        """For the parser."""
        return {
            "on_part_begin": self._begin, "on_header_field": self._header_field, "on_header_value": self._header_value,
            "on_header_end": self._header_end, "on_headers_finished": self._part, "on_part_data": self._data,
            "on_part_end": self._end, "on_end": self._finish,
        }  # fmt: skip

    def received(self) -> ReceivedForm:
        """The content, once all has come.

        Raises
        ------
        RequestError : there was a problem with a part.
        """
        if self.problem is not None:
            raise self.problem
        if not self._ended:
            raise NotJsonError("the request ends too early: send it again")
        return self._received

    def discard(self, size: int) -> None:
        """Count what is thrown away.

        Raises
        ------
        RequestError : the first problem, once so much has come after it that nobody waits for more.
        """
        self._discarded += size
        if self._discarded > self._limits.discarded_bytes and self.problem is not None:
            raise self.problem

    def close(self) -> None:
        """Close the file that is being written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._headers, self._header, self._value = {}, b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        self._name = _text_of(options.get(b"name", b""))
        if not self._name or len(self._name) > 200 or not self._name.isprintable():
            raise NotJsonError("a part of the request has no usable name")
        if self._name in self._received.files or self._name in self._received.fields:
            raise IncompleteError(f"{self._name} is given twice: send it once")
        self._size = 0
        kind = self._name.partition(":")[0]
        if b"filename" in options:
            self._open(kind, _text_of(options[b"filename"]))
        elif kind in FILE_FIELDS:
            raise IncompleteError(f"{self._name} is a file: send it with a file name")
        elif len(self._received.fields) >= self._limits.fields:
            raise TooLargeError(f"the request has more than {self._limits.fields} fields")
        else:
            self._text = bytearray()

    def _open(self, kind: str, filename: str) -> None:
        if kind not in FILE_FIELDS:
            raise IncompleteError(f"{self._name} is not a file: files are image:SEQUENCE, mask:SEQUENCE, "
                                  "reference:SEQUENCE")  # fmt: skip
        number = len(self._received.files)
        if number >= self._limits.files:
            raise TooLargeError(f"the request has more than {self._limits.files} files")
        place = self._folder / str(number)
        with storing(self._folder):
            place.mkdir(mode=0o700)
            self._path = place / _safe_stem(filename)
            self._file = self._path.open("xb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._file is not None:
            if self._size > self._limits.file_bytes:
                raise _too_large(self._limits.file_bytes, self._name)
            with storing(self._folder):
                self._file.write(memoryview(data)[start:end])
        elif self._text is not None:
            if self._size > self._limits.field_bytes:
                raise TooLargeError(f"{self._name} is longer than {self._limits.field_bytes} characters")
            self._text += data[start:end]

    def _end(self) -> None:
        if self._file is not None:
            with storing(self._folder):
                self._file.close()
            self._file = None
            self._received.files[self._name] = _named_by_content(self._path, self._name)
        elif self._text is not None:
            self._received.fields[self._name] = _text_of(bytes(self._text))
            self._text = None

    def _finish(self) -> None:
        self._ended = True


def _text_of(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJsonError("a name or a value is not UTF-8") from None


def _safe_stem(filename: str) -> str:
    r"""The sender's name of a file, without its folder and ending, in letters that every system allows.

    The name stays because a wrong sequence can be told by it.

    Examples
    --------
    >>> _safe_stem("C:\\scans\\DCE 3.nii.gz"), _safe_stem("../../etc/passwd")
    ('file-DCE_3', 'file-passwd')
    """
    name = re.split(r"[/\\]", filename)[-1]
    stem = re.sub(r"(?i)(\.nii|\.nrrd|\.mha|\.dcm)?(\.gz)?$", "", name, count=1)
    return f"file-{_UNSAFE.sub('_', stem)[:_LONGEST_NAME].strip('._')}"


def _named_by_content(path: Path, name: str) -> Path:
    """Give a file the ending of its content.

    Raises
    ------
    OtherTypeError : it is none of the types that are read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    ending = _ending(head, mask=not name.startswith("image:"))
    if not ending:
        more = ", or as DICOM SEG or RTSTRUCT (.dcm)" if not name.startswith("image:") else ""
        raise OtherTypeError(f"{name} is not an image file of a type that is read: send it as {_TYPES}{more}")
    named = path.with_name(path.name + ending)
    with storing(path.parent):
        path.rename(named)
    return named


def _ending(head: bytes, *, mask: bool) -> str:
    """The ending of a file by its first bytes; "" for a type that is not read.

    References
    ----------
    NIfTI-1.1 and NIfTI-2: sizeof_hdr is 348 or 540, in either order of bytes. RFC 1952 2.3.1 (gzip). DICOM PS3.10 7.1.
    """
    sizes = {(size).to_bytes(4, order) for size in (348, 540) for order in ("little", "big")}
    if head[:2] == b"\x1f\x8b":
        return ".nii.gz"
    if head[:4] in sizes:
        return ".nii"
    if head[:4] == b"NRRD":
        return ".nrrd"
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", head):
        return ".mha"
    return ".dcm" if mask and head[128:132] == b"DICM" else ""

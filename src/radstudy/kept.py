"""Records that a later run trusts: written with a key of their inputs and a checksum, verified when read.

A record that is cut off, zero-filled or has one bit flipped is discarded, with a line in the log, and computed again. A
record of an earlier version has no checksum: it is used if it can be read.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy.errors import DataError
from radstudy.store import file_hash, plain, write_bytes, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

MADE = "made"  # in a record: the files that belong to it, by their paths from the step's folder, with their hashes
TRANSIENT = "passing"  # in a record: its transient errors, under the name used by earlier versions
_LOG = logging.getLogger(__name__)
_CHECKED = re.compile(r'\A\{\s*"checksum": "([0-9a-f]{32})",')
_UNCHECKED = re.compile(r'\A\{\s*"key": ')  # the beginning of a record of an earlier version
_END, _ENDS = 22, b"PK\x05\x06"  # bytes of a ZIP's end record without comment, and its beginning
_MARK = b"blake2b "  # before the checksum in a ZIP's comment


class DamagedRecordError(DataError):
    """A kept record that differs from what was written."""


def keep(
    path: Path, key: str, record: Mapping[str, Any], *, compact: bool = False, private: bool = False
) -> dict[str, Any]:
    """Write the record of one piece of work, with its checksum and the key of its inputs; see `kept`.

    Parameters
    ----------
    path : JSON file to write.
    key : hash of everything that the record depends on.
    record : plain content; if it has `MADE`, those files are verified together with the record.
    compact : write it without line breaks, several times faster.
    private : True to let only the owner read it, see `radstudy.store.written_whole`.

    Returns
    -------
    The record with its key.
    """
    whole = {"key": key, **record}
    body = json.dumps(plain(whole), indent=None if compact else 1, ensure_ascii=False, allow_nan=False) + "\n"
    begin = "{" if compact else "{\n "
    write_text(
        path, f'{begin}"checksum": "{_checksum(body.encode())}",{" " if compact else ""}{body[1:]}', private=private
    )
    return whole


def kept(path: Path, key: str, *, folder: Path | None = None) -> dict[str, Any] | None:
    """The record that `keep` wrote under this key; None if it must be computed (again).

    Parameters
    ----------
    path : JSON file.
    key : hash of everything that the record depends on.
    folder : that the paths under `MADE` start from; None: these files are not checked.

    Returns
    -------
    The record. None if it does not exist, has another key, or is damaged, or if a file that belongs to it is missing or
    differs from what was written.
    """
    if not path.exists():
        return None
    try:
        record = read_kept(path)
    except DamagedRecordError as error:
        _LOG.warning("%s; its content is computed again", error)
        return None
    if record.get("key") != key:
        return None
    for name, content in record.get(MADE, {}).items() if folder is not None else ():
        if (problem := _other_than(folder / name, content)) is not None:
            _LOG.warning("%s %s; it is written again", folder / name, problem)
            return None
    return record


def read_kept(path: Path) -> dict[str, Any]:
    """A record that `keep` wrote, with any key.

    Raises
    ------
    DamagedRecordError : it differs from what was written.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        checked = _CHECKED.match(text)
        record = json.loads(text)
    except (OSError, ValueError) as error:
        raise DamagedRecordError(f"the kept record {path} cannot be read ({type(error).__name__})") from error
    if not isinstance(record, dict):
        raise DamagedRecordError(f"the kept record {path} is not a record")
    if checked is not None:
        body = "{" + text[checked.end() :].removeprefix(" ")
        if _checksum(body.encode()) != record.pop("checksum"):
            raise DamagedRecordError(f"the kept record {path} is damaged: its checksum does not fit")
    elif not _UNCHECKED.match(text):
        raise DamagedRecordError(f"the kept record {path} is damaged: it does not begin like one")
    return record


def _other_than(file: Path, content: str) -> str | None:
    """The problem with a file that belongs to a record; None if it is as it was written."""
    try:
        return None if file_hash(file) == content else "is not as it was written"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def keep_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named NumPy arrays as compressed NPZ, atomically, with a checksum in the ZIP's comment."""
    import numpy as np

    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays)
    content = memory.getvalue()
    comment = _MARK + _checksum(content).encode()
    write_bytes(path, content[:-2] + len(comment).to_bytes(2, "little") + comment)


def kept_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays that `keep_arrays` wrote; None if they do not exist or are damaged."""
    import zlib
    from zipfile import BadZipFile

    import numpy as np

    if not path.is_file():
        return None
    try:
        content = _verified(path.read_bytes())
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        NotImplementedError,
        BadZipFile,
        zlib.error,
    ) as error:
        _LOG.warning("the kept results %s are damaged (%s); they are computed again", path, error)
        return None


def _verified(content: bytes) -> bytes:
    """The NPZ without its checksum, which must match; an NPZ of an earlier version has none."""
    length = len(_MARK) + 32
    body, comment = content[:-length], content[-length:]
    if not comment.startswith(_MARK):
        if not content[-_END:].startswith(_ENDS):
            raise ValueError("it does not end as it was written")
        return content
    plain_body = body[:-2] + bytes(2)
    fits = body[-2:] == length.to_bytes(2, "little")
    if not fits or _checksum(plain_body) != comment.removeprefix(_MARK).decode("latin-1"):
        raise ValueError("the checksum does not fit")
    return plain_body

"""Atomic writing of files, radstudy's form of tables and JSON, and hashes of content."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import itertools
import json
import math
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy.cells import guarded, unguarded
from radstudy.errors import StorageError, UsageError

if TYPE_CHECKING:
    import pandas as pd

_OWNER_ALONE, _AS_ASKED = 0o600, 0o666  # modes of files; the umask is applied to the second
_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # between tries to replace a file that a program has open
_LONG_PATH = 240  # characters: with a part's name the system's limit of 260 is near
PART = ".part-"  # prefix of a folder in which a file is written


# --- writing ---------------------------------------------------------------------------------------------------


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file whole or not at all, even if the computer stops half-way.

    The content is read back before the file gets its name.

    Parameters
    ----------
    path, private : see `written_whole`.
    content : of the file.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be created or written to.
    """
    with written_whole(path, private=private) as part:
        mode = _OWNER_ALONE if private else _AS_ASKED
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
        if not _holds(part, content):
            raise StorageError(
                path,
                f"{part.stat().st_size} bytes of {len(content)} were written, or wrong ones (is the disk full?)",
            )


@contextmanager
def written_whole(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path for a file, next to its final one; only a complete file gets the final name.

    The path is in its own folder, so that a format of two files (.mhd with its .raw) finds both under their names. The
    writer checks what was written, and raises an error if it is incomplete: then nothing appears. A file that appears
    is on the disk, with its name.

    A new file has the permissions that the user's umask leaves, as with any program; a replaced file keeps its own.

    Parameters
    ----------
    path : the file's final name; an existing file stays until the new one is complete.
    private : True to let only the owner read the file (mode 0600) and enter the folders created for it (0700).

    Yields
    ------
    The path to write to; it has the name of `path`.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be created or written to.
    """
    with storing(path):
        created = make_folders(path.parent, private=private)
        room = _room(path.parent, private=private)
        try:
            yield room / path.name
            parts = sorted(
                room.iterdir(), key=lambda part: part.name == path.name
            )  # the header, which names the others, last
            for part in parts:
                with part.open("r+b") as file:
                    os.fsync(file.fileno())
                _permit(part, path.with_name(part.name), private=private)
            for part in parts:
                take_name(part, path.with_name(part.name))
            for folder in (path.parent, *(folder.parent for folder in reversed(created))):
                _keep_names(folder)
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _room(folder: Path, *, private: bool) -> Path:
    """A new folder for parts: mode 0700, so that no one else sees their content.

    On Windows a file keeps the access list of the folder in which it was created: there the room of a file that others
    may read takes the list of its own folder (recent Pythons would give it to the owner alone).
    """
    if os.name == "posix" or private:
        return Path(tempfile.mkdtemp(prefix=PART, dir=folder))
    room = folder / f"{PART}{secrets.token_hex(6)}"
    room.mkdir()
    return room


def take_name(part: Path, final: Path) -> None:
    """Give a finished file its final name, in place of the former file.

    On Windows a file that a program has open cannot be replaced: a virus scanner closes it in a moment, Excel does not.

    Raises
    ------
    OSError : it cannot be replaced; on Windows after some tries.
    """
    for wait_s in (*_WAITS_S, None):
        try:
            part.replace(final)
            return
        except PermissionError as error:
            if os.name == "posix":
                raise
            if wait_s is None:
                reason = f"{error.strerror} (if another program has {final.name} open, such as Excel, close it there)"
                raise PermissionError(error.errno, reason, str(final)) from error
            time.sleep(wait_s)


def ignores_case(folder: Path) -> bool:
    """True if capitals make no difference between names in a folder: usual on Windows and macOS, and on their shares.

    Parameters
    ----------
    folder : it exists, and can be written to.
    """
    with storing(folder):
        probe = Path(tempfile.mkdtemp(prefix=f"{PART}aA-", dir=folder))
        try:
            return probe.with_name(probe.name.swapcase()).exists()
        finally:
            probe.rmdir()


def make_folders(folder: Path, *, private: bool = False) -> list[Path]:
    """Create a folder and its missing parents; return the created folders, the outermost first.

    `private` folders are never open to others, not even for an instant.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700 if private else 0o777, exist_ok=True)  # another process may have created it meanwhile
    return missing[::-1]


def _holds(file: Path, content: bytes) -> bool:
    """True if a file holds exactly these bytes."""
    whole, step = memoryview(content), 1 << 20
    with file.open("rb") as opened:
        blocks = (whole[start : start + step] for start in range(0, len(whole), step))
        return all(opened.read(len(block)) == block for block in blocks) and not opened.read(1)


def _permit(part: Path, final: Path, *, private: bool) -> None:
    """Set the permissions of a file before it gets its final name."""
    present = stat.S_IMODE(part.stat().st_mode)
    wanted = _OWNER_ALONE if private else stat.S_IMODE(final.stat().st_mode) if final.is_file() else present
    if wanted != present:
        with suppress(PermissionError, NotImplementedError):  # a file system without permissions (FAT, some shares)
            part.chmod(wanted)


def _keep_names(folder: Path) -> None:
    """Wait until a folder's list of names is on the disk; Windows and some network shares do not support this."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise


def remove_parts(folder: Path, *, untouched_s: float = 3600.0) -> None:
    """Remove what `written_whole` left below a folder when its program was killed.

    Parameters
    ----------
    folder : searched with its subfolders; it need not exist.
    untouched_s : parts younger than this stay: another program may be writing them.
    """
    for part in folder.rglob(f"{PART}*"):
        try:
            old = time.time() - part.stat().st_mtime > untouched_s
        except OSError:  # finished meanwhile, and gone
            continue
        if old and part.is_dir():
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def storing(path: Path | str) -> Iterator[None]:
    """Turn the system's error of a full disk or a closed folder into one with the file or folder and the remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(path, _reason(error, path)) from error


def _reason(error: OSError, path: Path | str) -> str:
    """The system's words; on Windows with what it does not say of a path that is too long."""
    reason = error.strerror or str(error)
    length = len(str(Path(path).absolute())) if isinstance(path, Path) else 0
    if os.name == "posix" or length < _LONG_PATH:
        return reason
    return (
        f"{reason} (the path has {length} characters; unless long paths are switched on, Windows takes 260: choose a "
        "folder nearer to the drive's root)"
    )


@contextmanager
def temporary_folder(beside: Path | None = None) -> Iterator[str]:
    """Yield a folder for a file that one library writes and another reads; open to its owner only, removed afterwards.

    Parameters
    ----------
    beside : a file in whose folder it is to lie, for a program that may not read the system's temporary files.

    Raises
    ------
    StorageError : see `temporary_files`.
    """
    place = temporary_files() if beside is None else storing(beside.parent)
    parent = None if beside is None else beside.parent
    with place, tempfile.TemporaryDirectory(prefix="radstudy-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield folder


def temporary_files() -> AbstractContextManager[None]:
    """Report the system's errors as a full or closed place for temporary files, not as a fault of the case at hand.

    Raises
    ------
    StorageError : there was such an error.
    """
    return storing("the folder for temporary files (TMPDIR)")


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write UTF-8 text atomically, with the line ends as they are; `private` as in `written_whole`."""
    write_bytes(path, text.encode("utf-8"), private=private)


def write_new(*contents: tuple[Path, bytes]) -> None:
    """Write files that belong together, none of which may exist; the last one makes them complete.

    A command that was ended between two of them goes on: an earlier file with exactly the content counts as written.

    Parameters
    ----------
    contents : files with what is to be in them.

    Raises
    ------
    UsageError : one of them exists with other content, or the last one exists; nothing is written.
    StorageError : one cannot be written.
    """
    *earlier, (last, _) = contents
    refuse_existing(last)
    missing = [(path, content) for path, content in earlier if not path.exists()]
    for path, content in earlier:
        if path.exists() and not _holds(path, content):
            refuse_existing(path)
    for path, content in [*missing, contents[-1]]:
        write_bytes(path, content)


def refuse_existing(path: Path) -> None:
    """Refuse a file that may be the user's work.

    Raises
    ------
    UsageError : it exists.
    """
    if path.exists():
        raise UsageError(f"{path} already exists and is not overwritten. To do: choose another folder")


def append_line(path: Path, text: str) -> None:
    """Append one line of UTF-8 to a log whole or not at all; a new log, and the folders made for it, are its owner's.

    Parameters
    ----------
    path : of the log; it stays as it is if the line cannot be written.
    text : without a line break.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be created or written to.
    """
    content = f"{text}\n".encode()
    with storing(path):
        make_folders(path.parent, private=True)
        is_new = not path.exists()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags, _OWNER_ALONE)
        before = os.fstat(handle).st_size
        whole = False
        try:
            whole = os.write(handle, content) == len(content)
            if not whole:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            if not whole:
                os.ftruncate(handle, before)
            os.close(handle)
            if is_new and not whole:
                path.unlink(missing_ok=True)


def write_json(path: Path, content: object, *, compact: bool = False, private: bool = False) -> None:
    """Write JSON atomically; NaN and infinities become null, NumPy scalars and arrays plain numbers and lists.

    `compact` writes it without line breaks, several times faster: for records that only the program reads. `private` as
    in `written_whole`.
    """
    indent = None if compact else 1
    text = json.dumps(plain(content), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text, private=private)


def read_json(path: Path) -> Any:
    """Read a UTF-8 JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV atomically: comma, decimal point, every float with all its digits, no index.

    A text that a spreadsheet would take for a formula is guarded, see `radstudy.cells`; `read_csv` restores it.
    """
    write_bytes(path, csv_bytes(frame))


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a table that `write_csv` wrote, with all its digits: pandas before 3 loses the last digit of many numbers.

    Parameters
    ----------
    path : of the file.
    options : of `pandas.read_csv`; the names of columns are those that were written.
    """
    import pandas as pd

    exact = {"float_precision": "round_trip"} if int(pd.__version__.partition(".")[0]) < 3 else {}
    by_column = {
        option: {guarded(str(name)): value for name, value in given.items()} if isinstance(given, Mapping) else given
        for option, given in options.items()
    }
    read: pd.DataFrame = pd.read_csv(path, **exact, **by_column)  # type: ignore[call-overload]  # any options
    return _texts_changed(read, unguarded)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The bytes that `write_csv` writes."""
    safe = _texts_changed(frame, guarded)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    if "\r" in text:  # Python's writer leaves it without quotes, and a reader would begin a row there
        text = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8")


def _texts_changed(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Apply `change` to every text of a table and to its column names; return the table itself if none differs."""
    import pandas as pd

    changed = frame
    for place, kind in enumerate(frame.dtypes):
        if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
            continue
        column = frame.iloc[:, place]
        texts = {value for value in column if isinstance(value, str)}
        if new := {text: other for text in texts if (other := change(text)) != text}:
            cells = [new.get(value, value) if isinstance(value, str) else value for value in column]
            typed = object if isinstance(kind, pd.CategoricalDtype) else kind
            changed = changed.copy() if changed is frame else changed
            changed.isetitem(place, pd.Series(cells, index=frame.index, dtype=typed).array)
    names = [change(name) if isinstance(name, str) else name for name in frame.columns]
    return changed if names == list(frame.columns) else changed.set_axis(pd.Index(names), axis="columns")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet atomically, index included."""
    write_bytes(path, frame.to_parquet())


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named NumPy arrays as compressed NPZ atomically."""
    import numpy as np

    memory = io.BytesIO()
    np.savez_compressed(memory, **arrays)
    write_bytes(path, memory.getvalue())


def plain(value: Any) -> Any:
    """The value as JSON can hold it: dictionaries, lists, strings, numbers, booleans, None."""
    if type(value) is float:  # nearly all values: tested first, and by type, which is quicker
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


# --- hashing ---------------------------------------------------------------------------------------------------


def content_hash(content: object) -> str:
    """A hash of plain content (BLAKE2b, 128 bits, hexadecimal); the order of dictionary keys does not matter."""
    text = json.dumps(plain(content), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def file_hash(path: Path) -> str:
    """A hash of a file's bytes (BLAKE2b, 128 bits, hexadecimal)."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def bytes_hash(content: bytes) -> str:
    """The hash that `file_hash` returns for a file with these bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def set_aside(file: Path) -> Path:
    """Rename a file so that its name is free: table1.csv becomes table1.kept-1.csv."""
    ending = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    stem = file.name.removesuffix(ending)
    names = (file.with_name(f"{stem}.kept-{number}{ending}") for number in itertools.count(1))
    free = next(name for name in names if not name.exists())
    take_name(file, free)
    return free
